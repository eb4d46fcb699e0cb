"""One active session for each other device, whatever crosses, restarts or is restored (pairwise §5, P16, P18, P45)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.errors import IntegrityError
from connexa.pairwise import MAX_ARCHIVED, Reason, Reject, SessionSet, dump_session
from tests.pairwise.world import NOW, End, acquainted, two_ends

DAY = 86_400


def _active(end: End) -> bytes:
    return end.sessions.sessions[0].binding.ephemeral


@given(data=st.data())
def test_two_people_who_begin_at_once_lose_nothing_and_agree(data: st.DataObject) -> None:
    ends = two_ends(data.draw(st.integers(1, 20)) * 2)
    queues: tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]] = ([], [])
    sent: tuple[list[bytes], list[bytes]] = ([], [])
    for step in range(data.draw(st.integers(2, 40))):
        who = data.draw(st.integers(0, 1))
        if data.draw(st.booleans()):
            sent[who].append(b"%d" % step)
            queues[1 - who].append(ends[who].send(sent[who][-1]))
        elif queues[who]:
            ends[who].receive(queues[who].pop(0))
    for who in (0, 1, 0, 1):  # everything arrives, in order, and each says one word more
        while queues[who]:
            ends[who].receive(queues[who].pop(0))
        sent[who].append(b"last %d" % len(sent[who]))
        queues[1 - who].append(ends[who].send(sent[who][-1]))
    while queues[0] or queues[1]:
        for who in (0, 1):
            if queues[who]:
                ends[who].receive(queues[who].pop(0))
    assert ends[0].opened == sent[1]
    assert ends[1].opened == sent[0]
    assert _active(ends[0]) == _active(ends[1])


def test_the_first_answer_ends_the_initial_part() -> None:
    alice, bob = two_ends()
    packets = [alice.send(b"%d" % n) for n in range(3)]
    assert all(initial == packets[0][0] for initial, _ in packets)
    for packet in reversed(packets):
        bob.receive(packet)
    assert bob.opened == [b"2", b"1", b"0"]
    alice.receive(bob.send(b"x"))
    assert alice.send(b"y")[0] == b""
    assert alice.sessions.sessions[0].confirmed


def test_archived_sessions_are_few_and_young() -> None:
    alice, bob = acquainted()
    for n in range(MAX_ARCHIVED + 3):
        bob.sessions = SessionSet()
        alice.receive(bob.send(b"%d" % n))
    assert len(alice.sessions.sessions) == 1 + MAX_ARCHIVED
    alice.now = bob.now = NOW + 31 * DAY
    alice.device.renew_prekeys(alice.now)
    alice.receive(bob.send(b"a month later"))
    assert len(alice.sessions.sessions) == 2


def test_an_archived_session_opens_nothing_after_30_days_though_nothing_came_meanwhile() -> None:
    alice, bob = acquainted()
    late, later = bob.send(b"late"), bob.send(b"later")
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"anew"))
    alice.now = NOW + 30 * DAY
    alice.receive(late)
    alice.now = NOW + 31 * DAY
    with pytest.raises(Reject) as refused:
        alice.receive(later)
    assert refused.value.reason is Reason.HEADER
    assert alice.opened[-1] == b"late"


def test_an_unanswered_session_is_not_used_after_30_days() -> None:
    alice, _ = two_ends()
    alice.send(b"x")
    assert alice.sessions.for_sending(NOW + 30 * DAY)
    assert alice.sessions.for_sending(NOW + 31 * DAY) is None
    talking, _ = acquainted()
    assert talking.sessions.for_sending(NOW + 300 * DAY)


def test_sets_are_stored_and_read_strictly() -> None:
    alice, bob = acquainted()
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"x"))
    raw = alice.sessions.dump()
    again = SessionSet.load(raw)
    assert [dump_session(s) for s in again.sessions] == [dump_session(s) for s in alice.sessions.sessions]
    assert SessionSet.load(b"") == SessionSet()
    for broken in (raw[:-1], raw + b"\0", raw + bytes(4), b"\xff" + raw):
        with pytest.raises(IntegrityError):
            SessionSet.load(broken)

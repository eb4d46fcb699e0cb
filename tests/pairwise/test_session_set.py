"""One active session for each other device, whatever crosses, restarts or is restored (pairwise §5, P16, P18, P45)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.errors import IntegrityError
from connexa.pairwise import MAX_ARCHIVED, Reason, Reject, SessionEvent, SessionSet, dump_session
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


def test_p18_a_device_that_begins_anew_is_noticed() -> None:
    alice, bob = acquainted()
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"I lost everything"))
    assert alice.events == [SessionEvent.REPLACED]
    bob.receive(alice.send(b"go on"))
    assert _active(alice) == _active(bob)
    assert len(alice.sessions.sessions) == 2


def test_p45_once_a_newer_session_is_used_older_ones_take_no_step() -> None:
    alice, bob = acquainted()
    old = alice.send(b"in flight on the old session")
    alice.receive(bob.send(b"still the old one"))
    stolen = bob.sessions  # an attacker has this copy of Bob's state
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"anew"))
    bob.receive(alice.send(b"good"))
    alice.receive(bob.send(b"and on"))  # Bob's step on Alice's key: the new session is in use on both sides
    thief = End(bob.device, alice.device, stolen)
    thief.receive(old)
    before = alice.sessions.dump()
    with pytest.raises(Reject) as refused:
        alice.receive(thief.send(b"it is me, Bob"))
    assert refused.value.reason is Reason.STEP
    assert alice.sessions.dump() == before
    assert alice.events == [SessionEvent.REPLACED]


def test_p45_what_was_in_flight_on_the_older_session_still_opens() -> None:
    alice, bob = acquainted()
    alice.receive(bob.send(b"first of a chain"))
    late = bob.send(b"late")
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"anew"))
    bob.receive(alice.send(b"good"))
    alice.receive(bob.send(b"and on"))
    alice.receive(late)
    assert alice.opened[-1] == b"late"
    assert _active(alice) == _active(bob)


def test_p18_a_session_that_comes_back_is_noticed() -> None:
    alice, bob = two_ends()
    bob.receive(alice.send(b"are you there?"))
    alice.now = NOW + 31 * DAY
    bob.device.renew_prekeys(alice.now)
    anew = alice.send(b"I begin anew, as nobody answered")
    bob.now = alice.now
    answer = bob.send(b"I am, on the old session")
    bob.receive(anew)
    alice.receive(answer)
    assert alice.events == [SessionEvent.REVIVED]
    bob.receive(alice.send(b"good"))
    alice.receive(bob.send(b"and on"))
    assert alice.opened == [b"I am, on the old session", b"and on"]
    assert bob.opened[1:] == [b"I begin anew, as nobody answered", b"good"]


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

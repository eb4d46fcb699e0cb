"""P45: once the other side spoke on a newer session, older ones take no DH step and send no more (P16 for stolen copies)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.pairwise import Reason, Reject, SessionEvent, SessionSet
from tests.pairwise.world import NOW, End, acquainted


def _newest(end: End) -> bytes:
    return end.sessions.sessions[0].binding.ephemeral


def test_once_a_newer_session_is_used_older_ones_take_no_step() -> None:
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


def test_what_was_in_flight_on_the_older_session_still_opens() -> None:
    alice, bob = acquainted()
    alice.receive(bob.send(b"first of a chain"))
    late = bob.send(b"late")
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"anew"))
    bob.receive(alice.send(b"good"))
    alice.receive(bob.send(b"and on"))
    alice.receive(late)
    assert alice.opened[-1] == b"late"
    assert _newest(alice) == _newest(bob)


def test_the_first_word_on_a_newer_session_is_enough() -> None:
    alice, bob = acquainted()
    bob.receive(alice.send(b"a chain that the thief can answer"))
    thief = End(bob.device, alice.device, SessionSet.load(bob.sessions.dump()))
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"anew"))
    with pytest.raises(Reject) as refused:
        alice.receive(thief.send(b"on the old session, with a step"))
    assert refused.value.reason is Reason.STEP
    assert alice.sessions.for_sending(NOW) is alice.sessions.sessions[0]


def test_the_answer_to_our_new_session_may_step_whatever_came_on_the_old_one() -> None:
    alice, bob = acquainted()
    bob.sessions = bob.sessions.retired()
    anew = bob.send(b"anew")
    crossing = alice.send(b"on the old one, with a step")
    bob.receive(crossing)
    alice.receive(anew)
    bob.receive(alice.send(b"on the new one"))
    assert bob.opened[-2:] == [b"on the old one, with a step", b"on the new one"]
    assert _newest(alice) == _newest(bob)


@given(data=st.data())
def test_renewing_at_any_time_loses_nothing_that_arrives_in_order(data: st.DataObject) -> None:
    ends = acquainted(data.draw(st.integers(1, 5)))
    opened = [list(end.opened) for end in ends]
    queues: tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]] = ([], [])
    for step in range(data.draw(st.integers(1, 40))):
        who, what = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 8))
        if what == 0:
            ends[who].sessions = ends[who].sessions.after_clone()
        elif what < 5:
            opened[1 - who].append(b"%d" % step)
            queues[1 - who].append(ends[who].send(b"%d" % step))
        elif queues[who]:
            ends[who].receive(queues[who].pop(0))
    _empty(ends, queues)
    for turn in range(8):
        for end in ends:
            end.now = NOW + turn * 43_200
        for who in (0, 1):
            opened[1 - who].append(b"last %d" % turn)
            queues[1 - who].append(ends[who].send(b"last %d" % turn))
        _empty(ends, queues)
    assert [end.opened for end in ends] == opened
    assert _sends_on(ends[0]) == _sends_on(ends[1])


def _empty(ends: tuple[End, End], queues: tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]) -> None:
    for end, queue in zip(ends, queues, strict=True):
        while queue:
            end.receive(queue.pop(0))


def _sends_on(end: End) -> bytes:
    session = end.sessions.for_sending(end.now)
    assert session
    return session.binding.ephemeral

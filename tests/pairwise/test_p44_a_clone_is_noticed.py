"""P44: what begins of each n12 a chain remembers, so that a copy of the other side's keys shows itself at its first message."""

from __future__ import annotations

import pytest

from connexa.pairwise import Clone, Duplicate, Reason, Reject, SessionEvent, SessionSet, decrypt, dump_session, encrypt, load_session
from tests.pairwise.world import NOW, End, acquainted, seeded

RNG = seeded(44)


def _cloned(alice: End) -> End:
    """A second machine with what Alice stores at this moment."""
    return End(alice.device, alice.other, SessionSet.load(alice.sessions.dump()), now=alice.now)


def test_a_restored_copy_that_goes_on_in_its_chain_is_a_clone_and_a_repetition_is_not() -> None:
    alice, bob = acquainted()
    copy = _cloned(alice)
    packet = alice.send(b"from the device")
    bob.receive(packet)
    before = bob.sessions.dump()
    with pytest.raises(Duplicate):
        bob.receive(packet)
    with pytest.raises(Clone) as clone:
        bob.receive(copy.send(b"from the copy"))
    assert (clone.value.user, clone.value.device) == (alice.device.user.id, alice.device.id)
    assert clone.value.reason is Reason.CLONE
    assert bob.sessions.dump() == before


def test_it_makes_no_difference_which_of_the_two_speaks_first() -> None:
    alice, bob = acquainted()
    copy = _cloned(alice)
    bob.receive(copy.send(b"the copy is faster"))
    with pytest.raises(Clone):
        bob.receive(alice.send(b"the device is not"))


def test_a_second_step_from_the_same_place_is_a_clone() -> None:
    alice, bob = acquainted()
    copy = _cloned(alice)
    for _ in range(3):  # each makes a ratchet key of its own; the header key is the same
        bob.receive(alice.send(b"to you"))
    with pytest.raises(Clone):
        bob.receive(copy.send(b"and from me"))
    for _ in range(5):
        copy.send(b"lost")
    with pytest.raises(Clone):
        bob.receive(copy.send(b"ahead of the device"))


def test_a_copy_that_missed_a_whole_turn_is_a_clone() -> None:
    alice, bob = acquainted()
    alice.send(b"so that the step is taken")
    copy = _cloned(alice)
    bob.receive(alice.send(b"to"))
    alice.receive(bob.send(b"fro"))
    bob.receive(alice.send(b"to, in the next chain"))
    with pytest.raises(Clone):
        bob.receive(copy.send(b"in the chain before"))
    copy.send(b"lost")
    with pytest.raises(Clone):
        bob.receive(copy.send(b"behind that chain's end"))


def test_a_late_message_is_remembered_as_well() -> None:
    alice, bob = acquainted()
    bob.receive(alice.send(b"a chain"))
    copy = _cloned(alice)
    late, next_one = alice.send(b"late"), alice.send(b"next")
    bob.receive(next_one)
    bob.receive(late)
    with pytest.raises(Clone):
        bob.receive(copy.send(b"the same number as the late one"))
    with pytest.raises(Duplicate):
        bob.receive(late)


@pytest.mark.parametrize(("behind", "noticed"), [(64, True), (65, False)])
def test_the_last_64_of_a_chain_are_remembered(behind: int, noticed: bool) -> None:
    alice, bob = acquainted()
    bob.receive(alice.send(b"a chain"))
    copy = _cloned(alice)
    for _ in range(behind):
        bob.receive(alice.send(b"x"))
    with pytest.raises(Reject) as refused:
        bob.receive(copy.send(b"an old number"))
    assert isinstance(refused.value, Clone) is noticed
    assert refused.value.reason is (Reason.CLONE if noticed else Reason.DUPLICATE)


def test_the_memory_is_stored_and_small() -> None:
    alice, bob = acquainted()
    a, b = alice.sessions.sessions[0], bob.sessions.sessions[0]
    a, message = encrypt(a, b"x", RNG)
    b, _ = decrypt(b, message, NOW)
    copy = a
    for _ in range(200):
        a, message = encrypt(a, b"x", RNG)
        b, _ = decrypt(b, message, NOW)
        b = load_session(dump_session(b))
    assert len(b.ratchet.receiving.seen) == 2 * 64
    for _ in range(150):
        copy, message = encrypt(copy, b"y", RNG)
    with pytest.raises(Reject) as refused:
        decrypt(b, message, NOW)
    assert refused.value.reason is Reason.CLONE


def test_a_retired_session_is_replaced_before_the_next_message_and_both_go_on() -> None:
    alice, bob = acquainted()
    copy = _cloned(alice)
    bob.receive(alice.send(b"x"))
    with pytest.raises(Clone):
        bob.receive(copy.send(b"y"))
    bob.sessions = bob.sessions.after_clone()
    assert bob.sessions.for_sending(NOW) is None
    assert SessionSet.load(bob.sessions.dump()).for_sending(NOW) is None
    bob.receive(alice.send(b"in flight on the old session"))
    assert bob.sessions.for_sending(NOW) is None
    alice.receive(bob.send(b"anew"))
    assert alice.events == [SessionEvent.REPLACED]
    bob.receive(alice.send(b"and on"))
    assert bob.opened[-1] == b"and on"
    assert bob.sessions.sessions[0].binding.ephemeral == alice.sessions.sessions[0].binding.ephemeral
    with pytest.raises(Reject):
        copy.receive(bob.send(b"not for the copy"))


def test_a_retired_session_is_not_revived() -> None:
    alice, bob = acquainted()
    answered = bob.send(b"sent before")
    bob.sessions = bob.sessions.after_clone()
    bob.send(b"anew, and lost")
    alice.receive(answered)
    bob.receive(alice.send(b"a step on the old session"))
    assert bob.opened[-1] == b"a step on the old session"
    assert bob.events == []
    assert not bob.sessions.sessions[0].retired


def test_a_copy_that_goes_on_speaking_does_not_undo_the_new_session() -> None:
    alice, bob = acquainted()
    copy = _cloned(alice)
    stored = copy.sessions.dump()
    bob.receive(alice.send(b"x"))
    for _ in range(3):
        with pytest.raises(Clone):
            bob.receive(copy.send(b"y"))
        copy.sessions = SessionSet.load(stored)
        bob.sessions = bob.sessions.after_clone()
        alice.receive(bob.send(b"on one new session"))
    assert len(bob.sessions.sessions) == 2

"""P18: a restored state, or two sessions at once, is never accepted silently for ever."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connexa.pairwise import Clone, Session, SessionEvent, SessionSet
from tests.pairwise.world import NOW, End, acquainted, two_ends

DAY = 86_400


def _active(end: End) -> bytes:
    session = end.sessions.for_sending(end.now)
    assert session
    return session.binding.ephemeral


def test_a_device_that_begins_anew_is_noticed() -> None:
    alice, bob = acquainted()
    bob.sessions = SessionSet()
    alice.receive(bob.send(b"I lost everything"))
    assert alice.events == [SessionEvent.REPLACED]
    bob.receive(alice.send(b"go on"))
    assert _active(alice) == _active(bob)
    assert len(alice.sessions.sessions) == 2


def test_an_older_session_that_the_other_side_still_uses_after_a_day_sends_again_and_shows() -> None:
    alice, bob = acquainted()
    alice.sessions = alice.sessions.retired()
    anew = alice.send(b"anew, and Bob cannot open it")
    alice.sessions = SessionSet(tuple(_not_retired(alice)))
    alice.receive(bob.send(b"on the old session"))
    assert alice.events == []
    assert alice.sessions.for_sending(NOW) is alice.sessions.sessions[0]  # it has waited for no day yet
    alice.now = bob.now = NOW + DAY + 1
    alice.receive(bob.send(b"and still on the old one"))
    assert alice.events == [SessionEvent.REVIVED]
    bob.receive(alice.send(b"then we go on here"))
    alice.receive(bob.send(b"good"))
    assert bob.opened[-1] == b"then we go on here"
    assert _active(alice) == _active(bob)
    bob.receive(anew)  # at last it does: the newest session is what both use again
    assert bob.events == [SessionEvent.REPLACED]
    alice.receive(bob.send(b"there it is"))
    assert alice.opened[-1] == b"there it is"
    assert _active(alice) == _active(bob)


def _not_retired(end: End) -> list[Session]:
    return [replace(session, retired=False) for session in end.sessions.sessions]


def test_a_session_that_comes_back_is_noticed() -> None:
    alice, bob = two_ends()
    bob.receive(alice.send(b"are you there?"))
    alice.now = NOW + 31 * DAY
    bob.device.renew_prekeys(alice.now)
    anew = alice.send(b"I begin anew, as nobody answered")
    bob.now = alice.now
    answer = bob.send(b"I am, on the old session")
    bob.receive(anew)
    alice.receive(answer)
    assert bob.events == [SessionEvent.REPLACED]
    bob.receive(alice.send(b"good"))
    alice.receive(bob.send(b"and on"))
    assert alice.opened == [b"I am, on the old session", b"and on"]
    assert bob.opened[1:] == [b"I begin anew, as nobody answered", b"good"]
    assert _active(alice) == _active(bob)


def test_a_restored_device_shows_at_its_first_message() -> None:
    alice, bob = acquainted()
    backup = bob.sessions.dump()
    for _ in range(3):
        alice.receive(bob.send(b"not in the backup"))
    bob.sessions = SessionSet.load(backup)
    before = alice.sessions.dump()
    with pytest.raises(Clone):
        alice.receive(bob.send(b"where was I?"))
    assert alice.sessions.dump() == before


def test_a_restored_device_that_begins_anew_shows() -> None:
    alice, bob = acquainted()
    backup = bob.sessions.dump()
    for _ in range(30):
        alice.receive(bob.send(b"to"))
        bob.receive(alice.send(b"fro"))
    bob.sessions = SessionSet.load(backup).retired()  # it knows that it was restored
    alice.receive(bob.send(b"back again"))
    assert alice.events == [SessionEvent.REPLACED]
    bob.receive(alice.send(b"welcome"))
    assert bob.opened[-1] == b"welcome"
    assert _active(alice) == _active(bob)

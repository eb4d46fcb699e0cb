"""V41 (RFC 9420 §12.2): a proposal of an own type is committed only where all who process the commit list it in their capabilities."""

from __future__ import annotations

from dataclasses import replace

from connexa.mls import ValidationError
from connexa.mls.policy import Rules
from connexa.mls.proposals import Remove, Unknown
from tests.mls.hostile import Hostile
from tests.mls.kit import CAPABILITIES, NOW, Person, Room, refused

KIND = 0xF200
CUSTOM = Unknown(KIND, b"content")
RULES = Rules(custom_proposals={KIND: False})
ABLE = replace(CAPABILITIES, proposals=(KIND,))


def mixed() -> Room:
    """Carol's client does not know the type."""
    room = Room("alice", "bob", rules=RULES, capabilities=ABLE)
    room.add("alice", [Person.make("carol", 9)])
    return room


def test_by_value() -> None:
    room = mixed()
    with refused(room["alice"], rule="V41", error=ValidationError):
        room["alice"].commit(custom=[CUSTOM], now=NOW)
    bob = Hostile(room, "bob")
    for message in (bob.commit(CUSTOM), bob.commit(CUSTOM, path=False), bob.commit(CUSTOM, private=True)):
        for name in ("alice", "carol"):
            with refused(room[name], rule="V41", error=ValidationError):
                room[name].process(message, now=NOW)


def test_by_reference() -> None:
    room = mixed()
    bob = Hostile(room, "bob")
    message, ref = bob.referred(CUSTOM)
    room["alice"].process(message, now=NOW)
    with refused(room["alice"], rule="V41", error=ValidationError):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)
    with refused(room["alice"], rule="V41", error=ValidationError):
        room["alice"].process(bob.commit(ref), now=NOW)
    assert not room["alice"].commit(now=NOW).proposals


def test_who_is_removed_by_it_does_not_process_it() -> None:
    room = mixed()
    staged = room["alice"].commit(custom=[CUSTOM], remove=[room.leaf("carol")], now=NOW)
    room["bob"].process(staged.commit, now=NOW)
    room["bob"].process(Hostile(room, "alice").commit(CUSTOM, Remove(room.leaf("carol"))), now=NOW)


def test_who_comes_by_it_does_not_process_it_either() -> None:
    room = Room("alice", "bob", rules=RULES, capabilities=ABLE)
    newcomer = Person.make("dave", 10)
    bundle = newcomer.bundle()
    staged = room.commit("alice", custom=[CUSTOM], add=[bundle.key_package])
    assert newcomer.join(staged.welcome, bundle, rules=RULES).epoch_authenticator == room["bob"].epoch_authenticator


def test_where_all_know_it_it_is_committed() -> None:
    room = Room("alice", "bob", "carol", rules=RULES, capabilities=ABLE)
    room.deliver("bob", room["bob"].propose_custom(CUSTOM, now=NOW))
    room.commit("carol", custom=[CUSTOM])
    room.agree()

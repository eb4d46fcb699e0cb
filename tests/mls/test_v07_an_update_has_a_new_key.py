"""V07 (RFC 9420 §7.3): an Update brings another encryption key than the leaf that it replaces."""

from __future__ import annotations

from connexa.mls import ValidationError
from connexa.mls.proposals import Update
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused


def test_an_update_with_the_old_key_is_refused() -> None:
    room = Room("alice", "bob", "carol").warm()
    bob = Hostile(room, "bob")
    old = room["bob"].member(bob.leaf).leaf_node.encryption_key
    for private in (False, True):
        message = bob.propose(Update(bob.leaf_node(encryption_key=old)), private=private)
        for name in ("alice", "carol"):
            with refused(room[name], rule="V07", error=ValidationError):
                room[name].process(message, now=NOW)


def test_our_own_updates_have_new_keys() -> None:
    room = Room("alice", "bob")
    keys = set()
    for _ in range(4):
        room["alice"].process(room["bob"].propose_update(now=NOW), now=NOW)
        room.commit("alice")
        keys.add(room["alice"].member(room.leaf("bob")).leaf_node.encryption_key)
    assert len(keys) == 4

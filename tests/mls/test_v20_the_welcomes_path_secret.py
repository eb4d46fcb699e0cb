"""V20 (RFC 9420 §12.4.3.1): the path secret of a Welcome gives the keys that the tree shows, from where the paths meet up to the root."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.framing import MLSMessage
from connexa.mls.welcome import GroupSecrets, Welcome, open_group_secrets
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, SUITE, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")


@pytest.mark.parametrize("secret", [bytes(32), b"", b"x", bytes(33)])
def test_a_secret_of_other_keys(secret: bytes) -> None:
    newcomer = Person.make("newcomer", 47)
    bundle = newcomer.bundle()
    with refused(rule="V20", error=ValidationError):
        newcomer.join(BOB.welcome(bundle, path_secret=secret), bundle)
    assert not newcomer.store.groups


def test_a_secret_of_a_blank_node() -> None:
    room = Room("alice", "bob", "carol")
    room.commit("alice", remove=[room.leaf("carol")])
    bob = Hostile(room, "bob")
    newcomer = Person.make("newcomer", 47)
    bundle = newcomer.bundle()
    tree = bob.tree
    tree.add(bundle.key_package.leaf_node)
    for place in range(1, len(tree.nodes), 2):
        tree.nodes[place] = None
    for leaf, name in ((0, "alice"), (1, "bob")):
        tree.nodes[2 * leaf] = room.people[name].bundle().key_package.leaf_node
    with refused(rule="V20", error=ValidationError):
        newcomer.join(bob.welcome(bundle, tree=tree, path_secret=bytes(32)), bundle)


def opened(raw: bytes, bundle) -> GroupSecrets:
    welcome = MLSMessage.decode(raw).body
    assert isinstance(welcome, Welcome)
    return open_group_secrets(SUITE, welcome, bundle.key_package.ref(SUITE), bundle.init_sk)


def test_the_honest_secret_of_one_newcomer_is_none_for_another_place() -> None:
    room = Room("alice", "bob", "carol", "dave").warm()
    newcomers = [Person.make(f"new{number}", 48 + number) for number in range(2)]
    bundles = [person.bundle() for person in newcomers]
    staged = room["alice"].commit(add=[bundle.key_package for bundle in bundles], update=True, now=NOW)
    secret = opened(staged.welcome, bundles[0]).path_secret
    assert secret is not None
    lower = SUITE.derive_secret(secret, "path")  # one node too high
    author = Hostile(room, "alice")
    author.group.merge(author.group.process(room["bob"].commit(update=True, now=NOW).commit, now=NOW).commit, now=NOW)
    bundle = newcomers[0].bundle()
    for wrong in (secret, lower):
        with refused(rule="V20", error=ValidationError):
            newcomers[0].join(BOB.welcome(bundle, path_secret=wrong), bundle)


def test_honest_ones_hold() -> None:
    room = Room("alice", "bob", "carol").warm()
    newcomer = Person.make("newcomer", 47)
    bundle = newcomer.bundle()
    staged = room.commit("alice", add=[bundle.key_package], update=True)
    assert opened(staged.welcome, bundle).path_secret
    group = newcomer.join(staged.welcome, bundle)
    room.groups["newcomer"] = group
    room.people["newcomer"] = newcomer
    room.commit("bob", update=True)
    room.agree()

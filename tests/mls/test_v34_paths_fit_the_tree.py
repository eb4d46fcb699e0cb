"""V34 (RFC 9420 §7.5, §12.4.2): a path has one node for each of the filtered direct path, and one ciphertext for each key of the resolution
beside it, but for leaves that the same commit adds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.nodes import UpdatePathNode
from connexa.mls.proposals import Add, Remove
from tests.mls.hostile import Hostile, Path
from tests.mls.kit import NOW, SUITE, Person, Room, refused

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
ANOTHER = SUITE.derive_key_pair(b"another").public


def sealed(node: UpdatePathNode, change) -> UpdatePathNode:
    return replace(node, encrypted_path_secret=tuple(change(list(node.encrypted_path_secret))))


DAMAGE = {
    "no nodes": lambda nodes: [],
    "the lowest is missing": lambda nodes: nodes[1:],
    "the highest is missing": lambda nodes: nodes[:-1],
    "one too many": lambda nodes: [*nodes, replace(nodes[-1], encryption_key=ANOTHER)],
    "a ciphertext is missing": lambda nodes: [*nodes[:-1], sealed(nodes[-1], lambda one: one[:-1])],
    "a ciphertext too many": lambda nodes: [*nodes[:-1], sealed(nodes[-1], lambda one: [*one, one[0]])],
    "all ciphertexts are missing": lambda nodes: [sealed(nodes[0], lambda one: []), *nodes[1:]],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("private", [False, True])
def test_a_path_that_does_not_fit(damage: str, warm: bool, private: bool) -> None:
    room = Room(*NAMES)
    if warm:
        room.warm()
    message = Hostile(room, "bob").commit(path=Path(nodes=DAMAGE[damage]), private=private)
    for name in ("alice", "carol", "frank"):
        with refused(room[name], rule="V34", error=ValidationError):
            room[name].process(message, now=NOW)


def test_new_leaves_get_nothing() -> None:
    room = Room(*NAMES).warm()
    bob = Hostile(room, "bob")
    package = Person.make("grace", 30).bundle().key_package
    room["alice"].process(bob.commit(Add(package)), now=NOW)
    everyone: list[int] = []

    def also_the_new(resolution: list[int]) -> list[int]:
        everyone.extend(resolution)
        return [*resolution, 12] if 12 not in everyone and any(node in (9, 8, 10) for node in resolution) else resolution

    message = bob.commit(Add(package), path=Path(sealed_to=also_the_new))
    with refused(room["alice"], rule="V34", error=ValidationError):
        room["alice"].process(message, now=NOW)


def test_paths_leave_out_blank_sides() -> None:
    room = Room(*NAMES).warm()
    room.commit("alice", remove=[room.leaf("carol"), room.leaf("dave")])
    bob = Hostile(room, "bob")
    whole = bob.commit()
    room["alice"].process(whole, now=NOW)
    key = bob.suite.generate_key_pair(bob.rng).public
    more = bob.commit(path=Path(nodes=lambda nodes: [nodes[0], UpdatePathNode(key, ()), *nodes[1:]]))
    with refused(room["alice"], rule="V34", error=ValidationError):
        room["alice"].process(more, now=NOW)
    with refused(room["alice"], rule="V34", error=ValidationError):
        room["alice"].process(bob.commit(Remove(4), path=Path(nodes=lambda nodes: nodes[:-1])), now=NOW)

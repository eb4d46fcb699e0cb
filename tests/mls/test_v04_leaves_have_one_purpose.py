"""V04 (RFC 9420 §7.3): a leaf says what it was made for, and is taken for nothing else."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.proposals import Add, Update
from tests.mls.hostile import Hostile, Path, forge_leaf, forge_package
from tests.mls.kit import LIFETIME, NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
OF_UPDATE: dict = {}
OF_COMMIT = {"parent_hash": b""}
OF_PACKAGE = {"lifetime": LIFETIME}


@pytest.mark.parametrize("purpose", [OF_UPDATE, OF_COMMIT], ids=["update", "commit"])
def test_a_key_package_holds_a_leaf_of_a_key_package(purpose: dict) -> None:
    dave = Person.make("dave", 4)
    package = forge_package(dave, leaf=forge_leaf(dave, group_id=b"room", leaf_index=3, **purpose)).key_package
    alice = ROOM["alice"]
    with refused(alice, rule="V04", error=ValidationError):
        alice.propose_add(package, now=NOW)
    with refused(alice, rule="V04", error=ValidationError):
        alice.commit(add=[package], now=NOW)
    for message in (BOB.propose(Add(package)), BOB.commit(Add(package)), BOB.commit(Add(package), path=False)):
        with refused(alice, rule="V04", error=ValidationError):
            alice.process(message, now=NOW)


@pytest.mark.parametrize("purpose", [OF_PACKAGE, OF_COMMIT], ids=["key package", "commit"])
def test_an_update_holds_a_leaf_of_an_update(purpose: dict) -> None:
    message = BOB.propose(Update(BOB.leaf_node(**purpose)))
    with refused(ROOM["alice"], rule="V04", error=ValidationError):
        ROOM["alice"].process(message, now=NOW)


@pytest.mark.parametrize("purpose", [OF_PACKAGE, OF_UPDATE], ids=["key package", "update"])
def test_a_path_holds_a_leaf_of_a_commit(purpose: dict) -> None:
    def leaf(fields: dict) -> dict:
        return {**{k: v for k, v in fields.items() if k != "parent_hash"}, **purpose}

    message = BOB.commit(path=Path(leaf=leaf))
    for name in ("alice", "carol"):
        with refused(ROOM[name], rule="V04", error=ValidationError):
            ROOM[name].process(message, now=NOW)

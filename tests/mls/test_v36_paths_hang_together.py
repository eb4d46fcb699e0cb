"""V36 (RFC 9420 §7.9.2, §7.5): the committer's leaf names the path above it, and the secrets that are sent give the keys that are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from tests.mls.hostile import Hostile, Path
from tests.mls.kit import NOW, Room, refused

NAMES = ("alice", "bob", "carol", "dave", "erin")
ROOM = Room(*NAMES).warm()
BOB = Hostile(ROOM, "bob")
OTHERS = [name for name in NAMES if name != "bob"]


@pytest.mark.parametrize("parent_hash", [b"", bytes(32), b"x" * 31])
def test_a_leaf_that_names_another_path(parent_hash: bytes) -> None:
    message = BOB.commit(path=Path(leaf=lambda fields: {**fields, "parent_hash": parent_hash}))
    for name in OTHERS:
        with refused(ROOM[name], rule="V36", error=ValidationError):
            ROOM[name].process(message, now=NOW)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_key_that_was_changed_after_the_leaf_was_signed(position: int) -> None:
    key = BOB.suite.generate_key_pair(BOB.rng).public

    def change(nodes: list) -> list:
        return [replace(node, encryption_key=key) if at == position else node for at, node in enumerate(nodes)]

    message = BOB.commit(path=Path(nodes=change))
    for name in OTHERS:
        with refused(ROOM[name], rule="V36", error=ValidationError):
            ROOM[name].process(message, now=NOW)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_key_that_its_secret_does_not_give(position: int) -> None:
    """Hashes, signature and tag are right; only who opens the secret below it can see it."""
    key = BOB.suite.generate_key_pair(BOB.rng).public
    message = BOB.commit(path=Path(publish=lambda at, new: key if at == position else new))
    meeting = {"alice": 0, "carol": 1, "dave": 1, "erin": 2}
    for name in OTHERS:
        if meeting[name] <= position:
            with refused(ROOM[name], rule="V36", error=ValidationError):
                ROOM[name].process(message, now=NOW)


def test_honest_ones_hang_together_in_every_shape() -> None:
    room = Room(*NAMES)
    for name in (*NAMES, *reversed(NAMES)):
        message = Hostile(room, name).commit()
        for group in room.others(name):
            group.process(message, now=NOW)
        room.commit(name, update=True)

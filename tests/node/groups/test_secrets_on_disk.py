"""A group's used keys in the database of a node (V24, V44, V46): after each message, commit and removal no byte of the file holds one.

The file lies open here, without the encryption of its pages, so that free pages and slack are looked through as well; everything else
(the table, secure deletion, the log in front of the file) is the node's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.mls.hostile import Hostile
from tests.mls.kit import AUTH, NOW, Room, seeded
from tests.mls.walk import leaked

from connexa.mls.events import Removed
from connexa.mls.group import Group
from connexa.node.groups.book import Parts
from connexa.node.schema import MIGRATIONS

(TABLE,) = re.findall(r"CREATE TABLE group_part \(.*?\) STRICT, WITHOUT ROWID;", "\n".join(MIGRATIONS), re.S)


class Disk:
    """One member's group in a database file."""

    def __init__(self, path: Path, group: Group) -> None:
        self.path = path
        self.database = apsw.Connection(str(path))
        for pragma in ("journal_mode = wal", "secure_delete = on", "wal_autocheckpoint = 0"):
            self.database.execute(f"PRAGMA {pragma}").fetchall()
        self.database.execute(TABLE)
        self.store = Parts(self.database.execute, 1)
        self.store.save(group.group_id, group._state.parts())
        self.group: Any = Group.open(group.group_id, auth=AUTH, store=self.store, rng=seeded(7))

    def bytes(self) -> bytes:
        """The file once the log in front of it is folded in."""
        self.database.execute("PRAGMA wal_checkpoint(truncate)").fetchall()
        copy = self.path.with_suffix(".copy")
        shutil.copy(self.path, copy)
        return copy.read_bytes()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Room, Disk]]:
    room = Room("alice", "bob", "carol", "dave").warm()
    disk = Disk(tmp_path / "node.db", room["bob"])
    room.groups["bob"] = disk.group
    yield room, disk
    disk.database.close()


def test_the_file_holds_what_the_group_needs(disk: tuple[Room, Disk]) -> None:
    _, bobs = disk
    secrets = bobs.group._state.epoch.secrets
    held = [getattr(secrets, name) for name in secrets.__slots__]
    assert len(leaked(held, bobs.bytes())) == len(held)


def test_no_key_of_a_message_outlives_it(disk: tuple[Room, Disk]) -> None:
    room, bobs = disk
    ratchets = Hostile(room, "carol").epoch.ratchets
    used: list[bytes] = []
    for number in range(8):
        for name in ("alice", "bob"):
            used.append(ratchets.reach(room.leaf(name), 1, number).key.key)
            room.deliver(name, room[name].encrypt(b"%d" % number))
            assert not leaked(used, bobs.bytes()), (number, name)


def test_no_secret_of_an_epoch_outlives_it(disk: tuple[Room, Disk]) -> None:
    room, bobs = disk
    for by, what in (("bob", {"update": True}), ("alice", {"update": True}), ("carol", {"remove": [3]})):
        epoch = bobs.group._state.epoch
        kept = (epoch.secrets.resumption_psk, epoch.secrets.sender_data_secret)
        gone = [secret for name in epoch.secrets.__slots__ if (secret := getattr(epoch.secrets, name)) not in kept]
        keys = {key.public: key.raw for key in epoch.path.node_keys.values()}
        room.commit(by, **what)
        new = {key.public for key in bobs.group._state.epoch.path.node_keys.values()}
        gone += [raw for public, raw in keys.items() if public not in new]
        assert not leaked(gone, bobs.bytes()), by


def test_nothing_is_left_of_who_was_removed(disk: tuple[Room, Disk]) -> None:
    room, bobs = disk
    epoch = bobs.group._state.epoch
    held = [getattr(epoch.secrets, name) for name in epoch.secrets.__slots__]
    held += [epoch.path.leaf_key.raw, *(key.raw for key in epoch.path.node_keys.values())]
    assert leaked(held, bobs.bytes())
    staged = room["alice"].commit(remove=[room.leaf("bob")], now=NOW)
    assert isinstance(bobs.group.process(staged.commit, now=NOW), Removed)
    assert not leaked(held, bobs.bytes())
    assert bobs.store.load(b"room") is None

"""What stands beside an epoch, with its room key sealed to each device: opened by whoever is in, believed from whoever was in with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.node.groups.test_moving import A, found, garden, play, until

from connexa.content import RoomRecord, SharedState, write_state
from connexa.errors import IntegrityError
from connexa.node.account import load_account
from connexa.node.groups.book import GroupRow, all_groups
from connexa.node.groups.records import believed_record
from connexa.testing import World
from connexa.testing.world import Device
from connexa.wire.v1.groups_pb2 import GroupRecord


def beside(world: World) -> bytes:
    return GroupRecord.FromString(world.houses[A].read("SELECT record FROM group_record")[0][0]).sealed


def row_of(device: Device, known: SharedState | None = None) -> GroupRow:
    (row,) = all_groups(device.read, 1)
    return replace(row, raw_shared=write_state(known)) if known else row


def believed(device: Device, row: GroupRow, sealed: bytes) -> RoomRecord:
    """The record as a device reads it that has no room key."""
    query = device.node._home.database.read
    return believed_record(query, device.node._home, load_account(query, 1), row, sealed, [])


def refusal(device: Device, row: GroupRow, sealed: bytes) -> str:
    with pytest.raises(IntegrityError) as refused:
        believed(device, row, sealed)
    return refused.value.code


def test_a_room_key_that_lies_there_is_believed_from_those_who_were_in_and_no_earlier(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        shared, sealed = row_of(carol).shared, beside(world)
        for one in (alice, bob, carol):
            assert believed(one, row_of(one), sealed).state == shared
        own = [card for card in shared.cards if card.user == load_account(carol.read, 1).user_id]
        alone = replace(shared, cards=tuple(own), people=tuple(one for one in shared.people if one.user == own[0].user))
        assert refusal(carol, row_of(carol, alone), sealed) == "group.bad_record"
        # A key for another device, and a device that is not in yet.
        assert refusal(carol, replace(row_of(carol), alias=row_of(bob).alias), sealed) == "seal.broken"
        assert refusal(carol, replace(row_of(carol), raw_shared=b""), sealed) == "seal.broken"
        # What was true, and is not any more.
        await alice.node.groups().rename(garden(alice).id, "Orchard")
        await until(carol, lambda view: view.name == "Orchard", "the name")
        assert refusal(carol, row_of(carol), sealed) == "group.bad_record"
        assert believed(carol, row_of(carol), beside(world)).state.name == "Orchard"

    play(tmp_path, story)

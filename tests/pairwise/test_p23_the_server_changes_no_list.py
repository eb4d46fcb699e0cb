"""P23: a server cannot add, drop or roll back a device: lists are signed, numbered and chained."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from connexa.crypto import Kind
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import (
    DeviceCertificate,
    body_hash,
    follow_device_lists,
    issue_device_certificate,
    issue_device_list,
    next_device_list,
    read_device_list,
)
from connexa.testing import Device as NodeDevice
from connexa.testing import World
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import Signed
from tests.pairwise.world import NOW, Device

ALICE, BOB = "alice@a.example", "bob@b.example"
DESK, PHONE, TABLET, EVE = Device.make("b", 1), Device.make("b", 2), Device.make("b", 3), Device.make("e", 4)
OWNER = DESK.user


def certified(device: Device) -> Signed:
    """The certificate of a device as one of the owner's."""
    return issue_device_certificate(DeviceCertificate(OWNER.id, device.id, device.dsk.public, device.dik.public, NOW + 10**8), OWNER)


CERTIFICATES = [certified(device) for device in (DESK, PHONE, TABLET)]
FIRST = next_device_list(None, OWNER, CERTIFICATES[:1], NOW)
SECOND = next_device_list(FIRST, OWNER, CERTIFICATES[:2], NOW)
THIRD = next_device_list(SECOND, OWNER, CERTIFICATES, NOW)


def test_every_bit_of_a_list_is_signed() -> None:
    for position in range(len(SECOND.body)):
        body = bytearray(SECOND.body)
        body[position] ^= 1
        with pytest.raises(ConnexaError):
            follow_device_lists(FIRST, [Signed(body=bytes(body), signature=SECOND.signature)], OWNER.public, NOW)
    for position in range(64):
        signature = bytearray(SECOND.signature)
        signature[position] ^= 1
        with pytest.raises(IntegrityError):
            follow_device_lists(FIRST, [Signed(body=SECOND.body, signature=bytes(signature))], OWNER.public, NOW)


def test_a_device_that_the_owner_did_not_sign_is_in_no_list() -> None:
    added = keys_pb2.DeviceList.FromString(THIRD.body)
    added.devices.add(device=EVE.id, certificate=body_hash(certified(EVE)))
    raw = added.SerializeToString()
    for signature in (THIRD.signature, EVE.user.key.sign(Kind.DEVICE_LIST, raw), OWNER.key.sign(Kind.DEVICE, raw)):
        with pytest.raises(IntegrityError):
            follow_device_lists(SECOND, [Signed(body=raw, signature=signature)], OWNER.public, NOW)


def test_a_list_is_neither_rolled_back_nor_skipped_nor_forked() -> None:
    other = next_device_list(FIRST, OWNER, [CERTIFICATES[0], CERTIFICATES[2]], NOW)  # the owner's own, from a second primary
    onto_other = next_device_list(other, OWNER, CERTIFICATES[:1], NOW)
    for known, given, code in (
        (SECOND, [FIRST], "devices.rollback"),
        (THIRD, [FIRST, SECOND], "devices.rollback"),
        (FIRST, [THIRD], "devices.gap"),
        (SECOND, [other], "devices.fork"),
        (SECOND, [onto_other], "devices.fork"),
        (FIRST, [other, THIRD], "devices.fork"),
    ):
        with pytest.raises(IntegrityError) as refused:
            follow_device_lists(known, given, OWNER.public, NOW)
        assert refused.value.code == code
    assert follow_device_lists(FIRST, [SECOND, THIRD], OWNER.public, NOW) == THIRD


def test_a_dropped_device_would_need_the_owners_signature() -> None:
    shorter = read_device_list(THIRD, OWNER.public)
    with pytest.raises(IntegrityError):
        issue_device_list(replace(shorter, devices=shorter.devices[:1]), EVE.user)
    forged = Signed(
        body=keys_pb2.DeviceList(user=OWNER.id, version=4, previous=body_hash(THIRD)).SerializeToString(), signature=THIRD.signature
    )
    with pytest.raises(IntegrityError):
        follow_device_lists(THIRD, [forged], OWNER.public, NOW)


# Through two homeservers, of which Bob's lies about his devices.


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path) as opened:
        yield opened


async def until_warned(device: NodeDevice, code: str) -> None:
    def look() -> bool | None:
        return any(one.kind == "trust.warning" and one.fields["code"] == code for one in device.node.replay()) or None

    await device.until(look, what=code)


async def test_a_homeserver_that_shows_contacts_an_older_list_gets_no_mail_for_it(world: World) -> None:
    (alice,), (desk, phone) = await world.person(ALICE), await world.person(BOB, devices=2)
    await world.befriend(alice, desk)
    await alice.node.send("", BOB, "to both")
    await phone.until_text(ALICE, "to both")
    alice.node._home.database.execute("UPDATE person SET looked_week = 0")  # a new week: she looks again
    world.houses["b.example"].server.database.execute("DELETE FROM device_list WHERE version > 1")
    sent = await alice.node.send("", BOB, "kept")
    await until_warned(alice, "devices.rollback")
    assert alice.node.message("", sent.id).message.state == "queued"
    assert alice.node.contact("", BOB).devices == 2


async def test_a_homeserver_that_shows_a_device_an_older_list_of_its_own_person_is_not_believed(world: World) -> None:
    desk, phone = await world.person(BOB, devices=2)
    await phone.stop()
    world.houses["b.example"].server.database.execute("DELETE FROM device_list WHERE version > 1")
    await phone.start()
    await until_warned(phone, "devices.rollback")
    assert [one.listed for one in phone.node.devices()] == [True, True]
    assert desk.node.account().devices == 2

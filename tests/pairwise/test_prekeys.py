"""Prekeys: what a signature covers, which ids and times are taken, sealed-sender keys for one week."""

from __future__ import annotations

import pytest

from connexa.crypto import InvalidSignature, Kind
from connexa.errors import IntegrityError
from connexa.identity import ListedDevice
from connexa.identity.statement import seal_statement
from connexa.pairwise import (
    is_last_resort,
    read_prekey,
    verify_bundle,
    week_of,
)
from connexa.wire.v1.keys_pb2 import Prekey, PrekeyBundle, Signed
from tests.pairwise.world import NOW, Device

BOB, MALLORY = Device.make("b", 2), Device.make("m", 3)
DAY = 86_400


def _forge(kind: Kind, signed: Signed, **changes: object) -> Signed:
    """The same prekey with other fields, signed by the same device."""
    message = Prekey.FromString(signed.body)
    for name, value in changes.items():
        setattr(message, name, value)
    return seal_statement(kind, message, BOB.dsk)


def test_a_bundle_holds() -> None:
    bundle = BOB.bundle()
    assert (bundle.spk_id, bundle.kem_id, bundle.seal_key.id) == (7, 21, week_of(NOW))
    assert bundle.one_time == BOB.one_time[1].x25519.public
    last = BOB.bundle(last_resort=True)
    assert last.one_time is None
    assert is_last_resort(last.kem_id)
    assert last.kem == BOB.last_resort[1].public


def test_one_time_and_last_resort_ids_are_disjoint() -> None:
    for kind, signed, number in ((Kind.OTP, BOB.one_time[0], 1 << 31 | 5), (Kind.KEM_LR, BOB.last_resort[0], 5)):
        with pytest.raises(IntegrityError):
            read_prekey(kind, _forge(kind, signed, id=number), BOB.certificate, NOW)


def test_a_bundle_of_another_device_is_refused() -> None:
    message = BOB.bundle_message()
    verify_bundle(message, BOB.user.public, BOB.listed, NOW)
    for listed in (ListedDevice(MALLORY.id, BOB.listed.certificate), ListedDevice(BOB.id, bytes(32))):
        with pytest.raises(IntegrityError):
            verify_bundle(message, BOB.user.public, listed, NOW)
    with pytest.raises(InvalidSignature):
        verify_bundle(message, MALLORY.user.public, BOB.listed, NOW)


@pytest.mark.parametrize("part", ["spk", "sek", "one_time"])
def test_parts_of_others_do_not_make_a_bundle(part: str) -> None:
    mixed = PrekeyBundle()
    mixed.CopyFrom(BOB.bundle_message())
    getattr(mixed, part).CopyFrom(getattr(MALLORY.bundle_message(), part))
    with pytest.raises(IntegrityError):
        verify_bundle(mixed, BOB.user.public, BOB.listed, NOW)
    mixed.ClearField(part)
    with pytest.raises(IntegrityError):
        verify_bundle(mixed, BOB.user.public, BOB.listed, NOW)

"""Prekeys: what a signature covers, which ids and times are taken, sealed-sender keys for one week (P29, P47)."""

from __future__ import annotations

import pytest

from connexa.crypto import InvalidSignature, Kind
from connexa.errors import IntegrityError
from connexa.identity import ListedDevice
from connexa.identity.statement import seal_statement
from connexa.pairwise import (
    KEEP_OLD,
    PREKEY_LIFE,
    ROTATE_AFTER,
    is_last_resort,
    make_seal_key,
    read_prekey,
    verify_bundle,
    verify_seal_key,
    week_of,
)
from connexa.wire import WEEK_SECONDS
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


def test_p29_prekeys_age() -> None:
    assert (ROTATE_AFTER, PREKEY_LIFE, KEEP_OLD) == (7 * DAY, 30 * DAY, 30 * DAY)
    read_prekey(Kind.SPK, BOB.spk[0], BOB.certificate, NOW + PREKEY_LIFE)
    with pytest.raises(IntegrityError, match="expired"):
        read_prekey(Kind.SPK, BOB.spk[0], BOB.certificate, NOW + PREKEY_LIFE + DAY)


def test_p47_a_seal_key_is_for_its_week() -> None:
    week = week_of(NOW)
    assert verify_seal_key(BOB.sek[0], BOB.certificate, NOW).id == week
    for other in (week - 1, week + 1, week + 7):
        signed, _ = make_seal_key(BOB.owner, other, BOB.rng)
        with pytest.raises(IntegrityError):
            verify_seal_key(signed, BOB.certificate, NOW)
    ahead, _ = make_seal_key(BOB.owner, week + 7, BOB.rng)
    assert read_prekey(Kind.SEK, ahead, BOB.certificate, NOW).id == week + 7  # a homeserver takes it now


@pytest.mark.parametrize("changes", [{"id": 5}, {"starts": 0}, {"expires": NOW + 10 * WEEK_SECONDS}])
def test_p47_nobody_is_tagged_by_a_key_of_their_own(changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        verify_seal_key(_forge(Kind.SEK, BOB.sek[0], **changes), BOB.certificate, NOW)


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

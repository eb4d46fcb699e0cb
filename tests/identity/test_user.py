from __future__ import annotations

import pytest

from connexa.crypto import InvalidKey, Kind, sha256
from connexa.errors import IntegrityError
from connexa.identity import UserId, UserPublic, UserSecret, fingerprint_text
from connexa.testing import SeededRandom

from .people import NOW, WEAK_KEYS, person


def test_the_id_is_the_v6_fingerprint_of_the_packet():
    public = person("alice").public
    assert public.packet[:10] == bytes.fromhex("06") + (NOW - 3600).to_bytes(4, "big") + bytes.fromhex("1B00000020")
    assert public.id == sha256(b"\x9b\x00\x00\x00\x2a" + public.packet)
    assert UserPublic.from_packet(public.packet) == public


def test_i34_the_same_seed_and_time_give_the_same_person():
    alice = UserSecret.generate(SeededRandom(1), NOW)
    assert alice.created == NOW - 3600
    assert UserSecret(alice.seed, alice.created).id == alice.id
    assert UserSecret(alice.seed, alice.created + 1).id != alice.id


def test_the_keys_of_a_seed_are_apart():
    alice = person("alice")
    assert len({alice.seed, alice.key.seed, alice.encryption_key(0).raw, alice.encryption_key(1).raw}) == 4


def test_a_user_secret_shows_nothing():
    alice = person("alice")
    assert alice.seed.hex() not in repr(alice)
    assert repr(alice.seed) not in repr(alice)
    with pytest.raises(TypeError):
        assert alice == person("alice")


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p[:-1],
        lambda p: p + b"\0",
        lambda p: b"\x04" + p[1:],
        lambda p: p[:5] + b"\x16" + p[6:],
        lambda p: p[:9] + b"\x21" + p[10:],
        lambda p: b"",
    ],
)
def test_other_packets_are_refused(change):
    with pytest.raises(IntegrityError):
        UserPublic.from_packet(change(person("alice").public.packet))


@pytest.mark.parametrize("weak", WEAK_KEYS)
def test_i02_a_weak_user_key_is_refused(weak):
    with pytest.raises(InvalidKey):
        UserPublic.from_packet(person("alice").public.packet[:10] + weak)


def test_fingerprints_read_in_groups_of_four():
    assert fingerprint_text(UserId(bytes(range(32)))).split(" ")[:3] == ["0001", "0203", "0405"]
    assert len(fingerprint_text(UserId(bytes(32))).split(" ")) == 16


@pytest.mark.parametrize("kind", ["nobody", "spk ", "", "Device"])
def test_i93_an_unknown_kind_is_neither_signed_nor_verified(kind):
    alice = person("alice")
    with pytest.raises(ValueError, match="kind"):
        alice.key.sign(kind, bytes(64))
    with pytest.raises(ValueError, match="kind"):
        alice.public.key.verify(kind, bytes(64), bytes(64))


def test_i93_the_registry_holds_the_kinds_of_every_statement():
    assert {
        "server-info",
        "domain-rotation",
        "attestation",
        "sender",
        "device",
        "device-list",
        "frank",
        "key-package",
        "commit-reject",
        "group-admins",
        "group-take-over",
        "hub-heartbeat",
        "login",
    } <= {kind.value for kind in Kind}

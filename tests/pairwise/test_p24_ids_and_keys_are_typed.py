"""P24: device and user ids, and keys of different types, are never taken for each other, though their bytes may be the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

import connexa.identity
import connexa.pairwise
from connexa.content import Text
from connexa.crypto import Ed25519Public, Ed25519Secret, Kind, MlKemSecret, X25519Public, X25519Secret
from connexa.errors import IntegrityError
from connexa.identity.statement import seal_statement
from connexa.node.devices import keep_list
from connexa.pairwise import read_prekey
from connexa.testing import FakeClock, SeededRandom
from connexa.wire.v1.keys_pb2 import Prekey
from tests.node.correspondents import Device as NodeDevice
from tests.node.correspondents import befriend, open_device
from tests.pairwise.world import NOW, Device

BOB = Device.make("b", 2)


def test_p24_keys_of_different_types_are_never_equal() -> None:
    signing = Ed25519Secret(bytes(32)).public
    agreement = X25519Public(signing.raw)
    assert signing.raw == agreement.raw
    assert signing != agreement and hash(signing) != hash(agreement)
    assert signing == Ed25519Public(signing.raw) and agreement == X25519Public(signing.raw)


def test_p24_secrets_of_different_types_are_never_compared() -> None:
    for one in (X25519Secret(bytes(range(32))), Ed25519Secret(bytes(range(32))), MlKemSecret(bytes(64))):
        for other in (X25519Secret(bytes(range(32))), bytes(range(32)), one):
            with pytest.raises(TypeError):
                _ = one == other


def test_p24_ids_are_declared_with_their_types_wherever_they_are_kept() -> None:
    """The type checker refuses one in the place of the other, as long as nothing is declared as mere bytes."""
    kept = {"user": "UserId", "device": "DeviceId"}
    seen = 0
    for room in (connexa.identity, connexa.pairwise):
        for name in room.__all__:
            thing = getattr(room, name)
            if is_dataclass(thing):
                for field in fields(thing):
                    word = field.name.rpartition("_")[2]
                    if word in kept and "bytes" in str(field.type):
                        raise AssertionError(f"{name}.{field.name} is {field.type}")
                    seen += word in kept and field.type == kept[word]
    assert seen > 10


def test_p24_a_device_id_in_the_place_of_a_user_id_is_refused() -> None:
    message = Prekey.FromString(BOB.spk[0].body)
    message.user, message.device = BOB.id, BOB.user.id
    with pytest.raises(IntegrityError):
        read_prekey(Kind.SPK, seal_statement(Kind.SPK, message, BOB.dsk), BOB.certificate, NOW)


async def test_p24_a_stranger_who_takes_a_device_id_does_not_stand_in_its_owners_way(
    pair: tuple[NodeDevice, NodeDevice], tmp_path: Path, clock: FakeClock
) -> None:
    alice, bob = pair
    rng = SeededRandom(9)
    key = Ed25519Secret.generate(rng)
    mallory = await open_device(tmp_path / "mallory.db", clock, rng, "mallory@c.example", key, device=alice.account.device)
    bob.pin("c.example", key)
    await bob.take(bob.pushed(await mallory.write([bob], Text("I was first"), "stranger", counter=1)))
    await befriend(alice, bob)
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), counter=1)))
    await alice.take(alice.pushed(await bob.write([alice], Text("hello Alice"), counter=1)))
    await bob.take(bob.pushed(await alice.write([bob], Text("and again"), counter=2)))
    assert bob.texts() == ["I was first", "hello", "and again"]
    assert alice.texts() == ["hello Alice"]
    assert bob.undecryptable() == 0
    # A list of the stranger's without that id forgets the stranger's sessions, not the contact's.
    stranger = bob.person(mallory)
    assert stranger.devices is not None
    without = replace(stranger.devices, devices=())
    await bob.home.change(lambda execute: keep_list(execute, bob.number, stranger.id, without))
    await bob.take(bob.pushed(await alice.write([bob], Text("still here"), counter=3)))
    assert bob.texts()[-1] == "still here"
    await mallory.home.writer.close()
    mallory.home.database.close()

"""V13 (RFC 9420 §10.1): a key package is of the group's version and suite, signed, and its two encryption keys are two."""

from __future__ import annotations

import pytest

from connexa.mls import MLSError
from connexa.mls.codec import decode
from connexa.mls.framing import MLSMessage
from connexa.mls.key_package import KeyPackage
from connexa.mls.suite import get_suite
from tests.mls.hostile import Hostile, add_refused, forge_package
from tests.mls.kit import NOW, SUITE, Person, Room

ROOM = Room("alice", "bob", "carol")
BOB = Hostile(ROOM, "bob")


@pytest.mark.parametrize("version", [0, 2, 0x0A0A, 0xFFFF])
def test_another_version(version: int) -> None:
    add_refused(ROOM, BOB, forge_package(Person.make("dave", 4), version=version).key_package, "V13")


@pytest.mark.parametrize("number", [0, 2, 3, 4, 5, 0xF647])
def test_another_suite(number: int) -> None:
    add_refused(ROOM, BOB, forge_package(Person.make("dave", 4), cipher_suite=number).key_package, "V13")


def test_a_whole_package_of_another_suite() -> None:
    add_refused(ROOM, BOB, Person.make("dave", 4, get_suite(3)).bundle().key_package, "V13")


def test_one_key_for_two_purposes() -> None:
    dave = Person.make("dave", 4)
    key = SUITE.generate_key_pair(dave.rng)
    package = forge_package(dave, init=key, encryption=key).key_package
    assert package.init_key == package.leaf_node.encryption_key
    add_refused(ROOM, BOB, package, "V13")


def test_an_unsigned_one() -> None:
    package = Person.make("dave", 4).bundle().key_package
    broken = decode(KeyPackage.read, package.raw[:-1] + bytes([package.raw[-1] ^ 1]))
    add_refused(ROOM, BOB, broken, "V13")


def test_one_signed_by_somebody_else() -> None:
    dave = Person.make("dave", 4)
    honest = dave.bundle()
    package = forge_package(dave, leaf=honest.key_package.leaf_node, signer=ROOM.people["carol"].signer).key_package
    add_refused(ROOM, BOB, package, "V13")


def test_every_bit_counts() -> None:
    package = Person.make("dave", 4).bundle().key_package
    for at in range(len(package.raw)):
        raw = package.raw[:at] + bytes([package.raw[at] ^ 1]) + package.raw[at + 1 :]
        with pytest.raises(MLSError) as caught:
            ROOM["alice"].commit(add=[b"\0\1\0\5" + raw], now=NOW)
        assert caught.value.rule in {"V01", "V02", "V03", "V04", "V11", "V13", "V42", "V45"}, at


def test_an_honest_one_comes_as_message_or_read() -> None:
    bundle = Person.make("dave", 4).bundle()
    room = Room("alice", "bob")
    room["alice"].propose_add(MLSMessage(bundle.key_package).encode(), now=NOW)
    room["alice"].commit(now=NOW)

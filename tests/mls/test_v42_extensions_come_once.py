"""V42 (RFC 9420 §13, §13.5): no list holds two extensions of one type; unknown and GREASE values are ignored, and count for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.codec import V, decode, vec
from connexa.mls.extensions import Extensions, RequiredCapabilities
from connexa.mls.framing import MLSMessage
from connexa.mls.key_package import KeyPackage
from connexa.mls.policy import Rules
from connexa.mls.proposals import GroupContextExtensions, Unknown
from connexa.mls.registry import GREASE
from connexa.mls.welcome import GroupInfo
from tests.mls.hostile import Hostile
from tests.mls.kit import CAPABILITIES, LIFETIME, NOW, SUITE, Person, Room, refused

ROOM = Room("alice", "bob", "carol")
BOB = Hostile(ROOM, "bob")


def twice(kind: int, first: bytes = b"1", second: bytes = b"2") -> bytes:
    return vec(kind.to_bytes(2, "big") + V(content) for content in (first, second))


@pytest.mark.parametrize("kind", [1, 3, 5, 0xF100, 0x0A0A])
def test_no_list_is_made_or_read_with_two(kind: int) -> None:
    with refused(rule="V42", error=ValidationError):
        Extensions(((kind, b"1"), (0xF111, b""), (kind, b"2")))
    for second in (b"1", b"2"):
        with refused(rule="V42", error=ValidationError):
            decode(Extensions.read, twice(kind, b"1", second))


@pytest.mark.parametrize("where", ["leaf", "package"])
def test_in_a_key_package(where: str) -> None:
    dave = Person.make("dave", 9)
    bundle = dave.bundle(extensions=Extensions(((0xF1FF, b""),)) if where == "package" else Extensions())
    raw = bundle.key_package.raw
    if where == "package":
        damaged = raw.replace(Extensions(((0xF1FF, b""),)).encode(), twice(0xF1FF, b"", b""))
    else:
        at = raw.index(LIFETIME.encode()) + 16
        damaged = raw[:at] + twice(0xF100) + raw[at + 1 :]
    assert damaged != raw
    for act in (
        lambda: ROOM["alice"].propose_add(b"\0\1\0\5" + damaged, now=NOW),
        lambda: ROOM["alice"].commit(add=[b"\0\1\0\5" + damaged], now=NOW),
        lambda: MLSMessage.decode(b"\0\1\0\5" + damaged),
    ):
        with refused(ROOM["alice"], rule="V42", error=ValidationError):
            act()
    assert KeyPackage.read(raw, 0)[0].ref(SUITE)


def test_in_the_groups_context() -> None:
    honest = BOB.propose(GroupContextExtensions(Extensions(((0xF100, b"1"), (0xF101, b"2")))))
    damaged = honest.replace(b"\xf1\1\1\x32", b"\xf1\0\1\x32")
    assert damaged != honest
    with refused(ROOM["alice"], rule="V42", error=ValidationError):
        ROOM["alice"].process(damaged, now=NOW)


def test_in_a_group_info() -> None:
    honest = ROOM["alice"].group_info(extensions=Extensions(((0xF100, b"1"), (0xF101, b"2"))))
    damaged = honest.replace(b"\xf1\1\1\x32", b"\xf1\0\1\x32")
    assert damaged != honest
    newcomer = Person.make("dave", 9)
    with refused(rule="V42", error=ValidationError):
        newcomer.external_join(damaged)
    assert not newcomer.store.groups


def test_grease_is_ignored_everywhere() -> None:
    values = tuple(sorted(GREASE))
    greasy = replace(
        CAPABILITIES,
        versions=(1, *values),
        cipher_suites=(*CAPABILITIES.cipher_suites, *values),
        extensions=values,
        proposals=values,
        credentials=(1, *values),
    )
    room = Room("alice", "bob")
    dave = Person.make("dave", 9)
    bundle = dave.bundle(
        capabilities=greasy,
        extensions=Extensions(((values[3], b"grease"),)),
        leaf_extensions=Extensions(((values[5], b"grease"),)),
    )
    staged = room.commit("alice", add=[bundle.key_package], welcome_extensions=Extensions(((values[7], b"grease"),)))
    group = dave.join(staged.welcome, bundle)
    assert group.epoch_authenticator == room["bob"].epoch_authenticator
    info = MLSMessage.decode(group.group_info(extensions=Extensions(((values[8], b"grease"),)))).body
    assert isinstance(info, GroupInfo)
    Person.make("erin", 10).external_join(MLSMessage(info).encode())


@pytest.mark.parametrize("value", sorted(GREASE)[:3])
def test_grease_is_no_capability(value: int) -> None:
    """Whoever lists it supports nothing by it: it can be neither required nor used."""
    greasy = replace(CAPABILITIES, extensions=(value,), proposals=(value,), credentials=(1, value))
    rules = Rules(custom_proposals={value: False})
    room = Room("alice", "bob", capabilities=greasy, rules=rules)
    alice, bob = room["alice"], Hostile(room, "bob")
    for required in (RequiredCapabilities((value,)), RequiredCapabilities((), (value,)), RequiredCapabilities((), (), (value,))):
        extensions = Extensions().with_required_capabilities(required)
        with refused(alice, rule="V30", error=ValidationError):
            alice.commit(extensions=extensions, now=NOW)
        with refused(alice, rule="V30", error=ValidationError):
            alice.process(bob.commit(GroupContextExtensions(extensions), extensions=extensions), now=NOW)
    with refused(alice, rule="V30", error=ValidationError):
        alice.commit(extensions=Extensions(((value, b""),)), now=NOW)
    with refused(alice, rule="V41", error=ValidationError):
        alice.commit(custom=[Unknown(value, b"")], now=NOW)
    with refused(alice, rule="V41", error=ValidationError):
        alice.process(bob.commit(Unknown(value, b"")), now=NOW)


def test_unknown_values_in_capabilities_are_ignored() -> None:
    room = Room("alice", "bob")
    odd = replace(CAPABILITIES, extensions=(7, 0xEEEE, 0xEEEE), proposals=(0xABCD,), versions=(1, 99), cipher_suites=(1, 0x4444))
    room.add("alice", [Person.make("dave", 9)], capabilities=odd)
    room.agree()

"""V30 (RFC 9420 §12.1.7, §12.2): a commit changes the group's extensions once, to what everybody supports: they replace, not merge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.extensions import Extensions, RequiredCapabilities
from connexa.mls.proposals import Add, GroupContextExtensions, Remove
from tests.mls.hostile import Hostile, add_refused
from tests.mls.kit import CAPABILITIES, NOW, Person, Room, refused

ABLE = replace(CAPABILITIES, extensions=(0xF100, 0xF101), proposals=(0xF200,))
ONE, TWO = Extensions(((0xF100, b"1"),)), Extensions(((0xF101, b"2"),))
UNKNOWN = Extensions(((0xF102, b""),))


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol", capabilities=ABLE).warm()


def test_once_a_commit(room: Room) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    for second in (ONE, TWO):
        with refused(alice, rule="V30", error=ValidationError):
            alice.process(bob.commit(GroupContextExtensions(ONE), GroupContextExtensions(second), extensions=second), now=NOW)
    message, ref = bob.referred(GroupContextExtensions(ONE))
    alice.process(message, now=NOW)
    with refused(alice, rule="V30", error=ValidationError):
        alice.commit(extensions=TWO, by_ref=[ref.ref], now=NOW)
    with refused(alice, rule="V30", error=ValidationError):
        alice.process(bob.commit(ref, GroupContextExtensions(TWO), extensions=TWO), now=NOW)


@pytest.mark.parametrize(
    "extensions",
    [
        UNKNOWN,
        Extensions((*ONE.entries, *UNKNOWN.entries)),
        Extensions().with_required_capabilities(RequiredCapabilities(extensions=(0xF102,))),
        Extensions().with_required_capabilities(RequiredCapabilities(proposals=(0xF201,))),
        Extensions().with_required_capabilities(RequiredCapabilities(credentials=(1, 2))),
    ],
)
def test_only_what_everybody_supports(room: Room, extensions: Extensions) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    with refused(alice, rule="V30", error=ValidationError):
        alice.commit(extensions=extensions, now=NOW)
    commit = bob.commit(GroupContextExtensions(extensions), extensions=extensions)
    with refused(alice, rule="V30", error=ValidationError):
        alice.process(commit, now=NOW)
    erin = Person.make("erin", 7)
    with refused(rule="V30" if extensions.required_capabilities is None else "V09", error=ValidationError):
        erin.create(b"new", bundle=erin.bundle(capabilities=ABLE), extensions=extensions)
    assert not erin.store.groups


def test_who_comes_in_the_same_commit_supports_them_too(room: Room) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    package = Person.make("plain", 7).bundle().key_package
    with refused(alice, rule="V30", error=ValidationError):
        alice.commit(extensions=ONE, add=[package], now=NOW)
    with refused(alice, rule="V30", error=ValidationError):
        alice.process(bob.commit(GroupContextExtensions(ONE), Add(package), extensions=ONE), now=NOW)


def test_who_goes_in_the_same_commit_need_not(room: Room) -> None:
    plain = Person.make("plain", 7)
    room.add("alice", [plain])
    with refused(room["alice"], rule="V30", error=ValidationError):
        room["alice"].commit(extensions=ONE, now=NOW)
    room.commit("alice", extensions=ONE, remove=[room.leaf("plain")])
    room.agree()
    event = room["alice"].process(Hostile(room, "bob").commit(Remove(room.leaf("carol"))), now=NOW)
    room["alice"].merge(event.commit, now=NOW)


def test_who_comes_later_supports_what_there_is(room: Room) -> None:
    room.commit("alice", extensions=ONE)
    add_refused(room, Hostile(room, "bob"), Person.make("plain", 7).bundle().key_package, "V30", alone=False)
    with refused(rule="V19", error=ValidationError):
        Person.make("plain", 7).external_join(room["alice"].group_info())


def test_they_replace_and_do_not_merge(room: Room) -> None:
    room.commit("alice", extensions=ONE)
    room.commit("bob", extensions=TWO)
    assert {group.extensions for group in room.groups.values()} == {TWO}
    room.commit("carol", extensions=Extensions())
    assert {group.extensions for group in room.groups.values()} == {Extensions()}


@pytest.mark.parametrize("kind", [3, 5])
@pytest.mark.parametrize("content", [b"", b"\x40\0", b"\1", b"\xff" * 8, b"\0\0\0\0"])
def test_contents_that_cannot_be_read(room: Room, kind: int, content: bytes) -> None:
    if (kind, content) == (5, b""):
        content = b"\2"
    extensions = Extensions(((kind, content),))
    alice, bob = room["alice"], Hostile(room, "bob")
    for act in (
        lambda: alice.commit(extensions=extensions, now=NOW),
        lambda: alice.process(bob.commit(GroupContextExtensions(extensions), extensions=extensions), now=NOW),
    ):
        with refused(alice, rule="V01"):
            act()

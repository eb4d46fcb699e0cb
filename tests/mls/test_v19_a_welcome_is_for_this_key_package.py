"""V19 (RFC 9420 §12.4.3.1): a joiner opens the one entry with its reference, of its suite, into a group whose extensions it supports and in
which it is not yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.framing import MLSMessage
from connexa.mls.suite import get_suite
from connexa.mls.welcome import Welcome, split
from tests.mls.hostile import Hostile
from tests.mls.kit import CAPABILITIES, NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")


@pytest.mark.parametrize(
    "refs",
    [lambda ref: [], lambda ref: [bytes(32)], lambda ref: [ref[:-1]], lambda ref: [ref + b"\0"], lambda ref: [b""], lambda ref: [ref, ref]],
    ids=["none", "another", "shorter", "longer", "empty", "two"],
)
def test_there_is_one_entry_for_it(refs) -> None:
    newcomer = Person.make("newcomer", 46)
    bundle = newcomer.bundle()
    with refused(rule="V19", error=ValidationError):
        newcomer.join(BOB.welcome(bundle, refs=refs), bundle)
    assert not newcomer.store.groups


def test_nothing_is_opened_by_trial() -> None:
    newcomer = Person.make("newcomer", 46)
    one, other = newcomer.bundle(), newcomer.bundle()
    mixed = replace(other, init_sk=one.init_sk)  # the secret that would open it, under another reference
    with refused(rule="V19", error=ValidationError):
        newcomer.join(BOB.welcome(one), mixed)


@pytest.mark.parametrize("number", [0, 2, 3, 5, 7, 0xF647])
def test_it_is_of_the_same_suite(number: int) -> None:
    newcomer = Person.make("newcomer", 46)
    bundle = newcomer.bundle()
    with refused(rule="V19", error=ValidationError):
        newcomer.join(BOB.welcome(bundle, number=number), bundle)
    with refused(rule="V19", error=ValidationError):
        newcomer.join(BOB.welcome(bundle, context=lambda context: replace(context, cipher_suite=number)), bundle)
    assert not newcomer.store.groups


def test_the_group_is_of_the_same_version() -> None:
    newcomer = Person.make("newcomer", 46)
    bundle = newcomer.bundle()
    with refused(rule="V19", error=ValidationError):
        newcomer.join(BOB.welcome(bundle, context=lambda context: replace(context, version=2)), bundle)


@pytest.mark.parametrize("kind", [0x000A, 0xF123, 0x0A0A])
def test_the_joiner_supports_the_groups_extensions(kind: int) -> None:
    extensions = Extensions(((kind, b""),))
    newcomer = Person.make("newcomer", 46)
    for bundle in (newcomer.bundle(), newcomer.bundle(capabilities=replace(CAPABILITIES, extensions=(0xF124,)))):
        with refused(rule="V19", error=ValidationError):
            newcomer.join(BOB.welcome(bundle, context=lambda context: replace(context, extensions=extensions)), bundle)
    assert not newcomer.store.groups


def test_nobody_joins_twice() -> None:
    newcomer = Person.make("newcomer", 46)
    bundle = newcomer.bundle()
    welcome = BOB.welcome(bundle)
    with refused(rule="V19", error=ValidationError):
        newcomer.join(welcome, bundle, joined={b"other", ROOM["bob"].group_id})
    group = newcomer.join(welcome, bundle, joined={b"other"})
    with refused(group, rule="V19", error=ValidationError):
        newcomer.join(welcome, bundle, joined={group.group_id})


def test_a_server_splits_by_reference_alone() -> None:
    people = [Person.make(name, 60 + number) for number, name in enumerate(("dave", "erin"))]
    bundles = [person.bundle() for person in people]
    staged = ROOM["alice"].commit(add=[bundle.key_package for bundle in bundles], now=NOW)
    welcome = MLSMessage.decode(staged.welcome).body
    assert isinstance(welcome, Welcome)
    suite = get_suite(1)
    for person, bundle, other in zip(people, bundles, reversed(bundles), strict=True):
        part = MLSMessage(split(welcome, bundle.key_package.ref(suite))).encode()
        with refused(rule="V19", error=ValidationError):
            person.join(part, other)
        assert person.join(part, bundle).epoch == staged.epoch
    with refused(rule="V19", error=ValidationError):
        split(welcome, bytes(32))

"""Meaningless numbers in places where they have to be ignored."""

from __future__ import annotations

import pytest

from connexa.mls import NO_EXTENSIONS, ValidationError
from connexa.mls.grease import grease_capabilities, grease_extensions, one_in_sixteen
from connexa.mls.registry import GREASE
from connexa.testing.randomness import SeededRandom
from tests.mls.people import NOW, PLAIN, Person, add, agree, deliver, party


def test_one_in_sixteen_is_greased():
    rng = SeededRandom("grease")
    assert 150 < sum(one_in_sixteen(rng) for _ in range(4000)) < 350


def test_greased_capabilities_say_the_same():
    rng = SeededRandom("grease")
    for _ in range(200):
        greased = grease_capabilities(PLAIN, rng)
        assert greased.versions == PLAIN.versions
        for name in ("cipher_suites", "extensions", "proposals", "credentials"):
            types = getattr(greased, name)
            assert sum(kind in GREASE for kind in types) == 1
            assert tuple(kind for kind in types if kind not in GREASE) == getattr(PLAIN, name)


def test_a_group_of_greased_members_works():
    alice, bob = party("alice", "bob")
    carol = Person("carol", capabilities=grease_capabilities(PLAIN, SeededRandom("carol's grease")))
    extensions = grease_extensions(NO_EXTENSIONS, carol.capabilities, carol.rng)
    assert len(extensions.entries) == 1
    bundle = carol.bundle(extensions=extensions, leaf_extensions=extensions)
    staged = alice.group.commit(add=[bundle.key_package], welcome_extensions=NO_EXTENSIONS.put(0x2A2A, b"grease"), now=NOW)
    deliver(alice, staged, (bob,))
    carol.join(staged.welcome, bundle)
    agree(alice, bob, carol)
    assert carol.group.welcome_extensions.get(0x2A2A) == b"grease"
    add(carol, Person("dave"), others=(alice, bob))
    with pytest.raises(ValidationError) as refused:  # what one member alone lists, a group does not have
        alice.group.commit(extensions=extensions, now=NOW)
    assert refused.value.rule == "V30"


def test_without_capabilities_nothing_is_greased():
    assert grease_extensions(NO_EXTENSIONS, PLAIN, SeededRandom("grease")) == NO_EXTENSIONS

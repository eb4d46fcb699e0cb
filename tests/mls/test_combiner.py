"""A classical and a post-quantum group in step."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from connexa.mls import Capabilities, MissingPSK, Removed, ValidationError
from connexa.mls.combiner import COMBINER, CombinedCommit, CombinedGroup, combined_extensions, finish, welcome_psks
from tests.mls.people import NOW, Person, agree, package

HYBRID = 0xF647
CAPABILITIES = Capabilities(cipher_suites=(1,), extensions=(COMBINER,), credentials=(1,))
IDS = (b"classical", b"post-quantum")


@dataclass
class Both:
    """One client with both groups."""

    classical: Person
    post_quantum: Person
    group: CombinedGroup

    @classmethod
    def make(cls, name: str) -> Both:
        return cls(Person(name, 1, CAPABILITIES), Person(name, HYBRID, CAPABILITIES), None)  # type: ignore[arg-type]

    def create(self) -> None:
        extensions = combined_extensions(*IDS)
        groups = [one.create(named, extensions) for one, named in zip((self.classical, self.post_quantum), IDS, strict=True)]
        self.group = CombinedGroup(*groups)

    def follow(self, commit: CombinedCommit) -> None:
        staged = self.group.process_full(commit.post_quantum.commit, commit.classical.commit, now=NOW)
        assert isinstance(staged, CombinedCommit)
        self.group.merge(staged, now=NOW)


def in_step(*everybody: Both) -> None:
    agree(*(both.classical for both in everybody))
    agree(*(both.post_quantum for both in everybody))


def room(*names: str) -> list[Both]:
    everybody = [Both.make(name) for name in names]
    first, others = everybody[0], everybody[1:]
    first.create()
    welcome(first, *others)
    return everybody


def welcome(author: Both, *newcomers: Both, others: tuple[Both, ...] = ()) -> None:
    pairs = [(both.classical.bundle(), both.post_quantum.bundle()) for both in newcomers]
    commit = author.group.full_commit(add=[(package(pair[0]), package(pair[1])) for pair in pairs], now=NOW)
    author.group.merge(commit, now=NOW)
    for other in others:
        other.follow(commit)
    for both, pair in zip(newcomers, pairs, strict=True):
        second = both.post_quantum.join(commit.post_quantum.welcome, pair[1])
        with pytest.raises(MissingPSK):
            both.classical.join(commit.classical.welcome, pair[0])
        both.group = CombinedGroup(both.classical.join(commit.classical.welcome, pair[0], psks=welcome_psks(second)), second)


def test_full_and_partial_commits():
    alice, bob, carol = room("alice", "bob", "carol")
    in_step(alice, bob, carol)
    partial = bob.group.partial_commit(now=NOW)
    assert len(partial.commit) < 2000
    for other in (alice, carol):
        event = other.group.process(partial.commit, now=NOW)
        other.group.merge(event.commit, now=NOW)  # type: ignore[union-attr]
    bob.group.merge(partial, now=NOW)
    in_step(alice, bob, carol)
    full = carol.group.full_commit(now=NOW)
    for other in (alice, bob):
        other.follow(full)
    carol.group.merge(full, now=NOW)
    in_step(alice, bob, carol)
    assert (alice.classical.group.epoch, alice.post_quantum.group.epoch) == (3, 2)
    said = bob.classical.group.encrypt(b"hello")
    assert alice.group.process(said, now=NOW).data == b"hello"  # type: ignore[union-attr]


def test_members_come_and_go_in_both():
    alice, bob, carol = room("alice", "bob", "carol")
    full = alice.group.full_commit(remove=[1], now=NOW)
    assert isinstance(bob.group.process_full(full.post_quantum.commit, full.classical.commit, now=NOW), Removed)
    assert not bob.classical.store.groups and not bob.post_quantum.store.groups
    carol.follow(full)
    alice.group.merge(full, now=NOW)
    dave = Both.make("dave")
    welcome(carol, dave, others=(alice,))
    in_step(alice, carol, dave)


def test_members_do_not_change_in_one_alone():
    alice, bob, _carol = room("alice", "bob", "carol")
    half = alice.classical.group.commit(remove=[2], now=NOW)
    with pytest.raises(ValidationError) as refused:
        bob.group.process(half.commit, now=NOW)
    assert refused.value.code == "mls.combiner"
    other_half = alice.post_quantum.group.commit(update=True, now=NOW)
    before = bob.classical.group.dump(), bob.post_quantum.group.dump()
    with pytest.raises(ValidationError):  # the key of the other half is not in it
        bob.group.process_full(other_half.commit, half.commit, now=NOW)
    assert before == (bob.classical.group.dump(), bob.post_quantum.group.dump())


def test_a_crash_between_the_halves_is_mended():
    alice, bob = room("alice", "bob")
    dave = Both.make("dave")
    pair = dave.classical.bundle(), dave.post_quantum.bundle()
    full = alice.group.full_commit(add=[(package(pair[0]), package(pair[1]))], now=NOW)
    staged = bob.group.process_full(full.post_quantum.commit, full.classical.commit, now=NOW)
    bob.post_quantum.group.merge(staged.post_quantum, now=NOW)  # type: ignore[union-attr]
    for person in (bob.classical, bob.post_quantum):
        person.reopen()
    with pytest.raises(ValidationError):
        CombinedGroup(bob.classical.group, bob.post_quantum.group)
    finish(bob.classical.group, bob.post_quantum.group, full.classical.commit, now=NOW)
    bob.group = CombinedGroup(bob.classical.group, bob.post_quantum.group)
    alice.group.merge(full, now=NOW)
    in_step(alice, bob)


def test_groups_of_different_rooms_are_not_combined():
    alice, _ = room("alice", "bob")
    other = Person("alice", HYBRID, CAPABILITIES).create(b"another", combined_extensions(b"classical", b"another"))
    with pytest.raises(ValidationError):
        CombinedGroup(alice.classical.group, other)

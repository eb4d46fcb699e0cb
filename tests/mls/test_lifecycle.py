"""Groups that end, and groups that follow them."""

from __future__ import annotations

import pytest

from connexa.mls import (
    NO_EXTENSIONS,
    CipherSuite,
    MissingPSK,
    ReInit,
    ReInitStaged,
    StaleCommit,
    ValidationError,
    branch,
    newest_branch,
    reinit,
    resync,
)
from tests.mls.people import NOW, Person, agree, deliver, package, party

P256 = CipherSuite.MLS_128_DHKEMP256_AES128GCM_SHA256_P256


def promised(suite: int = 1) -> ReInit:
    return ReInit(b"the next group", suite, NO_EXTENSIONS.put(0xF000, b"new"))


def ended(*names: str, by_reference: bool = False, suite: int = 1) -> list[Person]:
    """A group that a ReInit has ended."""
    people = party(*names)
    author, others = people[0], people[1:]
    if by_reference:
        proposal = others[-1].group.propose_reinit(promised(suite), now=NOW)
        for member in people[:-1]:
            member.group.process(proposal, now=NOW)
        staged = author.group.commit(now=NOW)
    else:
        staged = author.group.commit(reinit=promised(suite), now=NOW)
    for other in others:
        event = other.group.process(staged.commit, now=NOW)
        assert isinstance(event, ReInitStaged) and event.reinit == promised(suite)
        other.group.merge(event.commit, now=NOW)
    author.group.merge(staged, now=NOW)
    agree(*people)
    return people


def in_suite(name: str, suite: int) -> Person:
    """The same client with keys of another suite."""
    return Person(name, suite)


@pytest.mark.parametrize("by_reference", [True, False])
def test_a_group_goes_on_in_another_suite(by_reference):
    people = ended("alice", "bob", "carol", by_reference=by_reference, suite=P256)
    for person in people:
        assert not person.group.active and person.group.reinit == promised(P256)
        person.reopen()
        for refused in (lambda g: g.encrypt(b""), lambda g: g.commit(now=NOW), lambda g: g.propose_update(now=NOW)):
            with pytest.raises(ValidationError) as ended_group:
                refused(person.group)
            assert ended_group.value.rule == "V31"
    bob, others = in_suite("bob", P256), [in_suite("alice", P256), in_suite("carol", P256)]
    bundles = [other.bundle() for other in others]
    old = {person.name: person.group for person in people}
    group, staged = reinit(old["bob"], bob.bundle(), [package(bundle) for bundle in bundles], now=NOW, **bob.begun)
    group.merge(staged, now=NOW)
    bob.group = group
    for other, bundle in zip(others, bundles, strict=True):
        with pytest.raises(MissingPSK):
            other.join(staged.welcome, bundle)
        other.join(staged.welcome, bundle, resuming=old[other.name])
    agree(bob, *others)
    assert (group.group_id, group.epoch, group.suite.number, group.extensions.get(0xF000)) == (b"the next group", 1, 2, b"new")
    deliver(others[0], others[0].group.commit(update=True, now=NOW), (bob, others[1]))
    agree(bob, *others)


def test_a_group_does_not_go_on_without_somebody():
    alice, bob, _carol = ended("alice", "bob", "carol")
    with pytest.raises(ValidationError) as refused:
        reinit(alice.group, alice.bundle(), [package(bob.bundle())], now=NOW, **alice.begun)
    assert refused.value.rule == "V31"
    assert list(alice.store.groups) == [b"group"]


def test_a_group_that_has_not_ended_is_not_replaced():
    alice, bob = party("alice", "bob")
    with pytest.raises(ValidationError) as refused:
        reinit(alice.group, alice.bundle(), [package(bob.bundle())], now=NOW, **alice.begun)
    assert refused.value.rule == "V31"


def test_late_messages_are_read_in_a_group_that_has_ended():
    alice, bob = party("alice", "bob")
    late = bob.group.encrypt(b"late")
    deliver(alice, alice.group.commit(reinit=promised(), now=NOW), (bob,))
    assert alice.group.process(late, now=NOW).data == b"late"


def test_nothing_is_merged_into_a_group_that_has_ended():
    alice, bob = party("alice", "bob")
    late = bob.group.commit(update=True, now=NOW)
    staged = alice.group.commit(reinit=promised(), now=NOW)
    deliver(alice, staged, (bob,))
    with pytest.raises(StaleCommit):
        bob.group.merge(late, now=NOW)
    with pytest.raises(ValidationError):
        alice.group.process(late.commit, now=NOW)


def test_some_members_branch_off():
    alice, bob, carol = party("alice", "bob", "carol")
    old = bob.group
    bundle = bob.bundle()
    group, staged = branch(alice.group, b"we two", alice.bundle(), [package(bundle)], now=NOW, **alice.begun)
    group.merge(staged, now=NOW)
    parent, alice.group = alice.group, group
    with pytest.raises(MissingPSK):
        bob.join(staged.welcome, bundle)
    bob.join(staged.welcome, bundle, resuming=old)
    agree(alice, bob)
    assert (group.group_id, group.epoch) == (b"we two", 1)
    alice.group, bob.group = parent, old  # the first group is as it was
    agree(alice, bob, carol)


def test_a_branch_has_nobody_from_outside():
    alice, bob = party("alice", "bob")
    mallory = Person("mallory")
    bundles = [bob.bundle(), mallory.bundle()]
    with pytest.raises(ValidationError) as refused:
        branch(alice.group, b"we three", alice.bundle(), [package(bundle) for bundle in bundles], now=NOW, **alice.begun)
    assert refused.value.rule == "V31"


def test_a_welcome_continues_only_what_it_says():
    alice, bob = party("alice", "bob")
    stranger, carol = party("stranger", "carol", group_id=b"another")
    bundle = bob.bundle()
    _, staged = branch(alice.group, b"we two", alice.bundle(), [package(bundle)], now=NOW, **alice.begun)
    with pytest.raises(MissingPSK):
        bob.join(staged.welcome, bundle, resuming=carol.group)
    plain = bob.bundle()
    welcome = stranger.group.commit(add=[package(plain)], now=NOW).welcome
    with pytest.raises(ValidationError) as refused:
        bob.join(welcome, plain, resuming=bob.group)
    assert refused.value.rule == "V31"


def test_a_fork_is_mended_by_those_who_were_members():
    alice, bob, carol = party("alice", "bob", "carol")
    first, second = alice.group.commit(update=True, now=NOW), bob.group.commit(update=True, now=NOW)
    deliver(alice, first, ())
    deliver(bob, second, (carol,))
    infos = [alice.group.group_info(), bob.group.group_info()]
    chosen = newest_branch(infos)
    assert chosen == newest_branch(infos[::-1])
    inside, outside = ([alice], [bob, carol]) if chosen == infos[0] else ([bob, carol], [alice])
    for person in outside:
        group, staged = resync(inside[0].group.group_info(), person.bundle(), now=NOW, **person.begun)
        person.group = group
        deliver(person, staged, inside)
        inside.append(person)
    agree(alice, bob, carol)
    with pytest.raises(ValidationError) as refused:
        resync(chosen, Person("mallory").bundle(), now=NOW, **Person("mallory").begun)
    assert refused.value.rule == "V32"


def test_branches_have_an_order():
    alice, bob = party("alice", "bob")
    early = alice.group.group_info()
    deliver(alice, alice.group.commit(extensions=NO_EXTENSIONS.put(0xF000, b"1"), now=NOW), (bob,))
    late = alice.group.group_info()
    assert newest_branch([early, late]) == late
    assert newest_branch([early, late], lambda extensions: -len(extensions.entries)) == early
    (other,) = party("other", group_id=b"another")
    with pytest.raises(ValidationError):
        newest_branch([early, other.group.group_info()])

"""V31, I90 (RFC 9420 §11.2, §11.3, §12.1.5): a ReInit stands alone and ends the group.

The group that follows, and a branch, are what was promised, linked by the one resumption key, with all old members or with some of them,
and with nobody else.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import MLSError, ValidationError
from connexa.mls.events import ReInitStaged
from connexa.mls.extensions import Extensions
from connexa.mls.group import Group
from connexa.mls.key_schedule import GroupContext
from connexa.mls.lifecycle import branch, reinit
from connexa.mls.proposals import PreSharedKey, ReInit, Remove
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK
from connexa.mls.registry import ResumptionUsage
from connexa.mls.suite import get_suite
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Person, Room, refused

NEXT = ReInit(b"next", 1, Extensions())


def ended(promise: ReInit = NEXT, *names: str) -> Room:
    """A room whose group has ended in favour of another."""
    room = Room(*(names or ("alice", "bob", "carol")))
    room.commit("alice", reinit=promise)
    return room


def test_it_stands_alone() -> None:
    room = Room("alice", "bob", "carol")
    alice, bob = room["alice"], Hostile(room, "bob")
    with refused(alice, rule="V31", error=ValidationError):
        alice.commit(reinit=NEXT, remove=[2], now=NOW)
    psk = PreSharedKeyID(ExternalPSK(b"x"), bytes(32))
    for listed in ((NEXT, Remove(2)), (Remove(2), NEXT), (NEXT, NEXT), (NEXT, PreSharedKey(psk))):
        with refused(alice, rule="V31", error=ValidationError):
            alice.process(bob.commit(*listed), now=NOW)


@pytest.mark.parametrize("version", [0])
def test_it_goes_to_no_older_version(version: int) -> None:
    room = Room("alice", "bob", "carol")
    alice, bob = room["alice"], Hostile(room, "bob")
    older = replace(NEXT, version=version)
    for act in (lambda: alice.propose_reinit(older, now=NOW), lambda: alice.commit(reinit=older, now=NOW)):
        with refused(alice, rule="V31", error=ValidationError):
            act()
    for message in (bob.propose(older), bob.commit(older, path=False)):
        with refused(alice, rule="V31", error=ValidationError):
            alice.process(message, now=NOW)


def test_the_group_sends_nothing_more() -> None:
    room = Room("alice", "bob", "carol")
    late = room["bob"].encrypt(b"late")
    staged = room["alice"].commit(reinit=NEXT, now=NOW)
    event = room["bob"].process(staged.commit, now=NOW)
    assert isinstance(event, ReInitStaged) and event.reinit == NEXT
    room["bob"].merge(event.commit, now=NOW)
    room["alice"].merge(staged, now=NOW)
    for group in (room["alice"], room["bob"]):
        assert not group.active and group.reinit == NEXT
        for act in (
            lambda group=group: group.encrypt(b"more"),
            lambda group=group: group.commit(update=True, now=NOW),
            lambda group=group: group.propose_update(now=NOW),
            lambda group=group: group.propose_remove(2, now=NOW),
            lambda group=group: group.group_info(),
        ):
            with refused(group, rule="V31", error=ValidationError):
                act()
    again = room.people["bob"].restarted(room["bob"])
    with refused(again, rule="V31", error=ValidationError):
        again.encrypt(b"after a restart")
    assert late


def follow(room: Room, by: str, others: list[str], old: Group | None = None, **how):
    """The group that follows, by one of the old members, and everybody's key packages."""
    suite = get_suite(room[by].reinit.cipher_suite if room[by].reinit else 1)
    for person in room.people.values():
        person.suite, person.signer = suite, suite.generate_signature_key(person.rng)
    bundles = {name: room.people[name].bundle() for name in others}
    person = room.people[by]
    packages = [bundle.key_package for bundle in bundles.values()]
    new, staged = reinit(old or room[by], person.bundle(), packages, auth=person.auth, store=person.store, now=NOW, rng=person.rng, **how)
    return new, staged, bundles


@pytest.mark.parametrize("suite", [1, 3, 2])
def test_everybody_follows_into_what_was_promised(suite: int) -> None:
    room = ended(ReInit(b"next", suite, Extensions()))
    new, staged, bundles = follow(room, "bob", ["alice", "carol"])
    new.merge(staged, now=NOW)
    for name, bundle in bundles.items():
        group = room.people[name].join(staged.welcome, bundle, resuming=room[name])
        assert (group.group_id, group.suite.number, group.epoch) == (b"next", suite, 1)
        assert group.epoch_authenticator == new.epoch_authenticator


def test_nobody_is_left_behind() -> None:
    room = ended()
    before = dict(room.people["bob"].store.groups)
    with refused(room["bob"], rule="V31", error=ValidationError):
        follow(room, "bob", ["alice"])
    assert room.people["bob"].store.groups == before


def test_nobody_new_takes_anothers_place() -> None:
    room = ended()
    room.people["mallory"] = Person.make("mallory", 9)
    with refused(room["bob"], rule="V31", error=ValidationError):
        follow(room, "bob", ["alice", "mallory"])


def test_without_the_old_group_nobody_joins_what_follows_it() -> None:
    room = ended()
    _, staged, bundles = follow(room, "bob", ["alice", "carol"])
    with pytest.raises(MLSError):
        room.people["carol"].join(staged.welcome, bundles["carol"])


def test_only_what_has_ended_is_followed() -> None:
    room = Room("alice", "bob")
    with refused(room["bob"], rule="V31", error=ValidationError):
        follow(room, "bob", ["alice"], old=room["bob"])


def link(room: Room, usage: ResumptionUsage, name: str = "carol", **changes) -> tuple[PreSharedKeyID, bytes]:
    group = room[name]
    fields = {"usage": usage, "group_id": group.group_id, "epoch": group.epoch, **changes}
    secret = group._state.epoch.secrets.resumption_psk
    return PreSharedKeyID(ResumptionPSK(**fields), b"n" * 32), secret


def successor(room: Room, people: tuple[str, ...] = ("bob", "alice", "carol"), suite: int = 1) -> tuple[Hostile, dict]:
    """A group that is set up by hand as the one that follows, so that a Welcome into it can be given any shape."""
    number = get_suite(suite)
    fresh = {name: Person.make(name, 90 + at, number) for at, name in enumerate(people)}
    shadow = Room.__new__(Room)
    shadow.rules, shadow.people = room.rules, fresh
    shadow.groups = {people[0]: fresh[people[0]].create(b"next")}
    author = Hostile(shadow, people[0])
    return author, fresh


def same(context: GroupContext) -> GroupContext:
    return context


def welcome_into(room: Room, usage: ResumptionUsage, *, people=("bob", "alice", "carol"), context=same, psks=None) -> None:
    """Carol is welcomed into a group of these people, with this context and these keys; whoever refuses is she."""
    author, fresh = successor(room, people)
    tree = author.tree
    bundles = {name: fresh[name].bundle() for name in people[1:]}
    for bundle in bundles.values():
        tree.add(bundle.key_package.leaf_node)
    keys = [link(room, usage)] if psks is None else psks
    welcome = author.welcome(bundles["carol"], tree=tree, context=context, psks=keys)
    fresh["carol"].join(welcome, bundles["carol"], resuming=room["carol"])


def test_the_shape_that_is_right_is_joined() -> None:
    welcome_into(ended(), ResumptionUsage.REINIT)
    welcome_into(Room("alice", "bob", "carol"), ResumptionUsage.BRANCH)
    welcome_into(Room("alice", "bob", "carol", "dave"), ResumptionUsage.BRANCH)


def extended(context: GroupContext) -> GroupContext:
    return replace(context, extensions=Extensions().with_external_senders([]))


WRONG = {
    "another group": lambda context: replace(context, group_id=b"elsewhere"),
    "a later epoch": lambda context: replace(context, epoch=2),
    "epoch 0": lambda context: replace(context, epoch=0),
    "other extensions": extended,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_group_that_was_not_promised(wrong: str) -> None:
    room = ended()
    with refused(room["carol"], rule="V31", error=ValidationError):
        welcome_into(room, ResumptionUsage.REINIT, context=WRONG[wrong])


def test_a_suite_that_was_not_promised() -> None:
    room = ended(ReInit(b"next", 3, Extensions()))
    with refused(room["carol"], rule="V31", error=ValidationError):
        welcome_into(room, ResumptionUsage.REINIT)


def test_without_somebody() -> None:
    room = ended(NEXT, "alice", "bob", "carol", "dave")
    with refused(room["carol"], rule="V31", error=ValidationError):
        welcome_into(room, ResumptionUsage.REINIT)


@pytest.mark.parametrize("usage", [ResumptionUsage.REINIT, ResumptionUsage.BRANCH])
def test_with_somebody_who_was_no_member(usage: ResumptionUsage) -> None:
    room = ended() if usage == ResumptionUsage.REINIT else Room("alice", "bob", "carol")
    with refused(room["carol"], rule="V31", error=ValidationError):
        welcome_into(room, usage, people=("bob", "alice", "carol", "mallory"))


def test_a_branch_begins_at_epoch_one() -> None:
    room = Room("alice", "bob", "carol")
    for epoch in (0, 2, 7):
        with refused(room["carol"], rule="V31", error=ValidationError):
            welcome_into(room, ResumptionUsage.BRANCH, context=lambda context, epoch=epoch: replace(context, epoch=epoch))


def test_a_branch_has_the_same_suite() -> None:
    room = Room("alice", "bob", "carol")
    author, fresh = successor(room, suite=3)
    bundle = fresh["carol"].bundle()
    with refused(room["carol"], rule="V31", error=ValidationError):
        fresh["carol"].join(author.welcome(bundle, psks=[link(room, ResumptionUsage.BRANCH)]), bundle, resuming=room["carol"])


@pytest.mark.parametrize("usage", [ResumptionUsage.REINIT, ResumptionUsage.BRANCH])
def test_the_link_is_one_key(usage: ResumptionUsage) -> None:
    room = ended() if usage == ResumptionUsage.REINIT else Room("alice", "bob", "carol")
    other = ResumptionUsage.BRANCH if usage == ResumptionUsage.REINIT else ResumptionUsage.REINIT
    for psks in ([], [link(room, other)], [link(room, usage), link(room, other)], [link(room, ResumptionUsage.APPLICATION)]):
        with pytest.raises(MLSError) as caught:
            welcome_into(room, usage, psks=psks)
        assert caught.value.rule in {"V31", "V29"}
    assert room["carol"].dump()


def test_a_reinit_key_of_a_group_that_has_not_ended() -> None:
    room = Room("alice", "bob", "carol")
    with pytest.raises(MLSError) as caught:
        welcome_into(room, ResumptionUsage.REINIT)
    assert caught.value.rule in {"V31", "V29"}


def test_we_branch_with_members_alone() -> None:
    room = Room("alice", "bob", "carol")
    bob = room.people["bob"]
    inside, outside = room.people["carol"].bundle(), Person.make("mallory", 9).bundle()
    before = dict(bob.store.groups)
    with refused(room["bob"], rule="V31", error=ValidationError):
        branch(room["bob"], b"branch", bob.bundle(), [inside.key_package, outside.key_package], auth=bob.auth, store=bob.store, now=NOW)
    assert bob.store.groups == before
    new, staged = branch(room["bob"], b"branch", bob.bundle(), [inside.key_package], auth=bob.auth, store=bob.store, now=NOW)
    new.merge(staged, now=NOW)
    group = room.people["carol"].join(staged.welcome, inside, resuming=room["carol"])
    assert group.epoch_authenticator == new.epoch_authenticator

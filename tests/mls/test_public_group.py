"""A server follows a group by its public messages, and refuses what members would refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.errors import IntegrityError
from connexa.mls import (
    NO_EXTENSIONS,
    EpochError,
    ProposalStored,
    PublicCommit,
    PublicGroup,
    ReInit,
    StaleCommit,
    UnknownProposal,
    ValidationError,
)
from connexa.mls.following import next_context
from tests.mls.people import AUTH, NOW, Person, deliver, package, party


def stage(server: PublicGroup, message: bytes) -> PublicCommit:
    event = server.process(message, now=NOW)
    assert isinstance(event, PublicCommit)
    return event


def follow(server: PublicGroup, message: bytes) -> PublicCommit:
    event = stage(server, message)
    server.merge(event)
    return event


def in_step(server: PublicGroup, person: Person) -> None:
    assert server.context == person.group.context
    assert server.members() == person.group.members()
    assert server.ratchet_tree() == person.group.ratchet_tree()
    assert PublicGroup.load(server.dump(), auth=AUTH).dump() == server.dump()
    server.check_group_info(person.group.group_info())


def test_a_server_follows_every_kind_of_commit():
    alice, bob, carol = party("alice", "bob", "carol")
    server = PublicGroup.begin(alice.group.group_info(), auth=AUTH, now=NOW)
    in_step(server, alice)
    proposal = bob.group.propose_update(now=NOW, wire="public")
    for member in (alice, carol):
        member.group.process(proposal, now=NOW)
    unseen = alice.group.commit(now=NOW, wire="public")
    with pytest.raises(UnknownProposal):
        server.process(unseen.commit, now=NOW)
    assert isinstance(server.process(proposal, now=NOW), ProposalStored)
    server = PublicGroup.load(server.dump(), auth=AUTH)
    assert follow(server, unseen.commit).sender == 0
    deliver(alice, unseen, (bob, carol))
    in_step(server, bob)
    dave = Person("dave")
    bundle = dave.bundle()
    staged = carol.group.commit(add=[package(bundle)], remove=[0], wire="public", now=NOW)
    event = follow(server, staged.commit)
    assert (event.added, event.removed, event.epoch) == ((0,), (0,), staged.epoch)
    deliver(carol, staged, (bob,))
    in_step(server, carol)
    eve = Person("eve")
    joined = eve.external_join(carol.group.group_info())
    assert follow(server, joined.commit).sender == 3
    deliver(eve, joined, (bob, carol))
    in_step(server, eve)
    last = eve.group.commit(reinit=ReInit(b"next", 1, NO_EXTENSIONS), wire="public", now=NOW)
    follow(server, last.commit)
    with pytest.raises(ValidationError):
        server.process(joined.commit, now=NOW)


def test_a_server_takes_one_commit_for_each_epoch():
    alice, bob = party("alice", "bob")
    server = PublicGroup.begin(alice.group.group_info(), auth=AUTH, now=NOW)
    first, second = (person.group.commit(update=True, wire="public", now=NOW) for person in (alice, bob))
    staged = [stage(server, one.commit) for one in (first, second)]
    server.merge(staged[1])
    with pytest.raises(StaleCommit):
        server.merge(staged[0])
    with pytest.raises(EpochError):
        server.process(first.commit, now=NOW)


def test_a_server_sees_no_private_messages():
    alice, _ = party("alice", "bob")
    server = PublicGroup.begin(alice.group.group_info(), auth=AUTH, now=NOW)
    with pytest.raises(ValidationError) as refused:
        server.process(alice.group.encrypt(b"secret"), now=NOW)
    assert refused.value.rule == "V22"


def test_a_server_holds_a_group_info_to_what_it_saw():
    alice, bob = party("alice", "bob")
    server = PublicGroup.begin(alice.group.group_info(tree=False), ratchet_tree=alice.group.ratchet_tree(), auth=AUTH, now=NOW)
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    with pytest.raises(ValidationError) as refused:
        server.check_group_info(alice.group.group_info())
    assert refused.value.rule == "V18"


def test_a_broken_dump_is_refused():
    alice, _ = party("alice", "bob")
    dump = PublicGroup.begin(alice.group.group_info(), auth=AUTH, now=NOW).dump()
    for broken in (b"", dump[:40], dump[:-1]):
        with pytest.raises(IntegrityError):
            PublicGroup.load(broken, auth=AUTH)


def test_a_group_that_claims_the_last_epoch_has_no_further_one():
    (alice,) = party("alice")
    state = alice.group._public
    last = replace(state, context=replace(state.context, epoch=(1 << 64) - 1))
    with pytest.raises(ValidationError) as refused:
        next_context(last, state.tree.hash(), NO_EXTENSIONS)
    assert refused.value.rule == "V25"


@pytest.mark.parametrize("dump", [b"", b"\0\0", b"\0\0\0", b"\0\1\1"])
def test_a_dump_that_ends_early_is_refused(dump):
    with pytest.raises(IntegrityError):
        PublicGroup.load(dump, auth=AUTH)

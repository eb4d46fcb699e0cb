"""Which pending proposals a committer takes up: as many as hold together, whatever the others are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import NO_EXTENSIONS, Add, Listed, ReInit, Remove, Sender, SenderType, ValidationError
from connexa.mls.policy import DEFAULT_RULES, Policy
from connexa.mls.proposal_list import MAX_PENDING, ProposalStore
from connexa.mls.selection import choose
from tests.mls.people import AUTH, NOW, Person, party

POLICY = Policy(AUTH, DEFAULT_RULES, NOW)


def by(leaf: int, proposal, number: int) -> Listed:
    return Listed(proposal, Sender(SenderType.MEMBER, leaf), b"ref %d" % number)


@pytest.fixture(scope="module")
def state():
    return party(*(f"p{number}" for number in range(8)))[0].group._state.epoch.public


def test_what_conflicts_is_left_out(state):
    good = Person("good").bundle().key_package
    again = Person("good").bundle().key_package  # the same client, another key package
    member = Person("p3").bundle().key_package
    pending = [
        by(1, Add(good), 1),
        by(2, Remove(0), 2),  # us
        by(2, Add(again), 3),
        by(2, Remove(5), 4),
        by(3, Remove(5), 5),
        by(4, Add(member), 6),
        by(5, ReInit(b"next", 1, NO_EXTENSIONS), 7),
        by(6, Remove(6), 8),
    ]
    chosen = [one.ref for one in choose(state, (), pending, 0, POLICY)]
    assert chosen == [b"ref 8", b"ref 5", b"ref 1"]  # of two Adds of one client, that of who proposed less


def test_our_own_proposals_come_before(state):
    mine = Listed(Remove(5), Sender(SenderType.MEMBER, 0))
    pending = [by(1, Remove(5), 1), by(1, Remove(6), 2)]
    assert choose(state, (mine,), pending, 0, POLICY) == (pending[1], mine)


def test_a_removed_client_may_come_again(state):
    again = Person("p3").bundle().key_package
    pending = [by(1, Add(again), 1), by(2, Remove(3), 2)]
    assert {one.ref for one in choose(state, (), pending, 0, POLICY)} == {b"ref 1", b"ref 2"}


def test_a_reinit_is_taken_alone(state):
    pending = [by(5, ReInit(b"next", 1, NO_EXTENSIONS), 7)]
    assert choose(state, (), pending, 0, POLICY) == tuple(pending)
    assert choose(state, (Listed(Remove(3), Sender(SenderType.MEMBER, 0)),), pending, 0, POLICY)[0].ref is None


def test_many_bad_ones_hide_no_good_one(state):
    good = by(1, Remove(7), 1)
    bad = [by(2, Remove(0), 100 + number) for number in range(300)]
    assert choose(state, (), [*bad[:150], good, *bad[150:]], 0, POLICY) == (good,)


def test_a_roster_counts_what_it_holds(state):
    roster = state.roster.copy()
    leaf = state.member(3)
    roster.remove(leaf)
    assert (roster.size, state.roster.size) == (7, 8)
    assert roster.all_support_extension(0xF000) and not roster.all_support_extension(0xF001)
    poorer = replace(leaf, capabilities=replace(leaf.capabilities, extensions=()))
    roster.add(poorer)
    assert not roster.all_support_extension(0xF000) and state.roster.all_support_extension(0xF000)
    with pytest.raises(ValidationError):
        roster.add(leaf)


def test_an_epoch_keeps_so_many_proposals():
    store = ProposalStore()
    for number in range(MAX_PENDING):
        assert store.add(by(1, Remove(2), number)) == number
    assert store.add(by(1, Remove(2), 7)) == 7
    with pytest.raises(ValidationError) as refused:
        store.add(by(1, Remove(2), MAX_PENDING))
    assert refused.value.code == "mls.policy"

"""What a group agrees on beside its members: pre-shared keys, extensions, requirements, proposals of an application's own."""

from __future__ import annotations

import pytest

from connexa.mls import (
    NO_EXTENSIONS,
    CryptoError,
    MissingPSK,
    RequiredCapabilities,
    ResumptionPSK,
    ResumptionUsage,
    Rules,
    Unknown,
    ValidationError,
    selection,
)
from tests.mls.people import NOW, Person, add, agree, deliver, package, party

APPLICATION = ResumptionUsage.APPLICATION


def test_an_external_key_goes_into_the_next_epoch():
    alice, bob, carol = party("alice", "bob", "carol")
    staged = alice.group.commit(psk=[b"shared"], psks={b"shared": b"k" * 32}, now=NOW)
    before = bob.group.dump()
    with pytest.raises(MissingPSK) as missing:
        bob.group.process(staged.commit, now=NOW)
    assert missing.value.psk_id == b"shared" and bob.group.dump() == before
    with pytest.raises(CryptoError) as wrong:
        bob.group.process(staged.commit, now=NOW, psks={b"shared": b"l" * 32})
    assert wrong.value.rule == "V38" and bob.group.dump() == before
    for person in (bob, carol):
        person.store.psks[b"shared"] = b"k" * 32
    deliver(alice, staged, (bob, carol))
    agree(alice, bob, carol)


def test_a_newcomer_needs_the_keys_of_its_first_epoch():
    alice, bob = party("alice", "bob")
    for person in (alice, bob):
        person.store.psks[b"shared"] = b"k" * 32
    carol = Person("carol")
    bundle = carol.bundle()
    staged = alice.group.commit(add=[package(bundle)], psk=[b"shared"], now=NOW)
    deliver(alice, staged, (bob,))
    with pytest.raises(MissingPSK):
        carol.join(staged.welcome, bundle)
    with pytest.raises(CryptoError):
        carol.join(staged.welcome, bundle, psks={b"shared": b"l" * 32})
    carol.join(staged.welcome, bundle, psks={b"shared": b"k" * 32})
    agree(alice, bob, carol)


@pytest.mark.parametrize("by_reference", [True, False])
def test_a_resumption_key_goes_into_a_later_epoch(by_reference):
    alice, bob = party("alice", "bob")
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    old = ResumptionPSK(APPLICATION, b"group", 1)
    if by_reference:
        bob.group.process(alice.group.propose_psk(old, now=NOW), now=NOW)
        staged = bob.group.commit(now=NOW)
        deliver(bob, staged, (alice,))
    else:
        deliver(alice, alice.group.commit(psk=[old], now=NOW), (bob,))
    agree(alice, bob)
    carol = Person("carol")
    bundle = carol.bundle()
    staged = alice.group.commit(psk=[ResumptionPSK(APPLICATION, b"group", 2)], add=[package(bundle)], now=NOW)
    with pytest.raises(MissingPSK):  # who was not in that epoch does not have its key
        carol.join(staged.welcome, bundle)


def test_several_keys_go_together():
    alice, bob = party("alice", "bob")
    for person in (alice, bob):
        person.store.psks |= {b"one": b"1" * 32, b"two": b"2" * 16}
    staged = alice.group.commit(psk=[b"two", ResumptionPSK(APPLICATION, b"group", 1), b"one"], now=NOW)
    deliver(alice, staged, (bob,))
    agree(alice, bob)
    with pytest.raises(ValidationError) as refused:
        alice.group.commit(psk=[b"one", b"one"], now=NOW)
    assert refused.value.rule == "V29"


@pytest.mark.parametrize("by_reference", [True, False])
def test_extensions_replace_those_of_the_group(by_reference):
    alice, bob = party("alice", "bob", extensions=NO_EXTENSIONS.put(0xF000, b"old"))
    wanted = NO_EXTENSIONS.with_required_capabilities(RequiredCapabilities(extensions=(0xF000,)))
    if by_reference:
        bob.group.process(alice.group.propose_group_context_extensions(wanted, now=NOW), now=NOW)
        deliver(bob, bob.group.commit(now=NOW), (alice,))
    else:
        deliver(alice, alice.group.commit(extensions=wanted, now=NOW), (bob,))
    agree(alice, bob)
    assert bob.group.extensions == wanted
    assert bob.group.required_capabilities == RequiredCapabilities(extensions=(0xF000,))


def test_newcomers_meet_what_the_group_requires():
    wanted = NO_EXTENSIONS.with_required_capabilities(RequiredCapabilities(proposals=(0xF0F1,)))
    alice, _ = party("alice", "bob")
    with pytest.raises(ValidationError) as refused:
        alice.group.commit(extensions=wanted, now=NOW)
    assert refused.value.rule == "V30"


def test_an_application_has_proposals_of_its_own():
    rules = Rules(custom_proposals={0xF0F0: True})
    alice, bob, carol = party("alice", "bob", "carol", rules=rules)
    own = Unknown(0xF0F0, b"what only we understand")
    sent = alice.group.propose_custom(own, now=NOW)
    for member in (bob, carol):
        member.group.process(sent, now=NOW)
    staged = carol.group.commit(now=NOW)
    assert [one.proposal for one in staged.proposals] == [own]
    deliver(carol, staged, (alice, bob))
    deliver(alice, alice.group.commit(custom=[own], now=NOW), (bob, carol))
    agree(alice, bob, carol)
    add(alice, Person("dave", rules=rules), others=(bob, carol))
    with pytest.raises(ValidationError) as refused:
        alice.group.commit(custom=[Unknown(0xF0F1, b"of nobody")], now=NOW)
    assert refused.value.rule == "V33"


@pytest.mark.parametrize("psk", [b"nobody has it", ResumptionPSK(APPLICATION, b"group", 77)])
def test_a_proposed_key_that_is_not_here_keeps_nobody_from_committing(psk):
    alice, bob, carol = party("alice", "bob", "carol")
    asked = bob.group.propose_psk(psk, now=NOW)
    leaving = carol.group.propose_remove(2, now=NOW)
    stored = [alice.group.process(message, now=NOW) for message in (asked, leaving)]
    bob.group.process(leaving, now=NOW)
    with pytest.raises(MissingPSK):
        alice.group.commit(by_ref=[stored[0].ref], now=NOW)
    deliver(alice, alice.group.commit(now=NOW), (bob,))
    agree(alice, bob)
    assert len(alice.group.members()) == 2


def test_a_flood_of_conflicting_proposals_costs_its_author_alone(monkeypatch):
    monkeypatch.setattr(selection, "_TRIES", 24)
    alice, bob, carol, dave = party("alice", "bob", "carol", "dave")
    alice.store.psks |= {b"%d" % number: b"k" * 32 for number in range(30)} | {b"wanted": b"w" * 32}
    asked = [dave.group.propose_psk(b"wanted", now=NOW), dave.group.propose_update(now=NOW)]
    asked += [bob.group.propose_psk(b"%d" % (number // 2), now=NOW) for number in range(60)]
    asked.append(carol.group.propose_remove(2, now=NOW))
    stored = [alice.group.process(message, now=NOW) for message in asked]
    staged = alice.group.commit(now=NOW)
    taken = {one.ref for one in staged.proposals}
    assert {stored[0].ref, stored[1].ref, stored[-1].ref} <= taken
    assert staged.removed == (2,) and staged.updated == (3,)
    assert 0 < len(taken) < 33  # without an end to the search all thirty keys would be found

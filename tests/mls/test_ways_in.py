"""Ways into a group besides a Welcome in a member's commit: by an external commit, by a proposal from outside, with the tree beside."""

from __future__ import annotations

import pytest

from connexa.errors import ConflictError
from connexa.mls import (
    NO_EXTENSIONS,
    Add,
    Credential,
    CryptoError,
    ExternalSender,
    Group,
    MissingPSK,
    MLSMessage,
    PublicGroup,
    Remove,
    Removed,
    RemovedFromGroup,
    Resync,
    Rules,
    StaleCommit,
    ValidationError,
    VerifiedLeaves,
    Welcome,
    propose_from_outside,
    propose_self_add,
    split,
)
from tests.mls.people import AUTH, NOW, Person, add, agree, deliver, package, party


def test_somebody_joins_from_outside():
    alice, bob = party("alice", "bob")
    carol = Person("carol")
    staged = carol.external_join(alice.group.group_info(), aad=b"here I am")
    assert not carol.group.active and carol.store.groups == {}
    with pytest.raises(ValidationError):
        carol.group.encrypt(b"too early")
    deliver(carol, staged, (alice, bob))
    agree(alice, bob, carol)
    carol.reopen()
    assert alice.group.decrypt(carol.group.encrypt(b"hello"), now=NOW).sender == 2
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob, carol))
    agree(alice, bob, carol)


def test_a_join_from_outside_loses_to_another_commit():
    alice, bob = party("alice", "bob")
    carol = Person("carol")
    staged = carol.external_join(alice.group.group_info())
    deliver(bob, bob.group.commit(update=True, now=NOW), (alice,))
    before = alice.group.dump()
    with pytest.raises(Exception, match="epoch"):
        alice.group.process(staged.commit, now=NOW)
    assert alice.group.dump() == before
    deliver(carol, carol.external_join(alice.group.group_info()), (alice, bob))
    agree(alice, bob, carol)
    with pytest.raises(StaleCommit):
        carol.group.merge(staged, now=NOW)


def test_whoever_comes_back_does_not_verify_every_leaf_again():
    """The cache holds what was verified, for the place where it was: a leaf that it does not hold is checked, and refused."""
    alice, bob = party("alice", "bob")
    seen, info = VerifiedLeaves(), alice.group.group_info()
    PublicGroup.begin(info, auth=AUTH, now=NOW, verified=seen)
    tree = alice.group._public.tree
    assert all(seen.holds(leaf, b"group", index) for index, leaf in tree.members())
    carol = Person("carol")
    staged = carol.external_join(info, verified=seen)
    deliver(carol, staged, (alice, bob))
    assert not seen.holds(tree.leaf(0), b"other group", 0)


def test_the_tree_may_come_beside():
    alice, bob = party("alice", "bob")
    carol, dave = Person("carol"), Person("dave")
    staged = carol.external_join(alice.group.group_info(tree=False), ratchet_tree=alice.group.ratchet_tree())
    deliver(carol, staged, (alice, bob))
    bundle = dave.bundle()
    staged = alice.group.commit(add=[package(bundle)], tree="external", now=NOW)
    deliver(alice, staged, (bob, carol))
    with pytest.raises(ValidationError) as refused:
        dave.join(staged.welcome, bundle)
    assert refused.value.rule == "V14"
    dave.join(staged.welcome, bundle, ratchet_tree=alice.group.ratchet_tree())
    agree(alice, bob, carol, dave)


def test_one_welcome_is_split_for_many():
    (alice,) = party("alice")
    people = [Person(f"p{number}") for number in range(5)]
    bundles = [person.bundle() for person in people]
    staged = alice.group.commit(add=[package(bundle) for bundle in bundles], now=NOW)
    alice.group.merge(staged, now=NOW)
    welcome = MLSMessage.decode(staged.welcome).body
    assert isinstance(welcome, Welcome)
    for person, bundle in zip(people, bundles, strict=True):
        person.join(MLSMessage(split(welcome, bundle.key_package.ref(person.suite))).encode(), bundle)
    agree(alice, *people)


@pytest.mark.parametrize("adds", [1, 9, 10])
def test_few_adds_need_no_path(adds):
    (alice,) = party("alice")
    people = [Person(f"p{number}") for number in range(adds)]
    before = alice.group.member(0).leaf_node
    add(alice, *people)
    assert (alice.group.member(0).leaf_node == before) is (adds < 10)
    agree(alice, *people)
    for person in people[:3]:  # the path secret of the Welcome is of use
        deliver(person, person.group.commit(update=True, now=NOW), [one for one in (alice, *people) if one is not person])
    agree(alice, *people)


def test_a_lost_state_is_replaced_from_outside():
    alice, bob, carol = party("alice", "bob", "carol")
    staged = bob.external_join(alice.group.group_info(), resync_leaf=1)
    assert staged.removed == (1,) and staged.sender == 1
    deliver(bob, staged, (alice, carol))
    agree(alice, bob, carol)
    assert len(alice.group.members()) == 3
    bob.reopen()  # nothing of the old state is left in the store


def test_a_removed_member_is_added_again():
    alice, bob, carol = party("alice", "bob", "carol")
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob, carol))
    staged = alice.group.commit(remove=[1], now=NOW)
    deliver(alice, staged, (carol,))  # bob never sees it
    bundle = bob.bundle()
    staged = carol.group.commit(add=[package(bundle)], now=NOW)
    deliver(carol, staged, (alice,))
    assert staged.welcome is not None
    with pytest.raises(ValidationError) as refused:
        Group.join(staged.welcome, bundle, now=NOW, **bob.begun)
    assert refused.value.rule == "V19"
    bob.join(staged.welcome, bundle, joined=())  # he believes it
    agree(alice, bob, carol)
    bob.reopen()


def test_a_client_does_not_join_twice():
    alice, _bob = party("alice", "bob")
    with pytest.raises(ValidationError) as refused:
        Person("bob").external_join(alice.group.group_info())
    assert refused.value.rule in ("V05", "V28")


def test_nobody_replaces_somebody_else():
    alice, _bob = party("alice", "bob")
    with pytest.raises(ValidationError) as refused:
        Person("mallory").external_join(alice.group.group_info(), resync_leaf=1)
    assert refused.value.rule == "V12"


def test_the_old_state_of_a_replaced_device_ends():
    alice, bob = party("alice", "bob")
    stolen = bob.group
    staged = bob.external_join(alice.group.group_info(), resync_leaf=1)
    event = stolen.process(staged.commit, now=NOW)
    assert isinstance(event, Removed) and event.sender is None
    with pytest.raises(RemovedFromGroup):
        stolen.encrypt(b"still here")


def test_resync_may_need_a_resumption_key():
    rules = Rules(resync=Resync.WITH_PSK)
    alice, bob = party("alice", "bob", rules=rules)
    with pytest.raises(ValidationError) as refused:
        Person("bob", rules=rules).external_join(alice.group.group_info(), resync_leaf=1)
    assert refused.value.code == "mls.policy"
    old = bob.group
    staged = bob.external_join(alice.group.group_info(), resync_leaf=1, resuming=old)
    deliver(bob, staged, (alice,))
    agree(alice, bob)
    alice, bob = party("alice", "bob", rules=Rules(resync=Resync.REFUSE))
    with pytest.raises(ValidationError):
        bob.external_join(alice.group.group_info(), resync_leaf=1, resuming=bob.group)


def test_somebody_asks_to_be_added():
    alice, bob = party("alice", "bob")
    carol = Person("carol")
    bundle = carol.bundle()
    asked = propose_self_add(alice.group.group_info(), bundle)
    for member in (alice, bob):
        member.group.process(asked, now=NOW)
    staged = bob.group.commit(now=NOW)
    assert staged.added == (2,)
    deliver(bob, staged, (alice,))
    carol.join(staged.welcome, bundle)
    agree(alice, bob, carol)


def test_an_external_sender_proposes():
    hub = Person("hub")
    sender = ExternalSender(hub.signer.public, Credential.basic(b"hub"))
    alice, _, carol = party("alice", "bob", "carol", extensions=NO_EXTENSIONS.with_external_senders([sender]))
    dave = Person("dave")
    bundle = dave.bundle()
    for proposal in (Remove(1), Add(bundle.key_package)):
        message = propose_from_outside(alice.group.context, 0, hub.signer, proposal)
        for member in (alice, carol):
            member.group.process(message, now=NOW)
    staged = carol.group.commit(now=NOW)
    assert (staged.removed, staged.added) == ((1,), (1,))
    deliver(carol, staged, (alice,))
    dave.join(staged.welcome, bundle)
    agree(alice, carol, dave)
    stranger = propose_from_outside(alice.group.context, 1, hub.signer, Remove(2))
    with pytest.raises(ValidationError) as refused:
        alice.group.process(stranger, now=NOW)
    assert refused.value.rule == "V40"
    forged = propose_from_outside(alice.group.context, 0, Person("mallory").signer, Remove(2))
    with pytest.raises(CryptoError) as broken:
        alice.group.process(forged, now=NOW)
    assert broken.value.rule == "V40"


def test_an_external_key_is_needed_to_join_from_outside():
    alice, bob = party("alice", "bob")
    for person in (alice, bob):
        person.store.psks[b"door"] = b"0" * 32
    carol = Person("carol")
    info = alice.group.group_info()
    with pytest.raises(MissingPSK):
        carol.external_join(info, psks=[b"door"])
    carol.store.psks[b"door"] = b"0" * 32
    deliver(carol, carol.external_join(info, psks=[b"door"]), (alice, bob))
    agree(alice, bob, carol)
    with pytest.raises(ValidationError) as refused:
        Person("dave").external_join(alice.group.group_info(external_pub=False))
    assert refused.value.rule == "V32"


def test_a_new_stay_leaves_nothing_of_the_old_one_in_the_store():
    alice, bob, carol = party("alice", "bob", "carol")
    bob.group.encrypt(b"old keys")
    bob.group.propose_psk(b"of an epoch that bob gives up", now=NOW)
    deliver(bob, bob.external_join(alice.group.group_info(), resync_leaf=1), (alice, carol))
    bob.reopen()
    assert not bob.group.pending
    assert alice.group.decrypt(bob.group.encrypt(b"I am back"), now=NOW).data == b"I am back"


def test_a_group_is_not_created_over_another_one():
    alice, bob = party("alice", "bob")
    before = alice.store.load(b"group")
    with pytest.raises(ConflictError) as refused:
        alice.create(b"group")
    assert refused.value.code == "mls.group_exists"
    assert alice.store.load(b"group") == before
    agree(alice, bob)


def test_a_group_grows_to_its_limit_by_any_way_and_goes_on():
    rules = Rules(max_members=3)
    alice, bob = party("alice", "bob", rules=rules)
    carol, dave = Person("carol", rules=rules), Person("dave", rules=Rules(max_members=4))
    deliver(carol, carol.external_join(alice.group.group_info()), (alice, bob))
    staged = dave.external_join(alice.group.group_info())
    for person in (alice, bob, carol):
        with pytest.raises(ValidationError) as refused:
            person.group.process(staged.commit, now=NOW)
        assert refused.value.rule == "policy"
    for rules in (Rules(max_members=3), Rules(max_members=2)):  # a limit that was lowered ends nothing
        for person in (alice, bob, carol):
            person.group._rules = rules
        deliver(bob, bob.group.commit(update=True, now=NOW), (alice, carol))
    agree(alice, bob, carol)


def test_a_return_that_is_given_up_leaves_the_old_stay_as_it_was():
    alice, bob = party("alice", "bob")
    old, before = bob.group, bob.store.load(b"group")
    bob.external_join(alice.group.group_info(), resync_leaf=1)
    bob.group.forget()
    assert bob.store.load(b"group") == before
    bob.group = old
    agree(alice, bob)

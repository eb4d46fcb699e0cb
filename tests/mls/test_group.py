"""A group's life as its members see it: join, update, remove, propose, leave, commit at the same time, restart."""

from __future__ import annotations

import pytest

from connexa.mls import (
    NO_EXTENSIONS,
    Application,
    CryptoError,
    EpochError,
    Group,
    KeyPackage,
    LeafChange,
    LeafNode,
    MemoryStore,
    ProposalStored,
    Removed,
    RemovedFromGroup,
    ReplayError,
    Rules,
    StaleCommit,
    UnknownProposal,
    ValidationError,
)
from connexa.mls.codec import V, decode
from connexa.mls.registry import MLS10
from tests.mls.people import AUTH, DAY, NOW, Person, add, agree, deliver, package, party

WIRES = ("private", "public")
SUITES = (1, 2, 3, 5, 7, 0xF647)


@pytest.mark.parametrize("suite", SUITES)
def test_members_talk_in_every_suite(suite):
    alice, bob, carol = party("alice", "bob", "carol", suite=suite)
    deliver(bob, bob.group.commit(update=True, now=NOW), (alice, carol))
    agree(alice, bob, carol)
    said = carol.group.encrypt(b"hello", aad=b"in the clear")
    for other in (alice, bob):
        assert other.group.process(said, now=NOW) == Application(2, b"hello", b"in the clear", 2)
    with pytest.raises(ReplayError):
        bob.group.decrypt(said, now=NOW)


@pytest.mark.parametrize("wire", WIRES)
def test_commits_by_value_reach_everybody(wire):
    alice, bob, carol = party("alice", "bob", "carol")
    deliver(carol, carol.group.commit(update=True, wire=wire, now=NOW), (alice, bob))
    dave = Person("dave")
    add(bob, dave, others=(alice, carol), wire=wire)
    agree(alice, bob, carol, dave)
    staged = dave.group.commit(remove=[bob.group.own_leaf], wire=wire, now=NOW)
    assert staged.removed == (1,)
    assert isinstance(bob.group.process(staged.commit, now=NOW), Removed)
    deliver(dave, staged, (alice, carol))
    agree(alice, carol, dave)
    assert [member.leaf for member in alice.group.members()] == [0, 2, 3]


@pytest.mark.parametrize("wire", WIRES)
def test_proposals_of_all_are_committed_by_one(wire):
    alice, bob, carol, dave = party("alice", "bob", "carol", "dave")
    newcomer = Person("newcomer")
    bundle = newcomer.bundle()
    proposals = [
        (bob, bob.group.propose_update(now=NOW, wire=wire)),
        (carol, carol.group.propose_add(package(bundle), now=NOW, wire=wire)),
        (dave, dave.group.propose_remove(dave.group.own_leaf, now=NOW, wire=wire)),
    ]
    for author, message in proposals:
        for other in (alice, bob, carol, dave):
            if other is not author:
                assert isinstance(other.group.process(message, now=NOW), ProposalStored)
    old_key = bob.group.member(1).leaf_node.encryption_key
    staged = alice.group.commit(now=NOW, wire=wire)
    assert (staged.removed, staged.updated, len(staged.added)) == ((3,), (1,), 1)
    assert isinstance(dave.group.process(staged.commit, now=NOW), Removed)
    deliver(alice, staged, (bob, carol))
    newcomer.join(staged.welcome, bundle)
    agree(alice, bob, carol, newcomer)
    assert bob.group.member(1).leaf_node.encryption_key != old_key
    deliver(newcomer, newcomer.group.commit(update=True, now=NOW), (alice, bob, carol))
    agree(alice, bob, carol, newcomer)


def test_a_committer_takes_up_what_holds_together():
    alice, bob, carol = party("alice", "bob", "carol")
    messages = [
        bob.group.propose_update(now=NOW),
        bob.group.propose_update(now=NOW),
        carol.group.propose_remove(1, now=NOW),
        carol.group.propose_remove(0, now=NOW),
    ]
    for message in messages:
        alice.group.process(message, now=NOW)
    staged = alice.group.commit(now=NOW)
    assert (staged.removed, staged.updated) == ((1,), ())
    own = alice.group.propose_update(now=NOW)
    assert own and alice.group.commit(now=NOW).removed == (1,)


def test_of_two_updates_the_later_one_is_taken():
    alice, bob = party("alice", "bob")
    first, second = bob.group.propose_update(now=NOW), bob.group.propose_update(now=NOW)
    alice.group.process(first, now=NOW)
    later = alice.group.process(second, now=NOW)
    staged = alice.group.commit(now=NOW)
    assert [one.ref for one in staged.proposals] == [later.ref]
    deliver(alice, staged, (bob,))
    agree(alice, bob)


def test_a_commit_needs_the_proposals_it_refers_to():
    alice, bob, carol = party("alice", "bob", "carol")
    proposal = bob.group.propose_update(now=NOW)
    alice.group.process(proposal, now=NOW)
    staged = alice.group.commit(now=NOW)
    before = carol.group.dump()
    with pytest.raises(UnknownProposal):
        carol.group.process(staged.commit, now=NOW)
    assert carol.group.dump() == before
    carol.group.process(proposal, now=NOW)
    deliver(alice, staged, (bob, carol))
    agree(alice, bob, carol)


def test_staging_changes_nothing():
    alice, bob, carol = party("alice", "bob", "carol")
    before = alice.group.dump()
    mine = alice.group.commit(update=True, now=NOW)
    assert alice.group.dump() == before
    theirs = bob.group.commit(update=True, now=NOW)
    event = alice.group.process(theirs.commit, now=NOW)
    assert alice.group.dump() == before
    again = alice.group.process(theirs.commit, now=NOW)  # a staged commit may be staged anew
    assert again.commit.epoch_authenticator == event.commit.epoch_authenticator
    alice.group.discard(mine)
    alice.group.merge(event.commit, now=NOW)
    with pytest.raises(StaleCommit):
        alice.group.merge(mine, now=NOW)
    bob.group.merge(theirs, now=NOW)
    agree(alice, bob)
    carol.group.merge(carol.group.process(theirs.commit, now=NOW).commit, now=NOW)
    with pytest.raises(EpochError):
        carol.group.process(mine.commit, now=NOW)


def test_a_proposal_after_a_staged_commit_uses_another_key():
    alice, bob = party("alice", "bob")
    staged = alice.group.commit(update=True, now=NOW)
    proposal = alice.group.propose_remove(1, now=NOW)
    bob.group.process(proposal, now=NOW)
    deliver(alice, staged, (bob,))
    agree(alice, bob)


def test_a_staged_commit_outlives_a_restart():
    alice, bob = party("alice", "bob")
    staged = alice.group.commit(update=True, now=NOW)
    kept = alice.group.dump_staged(staged)
    alice.reopen()
    back = alice.group.load_staged(kept)
    assert back.commit == staged.commit and back.proposals == staged.proposals
    bob.group.process(alice.group.propose_remove(1, now=NOW), now=NOW)  # sealed with the next key, not with the commit's
    deliver(alice, back, (bob,))
    agree(alice, bob)


def test_who_was_removed_holds_nothing():
    alice, bob = party("alice", "bob")
    staged = alice.group.commit(remove=[1], now=NOW)
    bob.group.process(staged.commit, now=NOW)
    assert bob.store.groups == {} and not bob.group.active
    for refused in (
        lambda: bob.group.encrypt(b"still here"),
        lambda: bob.group.process(staged.commit, now=NOW),
        lambda: bob.group.commit(now=NOW),
        lambda: bob.group.epoch_authenticator,
        bob.group.dump,
    ):
        with pytest.raises(RemovedFromGroup):
            refused()


def test_late_messages_are_read_for_a_while():
    alice, bob = party("alice", "bob", rules=Rules(past_epochs=2))
    late = [bob.group.encrypt(b"late %d" % number) for number in range(3)]
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    assert alice.group.decrypt(late[1], now=NOW).data == b"late 1"
    alice.reopen()
    with pytest.raises(ReplayError):
        alice.group.decrypt(late[1], now=NOW)
    assert alice.group.decrypt(late[0], now=NOW + DAY).epoch == 1
    before = alice.group.dump()
    with pytest.raises(EpochError):
        alice.group.decrypt(late[2], now=NOW + 3 * DAY)
    assert alice.group.dump() == before
    for _ in range(2):
        deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    with pytest.raises(EpochError):
        alice.group.decrypt(late[2], now=NOW)


def test_a_late_message_is_of_whoever_had_the_leaf_then():
    alice, bob, carol = party("alice", "bob", "carol")
    late = bob.group.encrypt(b"before I went")
    deliver(alice, alice.group.commit(remove=[1], now=NOW), (carol,))
    dave = Person("dave")
    add(carol, dave, others=(alice,))
    assert dave.group.own_leaf == 1
    carol.reopen()
    for reader in (alice, carol):
        said = reader.group.decrypt(late, now=NOW)
        assert (said.sender, said.epoch, said.signature_key) == (1, 1, bob.signer.public)
    now = alice.group.decrypt(dave.group.encrypt(b"hello"), now=NOW)
    assert (now.sender, now.signature_key) == (1, dave.signer.public)


def test_old_epochs_are_deleted_when_their_time_is_over():
    alice, bob = party("alice", "bob")
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    assert any(name.startswith("past 1 ") for name in alice.store.groups[b"group"])
    alice.group.decrypt(bob.group.encrypt(b"much later"), now=NOW + 3 * DAY)
    assert not any(name.startswith("past") for name in alice.store.groups[b"group"])
    alice.reopen()


def test_handshakes_of_an_old_epoch_are_refused():
    alice, bob = party("alice", "bob")
    for wire in WIRES:
        proposal = bob.group.propose_update(now=NOW, wire=wire)
        deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
        with pytest.raises(EpochError):
            alice.group.process(proposal, now=NOW)


def test_a_member_changes_its_signature_key():
    alice, bob, carol = party("alice", "bob", "carol")
    fresh = bob.suite.generate_signature_key(bob.rng)
    deliver(bob, bob.group.commit(update=LeafChange(signer=fresh), now=NOW), (alice, carol))
    agree(alice, bob, carol)
    assert alice.group.member(1).signature_key == fresh.public
    newest = bob.suite.generate_signature_key(bob.rng)
    proposal = bob.group.propose_update(change=LeafChange(signer=newest), now=NOW)
    for other in (alice, carol):
        other.group.process(proposal, now=NOW)
    bob.reopen()
    deliver(carol, carol.group.commit(now=NOW), (alice, bob))
    bob.reopen()
    assert alice.group.decrypt(bob.group.encrypt(b"signed anew"), now=NOW).data == b"signed anew"


def test_resumption_keys_are_kept_for_some_epochs():
    alice, bob = party("alice", "bob")
    first = alice.group.resumption_psk(1)
    for _ in range(8):
        deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    assert bob.group.resumption_psk(1) == first
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    for group in (alice.group, bob.group):
        with pytest.raises(EpochError):
            group.resumption_psk(1)


def test_only_members_messages_are_processed():
    alice, bob = party("alice", "bob")
    for other in (package(bob.bundle()), alice.group.group_info()):
        with pytest.raises(ValidationError) as refused:
            bob.group.process(other, now=NOW)
        assert refused.value.rule == "V22"
    elsewhere, _ = party("alice", "bob", group_id=b"another")
    with pytest.raises(ValidationError) as refused:
        bob.group.process(elsewhere.group.encrypt(b"hello"), now=NOW)
    assert refused.value.rule == "V25"


def test_what_is_said_beside_a_kept_commit_takes_no_key_of_it():
    alice, bob, carol = party("alice", "bob", "carol")
    kept = alice.group.dump_staged(alice.group.commit(update=True, now=NOW))
    alice.reopen()  # the answer is out, and the program was restarted
    for member in (bob, carol):
        alice.group.process(member.group.propose_psk(b"never used", now=NOW), now=NOW)
    asked = alice.group.propose_remove(0, now=NOW)
    for member in (bob, carol):
        member.group.process(asked, now=NOW)
    deliver(alice, alice.group.load_staged(kept), (bob, carol))
    agree(alice, bob, carol)
    alice.reopen()


def test_others_follow_a_commit_after_any_number_that_were_given_up():
    alice, bob = party("alice", "bob")
    for _ in range(12):
        alice.group.dump_staged(alice.group.commit(update=True, now=NOW))
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    agree(alice, bob)
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    agree(alice, bob)


def test_a_leaf_with_a_parents_key_does_not_spoil_the_tree():
    room = alice, bob, carol, _dave = party("alice", "bob", "carol", "dave")
    deliver(alice, alice.group.commit(update=True, now=NOW), room[1:])
    taken = alice.group._state.epoch.public.tree.nodes[3].encryption_key
    mallory = Person("mallory")
    spoilt = with_encryption_key(mallory, taken)
    with pytest.raises(ValidationError) as refused:
        alice.group.commit(add=[spoilt], now=NOW)
    assert refused.value.rule == "V16"
    proposed = bob.group.propose_add(spoilt, now=NOW)
    for person in (alice, carol, _dave):
        person.group.process(proposed, now=NOW)
    deliver(alice, alice.group.commit(update=True, now=NOW), room[1:])  # without it
    assert len(alice.group.members()) == 4
    erin = Person("erin")
    add(alice, erin, others=tuple(room[1:]))
    agree(*room, erin)


def with_encryption_key(person: Person, key: bytes) -> KeyPackage:
    """A key package whose leaf shows somebody else's encryption key."""
    honest = person.bundle().key_package
    leaf = LeafNode.sign(
        person.suite,
        person.signer,
        key,
        honest.leaf_node.credential,
        honest.leaf_node.capabilities,
        extensions=NO_EXTENSIONS,
        lifetime=honest.leaf_node.lifetime,
    )
    signed = MLS10.to_bytes(2, "big") + person.suite.number.to_bytes(2, "big") + V(honest.init_key) + leaf.raw + NO_EXTENSIONS.encode()
    signature = person.suite.sign_with_label(person.signer, "KeyPackageTBS", signed)
    return decode(KeyPackage.read, signed + V(signature))


def test_who_has_signed_a_commit_is_known_whatever_it_says():
    alice, bob = party("alice", "bob")
    staged = bob.group.commit(update=True, now=NOW)
    before = alice.group.dump()
    assert alice.group.author(staged.commit).index == bob.group.own_leaf
    assert alice.group.dump() == before
    with pytest.raises(CryptoError):
        alice.group.author(staged.commit[:-1] + bytes([staged.commit[-1] ^ 1]))


def test_an_old_copy_knows_its_own_later_words_and_nobody_makes_them_up():
    alice, bob = party("alice", "bob")
    copy = Group.load(bob.group.dump(), auth=AUTH, store=MemoryStore())
    said = bob.group.encrypt(b"later")
    assert copy.is_own(said)
    assert not bob.group.is_own(alice.group.encrypt(b"hello"))
    assert not copy.is_own(said[:-1] + bytes([said[-1] ^ 1]))
    assert copy.epoch == bob.group.epoch

"""Whose word counts for a key: the domain's count, the owner's comparison, and what neither may do (P26, identity §5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connexa.content import ContactState, Missing, Register, Resend, Text, VerifiedHow
from connexa.crypto import Ed25519Secret
from connexa.errors import IntegrityError, UsageError
from connexa.identity import Address, Attestation, PinState, issue_attestation
from connexa.node import trust
from connexa.node.arrivals import Taken
from connexa.node.contact_book import block, contact_view, remove, safety_view, unblock
from connexa.node.converge import take_register
from connexa.node.own_copies import contact_of
from connexa.node.people import Person, person_at
from connexa.node.views import ContactView, TrustTier
from connexa.pairwise import safety_code, safety_number
from connexa.store import Execute
from connexa.testing import FakeClock, SeededRandom

from .correspondents import Device, open_device

Pair = tuple[Device, Device]
BOB = Address.parse("bob@b.example")


async def other_bob(tmp_path: Path, clock: FakeClock, bob: Device, alice: Device, n: int, name: str = "other") -> Device:
    """Another key at Bob's address, which Bob's own domain attests as the n-th."""
    rng = SeededRandom(name.encode()[0])
    made = await open_device(tmp_path / f"{name}.db", clock, rng, str(BOB), bob.domain_key)
    account = made.account
    attestation = issue_attestation(Attestation(account.address, account.user_id, n), bob.domain_key)
    made.home.database.writer_connection.execute("UPDATE account SET attestation = ?", (attestation.SerializeToString(),))
    made.pin("a.example", alice.domain_key)
    return made


def bob_of(alice: Device) -> Person:
    person = person_at(alice.home.database.read, alice.number, BOB)
    assert person is not None
    return person


def view(alice: Device) -> ContactView:
    return contact_view(alice.home.database.read, bob_of(alice))


async def compared(alice: Device, bob: Device) -> None:
    number = safety_number(alice.account.user, bob.account.user)
    await alice.home.change(lambda execute: trust.verify(execute, alice.home, alice.account, bob_of(alice), VerifiedHow.TYPED, number))


async def writes(other: Device, alice: Device, text: str = "believe me") -> None:
    await alice.take(alice.pushed(await other.write([alice], Text(text), "stranger")))


async def friends(pair: Pair) -> Pair:
    alice, bob = pair
    await alice.know(bob, ContactState.ACCEPTED)
    await bob.know(alice, ContactState.ACCEPTED)
    await alice.take(alice.pushed(await bob.write([alice], Text("hello"))))
    return alice, bob


@pytest.mark.parametrize(("n", "follows"), [(0, False), (1, True), (7, True)])
async def test_the_domains_count_must_have_gone_up(pair: Pair, tmp_path: Path, clock: FakeClock, n: int, follows: bool) -> None:
    """A domain that swaps a key without counting it contradicts itself: that is not followed for anybody."""
    alice, bob = await friends(pair)
    other = await other_bob(tmp_path, clock, bob, alice, n)
    await writes(other, alice)
    shown = view(alice)
    assert (shown.user == other.account.user_id.hex()) is follows
    assert shown.trust is (TrustTier.ATTESTED if follows else TrustTier.CHANGED)
    assert shown.warning == "identity.changed"
    assert alice.events().count("trust.warning") == 1
    assert ("believe me" in alice.texts()) and alice.state_of(bob) == ("replaced" if follows else "accepted")


@pytest.mark.parametrize("n", [0, 1, 7])
async def test_no_count_moves_a_verified_contact(pair: Pair, tmp_path: Path, clock: FakeClock, n: int) -> None:
    alice, bob = await friends(pair)
    await compared(alice, bob)
    other = await other_bob(tmp_path, clock, bob, alice, n)
    await writes(other, alice)
    shown = view(alice)
    assert (shown.trust, shown.user) == (TrustTier.CHANGED, bob.account.user_id.hex())
    assert alice.state_of(other) == "pending"
    assert "message.new" not in alice.events()[alice.events().index("trust.warning") :]  # it is a request, and no word of the contact
    await alice.take(alice.pushed(await bob.write([alice], Text("still me"))))  # the known key is heard as before
    assert alice.texts()[-1] == "still me"


async def test_a_further_other_key_takes_the_place_of_the_first_and_decides_nothing(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    await compared(alice, bob)
    await writes(await other_bob(tmp_path, clock, bob, alice, 1), alice)
    other = await other_bob(tmp_path, clock, bob, alice, 1, "third")
    await writes(other, alice)
    person = bob_of(alice)
    assert (person.user, person.rival, person.trust) == (bob.account.user_id, other.account.user_id, TrustTier.CHANGED)
    assert safety_view(alice.home.database.read, alice.account, person).digits == safety_number(alice.account.user, other.account.user)


async def test_a_replaced_key_is_not_heard_again_and_does_not_come_back(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    other = await other_bob(tmp_path, clock, bob, alice, 1)
    await writes(other, alice)
    before, events = alice.texts(), len(alice.events())
    await alice.take(alice.pushed(await bob.write([alice], Text("from the thief of the old key"))))
    await alice.take(alice.pushed(await bob.write([alice], Text("as a stranger"), "stranger")))
    assert alice.texts() == before
    assert view(alice).user == other.account.user_id.hex()
    assert "trust.warning" not in alice.events()[events:]


async def test_a_provisional_domain_moves_nobody(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    alice.pin("b.example", bob.domain_key, PinState.PROVISIONAL)
    await writes(await other_bob(tmp_path, clock, bob, alice, 1), alice)
    assert view(alice).trust is TrustTier.CHANGED


async def test_an_attestation_of_somebody_else_is_nobodys_word(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    other = await other_bob(tmp_path, clock, bob, alice, 1)
    forged = issue_attestation(Attestation(BOB, other.account.user_id, 1), Ed25519Secret.from_seed(bytes(32)))
    other.home.database.writer_connection.execute("UPDATE account SET attestation = ?", (forged.SerializeToString(),))
    await writes(other, alice)
    assert (view(alice).trust, view(alice).warning) == (TrustTier.ATTESTED, "")
    assert alice.undecryptable() == 1


async def test_a_block_is_of_the_person_whatever_the_key(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    await alice.home.change(lambda execute: block(execute, alice.home, alice.account, bob_of(alice)))
    other = await other_bob(tmp_path, clock, bob, alice, 1)
    await writes(other, alice)
    assert alice.state_of(other) == "blocked"
    assert "believe me" not in alice.texts()
    await alice.home.change(lambda execute: unblock(execute, alice.home, alice.account, bob_of(alice)))
    assert view(alice).user == other.account.user_id.hex()


async def test_a_removed_contact_leaves_no_verification_and_no_alarm(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    await compared(alice, bob)
    await alice.home.change(lambda execute: remove(execute, alice.home, alice.account, bob_of(alice)))
    await writes(await other_bob(tmp_path, clock, bob, alice, 1), alice)
    person = bob_of(alice)
    assert (person.state, person.verified_at, person.warning) == (ContactState.PENDING, 0, "")


async def test_only_the_very_number_verifies(pair: Pair) -> None:
    alice, bob = await friends(pair)
    number = safety_number(alice.account.user, bob.account.user)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)

    async def attempt(how: VerifiedHow, proof: str) -> None:
        await alice.home.change(lambda execute: trust.verify(execute, alice.home, alice.account, bob_of(alice), how, proof))

    for how, proof in ((VerifiedHow.TYPED, wrong), (VerifiedHow.SCANNED, safety_code(alice.account.user, alice.account.user))):
        with pytest.raises((IntegrityError, UsageError)):
            await attempt(how, proof)
        assert bob_of(alice).verified_at == 0
    with pytest.raises(UsageError):
        await attempt(VerifiedHow.SCANNED, safety_code(alice.account.user, bob.account.user))  # her own screen
    await attempt(VerifiedHow.TYPED, " ".join(number[at : at + 5] for at in range(0, 60, 5)))
    await attempt(VerifiedHow.SCANNED, safety_code(bob.account.user, alice.account.user).lower())
    assert (bob_of(alice).trust, bob_of(alice).verified_how) == (TrustTier.VERIFIED, VerifiedHow.SCANNED)
    await alice.home.change(lambda execute: trust.unverify(execute, alice.home, alice.account, bob_of(alice)))
    assert bob_of(alice).trust is TrustTier.ATTESTED
    assert [note.code for note in view(alice).notes] == ["contact.verified", "contact.verified", "contact.unverified"]


async def test_a_verified_contact_whose_number_is_the_old_one_hears_of_the_lie(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    await compared(alice, bob)
    await writes(await other_bob(tmp_path, clock, bob, alice, 1), alice)
    with pytest.raises(IntegrityError) as refused:
        await compared(alice, bob)  # Bob reads out the number of the key that he still has
    assert refused.value.code == "safety.mismatch"
    assert "keep" in str(refused.value.hint)
    assert view(alice).trust is TrustTier.CHANGED
    await alice.home.change(lambda execute: trust.keep_key(execute, alice.home, alice.account, bob_of(alice)))
    assert (view(alice).trust, view(alice).rival, view(alice).warning) == (TrustTier.VERIFIED, "", "")


async def test_the_timeline_is_bounded(pair: Pair) -> None:
    alice, _ = await friends(pair)
    person = bob_of(alice)

    def write_all(execute: Execute) -> None:
        for at in range(trust.MAX_NOTES + 10):
            trust.note(execute, person.id, "devices.added", at)

    await alice.home.change(write_all)
    kept = trust.trust_notes(alice.home.database.read, person.id)
    assert [note.at for note in kept] == list(range(10, trust.MAX_NOTES + 10))


async def test_what_was_said_to_the_old_key_is_never_said_again_to_the_new_one(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = await friends(pair)
    await alice.say(bob, "between us")
    await alice.post([bob])
    alice.home.database.writer_connection.execute("UPDATE message SET state = 'accepted' WHERE mine = 1")
    alice.home.database.writer_connection.execute("UPDATE outbox SET state = 'accepted'")
    other = await other_bob(tmp_path, clock, bob, alice, 1)
    await writes(other, alice)
    asked = Resend(missing=(Missing(alice.account.device, (1,), 0, unconfirmed=True),))
    clock.advance(3600)
    await alice.take(alice.pushed(await other.write([alice], asked)))
    assert alice.home.database.read("SELECT 1 FROM outbox WHERE kind = 'again'") == []
    assert alice.home.database.read("SELECT 1 FROM outbox WHERE kind = 'control'") != []  # it was answered: there is nothing


@pytest.mark.parametrize("verified", [True, False])
async def test_what_was_followed_here_is_undone_where_the_owner_had_compared_elsewhere(
    pair: Pair, tmp_path: Path, clock: FakeClock, verified: bool
) -> None:
    """The laptop had verified Bob; this device had not heard of it when another key came, and followed that."""
    alice, bob = await friends(pair)
    before = contact_of(bob_of(alice))
    other = await other_bob(tmp_path, clock, bob, alice, 1)
    await writes(other, alice)
    assert view(alice).user == other.account.user_id.hex()
    facts: dict[str, Any] = {"verified_at": int(clock()), "verified_how": VerifiedHow.TYPED} if verified else {}
    told = Register(int(clock() * 1000), bytes(32), replace(before, **facts))
    await alice.home.change(lambda execute: take_register(execute, alice.home, alice.account, told, Taken(), live=True))
    assert (alice.state_of(bob), alice.state_of(other)) == (("accepted", "pending") if verified else ("replaced", "accepted"))
    assert view(alice).trust is (TrustTier.CHANGED if verified else TrustTier.ATTESTED)
    assert view(alice).user == (bob if verified else other).account.user_id.hex()

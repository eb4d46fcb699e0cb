"""P26: where another key answers for a contact, sending to a verified one blocks until the owner acts; the safety number changes; the old
key is not used any more. Through two homeservers, whose administrator lets Bob begin anew with a new key at his old address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connexa.content import VerifiedHow
from connexa.errors import IntegrityError, RefusedError
from connexa.node.views import ContactState, TrustTier
from connexa.testing import Device, World

ALICE, BOB = "alice@a.example", "bob@b.example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path) as opened:
        yield opened


async def friends(world: World, *, verified: bool) -> tuple[Device, Device]:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    if verified:
        shown = bob.node.safety_number("", ALICE).digits
        contact = await alice.node.verify_contact("", BOB, shown, VerifiedHow.COMPARED)
        assert contact.trust is TrustTier.VERIFIED
    return alice, bob


async def until_trust(device: Device, tier: TrustTier) -> None:
    await device.until(lambda: device.node.contact("", BOB).trust is tier or None, what=f"the tier {tier}")


def notes(alice: Device) -> list[str]:
    return [note.code for note in alice.node.conversation("", BOB).notes]


async def test_an_unverified_contact_is_followed_to_the_new_key_and_it_shows(world: World) -> None:
    alice, bob = await friends(world, verified=False)
    before, old = alice.node.safety_number("", BOB).digits, alice.node.contact("", BOB)
    conversation = alice.node.conversation("", BOB).id
    await bob.stop()
    anew = await world.anew(BOB, "bob-anew")
    await anew.node.send("", ALICE, "it is me, with a new key")
    await alice.until_text(BOB, "it is me, with a new key")
    contact = alice.node.contact("", BOB)
    assert (contact.trust, contact.warning, contact.state) == (TrustTier.ATTESTED, "identity.changed", ContactState.ACCEPTED)
    assert contact.user != old.user
    assert "may I?" in [one.text for one in alice.log(BOB)]  # one conversation, of both keys
    assert alice.node.conversation("", conversation).id == alice.node.conversation("", BOB).id != conversation
    assert notes(alice) == ["identity.changed"]
    assert [event.fields["code"] for event in alice.node.replay() if event.kind == "trust.warning"] == ["identity.changed"]
    assert alice.node.safety_number("", BOB).digits == anew.node.safety_number("", ALICE).digits != before
    await alice.node.send("", BOB, "welcome back")
    await anew.until_text(ALICE, "welcome back")
    await alice.node.mark_read("", BOB)
    assert alice.node.contact("", BOB).warning == ""


async def test_an_unverified_contact_is_found_at_the_address_by_the_next_message(world: World) -> None:
    """Before, such a contact stayed out of reach until it was removed."""
    alice, bob = await friends(world, verified=False)
    await bob.stop()
    anew = await world.anew(BOB, "bob-anew")
    sent = await alice.node.send("", BOB, "are you there?")
    request = await anew.until_request()
    assert anew.node.request("", request.id).texts == ["are you there?"]
    await anew.node.accept_request("", request.id)
    await alice.until_state(sent.id, "delivered")
    assert notes(alice) == ["identity.changed"]
    assert anew.node.conversation("", ALICE).missing == 0  # counters began anew with the key


async def test_a_removed_contact_is_begun_anew_with_whatever_key_the_address_has(world: World) -> None:
    alice, bob = await friends(world, verified=True)
    await bob.stop()
    anew = await world.anew(BOB, "bob-anew")
    await alice.node.remove_contact("", BOB)
    await alice.node.send("", BOB, "once more")
    request = await anew.until_request()
    assert anew.node.request("", request.id).texts == ["once more"]
    assert alice.node.contact("", BOB).trust is TrustTier.ATTESTED


async def changed_for_a_verified_contact(world: World) -> tuple[Device, Device, str]:
    """Alice has verified Bob, then another key answers for him; her message waits."""
    alice, bob = await friends(world, verified=True)
    await bob.stop()
    anew = await world.anew(BOB, "bob-anew")
    sent = await alice.node.send("", BOB, "for the Bob whom I verified")
    await alice.until(lambda: alice.node.contact("", BOB).rival or None, what="the new key")
    await alice.until(lambda: alice.node.message("", sent.id).message.reason == "identity.changed" or None, what="the wait")
    return alice, anew, sent.id


async def test_sending_to_a_verified_contact_blocks_and_nothing_reaches_the_new_key(world: World) -> None:
    alice, anew, waiting = await changed_for_a_verified_contact(world)
    contact = alice.node.contact("", BOB)
    assert (contact.trust, contact.warning) == (TrustTier.CHANGED, "identity.changed")
    assert contact.rival.replace(" ", "").lower() == anew.node.account().user
    assert contact.verified_at > 0  # of the old key, which is still the contact's
    with pytest.raises(RefusedError) as refused:
        await alice.node.send("", BOB, "another")
    assert refused.value.code == "identity.changed"
    assert alice.node.message("", waiting).message.state == "queued"
    assert anew.node.requests() == []
    await alice.node.mark_read("", BOB)
    assert alice.node.contact("", BOB).warning == "identity.changed"  # reading decides nothing


async def test_what_the_new_key_writes_waits_among_the_requests(world: World) -> None:
    alice, bob = await friends(world, verified=True)
    await bob.stop()
    anew = await world.anew(BOB, "bob-anew")
    await anew.node.send("", ALICE, "believe me")
    request = await alice.until_request()
    assert (request.domain, request.warning) == ("b.example", "identity.changed")
    assert "believe me" not in alice.texts(BOB)
    assert alice.node.contact("", BOB).trust is TrustTier.CHANGED
    with pytest.raises(RefusedError):
        await alice.node.accept_request("", request.id)  # between two keys it is not decided in passing
    assert [one.state for one in alice.node.contacts()] == ["accepted"]


async def test_comparing_the_new_number_settles_it_and_what_waited_goes(world: World) -> None:
    alice, anew, waiting = await changed_for_a_verified_contact(world)
    await anew.node.send("", ALICE, "believe me")
    await alice.until_request()
    number = anew.node.safety_number("", ALICE)
    with pytest.raises(IntegrityError) as refused:
        await alice.node.verify_contact("", BOB, "0" * 60, VerifiedHow.TYPED)
    assert refused.value.code == "safety.mismatch"
    assert alice.node.contact("", BOB).trust is TrustTier.CHANGED
    contact = await alice.node.verify_contact("", BOB, number.code, VerifiedHow.SCANNED)
    assert (contact.trust, contact.verified_how, contact.warning) == (TrustTier.VERIFIED, VerifiedHow.SCANNED, "")
    assert contact.user == anew.node.account().user
    await anew.until_text(ALICE, "for the Bob whom I verified")
    await alice.until_text(BOB, "believe me")
    await alice.until_state(waiting, "delivered")
    assert alice.node.requests() == []
    assert anew.node.conversation("", ALICE).missing == 0


async def test_trusting_without_comparing_drops_the_verification(world: World) -> None:
    alice, anew, waiting = await changed_for_a_verified_contact(world)
    contact = await alice.node.trust_contact("", BOB)
    assert (contact.trust, contact.verified_at) == (TrustTier.ATTESTED, 0)
    request = await anew.until_request()
    await anew.node.accept_request("", request.id)
    await alice.until_state(waiting, "delivered")
    assert notes(alice)[-1] == "identity.trusted"


async def test_keeping_the_known_key_turns_the_other_away_for_good(world: World) -> None:
    alice, anew, waiting = await changed_for_a_verified_contact(world)
    contact = await alice.node.keep_contact("", BOB)
    assert (contact.trust, contact.rival) == (TrustTier.VERIFIED, "")
    sent = await anew.node.send("", ALICE, "believe me")
    await anew.until_state(sent.id, "accepted")
    (carol,) = await world.person("carol@b.example")
    await carol.node.send("", ALICE, "I come behind it")
    await alice.until_request()
    assert [one.warning for one in alice.node.requests()] == [""]  # Carol's alone
    assert "believe me" not in alice.texts(BOB)
    assert alice.node.message("", waiting).message.state == "queued"
    assert anew.node.requests() == []
    assert alice.node.contact("", BOB).trust is TrustTier.VERIFIED


async def test_own_devices_learn_of_the_verification_and_of_the_decision(world: World) -> None:
    alice, laptop = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    await laptop.until_contact(BOB)
    await alice.node.verify_contact("", BOB, bob.node.safety_number("", ALICE).digits)
    await until_trust(laptop, TrustTier.VERIFIED)
    await bob.stop()
    anew = await world.anew(BOB, "bob-anew")
    await anew.node.send("", ALICE, "believe me")
    for device in (alice, laptop):
        await until_trust(device, TrustTier.CHANGED)
    await laptop.node.verify_contact("", BOB, anew.node.safety_number("", ALICE).digits)
    for device in (alice, laptop):
        await until_trust(device, TrustTier.VERIFIED)
        await device.until_text(BOB, "believe me")
        assert device.node.contact("", BOB).user == anew.node.account().user
    await alice.node.send("", BOB, "welcome back")
    await anew.until_text(ALICE, "welcome back")

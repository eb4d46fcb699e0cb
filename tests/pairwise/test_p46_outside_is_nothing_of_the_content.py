"""P46: what identifies a message stands in the content and its wrap; outside are a random envelope id, whom it is for, the class, the
expiry and the proof. A body is made for one person: two people who get the same words share none."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.content import Text
from connexa.crypto import Rng
from connexa.node.prekeys import seal_secret
from connexa.node.sessions import open_message, unseal
from connexa.pairwise import Reject, check_wrap
from connexa.testing import PostDevice
from connexa.wire.v1.message_pb2 import Envelope
from tests.node.correspondents import Device, befriend
from tests.pairwise.tap import Tap

OUTSIDE = {"version", "id", "expires", "domain", "user", "body", "packets", "token"}
INSIDE_A_PACKET = {"device", "sek", "sealed"}
Pair = tuple[Device, Device]


async def test_p46_outside_stand_only_the_envelopes_own_words(two_people: Path, tmp_path: Path) -> None:
    post = await Tap.open(two_people, tmp_path, seed=46)
    try:
        await post.settle()
        post.raws.clear()
        alice = post.devices[0]
        message = await alice.say("bob@a.example", "words")
        await alice.send_out()
        (envelope,) = post.envelopes
        (raw,) = post.raws
        assert {field.name for field, _ in envelope.ListFields()} == OUTSIDE
        for packet in envelope.packets:
            assert {field.name for field, _ in packet.ListFields()} <= INSIDE_A_PACKET
        for inside in (message, _conversation(alice), b"words"):
            assert inside not in raw
        assert envelope.id != message
    finally:
        post.close()


def _conversation(device: PostDevice) -> bytes:
    return bytes(device.database.read("SELECT public FROM conversation")[0][0])


async def test_p46_a_message_that_goes_again_is_another_envelope(two_people: Path, tmp_path: Path) -> None:
    """The id of the envelope is random, so a server cannot tell that both hold the same message."""
    post = await Tap.open(two_people, tmp_path, seed=47)
    try:
        await post.settle()
        alice, bob = post.devices[0], post.devices[3]
        post.raws.clear()
        await alice.say(bob.address, "lost once")
        await alice.send_out()
        post.collect(bob)
        await alice.say(bob.address, "and noticed by this")
        await post.settle()
        assert [entry.text for entry in bob.entries() if entry.text == "lost once"] == ["lost once"]
        sent = [envelope for envelope in post.envelopes if envelope.token]
        assert len({envelope.id for envelope in sent}) == len(sent) == len({envelope.body for envelope in sent})
    finally:
        post.close()


async def test_p46_the_wrap_holds_for_its_envelope_and_its_conversation_alone(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    envelope = await alice.write([bob], Text("hello"), message=b"m" * 16, counter=1)
    item = bob.pushed(envelope)
    read, account = bob.home.database.read, bob.account
    unsealed = unseal(account, seal_secret(read, account.id, item.sek), item.sek, item.sealed)
    opened = open_message(read, account, unsealed, [alice.domain_key.public], accepted_at=item.accepted_at, now=bob.home.clock())
    assert opened.wrap.message_id == b"m" * 16
    check_wrap(opened.wrap, envelope.id, opened.wrap.conversation)
    for other, conversation in ((bytes(16), opened.wrap.conversation), (envelope.id, bytes(32))):
        with pytest.raises(Reject):
            check_wrap(opened.wrap, other, conversation)


async def test_p46_two_people_share_no_body(pair: Pair) -> None:
    """The same words under the same message id, as in a copy that nobody shall see: nothing of the two is equal, but their sizes are."""
    alice, bob = pair
    await befriend(alice, bob)
    rng: Rng = alice.home.rng
    message = rng(16)
    one = await alice.write([bob], Text("to all of you"), message=message)
    other = await alice.write([bob], Text("to all of you"), message=message)
    assert one.id != other.id
    assert one.body != other.body
    assert one.token != other.token
    assert len(one.body) == len(other.body)
    assert one.packets[0].sealed != other.packets[0].sealed


def test_p46_an_envelope_has_no_field_for_more() -> None:
    fields = set(Envelope.DESCRIPTOR.fields_by_name)
    assert fields == OUTSIDE | {"invite", "stranger", "own"}

"""P14: what is accepted was sent, once, by that device to this one in this conversation; its ids stand inside the encryption alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connexa.content import Text, conversation_id
from connexa.crypto import Ed25519Secret
from connexa.pairwise import Reject, Wrap, check_wrap, decode_wrap, encode_wrap
from connexa.testing import FakeClock, SeededRandom
from connexa.wire.v1.message_pb2 import Envelope
from tests.node.correspondents import Device, befriend, dump, open_device
from tests.node.friends import become_friends, deliver, settle
from tests.pairwise.world import acquainted, seeded

Pair = tuple[Device, Device]
RNG = seeded(14)


def made() -> Wrap:
    return Wrap(RNG(32), RNG(32), RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32))


def test_p14_the_ids_inside_are_those_of_the_envelope_and_the_conversation() -> None:
    wrap = made()
    check_wrap(wrap, wrap.body_id, wrap.conversation)
    for envelope, conversation in ((RNG(16), wrap.conversation), (wrap.body_id, RNG(32)), (b"", wrap.conversation)):
        with pytest.raises(Reject):
            check_wrap(wrap, envelope, conversation)


def test_p14_message_and_conversation_id_are_not_outside() -> None:
    alice, bob = acquainted()
    wrap = made()
    _, message = alice.send(encode_wrap(wrap))
    sealed = alice.device.seal_to(bob.device, b"", message)
    for hidden in (wrap.message_id, wrap.conversation, wrap.key, wrap.body_digest):
        assert hidden not in sealed
        assert hidden not in message
    bob.receive((b"", message))
    assert decode_wrap(bob.opened[-1]) == wrap
    assert wrap.key.hex() not in repr(wrap)
    assert repr(wrap.key) not in repr(wrap)


async def test_p14_a_body_or_an_envelope_id_of_another_message_is_refused(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    one = await alice.write([bob], Text("one"), counter=1)
    two = await alice.write([bob], Text("two"), counter=2)
    before = dump(bob)
    await bob.take(replace(bob.pushed(one), body=two.body))
    await bob.take(replace(bob.pushed(one), envelope=b"z" * 16))
    assert dump(bob) == before
    assert bob.undecryptable() == 2


async def test_p14_every_byte_of_the_envelopes_id_counts(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    item = bob.pushed(await alice.write([bob], Text("hello"), counter=1))
    before = dump(bob)
    for index in range(16):
        await bob.take(replace(item, envelope=item.envelope[:index] + bytes([item.envelope[index] ^ 1]) + item.envelope[index + 1 :]))
    assert dump(bob) == before
    await bob.take(item)
    assert bob.texts() == ["hello"]


async def test_p14_what_was_said_to_one_is_not_accepted_by_another(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob = pair
    rng = SeededRandom(14)
    carol = await open_device(tmp_path / "carol.db", clock, rng, "carol@c.example", Ed25519Secret.generate(rng))
    for one, other in ((alice, bob), (alice, carol)):
        one.pin(other.account.address.domain, other.domain_key)
        other.pin("a.example", alice.domain_key)
        await befriend(one, other)
    to_bob = await alice.write([bob], Text("for Bob"), counter=1)
    packet = to_bob.packets[0]
    stolen = Envelope.FromString(to_bob.SerializeToString())
    stolen.user = carol.account.user_id
    stolen.packets[0].device = carol.account.device
    await carol.take(carol.pushed(stolen))  # a homeserver gives it to somebody else
    assert carol.texts() == []
    assert packet.device == bob.account.device
    await carol.home.writer.close()
    carol.home.database.close()


async def test_p14_both_sides_agree_on_every_message_whatever_the_post_does(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    rng = SeededRandom(41)
    sent: dict[bytes, str] = {}
    for number in range(40):
        sent[await alice.say(bob, f"{number}")] = f"{number}"
        for envelope in await alice.post([bob]):
            copies = rng(1)[0] % 3  # lost, once, twice
            await deliver([envelope] * copies, bob)
    await alice.say(bob, "last")
    await deliver(await alice.post([bob]), bob)
    await settle(alice, bob, clock)
    conversation = conversation_id(alice.account.user_id, bob.account.user_id)
    accepted = bob.home.database.read(
        "SELECT m.message, m.text, m.device, m.counter, c.public FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE m.mine = 0 ORDER BY m.counter"
    )
    assert {message: text for message, text, *_ in accepted if text.isdigit()} == sent
    assert [row[2:] for row in accepted] == [(alice.account.device, number, conversation) for number in range(1, len(accepted) + 1)]
    assert len({message for message, *_ in accepted}) == len(accepted)

"""V24 (RFC 9420 §9.1, §9.2, §6.3.1): no message opens twice, no key outlives its use, nobody is skipped further than the gap.

An insider, who has the key of a message and not its sender's signature, burns nothing.
"""

from __future__ import annotations

import pytest

from connexa.mls import GenerationGap, MLSError, ReplayError
from connexa.mls.content import Sender, VerifiedContent, encode_body
from connexa.mls.events import Application
from connexa.mls.framing import MLSMessage
from connexa.mls.private_message import PrivateMessage, SenderData
from connexa.mls.proposals import Remove
from connexa.mls.registry import ContentType, SenderType
from connexa.mls.secret_tree import sender_data_key
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused
from tests.mls.walk import leaked

APPLICATION, HANDSHAKE = ContentType.APPLICATION, ContentType.PROPOSAL


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol").warm()


def test_no_message_opens_twice(room: Room) -> None:
    alice, bob = room["alice"], room["bob"]
    messages = [bob.encrypt(b"%d" % number) for number in range(20)]
    for message in (messages[3], messages[0], messages[19], messages[7]):
        alice.process(message, now=NOW)
        with refused(alice, rule="V24", error=ReplayError):
            alice.process(message, now=NOW)
        with refused(alice, rule="V24", error=ReplayError):
            alice.decrypt(message, now=NOW)


def test_nor_after_a_restart(room: Room) -> None:
    message = room["bob"].encrypt(b"hello")
    room["alice"].process(message, now=NOW)
    for from_store in (False, True):
        again = room.people["alice"].restarted(room["alice"], from_store=from_store)
        with refused(again, rule="V24", error=ReplayError):
            again.process(message, now=NOW)


def test_nor_in_the_next_epoch(room: Room) -> None:
    early, late = room["bob"].encrypt(b"early"), room["bob"].encrypt(b"late")
    room["alice"].process(early, now=NOW)
    room.commit("carol", update=True)
    with refused(room["alice"], rule="V24", error=ReplayError):
        room["alice"].process(early, now=NOW)
    room["alice"].process(late, now=NOW)
    with refused(room["alice"], rule="V24", error=ReplayError):
        room["alice"].process(late, now=NOW)


def test_a_proposal_is_stored_once(room: Room) -> None:
    for wire in ("private", "public"):
        message = room["bob"].propose_update(now=NOW, wire=wire)
        room["alice"].process(message, now=NOW)
        before, count = room["alice"].dump(), len(room["alice"].pending)
        try:
            room["alice"].process(message, now=NOW)
        except MLSError as error:
            assert isinstance(error, ReplayError)
        assert (room["alice"].dump(), len(room["alice"].pending)) == (before, count)


@pytest.mark.parametrize(("body", "gap"), [(b"hello", 1000), (Remove(2), 8)], ids=["application", "handshake"])
def test_the_gap_has_a_limit(room: Room, body, gap: int) -> None:
    bob, alice = Hostile(room, "bob"), room["alice"]
    for generation in (gap + 1, 2**31, 2**32 - 1):
        message = forged(bob, body, generation)
        with refused(alice, rule="V24", error=GenerationGap):
            alice.process(message, now=NOW)
    alice.process(forged(bob, body, gap), now=NOW)


def forged(author: Hostile, body, generation: int, *, leaf: int | None = None, signer=None) -> bytes:
    """A message under the right key of any generation of any member, which its author derives from the epoch's secrets alone."""
    leaf = author.leaf if leaf is None else leaf
    signed = author.sign(body, private=True, sender=Sender(SenderType.MEMBER, leaf), signer=signer)
    content = signed.content
    if generation > 1000 or (generation > 8 and not isinstance(body, bytes)):
        key = author.epoch.ratchets.next(leaf, content.content_type).key  # whatever: it must not be looked at
    else:
        key = author.epoch.ratchets.reach(leaf, content.content_type, generation).key
    shown = SenderData(leaf, generation, b"abcd")
    head = PrivateMessage(content.group_id, content.epoch, content.content_type, b"", b"", b"")
    plain = signed_plain(signed)
    sealed = author.suite.aead_seal(key.key, shown.nonce(key), head.aad(), plain)
    secret, nonce = sender_data_key(author.suite, author.epoch.secrets.sender_data_secret, sealed)
    data = author.suite.aead_seal(secret, nonce, head.sender_data_aad(), shown.encode())
    return MLSMessage(PrivateMessage(content.group_id, content.epoch, content.content_type, b"", data, sealed)).encode()


def signed_plain(signed: VerifiedContent) -> bytes:
    return encode_body(signed.content.body) + signed.auth_data()


@pytest.mark.parametrize("generation", [0, 1, 5, 300])
def test_an_insider_burns_nobodys_keys(room: Room, generation: int) -> None:
    """Carol has the keys of all, and seals messages under Bob's, which she cannot sign."""
    alice, bob, carol = room["alice"], room["bob"], Hostile(room, "carol")
    message = forged(carol, b"from bob, really", generation, leaf=room.leaf("bob"))
    for _ in range(3):
        with refused(alice, rule="V24"):
            alice.process(message, now=NOW)
    honest = [bob.encrypt(b"%d" % number) for number in range(generation + 1)]
    event = alice.process(honest[generation], now=NOW)
    assert isinstance(event, Application) and event.data == b"%d" % generation


def test_nor_with_garbage_under_the_right_key(room: Room) -> None:
    bob, alice = Hostile(room, "bob"), room["alice"]
    for plaintext in (b"", b"\xff", bytes(100), b"\x05hello"):
        before = alice.dump()
        with pytest.raises(MLSError):
            alice.process(bob.say(b"", private=True, plaintext=plaintext), now=NOW)
        assert alice.dump() == before
    alice.process(room["bob"].encrypt(b"hello"), now=NOW)


def keys_of(author: Hostile, leaf: int, kind: ContentType, generations: range) -> dict[int, bytes]:
    """What the receiver's tree would give for these generations."""
    return {number: author.epoch.ratchets.reach(leaf, kind, number).key.key for number in generations}


def test_a_key_is_gone_once_it_was_used(room: Room) -> None:
    alice, spy = room["alice"], Hostile(room, "carol")
    keys = keys_of(spy, room.leaf("bob"), APPLICATION, range(6))
    messages = [room["bob"].encrypt(b"%d" % number) for number in range(6)]
    alice.process(messages[4], now=NOW)
    assert not leaked([keys[4]], alice, alice.dump(), room.people["alice"].store.groups)
    assert leaked([keys[1]], alice) == [keys[1]]  # skipped: kept, and the walk finds what is kept
    for number in (0, 1, 2, 3, 5):
        alice.process(messages[number], now=NOW)
        assert not leaked([keys[number]], alice, alice.dump(), room.people["alice"].store.groups)
    assert not leaked(keys.values(), alice, alice.dump(), room.people["alice"].store.groups)


def test_a_senders_own_key_is_gone_once_the_message_is_made(room: Room) -> None:
    bob, spy = room["bob"], Hostile(room, "carol")
    keys = keys_of(spy, room.leaf("bob"), APPLICATION, range(3)) | {
        100 + number: key for number, key in keys_of(spy, room.leaf("bob"), HANDSHAKE, range(2)).items()
    }
    for number in range(3):
        bob.encrypt(b"hello")
        assert not leaked([keys[number]], bob, bob.dump(), room.people["bob"].store.groups)
    bob.propose_update(now=NOW)
    assert not leaked([keys[100]], bob, bob.dump(), room.people["bob"].store.groups)


def test_no_more_than_the_window_is_kept(room: Room) -> None:
    alice, spy = room["alice"], Hostile(room, "carol")
    old, kept = (keys_of(spy, room.leaf("bob"), APPLICATION, range(first, first + 5)) for first in (339, 344))
    messages = [room["bob"].encrypt(b"") for _ in range(601)]
    alice.process(messages[600], now=NOW)
    assert not leaked(old.values(), alice, alice.dump())
    assert len(leaked(kept.values(), alice)) == len(kept)
    with refused(alice, rule="V24", error=ReplayError):
        alice.process(messages[343], now=NOW)
    alice.process(messages[344], now=NOW)


def test_two_messages_never_have_one_nonce_even_from_a_copy(room: Room) -> None:
    """A store that was put back uses its generations again: the reuse guard keeps the nonces apart."""
    bob = room["bob"]
    copies = [room.people["bob"].restarted(bob) for _ in range(20)]
    messages = [MLSMessage.decode(copy.encrypt(b"the same")).body for copy in copies]
    assert len({message.ciphertext for message in messages if isinstance(message, PrivateMessage)}) == 20

"""V23 (RFC 9420 §6.3.1): padding is zeros, the sender is a member and not we, and the kind that is shown is the kind whose key opens it."""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError, MLSError, ValidationError
from connexa.mls.codec import V
from connexa.mls.events import Application
from connexa.mls.proposals import Remove
from connexa.mls.registry import ContentType
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused

ROOM = Room("alice", "bob", "carol", "dave", "erin").warm()
ROOM.commit("alice", remove=[ROOM.leaf("dave")])
BLANK = 3
BOB = Hostile(ROOM, "bob")
ALICE = ROOM["alice"]


@pytest.mark.parametrize("padding", [b"\1", b"\0" * 63 + b"\1", b"\1" + bytes(63), bytes(30) + b"\x80" + bytes(30)])
def test_padding_is_zeros(padding: bytes) -> None:
    messages = [BOB.say(b"hello", private=True, padding=padding), BOB.say(Remove(2), private=True, padding=padding)]
    messages.append(BOB.commit(private=True, padding=padding))
    for message in messages:
        with refused(ALICE, rule="V23", error=ValidationError):
            ALICE.process(message, now=NOW)


@pytest.mark.parametrize("length", [0, 1, 64, 5_000])
def test_any_number_of_zeros_is_padding(length: int) -> None:
    room = Room("alice", "bob")
    event = room["alice"].process(Hostile(room, "bob").say(b"hello", private=True, padding=bytes(length)), now=NOW)
    assert isinstance(event, Application) and event.data == b"hello"


def test_our_own_messages_do_not_come_back() -> None:
    room = Room("alice", "bob", "carol").warm()
    bob = room["bob"]
    for message in (bob.encrypt(b"hello"), bob.propose_update(now=NOW), bob.commit(update=True, now=NOW).commit):
        with refused(bob, rule="V23", error=ValidationError):
            bob.process(message, now=NOW)
    public = bob.commit(update=True, wire="public", now=NOW).commit
    with refused(bob, rule="V23", error=ValidationError):
        bob.process(public, now=NOW)


@pytest.mark.parametrize("leaf", [BLANK, 5, 7, 8, 1 << 31, 2**32 - 1])
def test_the_sender_is_a_member(leaf: int) -> None:
    for body in (b"hello", Remove(2)):
        with refused(ALICE, rule="V23", error=ValidationError):
            ALICE.process(BOB.say(body, private=True, sender_leaf=leaf), now=NOW)


def test_the_kind_shown_is_the_kind_of_the_key() -> None:
    crossed = [
        BOB.say(b"hello", private=True, ratchet=ContentType.PROPOSAL),
        BOB.say(Remove(2), private=True, ratchet=ContentType.APPLICATION),
        BOB.commit(private=True, ratchet=ContentType.APPLICATION),
    ]
    for message in crossed:
        with pytest.raises(CryptoError):
            ALICE.process(message, now=NOW)
        with refused(ALICE, rule="V45", error=CryptoError):  # the AEAD does not open
            ALICE.process(message, now=NOW)


@pytest.mark.parametrize("shown", list(ContentType))
def test_the_kind_on_the_outside_cannot_be_changed(shown: ContentType) -> None:
    message = BOB.say(b"hello", private=True)
    at = 4 + len(V(ALICE.group_id)) + 8
    if message[at] == shown:
        return
    with refused(ALICE, rule="V45", error=CryptoError):
        ALICE.process(message[:at] + bytes([shown]) + message[at + 1 :], now=NOW)


def test_every_bit_of_a_private_message_counts() -> None:
    message = BOB.say(b"hello", private=True)
    for at in range(4, len(message)):
        damaged = message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
        before = ALICE.dump()
        with pytest.raises(MLSError):
            ALICE.process(damaged, now=NOW)
        assert ALICE.dump() == before

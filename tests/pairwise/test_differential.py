"""The classical half of our ratchet against the package `doubleratchet`, which knows neither our headers nor post-quantum keys.

It gets our key derivations and our random keys; root keys, chain keys, message keys, counters and the keys of skipped messages must
come out the same, whatever the network does. Its cipher is none: its "ciphertext" is the message key itself, so that it can be seen.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from unittest.mock import patch

import doubleratchet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import X25519Public, X25519Secret, hkdf, hmac_sha256
from connexa.pairwise import Session, decrypt, encrypt, initiate, read_initial, respond
from connexa.pairwise._skipped import MAX_SKIPPED, MAX_STEPS
from tests.pairwise.from_vectors import bundle, local_device, responder_secrets, sender
from tests.pairwise.naive.vectors import NOW, person, prekeys

ALICE, BOB = local_device(person("differential", "alice")), local_device(person("differential", "bob"))
KEYS = prekeys("differential", "bob", one_time=True)


class RootKdf(doubleratchet.KDF):
    """Root key and chain key of our root step; the header key that follows them is not the library's business."""

    @staticmethod
    async def derive(key: bytes, data: bytes, length: int) -> bytes:
        return hkdf(data, salt=key, info=b"Connexa/1 DR root", length=96)[:length]


class ChainKdf(doubleratchet.KDF):
    """Next chain key | message key."""

    @staticmethod
    async def derive(key: bytes, data: bytes, length: int) -> bytes:
        assert length == 64
        return hmac_sha256(key, b"\x02") + hmac_sha256(key, b"\x01")


class NoCipher(doubleratchet.AEAD):
    """Shows the message key, and checks that both sides have the same."""

    @staticmethod
    async def encrypt(plaintext: bytes, key: bytes, associated_data: bytes) -> bytes:
        return key

    @staticmethod
    async def decrypt(ciphertext: bytes, key: bytes, associated_data: bytes) -> bytes:
        assert ciphertext == key
        return key


class Library(doubleratchet.DoubleRatchet):
    """Headers are compared field by field instead."""

    @staticmethod
    def _build_associated_data(associated_data: bytes, header: doubleratchet.Header) -> bytes:
        return associated_data


Both = tuple[doubleratchet.EncryptedMessage, bytes]


class Side:
    """One person: the library's state and ours, side by side, with the same ratchet keys in the same order."""

    def __init__(self, begun: Session, seed: int, *, begins: bool) -> None:
        self.begun = begun
        self.ours = begun if begins else None
        self.library: Library | None = None
        self.rng = random.Random(seed)
        self.keys: deque[bytes] = deque()  # the library makes its next key when it receives, ours when it sends
        self.ratchet_class = self._ratchet_class()

    def _ratchet_class(self) -> type[doubleratchet.DiffieHellmanRatchet]:
        side = self

        class Ratchet(doubleratchet.DiffieHellmanRatchet):
            @staticmethod
            def _generate_priv() -> bytes:
                side.keys.append(side.rng.randbytes(32))
                return side.keys[-1]

            @staticmethod
            def _derive_pub(priv: bytes) -> bytes:
                return X25519Secret(priv).public.raw

            @staticmethod
            def _perform_diffie_hellman(own_priv: bytes, other_pub: bytes) -> bytes:
                return X25519Secret(own_priv).exchange(X25519Public(other_pub))

        return Ratchet

    def _draw(self, length: int) -> bytes:
        return self.keys.popleft() if length == 32 else self.rng.randbytes(length)

    async def send(self, text: bytes) -> Both:
        assert self.ours
        if self.library is None:
            self.library, encrypted = await Library.encrypt_initial_message(
                **self._setting(), recipient_ratchet_pub=X25519Secret(KEYS["spk"]).public.raw, message=text, associated_data=b""
            )
        else:
            encrypted = await self.library.encrypt_message(text, b"")
        self.ours, message = encrypt(self.ours, text, self._draw)
        sending, header = self.ours.ratchet.sending, encrypted.header
        shown = (header.ratchet_pub, header.previous_sending_chain_length, header.sending_chain_length)
        assert shown == (self.ours.ratchet.own_public, sending.previous, sending.n - 1)
        self.compare()
        return encrypted, message

    async def receive(self, both: Both, text: bytes) -> None:
        encrypted, message = both
        if self.library is None:
            self.library, _ = await Library.decrypt_initial_message(
                **self._setting(), own_ratchet_priv=KEYS["spk"], message=encrypted, associated_data=b""
            )
        else:
            await self.library.decrypt_message(encrypted, b"")
        self.ours, plaintext = decrypt(self.ours, message, NOW) if self.ours else self._respond(message)
        assert plaintext == text
        self.compare()

    def _respond(self, message: bytes) -> tuple[Session, bytes]:
        responded = respond(BOB, read_initial(self.begun.initial, sender(ALICE), NOW), responder_secrets(KEYS), message, seen=(), now=NOW)
        return responded.session, responded.plaintext

    def _setting(self) -> dict:
        return {
            "diffie_hellman_ratchet_class": self.ratchet_class,
            "root_chain_kdf": RootKdf,
            "message_chain_kdf": ChainKdf,
            "message_chain_constant": b"",
            "dos_protection_threshold": MAX_STEPS,
            "max_num_skipped_message_keys": MAX_SKIPPED,
            "aead": NoCipher,
            "shared_secret": self.begun.ratchet.root,
        }

    def root(self) -> bytes:
        assert self.ours
        return self.ours.ratchet.root

    def compare(self) -> None:
        """Every key of the classical ratchet is the same on both."""
        assert self.ours and self.library
        ratchet, theirs = self.ours.ratchet, self.library.model
        chains = theirs.diffie_hellman_ratchet.symmetric_key_ratchet
        assert theirs.diffie_hellman_ratchet.other_ratchet_pub == ratchet.remote
        if chains.receiving_chain:
            assert (chains.receiving_chain.key, chains.receiving_chain.length) == (ratchet.receiving.chain, ratchet.receiving.n)
        if not ratchet.step_due:  # else the library has taken the step that ours takes when it sends
            assert chains.sending_chain
            assert theirs.diffie_hellman_ratchet.root_chain.key == ratchet.root
            assert (chains.sending_chain.key, chains.sending_chain.length) == (ratchet.sending.chain, ratchet.sending.n)
        stored = [ratchet.receiving.skipped, *(old.skipped for old in ratchet.old)]
        ours = sorted((number, key) for skipped in stored for number, key in skipped.items())
        assert ratchet.lost or ours == sorted((key.index, key.message_key) for key in theirs.skipped_message_keys)


async def _conversation(seed: int, turns: int) -> int:
    """How many ratchet steps both took while messages were lost, late and out of order."""
    rng = random.Random(seed)
    begun = initiate(ALICE, bundle(BOB.party, KEYS), NOW, rng.randbytes)
    alice, bob = Side(begun, seed + 1, begins=True), Side(begun, seed + 2, begins=False)
    flying: dict[Side, list[tuple[Both, bytes]]] = {alice: [], bob: []}
    ends = [(alice, bob), (bob, alice)]
    roots = set()
    for turn in range(turns):
        here, there = rng.choice(ends)
        text = b"%d" % turn
        if here.ours and rng.random() < 0.5:
            flying[there].append((await here.send(text), text))
        elif flying[here]:
            both, text = flying[here].pop(rng.randrange(min(6, len(flying[here]))))
            if rng.random() < 0.1:
                continue  # lost
            await here.receive(both, text)
            roots.add(here.root())
    return len(roots)


@given(seed=st.integers(0, 2**32))
def test_every_key_is_the_librarys(seed: int) -> None:
    asyncio.run(_conversation(seed, 80))


def test_the_conversations_take_many_steps() -> None:
    assert asyncio.run(_conversation(1, 400)) > 20


def test_a_key_of_another_derivation_would_be_noticed() -> None:
    async def other(key: bytes, data: bytes, length: int) -> bytes:
        return hmac_sha256(key, b"\x02") + hmac_sha256(key, b"\x03")

    with patch.object(ChainKdf, "derive", other), pytest.raises(AssertionError):
        asyncio.run(_conversation(1, 80))

"""The two packages beside which `bench pairwise` measures, and what each of them does in a round."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import doubleratchet
import vodozemac
from doubleratchet.recommended import (
    HashFunction,
    aead_aes_hmac,
    diffie_hellman_ratchet_curve25519,
    kdf_hkdf,
    kdf_separate_hmacs,
)

T = TypeVar("T")
Work = Callable[[], object]


def contenders(body: bytes, count: int, shuffled: Callable[[list[Any]], list[Any]]) -> dict[str, dict[str, Callable[[], Work]]]:
    """For each package what it makes ready for a round of each row: a pair that is fresh, and what is timed."""
    return {
        "vodozemac": {
            "encrypt": lambda: Olm(body, count).encrypt,
            "decrypt": lambda: Olm(body, count).decrypting(),
            "pingpong": lambda: Olm(body, count).ping_pong,
            "load_encrypt_dump": lambda: Olm(body, count).stored,
        },
        "doubleratchet": {
            "encrypt": lambda: Classical(body, count).encrypt,
            "decrypt": lambda: Classical(body, count).decrypting(list),
            "pingpong": lambda: Classical(body, count).ping_pong,
            "shuffled": lambda: Classical(body, count).decrypting(shuffled),
            "load_encrypt_dump": lambda: Classical(body, count).stored,
        },
    }


class Olm:
    """Two devices of `vodozemac` with a session on which both have spoken; bytes go in and out, as with ours.

    Its 40 stored keys are too few for the shuffled row.
    """

    def __init__(self, body: bytes, count: int) -> None:
        self.body, self.count = body, count
        self.alice, self.bob = vodozemac.Account(), vodozemac.Account()
        self.bob.generate_one_time_keys(1)
        one_time = next(iter(self.bob.one_time_keys.values()))
        self.ours = self.alice.create_outbound_session(self.bob.curve25519_key, one_time)
        first = self.ours.encrypt(b"hello").to_pre_key()
        assert first is not None
        self.theirs, _ = self.bob.create_inbound_session(self.alice.curve25519_key, first)
        self.ours.decrypt(self.theirs.encrypt(b"hello to you"))

    def encrypt(self) -> None:
        for _ in range(self.count):
            self.ours.encrypt(self.body).to_parts()

    def decrypting(self) -> Work:
        messages = [self.ours.encrypt(self.body).to_parts() for _ in range(self.count)]

        def work() -> None:
            for kind, raw in messages:
                self.theirs.decrypt(vodozemac.AnyOlmMessage.from_parts(kind, raw))

        return work

    def ping_pong(self) -> None:
        for _ in range(self.count // 2):
            self.theirs.decrypt(self.ours.encrypt(self.body))
            self.ours.decrypt(self.theirs.encrypt(self.body))

    def stored(self) -> None:
        key = bytes(32)
        raw = self.ours.pickle(key)
        for _ in range(self.count):
            session = vodozemac.Session.from_pickle(raw, key)
            session.encrypt(self.body)
            raw = session.pickle(key)


class _Aead(aead_aes_hmac.AEAD):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"bench aead"


class _RootKdf(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"bench root"


class _ChainKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class _Ratchet(doubleratchet.DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data: bytes, header: doubleratchet.Header) -> bytes:
        numbers = header.previous_sending_chain_length.to_bytes(8, "big") + header.sending_chain_length.to_bytes(8, "big")
        return associated_data + header.ratchet_pub + numbers


_PARTS: dict[str, Any] = {
    "diffie_hellman_ratchet_class": diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    "root_chain_kdf": _RootKdf,
    "message_chain_kdf": _ChainKdf,
    "message_chain_constant": b"\1\2",
    "dos_protection_threshold": 1_000,
    "max_num_skipped_message_keys": 2_000,
    "aead": _Aead,
}


class Classical:
    """Two sides of `doubleratchet` with its recommended parts (X25519, HKDF, AES-256-CBC with HMAC), both of which have spoken."""

    def __init__(self, body: bytes, count: int) -> None:
        self.body, self.count = body, count
        self.ad = bytes(192)  # as long as ours
        self.loop = asyncio.new_event_loop()
        key = os.urandom(32)
        public = diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet._derive_pub(key)
        shared = {"shared_secret": os.urandom(32), "associated_data": self.ad, **_PARTS}
        self.ours, first = self._run(_Ratchet.encrypt_initial_message(recipient_ratchet_pub=public, message=b"hello", **shared))
        self.theirs, _ = self._run(_Ratchet.decrypt_initial_message(own_ratchet_priv=key, message=first, **shared))
        self._run(self._turn())

    def __del__(self) -> None:
        self.loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def encrypt(self) -> None:
        self._run(self._encrypt())

    def decrypting(self, arranged: Callable[[list[Any]], list[Any]]) -> Work:
        messages = arranged([self._run(self.ours.encrypt_message(self.body, self.ad)) for _ in range(self.count)])
        return lambda: self._run(self._decrypt(messages))

    def ping_pong(self) -> None:
        self._run(self._ping_pong())

    def stored(self) -> None:
        self._run(self._stored())

    async def _encrypt(self) -> None:
        for _ in range(self.count):
            await self.ours.encrypt_message(self.body, self.ad)

    async def _decrypt(self, messages: list[Any]) -> None:
        for message in messages:
            await self.theirs.decrypt_message(message, self.ad)

    async def _turn(self) -> None:
        answer = await self.theirs.encrypt_message(self.body, self.ad)
        await self.ours.decrypt_message(answer, self.ad)

    async def _ping_pong(self) -> None:
        for _ in range(self.count // 2):
            message = await self.ours.encrypt_message(self.body, self.ad)
            await self.theirs.decrypt_message(message, self.ad)
            await self._turn()

    async def _stored(self) -> None:
        raw = json.dumps(self.ours.json)
        for _ in range(self.count):
            ratchet = _Ratchet.from_json(json.loads(raw), **_PARTS)
            await ratchet.encrypt_message(self.body, self.ad)
            raw = json.dumps(ratchet.json)

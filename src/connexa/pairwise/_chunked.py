"""The first key agreement of §4: whole ML-KEM-768 keys and ciphertexts, cut into chunks.

The side that offers (the initiator in odd epochs, the other one in even ones) sends a new key; the other side answers with a
ciphertext. Both go round and round, one chunk a message, until something of the other side shows that all have arrived, so that
loss, repetition and disorder only cost time. Each stream ends with a MAC under what both sides share from earlier epochs.
We encapsulate when we send, not when the last chunk comes: opening a message needs no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from connexa.crypto import (
    MLKEM_CIPHERTEXT_BYTES,
    MLKEM_PUBLIC_BYTES,
    ZERO_SALT,
    InvalidKey,
    MlKemPublic,
    MlKemSecret,
    Rng,
    equal,
    hkdf,
    hmac_sha256,
    sha256,
)
from connexa.pairwise._reject import Reason, Reject
from connexa.pairwise._scka import IDLE
from connexa.pairwise._state import State

__all__ = ["CHUNKS", "CIPHERTEXT", "KEY", "LENGTH", "PART", "ChunkedMlKem768", "check_chunk", "cut"]

KEY, CIPHERTEXT = 1, 2  # kinds of chunks
PART = 128
_MAC = 32
LENGTH = {KEY: MLKEM_PUBLIC_BYTES + _MAC, CIPHERTEXT: MLKEM_CIPHERTEXT_BYTES + _MAC}
CHUNKS = {kind: -(-length // PART) for kind, length in LENGTH.items()}


class ChunkedMlKem768(State, frozen=True):
    """One side's state; `b""` stands for what is not there."""

    initiator: bool
    epoch: int  # the newest that we have the secret of
    sending: int  # the same, or the one before until the other side shows that it has the newest
    auth: bytes
    mac: bytes  # of `epoch`; done with once a key came
    seed: bytes = b""  # of our key for the next epoch
    key: bytes = b""  # the other side's for the next epoch, whole and authentic; our next message answers it
    chunks: tuple[bytes, ...] = ()  # that we send in turn; those of our key are made again from the seed after loading
    cursor: int = 0
    parts: Mapping[int, bytes] = {}  # of the stream that comes in
    broken: int = 0  # streams whose MAC was wrong (P42)

    def send(self, rng: Rng, *, renew: bool) -> tuple[ChunkedMlKem768, int, bytes, bytes | None]:
        """See `Scka.send`."""
        state, secret = self, None
        if self.key:
            state, secret = self._answer()
        elif not self.chunks and self._offers and not self.parts and (self.seed or (renew and self.sending == self.epoch)):
            state = self._offer(self.seed or rng(64))
        if not state.chunks:
            return state, state.sending, IDLE, secret
        chunk = state.chunks[state.cursor]
        return replace(state, cursor=(state.cursor + 1) % len(state.chunks)), state.sending, chunk, secret

    def receive(self, epoch: int, chunk: bytes) -> tuple[ChunkedMlKem768, tuple[int, bytes] | None]:
        """See `Scka.receive`."""
        state = self
        if self.sending < self.epoch == epoch:
            state = replace(self, sending=epoch, chunks=(), cursor=0)  # the other side has our ciphertext
        if chunk == IDLE or epoch != state.epoch or chunk[0] != state._expected:
            return state, None
        kind, index = chunk[0], chunk[1]
        if index not in state.parts:
            state = replace(state, parts={**state.parts, index: chunk[2:]}, chunks=())
        if len(state.parts) < CHUNKS[kind]:
            return state, None
        whole = b"".join(state.parts[i] for i in range(CHUNKS[kind]))
        stream, mac = whole[: LENGTH[kind] - _MAC], whole[LENGTH[kind] - _MAC : LENGTH[kind]]
        return state._take_key(stream, mac) if kind == KEY else state._take_ciphertext(stream, mac)

    @property
    def _offers(self) -> bool:
        """Whether the next epoch's key is ours to send."""
        return self.initiator == (self.epoch % 2 == 0)

    @property
    def _expected(self) -> int:
        """The kind of chunk that we still need for the next epoch, or 0."""
        if self._offers:
            return CIPHERTEXT if self.seed else 0
        return 0 if self.key else KEY

    def _answer(self) -> tuple[ChunkedMlKem768, bytes]:
        epoch = self.epoch + 1
        ciphertext, shared = MlKemPublic(self.key).encapsulate()
        auth, mac = _next_auth(self.auth, shared, epoch)
        chunks = cut(CIPHERTEXT, ciphertext + _ciphertext_mac(mac, epoch, self.key, ciphertext))
        answering = replace(self, epoch=epoch, sending=self.epoch, auth=auth, mac=mac, key=b"", chunks=chunks, cursor=0)
        return answering, _secret(shared, epoch, self.key, ciphertext)

    def _take_key(self, key: bytes, mac: bytes) -> tuple[ChunkedMlKem768, None]:
        try:
            MlKemPublic(key)
        except InvalidKey:
            return self._drop(), None
        if not equal(mac, _key_mac(self.mac, self.epoch + 1, key)):
            return self._drop(), None
        return replace(self, key=key, mac=b"", parts={}), None

    def _take_ciphertext(self, ciphertext: bytes, tag: bytes) -> tuple[ChunkedMlKem768, tuple[int, bytes] | None]:
        epoch, ours = self.epoch + 1, MlKemSecret(self.seed)
        shared = ours.decapsulate(ciphertext)
        auth, mac = _next_auth(self.auth, shared, epoch)
        if not equal(tag, _ciphertext_mac(mac, epoch, ours.public.raw, ciphertext)):
            return self._drop(), None
        agreed = replace(self, epoch=epoch, sending=epoch, auth=auth, mac=mac, seed=b"", chunks=(), cursor=0, parts={})
        return agreed, (epoch, _secret(shared, epoch, ours.public.raw, ciphertext))

    def _drop(self) -> ChunkedMlKem768:
        """Begin to collect anew: two streams were mixed, as after a restored copy (P42)."""
        return replace(self, parts={}, broken=self.broken + 1)

    def _offer(self, seed: bytes) -> ChunkedMlKem768:
        key = MlKemSecret(seed).public.raw
        return replace(self, seed=seed, chunks=cut(KEY, key + _key_mac(self.mac, self.epoch + 1, key)))


def cut(kind: int, stream: bytes) -> tuple[bytes, ...]:
    """The chunks of a stream, each with its kind and index; the last one is filled with zeros."""
    starts = range(0, len(stream), PART)
    return tuple(bytes((kind, index)) + stream[start : start + PART].ljust(PART, b"\0") for index, start in enumerate(starts))


def check_chunk(chunk: bytes) -> None:
    """Refuse what no device sends: an unknown kind, an index behind its stream, anything behind the stream's end."""
    if chunk == IDLE:
        return
    kind, index = chunk[0], chunk[1]
    if index >= CHUNKS.get(kind, 0):
        raise Reject(Reason.MALFORMED)
    if any(chunk[2 + LENGTH[kind] - index * PART :]):
        raise Reject(Reason.MALFORMED)


def _next_auth(auth: bytes, shared: bytes, epoch: int) -> tuple[bytes, bytes]:
    out = hkdf(auth + shared, salt=ZERO_SALT, info=b"Connexa/1 PQ auth" + _u64(epoch), length=64)
    return out[:32], out[32:]


def _key_mac(mac: bytes, epoch: int, key: bytes) -> bytes:
    return hmac_sha256(mac, b"Connexa/1 PQ ek", _u64(epoch), key)


def _ciphertext_mac(mac: bytes, epoch: int, key: bytes, ciphertext: bytes) -> bytes:
    return hmac_sha256(mac, b"Connexa/1 PQ ct", _u64(epoch), sha256(key), ciphertext)


def _secret(shared: bytes, epoch: int, key: bytes, ciphertext: bytes) -> bytes:
    info = b"Connexa/1 PQ secret" + _u64(epoch) + sha256(key, ciphertext)
    return hkdf(shared, salt=ZERO_SALT, info=info, length=32)


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")

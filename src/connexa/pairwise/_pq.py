"""The post-quantum chains of a session (pairwise §4), epoch 0: one chain each way from the seed of the key agreement.

Every message key is salted by a key of these chains, so that a break of X25519 alone opens nothing. Epochs above 0 need the
chunked exchange of new ML-KEM keys, for which root, auth and mac are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connexa.crypto import ZERO_SALT, hkdf
from connexa.pairwise._reject import Reason, Reject
from connexa.pairwise._skipped import MAX_SKIPPED, MAX_STEPS, take, without_lowest

__all__ = ["EPOCH", "PqChains", "PqReceiving", "PqSending", "step"]

EPOCH = 0


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PqSending:
    """Our sending chain of the current epoch."""

    chain: bytes
    n: int


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PqReceiving:
    """The receiving chain of the current epoch, and the keys of messages that have not come yet."""

    chain: bytes
    n: int
    skipped: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PqChains:
    """Both chains, and what the next epoch will be made from."""

    root: bytes
    auth: bytes
    mac: bytes
    sending: PqSending
    receiving: PqReceiving

    @classmethod
    def start(cls, seed: bytes, *, initiator: bool) -> PqChains:
        """The chains of epoch 0."""
        out = hkdf(seed, salt=ZERO_SALT, info=b"Connexa/1 PQ start", length=160)
        root, forth, back, auth, mac = (out[i : i + 32] for i in range(0, 160, 32))
        send, receive = (forth, back) if initiator else (back, forth)
        return cls(root, auth, mac, PqSending(send, 0), PqReceiving(receive, 0, {}))

    def send(self) -> tuple[PqChains, int, bytes]:
        """The next sending key with its number."""
        n = self.sending.n
        chain, key = step(self.sending.chain, n)
        return PqChains(self.root, self.auth, self.mac, PqSending(chain, n + 1), self.receiving), n, key

    def receive(self, epoch: int, n: int) -> tuple[PqChains, bytes]:
        """The key of the other side's message `n`."""
        if epoch != EPOCH:
            raise Reject(Reason.STEP)
        current = self.receiving
        if n < current.n:
            key, rest = take(current.skipped, n)
            moved = PqReceiving(current.chain, current.n, rest)
        else:
            if n - current.n > MAX_STEPS:
                raise Reject(Reason.JUMP)
            moved, key = _advance(current, n)
        return PqChains(self.root, self.auth, self.mac, self.sending, moved), key


def _advance(current: PqReceiving, n: int) -> tuple[PqReceiving, bytes]:
    chain, passed = current.chain, {}
    for number in range(current.n, n):
        chain, passed[number] = step(chain, number)
    chain, key = step(chain, n)
    skipped = current.skipped
    if passed:
        both = {**skipped, **passed}
        skipped = without_lowest(both, len(both) - MAX_SKIPPED)
    return PqReceiving(chain, n + 1, skipped), key


def step(chain: bytes, n: int) -> tuple[bytes, bytes]:
    """One step of a chain: the next chain key and the key of message `n`."""
    out = hkdf(chain, salt=ZERO_SALT, info=n.to_bytes(4, "big") + b"Connexa/1 PQ next", length=64)
    return out[:32], out[32:]

"""The post-quantum chains of a session (pairwise §4), epoch 0: one chain each way from the seed of the key agreement.

Every message key is salted by a key of these chains, so that a break of X25519 alone opens nothing. Epochs above 0 need the
chunked exchange of new ML-KEM keys, for which root, auth and mac are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connexa.crypto import ZERO_SALT, hkdf

__all__ = ["EPOCH", "PqChains"]

EPOCH = 0


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PqChains:
    """Both chains of the current epoch, and the keys of messages that have not come yet."""

    root: bytes
    auth: bytes
    mac: bytes
    send_chain: bytes
    send_n: int
    receive_chain: bytes
    receive_n: int
    skipped: Mapping[int, bytes]

    @classmethod
    def start(cls, seed: bytes, *, initiator: bool) -> PqChains:
        """The chains of epoch 0."""
        out = hkdf(seed, salt=ZERO_SALT, info=b"Connexa/1 PQ start", length=160)
        root, forth, back, auth, mac = (out[i : i + 32] for i in range(0, 160, 32))
        send, receive = (forth, back) if initiator else (back, forth)
        return cls(root, auth, mac, send, 0, receive, 0, {})

    def send(self) -> tuple[PqChains, int, bytes]:
        """The next sending key with its number."""
        chain, key = step(self.send_chain, self.send_n)
        after = PqChains(self.root, self.auth, self.mac, chain, self.send_n + 1, self.receive_chain, self.receive_n, self.skipped)
        return after, self.send_n, key

    def received(self, chain: bytes, n: int, skipped: Mapping[int, bytes]) -> PqChains:
        """The state after a message was opened."""
        return PqChains(self.root, self.auth, self.mac, self.send_chain, self.send_n, chain, n, skipped)


def step(chain: bytes, n: int) -> tuple[bytes, bytes]:
    """One step of a chain: the next chain key and the key of message `n`."""
    out = hkdf(chain, salt=ZERO_SALT, info=n.to_bytes(4, "big") + b"Connexa/1 PQ next", length=64)
    return out[:32], out[32:]

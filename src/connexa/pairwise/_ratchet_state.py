"""The state of a Double Ratchet: never changed, only followed by a new one, so that a refused message leaves it as it was (P08)."""

from __future__ import annotations

from collections.abc import Mapping

from connexa.crypto import X25519Secret
from connexa.pairwise._pq import PqChains
from connexa.pairwise._state import State

__all__ = ["OldChain", "Ratchet", "Receiving", "Sending"]


class Sending(State, frozen=True):
    """Our sending chain; `b""` stands for what is not there yet, and nothing is ever derived from it (P11)."""

    header: bytes
    next_header: bytes
    chain: bytes  # empty: the next message takes a step first
    n: int
    previous: int  # length of the chain before


class Receiving(State, frozen=True):
    """The current receiving chain, and the keys of its messages that have not come yet."""

    header: bytes
    next_header: bytes
    chain: bytes
    n: int
    skipped: Mapping[int, bytes]
    stored: int  # unix seconds of the newest key in `skipped`
    seen: bytes  # which of the last messages came (`_seen`)


class OldChain(State, frozen=True):
    """A finished receiving chain: its header key and the keys of messages that are still missing."""

    header: bytes
    n: int  # how many messages it had
    skipped: Mapping[int, bytes]
    stored: int
    seen: bytes


class Ratchet(State, frozen=True):
    """One side's state."""

    root: bytes
    own_secret: bytes
    own_public: bytes
    remote: bytes
    sending: Sending
    receiving: Receiving
    pq: PqChains
    old: tuple[OldChain, ...] = ()  # newest first
    lost: int = 0  # stored keys given up for age or number

    @classmethod
    def initiator(cls, root: bytes, header: tuple[bytes, bytes], remote: bytes, pq: PqChains) -> Ratchet:
        """A's state; her first message takes the first step towards B's signed prekey."""
        forth, back = header
        return cls(root, b"", b"", remote, Sending(b"", forth, b"", 0, 0), Receiving(b"", back, b"", 0, {}, 0, b""), pq)

    @classmethod
    def responder(cls, root: bytes, header: tuple[bytes, bytes], own: X25519Secret, pq: PqChains) -> Ratchet:
        """B's state, with the signed prekey as the first ratchet key; it cannot send before it has received."""
        forth, back = header
        sending, receiving = Sending(b"", back, b"", 0, 0), Receiving(b"", forth, b"", 0, {}, 0, b"")
        return cls(root, own.raw, own.public.raw, b"", sending, receiving, pq)

    @property
    def step_due(self) -> bool:
        """Whether the next message that we send begins a new chain."""
        return not self.sending.chain

    def after(self, sending: Sending, receiving: Receiving, pq: PqChains) -> Ratchet:
        """The state after an ordinary message; what `replace` does, three times as fast."""
        return Ratchet(self.root, self.own_secret, self.own_public, self.remote, sending, receiving, pq, self.old, self.lost)

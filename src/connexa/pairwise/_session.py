"""A session between our device and one other: the ratchet with its identities, as pure functions."""

from __future__ import annotations

from connexa.crypto import Rng
from connexa.pairwise._parties import Binding
from connexa.pairwise._ratchet import open_message, seal_message
from connexa.pairwise._ratchet_state import Ratchet
from connexa.pairwise._skipped import MAX_AGE
from connexa.pairwise._state import State

__all__ = ["BROKEN_STREAMS", "Session", "decrypt", "encrypt"]

BROKEN_STREAMS = 3  # streams of chunks with a wrong MAC after which a new session is due (P42)


class Session(State, frozen=True):
    """One session's whole state. Never changed in place; `_dump` gives it its stored form."""

    binding: Binding
    ratchet: Ratchet
    initial: bytes  # goes with every message until the first answer; empty afterwards
    heard: int  # unix seconds of the newest message from the other side, 0 for none
    confirmed: bool  # the other side has shown that it holds our newest keys
    archived: int = 0  # unix seconds since when a newer one is there; 0 for the newest
    retired: bool = False  # it only receives from now on: a new one is due

    def may_send(self, now: float) -> bool:
        """Whether this session is still used for sending: one that is retired is not, nor one that nobody answered for 30 days."""
        return not self.retired and (self.confirmed or self.heard > 0 or self.binding.created + MAX_AGE >= now)


def encrypt(session: Session, plaintext: bytes, rng: Rng) -> tuple[Session, bytes]:
    """Encrypt for the other device. Store the new session before the message leaves."""
    ratchet, message = seal_message(session.ratchet, plaintext, session.binding.ad_out, rng)
    after = Session(session.binding, ratchet, session.initial, session.heard, session.confirmed, session.archived, session.retired)
    return after, message


def decrypt(session: Session, message: bytes, now: float, *, may_step: bool = True) -> tuple[Session, bytes]:
    """Decrypt a message of the other device, or raise `Reject` or `Duplicate`. Store session and plaintext together."""
    before = session.ratchet
    ratchet, plaintext = open_message(before, message, session.binding.ad_in, int(now), may_step=may_step)
    # An answer proves to the initiator, and a step onto our key to the responder, that the other side has our keys.
    stuck = ratchet.pq.agreement.broken >= BROKEN_STREAMS
    answered = session.binding.initiator or (bool(before.receiving.chain) and ratchet.remote != before.remote)
    heard = max(int(now), session.heard)
    after = Session(session.binding, ratchet, b"", heard, session.confirmed or answered, session.archived, session.retired or stuck)
    return after, plaintext

"""Two sessions that talk, for the tests of the ratchet."""

from __future__ import annotations

from collections.abc import Callable

from connexa.crypto import aead_seal, hkdf
from connexa.pairwise import Session, decrypt, encrypt
from tests.pairwise.world import NOW, acquainted, seeded

RNG = seeded(77)


def pair(seed: int = 1) -> tuple[Session, Session]:
    """Alice's session and Bob's, on which both have spoken."""
    alice, bob = acquainted(seed)
    return alice.sessions.sessions[0], bob.sessions.sessions[0]


def sent(session: Session, count: int) -> tuple[Session, list[bytes]]:
    """So many messages, "0", "1" and so on."""
    messages = []
    for number in range(count):
        session, message = encrypt(session, b"%d" % number, RNG)
        messages.append(message)
    return session, messages


def said(one: Session, other: Session, now: int = NOW) -> tuple[Session, Session]:
    """One message from one to the other."""
    one, message = encrypt(one, b"word", RNG)
    other, plain = decrypt(other, message, now)
    assert plain == b"word"
    return one, other


def turn(one: Session, other: Session, now: int = NOW) -> tuple[Session, Session]:
    """A message each way, so that both take a ratchet step."""
    one, other = said(one, other, now)
    other, one = said(other, one, now)
    return one, other


def until(condition: Callable[[Session, Session], bool], one: Session, other: Session, turns: int = 200) -> tuple[Session, Session]:
    """Turns until something is so."""
    for _ in range(turns):
        if condition(one, other):
            return one, other
        one, other = turn(one, other)
    raise AssertionError("it never was so")


def epochs(session: Session) -> tuple[int, int]:
    """The newest epoch that a session knows, and the one that it sends in."""
    return session.ratchet.pq.agreement.epoch, session.ratchet.pq.agreement.sending


def with_header(header: bytes, header_key: bytes, ad: bytes) -> bytes:
    """A message whose header opens, as only the real other side could make it; its body does not matter."""
    nonce = RNG(12)
    keys = hkdf(header_key, salt=nonce, info=b"Connexa/1 header", length=64)
    return nonce + keys[32:] + aead_seal(keys[:32], nonce, header, ad) + bytes(48 + 256)

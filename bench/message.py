"""Cryptography of one message: what the sending device does once, what it does for each recipient device, and what that one does."""

from __future__ import annotations

from collections.abc import Iterator

from tests.pairwise.world import NOW, Device, seeded

from connexa.pairwise import Wrap, decode_wrap, decrypt, encode_wrap, encrypt, open_body, seal, seal_body

from .row import Row, median_of

ROUND = 200
PROMISED_MS = 0.5  # encrypt and seal for one device


def rows() -> Iterator[Row]:
    """Measure on a session on which both sides have spoken."""
    alice, bob = Device.make("a", 1), Device.make("b", 2)
    session = alice.begin(bob)
    session, first = encrypt(session, bytes(256), alice.rng)
    theirs, answer = encrypt(bob.answer(alice, session.initial, first).session, bytes(256), bob.rng)
    session, _ = decrypt(session, answer, NOW)
    start = session  # states are values: the recipient hears what is sent from here on
    certificate, bundle = alice.sender_certificate(), bob.bundle()
    body = seal_body(b"x" * 200, seeded(3))
    wrap = encode_wrap(Wrap(body.key, body.digest, bytes(16), bytes(16), bytes(32), 1, bytes(32), 1, bytes(32)))

    def send() -> bytes:
        nonlocal session
        session, message = encrypt(session, wrap, alice.rng)
        return seal(bundle.seal_key, certificate, b"", message)

    def ratchet() -> None:
        nonlocal session
        session, _ = encrypt(session, wrap, alice.rng)

    yield _milliseconds("message.body", median_of(lambda: seal_body(b"x" * 200, alice.rng), ROUND))
    yield _milliseconds("message.ratchet_step", median_of(ratchet, ROUND))
    yield _milliseconds("message.seal_per_device", median_of(send, ROUND), PROMISED_MS)

    session = start
    waiting = iter([send() for _ in range(5 * ROUND)])

    def receive() -> None:
        nonlocal theirs
        _, _, message = bob.unseal_from(alice, next(waiting))
        theirs, plain = decrypt(theirs, message, NOW)
        open_body(decode_wrap(plain), body.ciphertext)

    yield _milliseconds("message.open", median_of(receive, ROUND))
    yield _milliseconds("message.begin_session", median_of(lambda: alice.begin(bob), 20))


def _milliseconds(name: str, seconds: float, promised: float | None = None) -> Row:
    return Row.measured(name, seconds * 1000, "ms", promised)

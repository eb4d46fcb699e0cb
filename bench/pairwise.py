"""Pairwise sessions on one core with messages of 1 KiB, beside `vodozemac` and `doubleratchet` in the same run.

The post-quantum ratchet is on: our sessions are past their first epochs, and a new key is on its way in the headers while they are
measured. All contenders of a row take turns, round by round, and the median of the rounds counts, in processor time, so that other work
on the machine costs little. What a round needs beforehand is made outside of the clock.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.pairwise.world import NOW, Device, acquainted

from connexa.pairwise import Session, SessionSet, decrypt, encrypt, initiate, read_initial, respond

from .row import Row

MESSAGES = 400
ROUNDS = 15
BEGINNINGS = 20
PARTIES = 161  # bytes that say who the sessions with a device are between, once for all of them
BODY = bytes(1_024)
PROMISED = {"encrypt": {"vodozemac": 0.7, "doubleratchet": 1.5}, "decrypt": {"doubleratchet": 1.5}}
PROMISED_SETUP = 1_000.0
PROMISED_BYTES = 2_048.0


def rows() -> Iterator[Row]:
    """Measure everything."""
    alice, bob = _talked()
    ours = {
        "encrypt": lambda: lambda: _encrypt(alice),
        "decrypt": lambda: _decrypting(alice, bob, list),
        "pingpong": lambda: lambda: _ping_pong(alice, bob),
        "shuffled": lambda: _decrypting(alice, bob, _shuffled),
        "load_encrypt_dump": lambda: lambda: _stored(bob),
    }
    peers = _peers()
    for name, contender in ours.items():
        yield from _compare(name, {"": contender} | {peer: made[name] for peer, made in peers.items() if name in made})
    offering = _rounds({"": lambda: lambda: _stored(alice)})[""]  # makes the key on its way again from its seed each time
    yield Row.measured("pairwise.load_encrypt_dump.offering", MESSAGES / statistics.median(offering), "/s")
    yield from _beginnings()
    yield from _sizes()


def _peers() -> dict[str, dict[str, Any]]:
    """The other packages' contenders; none where they are not installed, which needs the developer's dependencies."""
    try:
        from .pairwise_peers import contenders
    except ImportError as missing:
        print(f"without the rows of other packages: {missing}", file=sys.stderr)
        return {}
    return contenders(BODY, MESSAGES, _shuffled)


def _compare(name: str, contenders: dict[str, Any]) -> Iterator[Row]:
    seconds = _rounds(contenders)
    for who, taken in seconds.items():
        yield Row.measured(f"pairwise.{name}.{who}".rstrip("."), MESSAGES / statistics.median(taken), "/s")
    for who in seconds:
        if who:
            ratio = statistics.median(theirs / ours for theirs, ours in zip(seconds[who], seconds[""], strict=True))
            least = PROMISED.get(name, {}).get(who)
            yield Row(name=f"pairwise.{name}.ratio_{who}", value=round(ratio, 3), unit="times", promised=least, against=who, ratio=ratio)


def _rounds(contenders: dict[str, Any]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {who: [] for who in contenders}
    for _ in range(ROUNDS):
        for who, contender in contenders.items():
            work = contender()
            begin = time.process_time()
            work()
            seconds[who].append(time.process_time() - begin)
    return seconds


def _talked() -> tuple[Session, Session]:
    """Alice and Bob after two epochs, with Alice's key for the third on its way."""
    alice, bob = (end.sessions.sessions[0] for end in acquainted())
    while not (alice.ratchet.pq.agreement.epoch == 2 and alice.ratchet.pq.agreement.seed):
        alice, bob = _said(*_said(alice, bob)[::-1])[::-1]
    return _said(alice, bob)


def _said(one: Session, other: Session) -> tuple[Session, Session]:
    one, message = encrypt(one, BODY, os.urandom)
    return one, decrypt(other, message, NOW)[0]


def _encrypt(session: Session) -> None:
    for _ in range(MESSAGES):
        session, _message = encrypt(session, BODY, os.urandom)


def _decrypting(sender: Session, receiver: Session, arranged: Any) -> Any:
    messages = []
    for _ in range(MESSAGES):
        sender, message = encrypt(sender, BODY, os.urandom)
        messages.append(message)
    messages = arranged(messages)

    def work() -> None:
        session = receiver
        for message in messages:
            session, _ = decrypt(session, message, NOW)

    return work


def _shuffled(messages: list[Any]) -> list[Any]:
    return random.Random(1).sample(messages, len(messages))


def _ping_pong(one: Session, other: Session) -> None:
    """Each message takes a DH step, and every fifty or so end a post-quantum epoch."""
    for _ in range(MESSAGES // 2):
        one, other = _said(one, other)
        other, one = _said(other, one)


def _stored(session: Session) -> None:
    raw = SessionSet((session,)).dump()
    for _ in range(MESSAGES):
        sessions = SessionSet.load(raw)
        after, _message = encrypt(sessions.sessions[0], BODY, os.urandom)
        raw = sessions.with_sent(after).dump()


def _beginnings() -> Iterator[Row]:
    """A session up to its first message and from it on; the bundle and the certificate were checked when they came."""
    alice, bob = Device.make("a", 1), Device.make("b", 2)
    local, bundle = alice.local, bob.bundle()
    session = initiate(local, bundle, NOW, os.urandom)
    _, message = encrypt(session, BODY, os.urandom)
    read = read_initial(session.initial, alice.sender, NOW)
    theirs, secrets = bob.local, bob.secrets_for(read)

    def begin() -> None:
        for _ in range(BEGINNINGS):
            encrypt(initiate(local, bundle, NOW, os.urandom), BODY, os.urandom)

    def answer() -> None:
        for _ in range(BEGINNINGS):
            respond(theirs, read, secrets, message, seen=(), now=NOW)

    seconds = _rounds({"initiator": lambda: begin, "responder": lambda: answer})
    for side, taken in seconds.items():
        yield Row.measured(f"pairwise.setup.{side}", BEGINNINGS / statistics.median(taken), "/s", PROMISED_SETUP)


def _sizes() -> Iterator[Row]:
    """A stored session in a long talk of bursts, without a missing message: the largest, and the usual one."""
    one, other = (end.sessions.sessions[0] for end in acquainted())
    sizes = []
    for _ in range(40):
        for _ in range(64):
            one, other = _said(one, other)
            sizes += [len(SessionSet((end,)).dump()) for end in (one, other)]
        one, other = other, one
    yield Row.measured("pairwise.state_bytes", max(sizes) - PARTIES, "B", PROMISED_BYTES)
    yield Row.measured("pairwise.state_bytes.median", statistics.median(sizes) - PARTIES, "B")

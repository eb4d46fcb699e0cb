"""Ours against the naive implementation, message for message, while the network loses, delays and reorders."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexa.pairwise import Reject, Session, decrypt, encrypt, initiate, read_initial, respond
from tests.pairwise.from_vectors import bundle, local_device, responder_secrets, sender
from tests.pairwise.naive import pqxdh, ratchet
from tests.pairwise.naive.primitives import Refused, dh_public
from tests.pairwise.naive.vectors import NOW, person, prekeys

ALICE, BOB = person("interop", "alice"), person("interop", "bob")


class End(Protocol):
    """One side of a session, whoever wrote it."""

    def may_send(self) -> bool: ...
    def send(self, plaintext: bytes) -> bytes: ...
    def receive(self, message: bytes) -> bytes: ...
    def epoch(self) -> int: ...


@dataclass
class Ours:
    """A session of `src/`."""

    session: Session
    rng: random.Random

    def may_send(self) -> bool:
        return bool(self.session.ratchet.remote)

    def epoch(self) -> int:
        return self.session.ratchet.pq.agreement.sending

    def send(self, plaintext: bytes) -> bytes:
        self.session, message = encrypt(self.session, plaintext, self.rng.randbytes)
        return message

    def receive(self, message: bytes) -> bytes:
        self.session, plaintext = decrypt(self.session, message, NOW)
        return plaintext


@dataclass
class Naive:
    """A state of the naive implementation."""

    state: dict
    rng: random.Random

    def may_send(self) -> bool:
        return bool(self.state["step_due"] or self.state["CKs"])

    def epoch(self) -> int:
        return int(self.state["pq"]["send_epoch"])

    def send(self, plaintext: bytes) -> bytes:
        sizes = {"n12": 12, "dh": 32, "kem": 64, "m": 32}
        draws = {name: self.rng.randbytes(size) for name, size in sizes.items()}
        self.state, message = ratchet.send(self.state, plaintext, draws)
        return message

    def receive(self, message: bytes) -> bytes:
        self.state, plaintext = ratchet.receive(self.state, message)
        return plaintext


def ours_begins(rng: random.Random, *, one_time: bool) -> tuple[Ours, Naive]:
    """Ours begins; the naive side has derived the same from the initial part."""
    keys, alice = prekeys("interop", "bob", one_time=one_time), pqxdh.device(ALICE)
    session = initiate(local_device(ALICE), bundle(local_device(BOB).party, keys), NOW, rng.randbytes)
    part = read_initial(session.initial, sender(local_device(ALICE)), NOW)
    shared = pqxdh.respond(BOB, keys, alice, part.ephemeral.raw, part.ciphertext)
    return Ours(session, rng), Naive(ratchet.start(shared, "B", alice, pqxdh.device(BOB), spk=keys["spk"]), rng)


def naive_begins(rng: random.Random, *, one_time: bool) -> tuple[Naive, Ours]:
    """The naive side begins; ours has opened its first message."""
    keys, alice, bob = prekeys("interop", "bob", one_time=one_time), pqxdh.device(ALICE), pqxdh.device(BOB)
    shared = pqxdh.initiate(ALICE, bob, pqxdh.prekey_fields(keys), rng.randbytes(32), rng.randbytes(32))
    naive = Naive(ratchet.start(shared, "A", alice, bob, spk=dh_public(keys["spk"])), rng)
    read = read_initial(shared["initial"], sender(local_device(ALICE)), NOW)
    message = naive.send(b"first")
    responded = respond(local_device(BOB), read, responder_secrets(keys), message, seen=(), now=NOW)
    assert responded.plaintext == b"first"
    return naive, Ours(responded.session, rng)


BEGINS: dict[str, Callable[..., tuple[End, End]]] = {"ours": ours_begins, "naive": naive_begins}


def _refused(end: End, message: bytes) -> None:
    with pytest.raises((Reject, Refused)):
        end.receive(message)


def _talk(ends: tuple[End, End], rng: random.Random, turns: int) -> int:
    """Send, deliver late, lose, damage and repeat at random; how much was opened."""
    flying: tuple[list[tuple[bytes, bytes]], ...] = ([], [])
    opened = 0
    for turn in range(turns):
        who = rng.randrange(2)
        if rng.random() < 0.5:
            if ends[who].may_send():
                flying[1 - who].append((b"%d" % turn, ends[who].send(b"%d" % turn)))
        elif flying[who]:
            text, message = flying[who].pop(rng.randrange(min(8, len(flying[who]))))
            if rng.random() < 0.05:
                continue  # lost
            at = rng.randrange(len(message))
            _refused(ends[who], message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :])
            assert ends[who].receive(message) == text
            _refused(ends[who], message)
            opened += 1
    return opened


@pytest.mark.parametrize("who", BEGINS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), one_time=st.booleans())
def test_both_read_each_other(who: str, seed: int, one_time: bool) -> None:
    rng = random.Random(seed)
    assert _talk(BEGINS[who](rng, one_time=one_time), rng, 120)


@pytest.mark.parametrize("who", BEGINS)
def test_both_go_through_the_same_post_quantum_epochs(who: str) -> None:
    rng = random.Random(3)
    ends = BEGINS[who](rng, one_time=True)
    assert _talk(ends, rng, 1_200) > 500
    assert min(end.epoch() for end in ends) >= 3

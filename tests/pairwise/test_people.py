"""What people compare: safety numbers (pairwise §8)."""

from __future__ import annotations

import hashlib

from connexa.pairwise import safety_digest, safety_number
from tests.pairwise.world import Device


def test_both_people_see_the_same_60_digits() -> None:
    alice, bob, carol = (Device.make(name, seed).user.public for name, seed in (("a", 1), ("b", 2), ("c", 3)))
    number = safety_number(alice, bob)
    assert number == safety_number(bob, alice)
    assert len(number) == 60
    assert number.isdigit()
    assert len({number, safety_number(alice, carol), safety_number(bob, carol)}) == 3


def test_the_digits_are_those_of_the_protocol() -> None:
    user = Device.make("a", 1).user.public
    key = user.key.raw
    h = hashlib.sha512(b"Connexa/1 safety" + b"\0\1" + key + user.id + key).digest()
    for _ in range(5_199):
        h = hashlib.sha512(h + key).digest()
    assert safety_digest(user) == h
    digits = "".join(f"{int.from_bytes(h[i : i + 5], 'big') % 100_000:05d}" for i in range(0, 30, 5))
    assert safety_number(user, user) == digits * 2

"""Sealed sender: who may stand in it, what servers see of it, what it costs to lie (pairwise §6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.pairwise import SEALED_SIZE, Reason, Reject, open_sealed, week_of
from tests.pairwise.world import NOW, Device

ALICE, BOB, CAROL = Device.make("a", 1), Device.make("b", 2), Device.make("c", 3)
KEY = BOB.bundle().seal_key
WEEK = week_of(NOW)
MESSAGE = bytes(range(256)) * 2 + bytes(29) + b"\x80"  # 542, ending like padding
DAY = 86_400


def _open(sealed: bytes) -> tuple[bytes, bytes]:
    unsealed = open_sealed(BOB.sek[1], BOB.id, WEEK, sealed)
    return unsealed.initial, unsealed.message


def test_the_key_the_device_and_the_week_are_bound() -> None:
    sealed = ALICE.seal_to(BOB, b"", MESSAGE)
    for secret, device, week in ((CAROL.sek[1], BOB.id, WEEK), (BOB.sek[1], CAROL.id, WEEK), (BOB.sek[1], BOB.id, WEEK + 1)):
        with pytest.raises(Reject):
            open_sealed(secret, device, week, sealed)


@given(position=st.integers(0, SEALED_SIZE - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused(position: int, bit: int) -> None:
    sealed = bytearray(ALICE.seal_to(BOB, b"", MESSAGE))
    sealed[position] ^= 1 << bit
    with pytest.raises(Reject):
        _open(bytes(sealed))


@pytest.mark.parametrize("size", [0, 1, 1_136, SEALED_SIZE - 1, SEALED_SIZE + 1, 4_096])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(Reject) as refused:
        _open(bytes(size))
    assert refused.value.reason is Reason.MALFORMED


def test_nothing_of_it_is_shown() -> None:
    unsealed = open_sealed(BOB.sek[1], BOB.id, WEEK, ALICE.seal_to(BOB, b"", MESSAGE))
    assert ALICE.user.id.hex() not in repr(unsealed)
    assert "\\x01\\x02" not in repr(unsealed)

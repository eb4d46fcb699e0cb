"""What all of the room has in common: one refusal, no source of randomness of its own, nothing secret in sight (P30, P34, P35)."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

import connexa.pairwise as room
from connexa.pairwise import Duplicate, Reason, Reject, encrypt, open_sealed, read_initial, week_of
from connexa.wire.v1.keys_pb2 import InitialPart
from tests.pairwise.world import NOW, Device, End, acquainted

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
SESSION = ALICE.begin(BOB)
INITIAL = SESSION.initial
FIRST = encrypt(SESSION, b"first", ALICE.rng)[1]


def test_p30_every_refusal_looks_the_same() -> None:
    refusals = [Reject(reason) for reason in Reason] + [Duplicate()]
    assert {(r.code, r.message, str(r), r.hint, r.retryable, r.exit_code) for r in refusals} == {
        ("message.rejected", "A message could not be opened.", "A message could not be opened. [message.rejected]", "", False, 8)
    }


def test_p30_refusals_carry_no_trace_of_what_was_read() -> None:
    alice, bob = acquainted()
    _, message = alice.send(b"secret words")
    with pytest.raises(Reject) as refused:
        bob.sessions.receive(alice.device.sender, message[:-1] + b"\0", NOW)
    assert refused.value.__cause__ is None
    assert refused.value.args == ("A message could not be opened.",)


@given(raw=st.binary(max_size=2_100))
def test_p34_noise_as_an_initial_part(raw: bytes) -> None:
    with pytest.raises(Reject):
        read_initial(raw, ALICE.sender, NOW)


def _means_the_same(mutated: bytes) -> bool:
    """A flag may be written in more than one way; what is bound is what it says."""
    try:
        return InitialPart.FromString(mutated) == InitialPart.FromString(INITIAL)
    except DecodeError:
        return False


@given(position=st.integers(0, len(INITIAL) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_p34_mutated_initial_parts_are_refused_or_open_nothing(position: int, byte: int, cut: bool) -> None:
    bob = End(BOB, ALICE)
    mutated = INITIAL[:position] if cut else INITIAL[:position] + bytes([byte]) + INITIAL[position + 1 :]
    if _means_the_same(mutated):
        return
    if mutated:
        with pytest.raises(Reject):
            bob.receive((mutated, FIRST))
    assert not bob.opened
    assert not BOB.seen


@given(tail=st.binary(min_size=1, max_size=8))
def test_p34_trailing_bytes_are_refused_unless_they_repeat_a_field(tail: bytes) -> None:
    with contextlib.suppress(Reject):  # protobuf lets a field come twice; the last one counts, and it is checked as any
        again = read_initial(INITIAL + tail, ALICE.sender, NOW)
        assert again.party == read_initial(INITIAL, ALICE.sender, NOW).party


def test_p34_an_unknown_field_is_refused() -> None:
    with pytest.raises(Reject):
        read_initial(INITIAL + b"\xf2\x3f\x01x", ALICE.sender, NOW)


@given(raw=st.binary(min_size=2_160, max_size=2_160))
def test_p34_noise_as_a_sealed_packet(raw: bytes) -> None:
    with pytest.raises(Reject):
        open_sealed(BOB.sek[1], BOB.id, week_of(NOW), raw)


def test_p35_randomness_comes_as_an_argument_alone(root: Path) -> None:
    allowed = {"src/connexa/crypto/_hash.py": {"os"}}
    for folder in ("crypto", "pairwise", "content"):
        for path in (root / "src/connexa" / folder).glob("*.py"):
            imported = set()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.split(".")[0])
            sources = imported & {"os", "random", "secrets", "uuid", "time", "socket", "asyncio"}
            assert sources <= allowed.get(str(path.relative_to(root)), set()), path.name


def test_p35_the_same_randomness_gives_the_same_message() -> None:
    alice, _ = acquainted()
    session = alice.sessions.sessions[0]
    assert encrypt(session, b"x", bytes)[1] == encrypt(session, b"x", bytes)[1]


def test_the_rooms_face_is_what_it_says() -> None:
    assert sorted(room.__all__) == sorted(set(room.__all__))
    assert all(hasattr(room, name) for name in room.__all__)

"""P34: what is not exactly right is refused by one error, in bounded time and memory.

`make fuzz` throws a million mutated frames at the same parsers (tests/fuzz); here are the cases that chance does not find.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st

from connexa.content import decode
from connexa.crypto import hpke_seal
from connexa.errors import ConnexaError, IntegrityError
from connexa.pairwise import (
    Reject,
    SessionSet,
    Wrap,
    decode_wrap,
    decrypt,
    dump_session,
    encode_wrap,
    encrypt,
    load_session,
    open_sealed,
    parse_pairing_code,
    read_initial,
    unpad,
    week_of,
)
from connexa.wire import parse
from connexa.wire.v1.keys_pb2 import InitialPart, PrekeyBundle
from tests.fuzz.target import all_targets
from tests.pairwise.naive.sealed import info_for
from tests.pairwise.talk import pair
from tests.pairwise.world import NOW, Device, End, seeded

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
SESSION = ALICE.begin(BOB)
INITIAL = SESSION.initial
FIRST = encrypt(SESSION, b"first", ALICE.rng)[1]
RNG, WEEK = seeded(34), week_of(NOW)


def _wrap() -> Wrap:
    return Wrap(RNG(32), RNG(32), RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32))


def test_p34_every_parser_of_this_room_is_fuzzed() -> None:
    fuzzed = {target.name.removeprefix("pairwise.") for target in all_targets() if target.name.startswith("pairwise.")}
    assert fuzzed >= {"pairing_code", "wrap", "padding", "message", "initial", "sealed", "bundle", "session", "session_set"}


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


def test_p34_an_unknown_field_is_refused() -> None:
    with pytest.raises(Reject):
        read_initial(INITIAL + b"\xf2\x3f\x01x", ALICE.sender, NOW)


@given(raw=st.binary(min_size=2_160, max_size=2_160))
def test_p34_noise_as_a_sealed_packet(raw: bytes) -> None:
    with pytest.raises(Reject):
        open_sealed(BOB.sek[1], BOB.id, week_of(NOW), raw)


UNKNOWN = b"\xf2\x3f\x01x"  # field 1022, one byte


def _nested(raw: bytes, kind: type[Message]) -> list[bytes]:
    """The message with an unknown field at its end, and in each of the messages inside it."""
    out = [raw + UNKNOWN]
    message = kind.FromString(raw)
    for field in kind.DESCRIPTOR.fields:
        if field.message_type is not None and not field.is_repeated and message.HasField(field.name):
            part = getattr(message, field.name)
            for inner in _nested(part.SerializeToString(), type(part)):
                changed = kind.FromString(raw)
                getattr(changed, field.name).ParseFromString(inner)
                out.append(changed.SerializeToString())
    return out


def test_p34_an_unknown_field_is_refused_at_every_depth() -> None:
    changed = _nested(INITIAL, InitialPart)
    assert len(changed) == 2  # in the part, and in its certificate's frame
    for raw in changed:
        with pytest.raises(Reject):
            read_initial(raw, ALICE.sender, NOW)
    changed = _nested(BOB.bundle_message().SerializeToString(), PrekeyBundle)
    assert len(changed) == 5
    for raw in changed:
        with pytest.raises(ConnexaError):
            parse(PrekeyBundle, raw, 65_536)


def test_p34_a_byte_too_many_or_too_few_is_refused_everywhere() -> None:
    _, b = pair()
    wrap, sealed = encode_wrap(_wrap()), ALICE.seal_to(BOB, b"", bytes(542))
    stored = dump_session(b)
    readers: list[tuple[bytes, Callable[[bytes], object]]] = [
        (wrap, decode_wrap),
        (bytes(255) + b"\x80", unpad),
        (sealed, lambda raw: open_sealed(BOB.sek[1], BOB.id, WEEK, raw)),
        (FIRST, lambda raw: End(Device.make("b", 2), ALICE).receive((INITIAL, raw))),
        (stored, load_session),
        (SessionSet((b,)).dump(), SessionSet.load),
    ]
    for good, read in readers:
        read(good)
        for bad in (good + b"\0", good[:-1], b"\0" + good, good[1:], b""):
            if bad or read != SessionSet.load:
                with pytest.raises(IntegrityError):
                    read(bad)


HOSTILE: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "initial": (
        lambda raw: read_initial(raw, ALICE.sender, NOW),
        [INITIAL + UNKNOWN * 100, b"\x12\xff\xff\xff\xff\x0f" + INITIAL, INITIAL * 500, b"\x1a\x80\x01" * 700, bytes(2**20)],
    ),
    "sealed": (lambda raw: open_sealed(BOB.sek[1], BOB.id, WEEK, raw), [bytes(2_160), bytes(5_232), bytes(2**20), RNG(2_160)]),
    "wrap": (decode_wrap, [bytes(256), b"\xff" * 256, bytes(2**20)]),
    "padding": (unpad, [bytes(16_384), b"\x80" * 16_383 + b"\1", bytes(2**20)]),
    "message": (lambda raw: decrypt(pair()[1], raw, NOW), [bytes(286), bytes(4_096), b"\xff" * 2**20]),
    "session": (load_session, [bytes(2**20), b"\xff" * 2**20, b"\1" + b"\xff" * 4_096]),
    "sessions": (SessionSet.load, [b"\xff" * 2**20, b"\0\0\0\1" * 4_096]),
    "code": (lambda raw: parse_pairing_code(raw.decode()), [b"A" * 2**20, b"-" * 2**20, b"A" * 162]),
    "content": (decode, [b"\x0a\x80\x80\x80\x80\x01", bytes(2**16), b"\x1a\x02" * 8_000]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_p34_hostile_input_costs_neither_time_nor_memory(name: str) -> None:
    read, inputs = HOSTILE[name]
    for raw in inputs:
        tracemalloc.start()
        begun = time.thread_time()
        with pytest.raises(ConnexaError):
            read(raw)
        spent, (_, peak) = time.thread_time() - begun, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert spent < 0.25  # of which tracing and, on a busy machine, others take the most
        assert peak < 4 * len(raw) + 2**20


@given(raw=st.binary(max_size=700))
def test_p34_noise_is_refused(raw: bytes) -> None:
    _, b = pair()
    with pytest.raises(Reject):
        decrypt(b, raw, NOW)


@given(plain=st.binary(max_size=200), at=st.integers(0, 100))
def test_p34_what_is_inside_a_sealed_packet_is_read_strictly(plain: bytes, at: int) -> None:
    info = info_for(BOB.id, WEEK)
    inside = (bytes(32) + plain)[at:].ljust(1_024, b"\0")
    with pytest.raises(Reject):
        open_sealed(BOB.sek[1], BOB.id, WEEK, hpke_seal(BOB.sek[1].public, inside, info))


@given(raw=st.binary(max_size=300))
def test_p34_wraps_are_read_strictly(raw: bytes) -> None:
    with pytest.raises(Reject):
        decode_wrap(raw)
    with pytest.raises(Reject):
        decode_wrap(raw[:200].ljust(256, b"\0"))


@pytest.mark.parametrize("number", ["counter", "list_version"])
def test_p34_a_number_that_no_database_holds_is_refused(number: str) -> None:
    wrap = _wrap()
    largest = replace(wrap, **{number: 2**63 - 1})  # type: ignore[arg-type]
    assert decode_wrap(encode_wrap(largest)) == largest
    with pytest.raises(Reject):
        decode_wrap(encode_wrap(replace(wrap, **{number: 2**63})))  # type: ignore[arg-type]

"""P08: a message that is refused leaves the state byte-identical, however far it got."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connexa.pairwise import Reason, Reject, Session, decrypt, dump_session, encrypt
from connexa.pairwise._chunked import CHUNKS, KEY
from connexa.pairwise._skipped import MAX_STEPS
from tests.pairwise.talk import RNG, pair, said, sent, turn, until, with_header
from tests.pairwise.world import NOW


@given(position=st.integers(0, 541), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_and_changes_nothing(position: int, bit: int) -> None:
    a, b = pair()
    _, message = encrypt(a, bytes(256), RNG)
    forged = bytearray(message)
    forged[position] ^= 1 << bit
    before = dump_session(b)
    with pytest.raises(Reject):
        decrypt(b, bytes(forged), NOW)
    assert dump_session(b) == before
    assert decrypt(b, message, NOW)[1] == bytes(256)


def _refused(session: Session, message: bytes, reason: Reason) -> None:
    before, objects = dump_session(session), session.ratchet
    with pytest.raises(Reject) as refused:
        decrypt(session, message, NOW)
    assert refused.value.reason is reason
    assert dump_session(session) == before
    assert session.ratchet is objects


def test_a_flood_of_skipped_messages_behind_a_broken_body() -> None:
    a, b = pair()
    a, b = said(a, b)
    _, messages = sent(a, MAX_STEPS + 1)
    _refused(b, messages[-1][:-1] + bytes([messages[-1][-1] ^ 1]), Reason.BODY)
    assert decrypt(b, messages[-1], NOW)[1] == b"%d" % MAX_STEPS


def test_the_key_of_a_late_message_behind_a_broken_body_stays() -> None:
    a, b = pair()
    a, messages = sent(a, 3)
    b, _ = decrypt(b, messages[2], NOW)
    _refused(b, messages[0][:-1] + bytes([messages[0][-1] ^ 1]), Reason.BODY)
    assert decrypt(b, messages[0], NOW)[1] == b"0"


def test_a_step_behind_a_broken_body() -> None:
    a, b = turn(*pair())
    _, message = encrypt(a, b"x", RNG)
    _refused(b, message[:-1] + bytes([message[-1] ^ 1]), Reason.BODY)


def test_a_header_that_opens_over_garbage() -> None:
    a, b = pair()
    a, b = said(a, b)
    current, pq = b.ratchet.receiving, b.ratchet.pq.receiving[0]
    header = b.ratchet.remote + b"".join(n.to_bytes(4, "big") for n in (0, current.n, 0, pq.n)) + bytes(130)
    _refused(b, with_header(header, current.header, b.binding.ad_in), Reason.BODY)


def test_the_last_chunk_of_a_key_behind_a_broken_body() -> None:
    a, b = until(lambda a, b: len(b.ratchet.pq.agreement.parts) == CHUNKS[KEY] - 1, *pair())
    sent_before = a
    a, message = encrypt(a, b"x", RNG)
    _refused(b, message[:-1] + bytes([message[-1] ^ 1]), Reason.BODY)
    assert decrypt(b, message, NOW)[0].ratchet.pq.agreement.key
    _, again = encrypt(sent_before, b"x", RNG)
    assert again != message


@pytest.mark.parametrize(
    "chunk",
    [
        bytes([3, 0]) + bytes(128),  # no such kind
        bytes([255, 0]) + bytes(128),
        bytes([0, 1]) + bytes(128),  # idle says nothing else
        bytes([0, 0]) + bytes(127) + b"\1",
        bytes([1, 10]) + bytes(128),  # behind the key
        bytes([2, 9]) + bytes(128),  # behind the ciphertext
        bytes([1, 9]) + bytes(64) + b"\1" + bytes(63),  # behind the key's last byte
        bytes([2, 8]) + bytes(96) + b"\1" + bytes(31),
        bytes([2, 8]) + bytes(127) + b"\1",
    ],
)
def test_a_chunk_that_no_device_sends(chunk: bytes) -> None:
    a, b = pair()
    agreement = replace(a.ratchet.pq.agreement, chunks=(chunk,))
    forging = replace(a, ratchet=replace(a.ratchet, pq=replace(a.ratchet.pq, agreement=agreement)))
    _, message = encrypt(forging, b"x", RNG)
    _refused(b, message, Reason.MALFORMED)

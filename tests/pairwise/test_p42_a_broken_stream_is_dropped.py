"""P42: where the MAC of a stream of chunks is wrong, the message counts, the chunks do not; the third time a new session is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connexa.pairwise import Session, SessionEvent, SessionSet, decrypt, dump_session, encrypt, load_session
from connexa.pairwise._chunked import CHUNKS, CIPHERTEXT, KEY, cut
from tests.pairwise.talk import RNG, epochs, pair, said, turn, until
from tests.pairwise.world import NOW, End, acquainted


def _with_chunks(session: Session, chunks: tuple[bytes, ...]) -> Session:
    agreement = replace(session.ratchet.pq.agreement, chunks=chunks)
    return replace(session, ratchet=replace(session.ratchet, pq=replace(session.ratchet.pq, agreement=agreement)))


def _damaged(session: Session, chunk: int = 0, byte: int = 2) -> Session:
    """The same with one bit wrong in one of the chunks that it sends."""
    chunks = list(session.ratchet.pq.agreement.chunks)
    chunks[chunk] = chunks[chunk][:byte] + bytes([chunks[chunk][byte] ^ 1]) + chunks[chunk][byte + 1 :]
    return _with_chunks(session, tuple(chunks))


def _broken(session: Session) -> int:
    return session.ratchet.pq.agreement.broken


@given(chunk=st.integers(1, 9), byte=st.integers(2, 65))
def test_a_key_with_a_wrong_bit_anywhere_is_dropped_and_the_message_counts(chunk: int, byte: int) -> None:
    a, b = until(lambda a, b: bool(a.ratchet.pq.agreement.chunks), *pair())
    a = _damaged(a, chunk, byte)
    a, b = until(lambda a, b: _broken(b) == 1, a, b)  # `said` checks that each message opens
    assert not b.ratchet.pq.agreement.parts
    assert not b.ratchet.pq.agreement.key
    assert epochs(b) == (0, 0)
    assert not b.retired


def test_a_ciphertext_with_a_wrong_bit_is_dropped_and_collected_anew() -> None:
    a, b = until(lambda a, b: epochs(b) == (1, 0), *pair())
    good = b.ratchet.pq.agreement.chunks
    a, b = until(lambda a, b: _broken(a) == 1, a, _damaged(b, 3, 50))
    assert epochs(a) == (0, 0)
    a, b = until(lambda a, b: epochs(a) == epochs(b) == (1, 1), a, _with_chunks(b, good))
    assert _broken(a) == 1


def test_two_keys_that_are_mixed_after_a_restore_are_told_apart_in_the_second_round() -> None:
    a, b = until(lambda a, b: len(b.ratchet.pq.agreement.parts) == 5, *pair())
    agreement = replace(a.ratchet.pq.agreement, seed=b"", chunks=())  # it was restored from before it made its key
    a = replace(a, ratchet=replace(a.ratchet, pq=replace(a.ratchet.pq, agreement=agreement)))
    a, b = until(lambda a, b: _broken(b) == 1, a, b)
    a, b = until(lambda a, b: epochs(a) == epochs(b) == (1, 1), a, b)
    assert _broken(b) == 1


def _ends_with(a: Session, b: Session) -> tuple[End, End]:
    alice, bob = acquainted()
    alice.sessions, bob.sessions = SessionSet((a,)), SessionSet((b,))
    return alice, bob


def test_it_shows_each_time_and_the_third_time_ends_the_session() -> None:
    a, b = until(lambda a, b: bool(a.ratchet.pq.agreement.chunks), *pair())
    alice, bob = _ends_with(_damaged(a, 5), b)  # it goes round and round with that bit wrong
    for times in (1, 2, 3):
        while bob.events.count(SessionEvent.PQ_BROKEN) < times:
            assert bob.sessions.for_sending(NOW)
            alice.receive(bob.send(b"counts"))
            bob.receive(alice.send(b"counts too"))
    assert bob.opened[-1] == b"counts too"
    assert bob.sessions.for_sending(NOW) is None
    assert set(bob.events) == {SessionEvent.PQ_BROKEN}
    bob.sessions = SessionSet.load(bob.sessions.dump())
    assert bob.sessions.for_sending(NOW) is None
    alice.receive(bob.send(b"on a new session"))
    assert alice.events == [SessionEvent.REPLACED]
    bob.receive(alice.send(b"good"))
    assert bob.opened[-1] == b"good"


@pytest.mark.parametrize("kind", [KEY, CIPHERTEXT])
def test_chunks_that_nobody_waits_for_are_ignored(kind: int) -> None:
    a, b = pair()
    before = b.ratchet.pq.agreement
    a = _with_chunks(a, tuple(bytes([kind, i]) + bytes(128) for i in range(CHUNKS[kind])))
    if kind == KEY:  # Bob is the one who offers the second epoch's key: he waits for none of it, nor in a wrong epoch
        b = replace(b, ratchet=replace(b.ratchet, pq=replace(b.ratchet.pq, agreement=replace(before, initiator=True))))
        before = b.ratchet.pq.agreement
    a, b = said(a, b)
    assert b.ratchet.pq.agreement is before


def test_chunks_of_an_epoch_that_is_complete_are_ignored() -> None:
    a, b = until(lambda a, b: bool(a.ratchet.pq.agreement.chunks), *pair())
    late = b""
    while epochs(b)[0] < 1:
        a, late = encrypt(a, b"late", RNG)
        for _ in range(3):
            a, b = turn(a, b)
    before = b.ratchet.pq.agreement
    b, _ = decrypt(b, late, NOW)
    assert b.ratchet.pq.agreement is before
    b = load_session(dump_session(b))
    assert until(lambda a, b: epochs(a) == epochs(b) == (1, 1), a, b)


def test_a_chunk_of_another_epoch_than_the_one_that_is_built_is_passed_over() -> None:
    agreement, chunk = pair()[1].ratchet.pq.agreement, cut(KEY, bytes(1_216))[0]
    assert agreement.receive(1, chunk) == (agreement, None)
    assert agreement.receive(0, chunk)[0].parts == {0: bytes(128)}

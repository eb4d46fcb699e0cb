"""P10: what is late, lost or interleaved opens up to the limits, which hold, and refusing costs little."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connexa.crypto import X25519Secret
from connexa.pairwise import Duplicate, Reason, Reject, Session, decrypt, dump_session, encrypt, load_session
from connexa.pairwise._ratchet import MAX_CHAINS
from connexa.pairwise._skipped import MAX_AGE, MAX_SKIPPED, MAX_STEPS
from tests.pairwise.talk import RNG, pair, said, sent, turn, with_header
from tests.pairwise.world import NOW


@given(data=st.data())
def test_whatever_arrives_in_whatever_order_opens_exactly_once(data: st.DataObject) -> None:
    ends = list(pair())
    flying: list[list[bytes]] = [[], []]
    opened: list[list[bytes]] = [[], []]
    sent: list[list[bytes]] = [[], []]
    delivered: list[tuple[int, bytes]] = []
    for step in range(data.draw(st.integers(1, 60))):
        who = data.draw(st.integers(0, 1))
        if data.draw(st.booleans()):
            text = b"%d from %d" % (step, who)
            ends[who], message = encrypt(ends[who], text, RNG)
            sent[who].append(text)
            flying[1 - who].append(message)
        elif flying[who]:
            message = flying[who].pop(data.draw(st.integers(0, len(flying[who]) - 1)))
            if data.draw(st.integers(0, 9)) == 0:
                continue  # lost
            ends[who], text = decrypt(ends[who], message, NOW)
            opened[1 - who].append(text)
            delivered.append((who, message))
        elif delivered:
            who, message = data.draw(st.sampled_from(delivered))
            before = dump_session(ends[who])
            with pytest.raises(Reject):
                decrypt(ends[who], message, NOW)
            assert dump_session(ends[who]) == before
        ends = [load_session(dump_session(end)) for end in ends]
    for who in (0, 1):
        assert len(set(opened[who])) == len(opened[who])
        assert set(opened[who]) <= set(sent[who])


def test_messages_of_three_chains_open_in_reverse() -> None:
    a, b = pair()
    flying = []
    for _ in range(4):
        a, messages = sent(a, 3)
        flying += messages[:2]
        b, _ = decrypt(b, messages[2], NOW)
        a, b = turn(a, b)
    for message in reversed(flying):
        b, _ = decrypt(b, message, NOW)
    assert not b.ratchet.old


def test_a_jump_beyond_the_limit_is_refused_and_the_limit_itself_works() -> None:
    a, b = pair()
    a, messages = sent(a, MAX_STEPS + 2)
    before = dump_session(b)
    with pytest.raises(Reject) as refused:
        decrypt(b, messages[MAX_STEPS + 1], NOW)
    assert refused.value.reason is Reason.JUMP
    assert dump_session(b) == before
    assert decrypt(b, messages[MAX_STEPS], NOW)[1] == b"%d" % MAX_STEPS


@pytest.mark.parametrize("ratchet", ["classical", "post-quantum"])
def test_each_of_the_two_ratchets_has_the_limit(ratchet: str) -> None:
    a, b = turn(*pair())
    a, b = said(a, b)
    sending, pq = a.ratchet.sending, a.ratchet.pq
    if ratchet == "classical":
        far = replace(a.ratchet, sending=replace(sending, n=sending.n + MAX_STEPS + 1))
    else:
        far = replace(a.ratchet, pq=replace(pq, sending=replace(pq.sending, n=pq.sending.n + MAX_STEPS + 1)))
    _, message = encrypt(replace(a, ratchet=far), b"x", RNG)
    with pytest.raises(Reject) as refused:
        decrypt(b, message, NOW)
    assert refused.value.reason is Reason.JUMP


def test_old_and_new_chain_count_together() -> None:
    a, b = pair()
    a, messages = sent(a, 601)  # all but the first lost
    b, _ = decrypt(b, messages[0], NOW)
    b, message = encrypt(b, b"x", RNG)
    a, _ = decrypt(a, message, NOW)
    a, messages = sent(a, 500)
    with pytest.raises(Reject) as refused:
        decrypt(b, messages[401], NOW)
    assert refused.value.reason is Reason.JUMP
    b, _ = decrypt(b, messages[400], NOW)
    assert len(b.ratchet.old[0].skipped) == 600
    assert len(b.ratchet.receiving.skipped) == 400


def test_a_long_old_chain_counts_whatever_the_post_quantum_number_says() -> None:
    _, b = pair()
    b, _ = encrypt(b, b"so that a step may come", RNG)
    current, pq = b.ratchet.receiving, b.ratchet.pq.receiving[0]
    numbers = (current.n + 600, 401, 0, pq.n)
    header = X25519Secret.generate(RNG).public.raw + b"".join(n.to_bytes(4, "big") for n in numbers) + bytes(130)
    with pytest.raises(Reject) as refused:
        decrypt(b, with_header(header, current.next_header, b.binding.ad_in), NOW)
    assert refused.value.reason is Reason.JUMP


def test_stored_keys_are_bounded_and_the_oldest_go_first() -> None:
    a, b = pair()
    a, messages = sent(a, 3 * MAX_STEPS)
    for last in (999, 1_999, 2_999):
        b, _ = decrypt(b, messages[last], NOW)
    assert len(b.ratchet.receiving.skipped) == MAX_SKIPPED
    assert len(b.ratchet.pq.receiving[0].skipped) == MAX_SKIPPED
    assert b.ratchet.lost == 3 * 999 - MAX_SKIPPED
    with pytest.raises(Duplicate):
        decrypt(b, messages[0], NOW)
    assert decrypt(b, messages[2_998], NOW)[1] == b"2998"


def test_chains_are_bounded() -> None:
    a, b = pair()
    lost = []
    for _ in range(MAX_CHAINS + 2):
        a, messages = sent(a, 2)
        lost.append(messages[0])
        b, _ = decrypt(b, messages[1], NOW)
        a, b = turn(a, b)
    assert len(b.ratchet.old) == MAX_CHAINS - 1
    assert b.ratchet.lost > 0
    with pytest.raises(Reject):
        decrypt(b, lost[0], NOW)
    assert decrypt(b, lost[-1], NOW)[1] == b"0"


def test_stored_keys_are_given_up_after_30_days() -> None:
    a, b = pair()
    a, messages = sent(a, 3)
    b, _ = decrypt(b, messages[1], NOW)
    assert decrypt(b, messages[0], NOW + MAX_AGE)[1] == b"0"
    with pytest.raises(Duplicate):
        decrypt(b, messages[0], NOW + MAX_AGE + 1)
    late, _ = decrypt(b, messages[2], NOW + MAX_AGE + 1)
    assert late.ratchet.lost == 1


def _cost(session: Session, message: bytes) -> float:
    took = []
    for _ in range(5):
        start = time.process_time()
        with pytest.raises(Reject):
            decrypt(session, message, NOW)
        took.append(time.process_time() - start)
    return min(took)


def test_refusing_costs_little() -> None:
    """0.5 ms and 10 ms on our machine, with room for slower ones."""
    a, b = pair()
    a, messages = sent(a, MAX_STEPS + 1)
    assert _cost(b, RNG(542)) < 0.0015
    assert _cost(b, messages[-1][:-1] + bytes([messages[-1][-1] ^ 1])) < 0.030


def test_the_dearest_message_costs_little_as_well() -> None:
    """A long jump with a step, in an epoch whose chain must be walked, and a body that does not open."""
    a, b = pair()
    a, messages = sent(a, 500)
    b, _ = decrypt(b, messages[0], NOW)
    b, a = said(b, a)
    a, more = sent(a, 501)
    assert _cost(b, more[-1][:-1] + bytes([more[-1][-1] ^ 1])) < 0.030


def test_late_messages_of_four_chains_open() -> None:
    a, b = pair()
    late = []
    for _ in range(4):
        a, messages = sent(a, 8)
        late += messages[:-1]
        b, _ = decrypt(b, messages[-1], NOW)
        b, answers = sent(b, 8)
        for answer in answers:
            a, _ = decrypt(a, answer, NOW)
    assert len(b.ratchet.old) == 3
    for message in reversed(late):
        b, _ = decrypt(b, message, NOW)
    assert not b.ratchet.old

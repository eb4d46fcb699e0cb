"""The ratchet under loss, disorder, repetition and forgery (P08-P12, P14, P15, P33)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connexa.crypto import X25519Public, X25519Secret, aead_seal, hkdf
from connexa.errors import IntegrityError
from connexa.pairwise import (
    Duplicate,
    Reason,
    Reject,
    Session,
    decrypt,
    dump_session,
    encrypt,
    load_session,
    read_initial,
    respond,
)
from connexa.pairwise._ratchet import MAX_CHAINS, OVERHEAD
from connexa.pairwise._skipped import MAX_AGE, MAX_SKIPPED, MAX_STEPS
from tests.pairwise.world import NOW, acquainted, seeded, two_ends

RNG = seeded(77)


def _pair(seed: int = 1) -> tuple[Session, Session]:
    alice, bob = acquainted(seed)
    return alice.sessions.sessions[0], bob.sessions.sessions[0]


def _send(session: Session, count: int) -> tuple[Session, list[bytes]]:
    messages = []
    for number in range(count):
        session, message = encrypt(session, b"%d" % number, RNG)
        messages.append(message)
    return session, messages


def _turn(one: Session, other: Session) -> tuple[Session, Session]:
    """A message each way, so that both take a ratchet step."""
    one, message = encrypt(one, b"to", RNG)
    other, _ = decrypt(other, message, NOW)
    other, message = encrypt(other, b"fro", RNG)
    one, _ = decrypt(one, message, NOW)
    return one, other


def test_sizes() -> None:
    a, _ = _pair()
    assert OVERHEAD == 286
    assert len(encrypt(a, bytes(256), RNG)[1]) == 542


@given(data=st.data())
def test_p10_p14_p09_whatever_arrives_in_whatever_order_opens_exactly_once(data: st.DataObject) -> None:
    ends = list(_pair())
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


def test_p09_a_repeated_message_is_a_duplicate() -> None:
    a, b = _pair()
    a, messages = _send(a, 3)
    for message in (messages[2], messages[0], messages[1]):
        b, _ = decrypt(b, message, NOW)
        with pytest.raises(Duplicate):
            decrypt(b, message, NOW)
    assert not b.ratchet.receiving.skipped
    assert not b.ratchet.pq.receiving[0].skipped


def test_p10_messages_of_three_chains_open_in_reverse() -> None:
    a, b = _pair()
    flying = []
    for _ in range(4):
        a, messages = _send(a, 3)
        flying += messages[:2]
        b, _ = decrypt(b, messages[2], NOW)
        a, b = _turn(a, b)
    for message in reversed(flying):
        b, _ = decrypt(b, message, NOW)
    assert not b.ratchet.old


@given(position=st.integers(0, 541), bit=st.integers(0, 7))
def test_p08_a_flipped_bit_is_refused_and_changes_nothing(position: int, bit: int) -> None:
    a, b = _pair()
    _, message = encrypt(a, bytes(256), RNG)
    forged = bytearray(message)
    forged[position] ^= 1 << bit
    before = dump_session(b)
    with pytest.raises(Reject):
        decrypt(b, bytes(forged), NOW)
    assert dump_session(b) == before
    assert decrypt(b, message, NOW)[1] == bytes(256)


def test_p10_a_jump_beyond_the_limit_is_refused_and_the_limit_itself_works() -> None:
    a, b = _pair()
    a, messages = _send(a, MAX_STEPS + 2)
    before = dump_session(b)
    with pytest.raises(Reject) as refused:
        decrypt(b, messages[MAX_STEPS + 1], NOW)
    assert refused.value.reason is Reason.JUMP
    assert dump_session(b) == before
    assert decrypt(b, messages[MAX_STEPS], NOW)[1] == b"%d" % MAX_STEPS


def test_p10_old_and_new_chain_count_together() -> None:
    a, b = _pair()
    a, messages = _send(a, 601)  # all but the first lost
    b, _ = decrypt(b, messages[0], NOW)
    b, message = encrypt(b, b"x", RNG)
    a, _ = decrypt(a, message, NOW)
    a, messages = _send(a, 500)
    with pytest.raises(Reject) as refused:
        decrypt(b, messages[401], NOW)
    assert refused.value.reason is Reason.JUMP
    b, _ = decrypt(b, messages[400], NOW)
    assert len(b.ratchet.old[0].skipped) == 600
    assert len(b.ratchet.receiving.skipped) == 400


def test_p10_stored_keys_are_bounded_and_the_oldest_go_first() -> None:
    a, b = _pair()
    a, messages = _send(a, 3 * MAX_STEPS)
    for last in (999, 1_999, 2_999):
        b, _ = decrypt(b, messages[last], NOW)
    assert len(b.ratchet.receiving.skipped) == MAX_SKIPPED
    assert len(b.ratchet.pq.receiving[0].skipped) == MAX_SKIPPED
    assert b.ratchet.lost == 3 * 999 - MAX_SKIPPED
    with pytest.raises(Duplicate):
        decrypt(b, messages[0], NOW)
    assert decrypt(b, messages[2_998], NOW)[1] == b"2998"


def test_p10_chains_are_bounded() -> None:
    a, b = _pair()
    lost = []
    for _ in range(MAX_CHAINS + 2):
        a, messages = _send(a, 2)
        lost.append(messages[0])
        b, _ = decrypt(b, messages[1], NOW)
        a, b = _turn(a, b)
    assert len(b.ratchet.old) == MAX_CHAINS - 1
    assert b.ratchet.lost > 0
    with pytest.raises(Reject):
        decrypt(b, lost[0], NOW)
    assert decrypt(b, lost[-1], NOW)[1] == b"0"


def test_p10_stored_keys_are_given_up_after_30_days() -> None:
    a, b = _pair()
    a, messages = _send(a, 3)
    b, _ = decrypt(b, messages[1], NOW)
    assert decrypt(b, messages[0], NOW + MAX_AGE)[1] == b"0"
    with pytest.raises(Duplicate):
        decrypt(b, messages[0], NOW + MAX_AGE + 1)
    late, _ = decrypt(b, messages[2], NOW + MAX_AGE + 1)
    assert late.ratchet.lost == 1


def test_p10_refusing_costs_little() -> None:
    a, b = _pair()
    a, messages = _send(a, MAX_STEPS + 1)
    broken = messages[-1][:-1] + bytes([messages[-1][-1] ^ 1])

    def cost(message: bytes) -> float:
        took = []
        for _ in range(5):
            start = time.process_time()
            with pytest.raises(Reject):
                decrypt(b, message, NOW)
            took.append(time.process_time() - start)
        return min(took)

    # 0.5 ms and 10 ms on our machine (P10), with room for slower ones.
    assert cost(RNG(542)) < 0.0015
    assert cost(broken) < 0.030


def _step_with(header: bytes, header_key: bytes, ad: bytes) -> bytes:
    """A message whose header opens, as only the real other side could make it; its body does not matter."""
    nonce = RNG(12)
    keys = hkdf(header_key, salt=nonce, info=b"Connexa/1 header", length=64)
    return nonce + keys[32:] + aead_seal(keys[:32], nonce, header, ad) + bytes(48 + 256)


@pytest.mark.parametrize("whose", ["none", "own", "previous"])
def test_p11_a_header_key_that_is_none_own_or_previous_is_refused(whose: str) -> None:
    a, b = _pair()
    b, _ = encrypt(b, b"so that a step may come", RNG)
    state = b.ratchet
    key = {"none": bytes(32), "own": state.own_public, "previous": state.remote}[whose]
    header = key + state.receiving.n.to_bytes(4, "big") + bytes(12 + 130)
    before = dump_session(b)
    with pytest.raises(Reject) as refused:
        decrypt(b, _step_with(header, state.receiving.next_header, b.binding.ad_in), NOW)
    assert refused.value.reason is Reason.STEP
    assert dump_session(b) == before
    assert a.binding.ad_out == b.binding.ad_in


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pq_epoch": 1}, Reason.STEP),
        ({"pq_n": 5_000}, Reason.JUMP),
        ({"n": 5_000}, Reason.JUMP),
        ({"chunk": b"\3" + bytes(129)}, Reason.MALFORMED),  # a chunk of no kind
        ({"chunk": bytes(129) + b"\1"}, Reason.MALFORMED),
        ({"key": bytes(32)}, Reason.CLONE),  # another key in the same chain
        ({}, Reason.BODY),
    ],
)
def test_headers_that_no_device_writes_are_refused(change: dict[str, int | bytes], reason: Reason) -> None:
    _, b = _pair()
    current, pq = b.ratchet.receiving, b.ratchet.pq.receiving[0]
    fields: dict[str, int | bytes] = {"key": b.ratchet.remote, "pn": 0, "n": current.n, "pq_epoch": 0, "pq_n": pq.n, "chunk": bytes(130)}
    fields |= change
    header = b"".join(f if isinstance(f, bytes) else f.to_bytes(4, "big") for f in fields.values())
    with pytest.raises(Reject) as refused:
        decrypt(b, _step_with(header, current.header, b.binding.ad_in), NOW)
    assert refused.value.reason is reason


def test_p10_a_long_old_chain_counts_whatever_the_post_quantum_number_says() -> None:
    _, b = _pair()
    b, _ = encrypt(b, b"so that a step may come", RNG)
    current, pq = b.ratchet.receiving, b.ratchet.pq.receiving[0]
    numbers = (current.n + 600, 401, 0, pq.n)
    header = X25519Secret.generate(RNG).public.raw + b"".join(n.to_bytes(4, "big") for n in numbers) + bytes(130)
    with pytest.raises(Reject) as refused:
        decrypt(b, _step_with(header, current.next_header, b.binding.ad_in), NOW)
    assert refused.value.reason is Reason.JUMP


def test_p11_nothing_is_sent_or_derived_without_a_chain() -> None:
    alice, bob = two_ends()
    initial, message = alice.send(b"x")
    read = read_initial(initial, alice.device.sender, NOW)
    session = respond(bob.device.local, read, bob.device.secrets_for(read), message, seen=(), now=NOW).session
    mute = replace(session, ratchet=replace(session.ratchet, remote=b"", sending=replace(session.ratchet.sending, chain=b"")))
    with pytest.raises(ValueError, match="sends nothing"):
        encrypt(mute, b"x", RNG)


def test_p11_a_second_step_before_our_answer_is_refused() -> None:
    a, b = _pair()
    a, message = encrypt(a, b"x", RNG)
    b, _ = decrypt(b, message, NOW)
    assert b.ratchet.step_due
    eager = replace(a, ratchet=replace(a.ratchet, sending=replace(a.ratchet.sending, chain=b"")))  # steps though nobody answered
    _, message = encrypt(eager, b"y", RNG)
    with pytest.raises(Reject) as refused:
        decrypt(b, message, NOW)
    assert refused.value.reason is Reason.STEP


def test_p12_a_message_never_opens_at_its_sender() -> None:
    a, b = _pair()
    for _ in range(3):
        a, message = encrypt(a, b"x", RNG)
        with pytest.raises(Reject):
            decrypt(a, message, NOW)
        a, b = _turn(a, decrypt(b, message, NOW)[0])
    assert a.ratchet.sending.header != a.ratchet.receiving.header
    assert a.ratchet.pq.sending.chain != a.ratchet.pq.receiving[0].chain


def test_p15_a_stolen_state_opens_nothing_that_was_read_before() -> None:
    a, b = _pair()
    read = []
    for _ in range(3):
        a, messages = _send(a, 4)
        for message in messages:
            b, _ = decrypt(b, message, NOW)
        read += messages
        a, b = _turn(a, b)
    stolen = load_session(dump_session(b))
    for message in read:
        with pytest.raises(Reject):
            decrypt(stolen, message, NOW)


def test_p33_an_old_copy_of_the_store_repeats_no_key_and_nonce() -> None:
    a, b = _pair()
    stored = dump_session(a)
    first = encrypt(load_session(stored), bytes(256), RNG)[1]
    again = encrypt(load_session(stored), bytes(256), RNG)[1]
    assert first[:12] != again[:12]
    assert first[12:44] != again[12:44]  # the header keys differ,
    assert first[238:270] != again[238:270]  # the message keys differ
    assert first[270:] != again[270:]
    assert decrypt(b, again, NOW)[1] == bytes(256)


def test_stored_states_are_small_and_read_strictly() -> None:
    a, b = _pair()
    a, messages = _send(a, 101)
    b, _ = decrypt(b, messages[100], NOW)
    raw = dump_session(b)
    assert len(dump_session(a)) < 1_100
    assert len(raw) < 1_100 + 100 * 2 * 36
    assert dump_session(load_session(raw)) == raw
    for broken in (b"", raw[:-1], raw + b"\0", b"\2" + raw[1:], raw[:161] + b"\x80" + raw[162:]):
        with pytest.raises(IntegrityError, match="cannot be read"):
            load_session(broken)
    assert raw.hex() not in repr(b)
    assert b.ratchet.root.hex() not in repr(b.ratchet)
    assert X25519Public(b.ratchet.own_public).raw == b.ratchet.own_public

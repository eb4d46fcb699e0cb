"""P11: no key is derived from a missing or zero one, and no header brings a DH key that is none, our own or the previous one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connexa.pairwise import Reason, Reject, decrypt, dump_session, encrypt, read_initial, respond
from tests.pairwise.talk import RNG, epochs, pair, turn, with_header
from tests.pairwise.world import NOW, two_ends


@pytest.mark.parametrize("whose", ["none", "own", "previous"])
def test_a_header_key_that_is_none_own_or_previous_is_refused(whose: str) -> None:
    a, b = pair()
    b, _ = encrypt(b, b"so that a step may come", RNG)
    state = b.ratchet
    key = {"none": bytes(32), "own": state.own_public, "previous": state.remote}[whose]
    header = key + state.receiving.n.to_bytes(4, "big") + bytes(12 + 130)
    before = dump_session(b)
    with pytest.raises(Reject) as refused:
        decrypt(b, with_header(header, state.receiving.next_header, b.binding.ad_in), NOW)
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
    _, b = pair()
    current, pq = b.ratchet.receiving, b.ratchet.pq.receiving[0]
    fields: dict[str, int | bytes] = {"key": b.ratchet.remote, "pn": 0, "n": current.n, "pq_epoch": 0, "pq_n": pq.n, "chunk": bytes(130)}
    fields |= change
    header = b"".join(f if isinstance(f, bytes) else f.to_bytes(4, "big") for f in fields.values())
    with pytest.raises(Reject) as refused:
        decrypt(b, with_header(header, current.header, b.binding.ad_in), NOW)
    assert refused.value.reason is reason


def test_nothing_is_sent_or_derived_without_a_chain() -> None:
    alice, bob = two_ends()
    initial, message = alice.send(b"x")
    read = read_initial(initial, alice.device.sender, NOW)
    session = respond(bob.device.local, read, bob.device.secrets_for(read), message, seen=(), now=NOW).session
    mute = replace(session, ratchet=replace(session.ratchet, remote=b"", sending=replace(session.ratchet.sending, chain=b"")))
    with pytest.raises(ValueError, match="sends nothing"):
        encrypt(mute, b"x", RNG)


def test_a_second_step_before_our_answer_is_refused() -> None:
    a, b = pair()
    a, message = encrypt(a, b"x", RNG)
    b, _ = decrypt(b, message, NOW)
    assert b.ratchet.step_due
    eager = replace(a, ratchet=replace(a.ratchet, sending=replace(a.ratchet.sending, chain=b"")))  # steps though nobody answered
    _, message = encrypt(eager, b"y", RNG)
    with pytest.raises(Reject) as refused:
        decrypt(b, message, NOW)
    assert refused.value.reason is Reason.STEP


def test_no_state_holds_an_empty_or_a_zero_chain_where_one_is_used() -> None:
    a, b = pair()
    for _ in range(90):
        a, b = turn(a, b)
        for session in (a, b):
            pq = session.ratchet.pq
            used = [session.ratchet.root, pq.root, pq.sending.chain, pq.agreement.auth, *(chain.chain for chain in pq.receiving)]
            if pq.agreement.sending < pq.agreement.epoch:
                used.append(pq.waiting)
            assert all(len(key) == 32 and key != bytes(32) for key in used)
            assert len(set(used)) == len(used)
    assert epochs(a)[0] > 2


def test_a_responder_says_nothing_before_it_was_spoken_to() -> None:
    alice, bob = two_ends()
    session = bob.device.begin(alice.device)
    assert not session.ratchet.receiving.chain
    with pytest.raises(Reject) as refused:  # and a header key that is not there opens nothing
        decrypt(session, with_header(bytes(178), b"", session.binding.ad_in), NOW)
    assert refused.value.reason is Reason.HEADER

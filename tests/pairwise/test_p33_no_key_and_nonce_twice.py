"""P33: nonces come with the message keys, header nonces are random, and an old copy of the store repeats no (key, nonce)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connexa.crypto import system_random
from connexa.pairwise import Reason, Reject, decrypt, dump_session, encrypt, load_session
from tests.pairwise.talk import RNG, pair, said, turn, until
from tests.pairwise.world import NOW


def test_an_old_copy_of_the_store_repeats_no_key_and_nonce() -> None:
    a, b = said(*turn(*pair()))  # in the middle of a chain: no fresh step makes the keys others
    stored = dump_session(a)
    first = encrypt(load_session(stored), bytes(256), RNG)[1]
    again = encrypt(load_session(stored), bytes(256), RNG)[1]
    assert first[:12] != again[:12]
    assert first[12:44] != again[12:44]  # the header keys differ,
    assert first[238:270] != again[238:270]  # the message keys differ
    assert first[270:] != again[270:]
    assert decrypt(b, again, NOW)[1] == bytes(256)


def test_a_store_restored_at_any_moment_of_an_exchange_repeats_nothing() -> None:
    a, b = pair()
    heads: set[bytes] = set()
    count = 0
    for _ in range(60):
        a, b = said(a, b)
        stored = dump_session(a)
        for _ in range(3):  # thrice from the same stored state: twice it was killed before the message left
            _, message = encrypt(load_session(stored), b"x", system_random)
            heads |= {message[:12], message[12:44], message[238:270]}  # n12, and what names header key and message key
            count += 1
        a, b = turn(a, b)
    assert len(heads) == 3 * count


@pytest.mark.parametrize("chain", ["classical", "post-quantum"])
def test_a_chain_ends_before_its_numbers_do(chain: str) -> None:
    last = 2**32 - 1
    a, b = turn(*pair())
    a, message = encrypt(a, b"x", RNG)  # the first of its chain
    b, _ = decrypt(b, message, NOW)
    if chain == "classical":
        sending, receiving = (replace(part, n=last - 1) for part in (a.ratchet.sending, b.ratchet.receiving))
        far_a, far_b = replace(a.ratchet, sending=sending), replace(b.ratchet, receiving=receiving)
    else:
        sends, (first, *others) = replace(a.ratchet.pq.sending, n=last - 1), b.ratchet.pq.receiving
        far_a = replace(a.ratchet, pq=replace(a.ratchet.pq, sending=sends))
        far_b = replace(b.ratchet, pq=replace(b.ratchet.pq, receiving=(replace(first, n=last - 1), *others)))
    a, b = replace(a, ratchet=far_a), replace(b, ratchet=far_b)
    a, message = encrypt(a, b"the last but one", RNG)
    b, _ = decrypt(b, message, NOW)
    assert dump_session(load_session(dump_session(b))) == dump_session(b)
    _, message = encrypt(a, b"the last", RNG)
    with pytest.raises(Reject) as refused:  # what comes behind it could not be stored
        decrypt(b, message, NOW)
    assert refused.value.reason is Reason.JUMP
    lost = replace(b, ratchet=replace(b.ratchet, lost=2**32))
    assert load_session(dump_session(lost)).ratchet.lost == last


def test_a_key_that_was_offered_before_a_restore_is_offered_again_and_agreed_on() -> None:
    a, b = until(lambda a, b: len(b.ratchet.pq.agreement.parts) == 4, *pair())
    a = load_session(dump_session(a))
    a, b = until(lambda a, b: a.ratchet.pq.agreement.sending == 1, a, b)
    _, message = encrypt(a, b"x", RNG)
    assert decrypt(b, message, NOW)[1] == b"x"

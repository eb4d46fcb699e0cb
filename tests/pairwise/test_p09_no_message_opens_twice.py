"""P09: a key opens once and is gone, and a repeated message is known for one."""

from __future__ import annotations

import pytest

from connexa.crypto import hmac_sha256
from connexa.pairwise import Duplicate, Reject, decrypt, dump_session, encrypt
from tests.pairwise.talk import RNG, epochs, pair, sent, turn, until
from tests.pairwise.world import NOW


def test_a_repeated_message_is_a_duplicate() -> None:
    a, b = pair()
    a, messages = sent(a, 3)
    for message in (messages[2], messages[0], messages[1]):
        b, _ = decrypt(b, message, NOW)
        with pytest.raises(Duplicate):
            decrypt(b, message, NOW)
    assert not b.ratchet.receiving.skipped
    assert not b.ratchet.pq.receiving[0].skipped


def test_a_used_key_is_in_no_stored_state() -> None:
    a, b = turn(*pair())
    a, _ = encrypt(a, b"a step", RNG)
    chain = a.ratchet.sending.chain
    keys = []
    for _ in range(3):
        keys.append(hmac_sha256(chain, b"\1"))
        chain = hmac_sha256(chain, b"\2")
    a, messages = sent(a, 3)
    b, _ = decrypt(b, messages[2], NOW)
    assert [key in dump_session(b) for key in keys] == [True, True, False]
    b, _ = decrypt(b, messages[0], NOW)
    assert [key in dump_session(b) for key in keys] == [False, True, False]
    b, _ = decrypt(b, messages[1], NOW)
    assert not any(key in dump_session(b) for key in keys)


def test_a_message_of_any_age_opens_once() -> None:
    a, b = pair()
    seen = []
    while epochs(b)[0] < 6:
        a, message = encrypt(a, b"x", RNG)
        b, _ = decrypt(b, message, NOW)
        seen.append(message)
        a, b = turn(a, b)
    before = dump_session(b)
    for number, message in enumerate(seen):
        with pytest.raises(Duplicate if number == len(seen) - 1 else Reject):
            decrypt(b, message, NOW)
    assert dump_session(b) == before
    assert until(lambda a, b: epochs(b)[0] == 7, a, b)

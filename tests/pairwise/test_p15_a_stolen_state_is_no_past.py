"""P15: a stolen state opens nothing that was read before it (the database side: tests/store, where deleted pages are gone)."""

from __future__ import annotations

import pytest

from connexa.pairwise import Reject, decrypt, dump_session, encrypt, load_session
from tests.pairwise.talk import RNG, epochs, pair, sent, turn, until
from tests.pairwise.world import NOW


def test_a_stolen_state_opens_nothing_that_was_read_before() -> None:
    a, b = pair()
    read = []
    for _ in range(3):
        a, messages = sent(a, 4)
        for message in messages:
            b, _ = decrypt(b, message, NOW)
        read += messages
        a, b = turn(a, b)
    stolen = load_session(dump_session(b))
    for message in read:
        with pytest.raises(Reject):
            decrypt(stolen, message, NOW)


def test_over_whole_post_quantum_epochs_neither_side_can_read_what_it_read() -> None:
    a, b = pair()
    to_b, to_a = [], []
    while epochs(a)[1] < 3:
        a, message = encrypt(a, b"to", RNG)
        b, _ = decrypt(b, message, NOW)
        to_b.append(message)
        b, message = encrypt(b, b"fro", RNG)
        a, _ = decrypt(a, message, NOW)
        to_a.append(message)
    for session, messages in ((a, to_a), (b, to_b)):
        stolen = load_session(dump_session(session))
        for message in messages:
            with pytest.raises(Reject):
                decrypt(stolen, message, NOW)


def test_the_secrets_of_an_exchange_go_with_it() -> None:
    a, b = until(lambda a, b: bool(a.ratchet.pq.agreement.seed), *pair())
    seed, auth = a.ratchet.pq.agreement.seed, a.ratchet.pq.agreement.auth
    root, waiting_from = a.ratchet.pq.root, a.ratchet.pq.sending.chain
    assert seed in dump_session(a)
    a, b = until(lambda a, b: epochs(a) == epochs(b) == (1, 1), a, b)
    for session in (a, b):
        raw = dump_session(session)
        assert not any(secret in raw for secret in (seed, auth, root, waiting_from))


def test_the_key_of_an_opened_message_is_not_kept_beside_those_that_it_passed() -> None:
    a, b = turn(*pair())
    a, messages = sent(a, 4)
    b, _ = decrypt(b, messages[3], NOW)
    assert set(b.ratchet.receiving.skipped) == {0, 1, 2}
    assert len(b.ratchet.pq.receiving[0].skipped) == 3

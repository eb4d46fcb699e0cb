"""P16: a stolen state is worth nothing a round trip later, and against whoever breaks X25519 an epoch later."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connexa.pairwise import Reject, decrypt, dump_session, encrypt, load_session
from tests.pairwise.talk import RNG, epochs, pair, said, turn, until
from tests.pairwise.world import NOW


def test_after_one_round_trip_an_old_state_opens_nothing_new() -> None:
    a, b = turn(*pair())
    stolen = load_session(dump_session(b))
    a, b = turn(a, b)  # the thief could read the first half of this
    _, message = encrypt(a, b"new", RNG)
    with pytest.raises(Reject):
        decrypt(stolen, message, NOW)
    assert decrypt(b, message, NOW)[1] == b"new"


def test_after_one_epoch_the_old_post_quantum_state_opens_nothing_even_with_all_classical_keys() -> None:
    a, b = until(lambda a, b: epochs(a) == epochs(b) == (1, 1), *pair())
    stolen = b.ratchet.pq
    a, b = until(lambda a, b: epochs(a)[1] >= 2, a, b)
    _, message = encrypt(a, b"new", RNG)
    broken = replace(b, ratchet=replace(b.ratchet, pq=stolen))  # X25519 is broken: the thief has everything else of today
    with pytest.raises(Reject):
        decrypt(broken, message, NOW)
    assert decrypt(b, message, NOW)[1] == b"new"


def test_before_that_epoch_the_thief_still_reads() -> None:
    """So the test above shows the epoch at work, and nothing else."""
    a, b = until(lambda a, b: epochs(a) == epochs(b) == (1, 1), *pair())
    stolen = b.ratchet.pq
    a, b = turn(a, b)
    _, message = encrypt(a, b"new", RNG)
    assert decrypt(replace(b, ratchet=replace(b.ratchet, pq=stolen)), message, NOW)[1] == b"new"


def test_a_thief_who_watches_the_whole_exchange_is_shut_out_by_it() -> None:
    a, b = until(lambda a, b: bool(b.ratchet.pq.agreement.parts), *pair())
    assert a.ratchet.pq.agreement.seed
    stolen = load_session(dump_session(b))  # Bob only answers with a ciphertext: its secret is made afterwards
    while epochs(a)[1] < 1:
        a, message = encrypt(a, b"x", RNG)
        b, _ = decrypt(b, message, NOW)
        b, message = encrypt(b, b"y", RNG)
        a, _ = decrypt(a, message, NOW)
    _, message = encrypt(a, b"new", RNG)
    with pytest.raises(Reject):
        decrypt(replace(b, ratchet=replace(b.ratchet, pq=stolen.ratchet.pq)), message, NOW)


def test_a_new_epoch_follows_from_its_secret_and_not_from_the_state_before() -> None:
    a, b = pair()
    for _ in range(60):
        a, b = said(a, b)
        if b.ratchet.pq.agreement.key:
            break
        b, a = said(b, a)
    (honest, _), (thief, _) = encrypt(b, b"x", RNG), encrypt(b, b"x", RNG)  # each makes a secret of its own
    for mine, other in ((honest.ratchet.pq, thief.ratchet.pq), (thief.ratchet.pq, b.ratchet.pq)):
        assert mine.agreement.epoch == 1
        assert mine.root != other.root
        assert mine.waiting != other.waiting
        assert mine.receiving[0].chain != other.receiving[0].chain

"""P43: receiving chains and stored keys of four epochs are kept, for at most 30 days."""

from __future__ import annotations

import pytest

from connexa.pairwise import Duplicate, Reject, Session, decrypt, dump_session, encrypt, load_session
from connexa.pairwise._pq import KEPT_EPOCHS
from connexa.pairwise._skipped import MAX_AGE
from tests.pairwise.talk import RNG, epochs, pair, turn
from tests.pairwise.world import NOW


def _late_of_each_epoch(a: Session, b: Session, newest: int) -> tuple[Session, Session, dict[int, bytes]]:
    """One message of Alice's for each epoch that never came to Bob, and was sent in the chain of the last turn but some."""
    late: dict[int, bytes] = {}
    while epochs(b)[1] < newest or epochs(a)[1] < newest:
        epoch = epochs(a)[1]
        a, message = encrypt(a, b"late", RNG)
        late[epoch] = message
        for _ in range(3):
            a, b = turn(a, b)
    return a, b, late


def test_four_epochs_of_post_quantum_keys_are_kept() -> None:
    _, b, _ = _late_of_each_epoch(*pair(), newest=6)
    assert [chain.epoch for chain in b.ratchet.pq.receiving] == [6, 5, 4, 3]
    b = load_session(dump_session(b))
    assert [chain.epoch for chain in b.ratchet.pq.receiving] == [6, 5, 4, 3]
    assert len(b.ratchet.pq.receiving) == KEPT_EPOCHS


def test_keys_of_late_messages_are_stored_under_their_epoch_and_go_with_it() -> None:
    a, b, late = _late_of_each_epoch(*pair(), newest=3)
    assert all(chain.skipped for chain in b.ratchet.pq.receiving[1:])
    pq = b.ratchet.pq
    for chain in pq.receiving[1:]:
        number = max(chain.skipped)
        after, key = pq.receive(chain.epoch, number, NOW)
        assert len(key) == 32
        with pytest.raises(Duplicate):
            after.receive(chain.epoch, number, NOW)
    b, _ = decrypt(b, late[2], NOW)
    a, b, _ = _late_of_each_epoch(a, b, newest=4)
    with pytest.raises(Duplicate):
        b.ratchet.pq.receive(0, 1, NOW)
    with pytest.raises(Reject):
        b.ratchet.pq.receive(5, 0, NOW)


def test_a_message_that_waited_over_one_epoch_opens() -> None:
    _, b, late = _late_of_each_epoch(*pair(), newest=2)
    assert decrypt(b, late[1], NOW)[1] == b"late"


def test_older_epochs_and_old_keys_are_given_up_after_30_days() -> None:
    _, b, _ = _late_of_each_epoch(*pair(), newest=3)
    kept = b.ratchet.pq.without_old(NOW + MAX_AGE)
    assert kept is b.ratchet.pq
    given_up = b.ratchet.pq.without_old(NOW + MAX_AGE + 1)
    assert [chain.epoch for chain in given_up.receiving] == [3, 2]
    assert not any(chain.skipped for chain in given_up.receiving)


def test_the_other_side_may_go_on_after_any_pause() -> None:
    a, b, _ = _late_of_each_epoch(*pair(), newest=3)
    year = NOW + 365 * 86_400
    for _ in range(3):
        a, b = turn(a, b, year)
    a, b, _ = _late_of_each_epoch(a, b, newest=4)

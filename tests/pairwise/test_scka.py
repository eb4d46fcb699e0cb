"""The agreement on new post-quantum secrets, whatever the network does: both sides agree, and it goes on as long as both speak."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from connexa.pairwise import Reason, Reject, Session, decrypt, dump_session, encrypt, load_session
from connexa.pairwise._chunked import ChunkedMlKem768
from connexa.pairwise._dump import dump_sessions
from connexa.pairwise._pq import RENEW_AFTER, RENEW_AGE
from connexa.pairwise._scka import CHUNK_SIZE, IDLE, Scka
from tests.pairwise.talk import RNG, epochs, pair, said, turn, until
from tests.pairwise.world import NOW


def test_the_first_form_is_one_of_the_interface() -> None:
    agreement: Scka = ChunkedMlKem768(True, 0, 0, bytes(32), bytes(32))
    after, epoch, chunk, secret = agreement.send(RNG, renew=False)
    assert (after, epoch, chunk, secret) == (agreement, 0, IDLE, None)
    _, epoch, chunk, secret = agreement.send(RNG, renew=True)
    assert (epoch, len(chunk), chunk[:2], secret) == (0, CHUNK_SIZE, b"\1\0", None)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), loss=st.sampled_from([0.0, 0.1, 0.4]), bias=st.sampled_from([0.1, 0.5, 0.9]))
def test_both_sides_agree_whatever_the_network_does(seed: int, loss: float, bias: float) -> None:
    dice = random.Random(seed)
    ends = list(pair())
    flying: list[list[bytes]] = [[], []]
    for _ in range(200):
        who = 0 if dice.random() < bias else 1
        ends[who], message = encrypt(ends[who], b"x", RNG)
        _never_ahead(ends[who], ends[1 - who])
        if dice.random() >= loss:
            flying[1 - who] += [message] * dice.choice([1, 1, 1, 2])
        for reader in (0, 1):
            while flying[reader] and dice.random() < 0.7:
                _deliver(ends, reader, flying[reader].pop(dice.randrange(min(4, len(flying[reader])))))
        if dice.random() < 0.05:
            restarted = dice.choice([0, 1])
            ends[restarted] = load_session(dump_session(ends[restarted]))
    first = min(epochs(end)[1] for end in ends)
    a, b = until(lambda a, b: min(epochs(a)[1], epochs(b)[1]) > first, ends[0], ends[1])  # and they go on from there
    assert a.ratchet.pq.agreement.broken == b.ratchet.pq.agreement.broken == 0


def _deliver(ends: list[Session], reader: int, message: bytes) -> None:
    try:
        ends[reader], _ = decrypt(ends[reader], message, NOW)
    except Reject as refusal:  # all that an honest network can bring about: repetitions, and messages of chains long given up
        assert refusal.reason in (Reason.DUPLICATE, Reason.HEADER)


def _never_ahead(sender: Session, reader: Session) -> None:
    """Nothing is sent in an epoch that the other side cannot know, and both have the same secrets of those that both know."""
    known, sends_in = epochs(sender)
    assert sends_in in (known, known - 1)
    assert abs(known - epochs(reader)[0]) <= 1
    assert sends_in in {chain.epoch for chain in reader.ratchet.pq.receiving}
    if known == epochs(reader)[0]:
        assert sender.ratchet.pq.root == reader.ratchet.pq.root
        assert sender.ratchet.pq.agreement.auth == reader.ratchet.pq.agreement.auth


def test_a_person_who_only_speaks_and_one_who_hardly_answers_still_renew() -> None:
    a, b = pair()
    for _ in range(60):
        for _ in range(15):
            a, b = said(a, b)
        b, a = said(b, a)
    assert epochs(a)[1] >= 3


def test_nothing_is_renewed_without_an_answer() -> None:
    a, b = pair()
    for _ in range(100):
        a, b = said(a, b)
    assert epochs(a) == epochs(b) == (0, 0)
    assert b.ratchet.pq.agreement.key  # Bob has Alice's key, and answers it with his first word
    b, a = said(b, a)
    assert epochs(b) == (1, 0)


def test_an_epoch_ends_after_twenty_messages() -> None:
    a, b = pair()
    said_so_far = 0
    while not a.ratchet.pq.agreement.seed:
        said_so_far = a.ratchet.pq.sending.n + a.ratchet.pq.receiving[0].n
        a, b = turn(a, b)
    assert said_so_far == RENEW_AFTER


def test_an_epoch_ends_after_a_day() -> None:
    a, b = pair()
    b, message = encrypt(b, b"a day later", RNG)
    early, _ = decrypt(a, message, NOW + RENEW_AGE - 1)
    assert not encrypt(early, b"x", RNG)[0].ratchet.pq.agreement.seed
    a, _ = decrypt(a, message, NOW + RENEW_AGE)
    assert encrypt(a, b"x", RNG)[0].ratchet.pq.agreement.seed


def test_roles_alternate() -> None:
    a, b = pair()
    offered: list[str] = []
    while epochs(a)[1] < 5:
        a, b = turn(a, b)
        for who, session in (("a", a), ("b", b)):
            if session.ratchet.pq.agreement.seed and (not offered or offered[-1] != who):
                offered.append(who)
    assert offered[0] == "a"
    assert all(one != other for one, other in pairwise(offered))
    assert len(offered) >= 5


def test_a_session_of_any_moment_is_stored_in_two_kibibytes() -> None:
    a, b = pair()
    largest = 0
    while epochs(a)[1] < 6:
        for _ in range(64):
            a, b = said(a, b)
            largest = max(largest, *(len(dump_sessions((end,))) for end in (a, b)))
        a, b = b, a
    assert largest <= 2_048 + 161
    assert largest > 1_900  # an exchange was under way

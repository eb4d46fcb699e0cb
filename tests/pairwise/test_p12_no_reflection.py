"""P12: what somebody sent never opens at the sender, in no chain and no epoch."""

from __future__ import annotations

import pytest

from connexa.pairwise import Reason, Reject, decrypt, encrypt, read_initial, respond
from tests.pairwise.talk import RNG, epochs, pair, turn
from tests.pairwise.world import NOW, Device, first_message

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)


def test_a_message_never_opens_at_its_sender() -> None:
    a, b = pair()
    for _ in range(3):
        a, message = encrypt(a, b"x", RNG)
        with pytest.raises(Reject):
            decrypt(a, message, NOW)
        a, b = turn(a, decrypt(b, message, NOW)[0])
    assert a.ratchet.sending.header != a.ratchet.receiving.header
    assert a.ratchet.pq.sending.chain != a.ratchet.pq.receiving[0].chain


def test_what_we_sent_never_opens_here() -> None:
    raw, message = first_message(ALICE, BOB)
    initial = read_initial(raw, ALICE.sender, NOW)
    with pytest.raises(Reject) as refused:
        respond(ALICE.local, initial, BOB.secrets_for(initial), message, seen=(), now=NOW)
    assert refused.value.reason is Reason.IDENTITY


def test_both_directions_have_keys_of_their_own_in_every_epoch() -> None:
    a, b = pair()
    for _ in range(90):
        a, message = encrypt(a, b"x", RNG)
        with pytest.raises(Reject):
            decrypt(a, message, NOW)
        b, _ = decrypt(b, message, NOW)
        b, message = encrypt(b, b"y", RNG)
        with pytest.raises(Reject):
            decrypt(b, message, NOW)
        a, _ = decrypt(a, message, NOW)
        for session in (a, b):
            ours = {session.ratchet.pq.sending.chain, session.ratchet.pq.waiting}
            assert not ours & {chain.chain for chain in session.ratchet.pq.receiving}
    assert epochs(a)[0] > 2
    assert a.binding.ad_out != a.binding.ad_in

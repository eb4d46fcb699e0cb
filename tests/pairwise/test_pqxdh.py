"""Key agreement: what opens, with which keys, and that nobody begins a session with themselves (P12)."""

from __future__ import annotations

import pytest

from connexa.pairwise import Reason, Reject, read_initial, respond
from tests.pairwise.world import NOW, Device, first_message

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)


@pytest.mark.parametrize("last_resort", [False, True])
def test_a_first_message_opens(last_resort: bool) -> None:
    initial, message = first_message(ALICE, BOB, last_resort=last_resort)
    responded = BOB.answer(ALICE, initial, message)
    assert responded.plaintext == b"first"
    assert responded.one_time == (None if last_resort else 21)
    assert responded.session.binding.remote_device == ALICE.id


def test_p12_what_we_sent_never_opens_here() -> None:
    raw, message = first_message(ALICE, BOB)
    initial = read_initial(raw, ALICE.sender, NOW)
    with pytest.raises(Reject) as refused:
        respond(ALICE.local, initial, BOB.secrets_for(initial), message, seen=(), now=NOW)
    assert refused.value.reason is Reason.IDENTITY

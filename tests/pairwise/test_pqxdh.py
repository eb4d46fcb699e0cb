"""Key agreement: what opens, and with which keys."""

from __future__ import annotations

import pytest

from tests.pairwise.world import Device, first_message

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)


@pytest.mark.parametrize("last_resort", [False, True])
def test_a_first_message_opens(last_resort: bool) -> None:
    initial, message = first_message(ALICE, BOB, last_resort=last_resort)
    responded = BOB.answer(ALICE, initial, message)
    assert responded.plaintext == b"first"
    assert responded.one_time == (None if last_resort else 21)
    assert responded.session.binding.remote_device == ALICE.id

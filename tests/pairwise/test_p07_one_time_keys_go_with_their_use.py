"""P07: a one-time key is deleted in the transaction that stores session and plaintext, after the AEAD; what is forged burns nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connexa.content import Text
from connexa.node.inbox import take_push
from connexa.pairwise import Reject, read_initial, respond
from connexa.store import Execute
from connexa.wire.v1.message_pb2 import Envelope
from tests.node.correspondents import Device as NodeDevice
from tests.node.correspondents import dump
from tests.pairwise.world import NOW, Device, first_message, first_plaintext

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
Pair = tuple[NodeDevice, NodeDevice]


def test_p07_a_forged_first_message_burns_nothing() -> None:
    raw, message = first_message(ALICE, BOB)
    initial = read_initial(raw, ALICE.sender, NOW)
    for position in range(0, len(message), 7):
        forged = bytearray(message)
        forged[position] ^= 1
        with pytest.raises(Reject):
            first_plaintext(BOB, initial, bytes(forged))
    responded = respond(BOB.local, initial, BOB.secrets_for(initial), message, seen=(), now=NOW)
    assert (responded.plaintext, responded.one_time, responded.ephemeral) == (b"first", 21, initial.ephemeral.raw)


class Killed(Exception):
    """The program ends here."""


def _killing(execute: Execute, statements: int) -> Callable[..., Any]:
    """The same store, whose program is killed before the statement with that number."""
    left = [statements]

    def run(*arguments: Any) -> Any:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return execute(*arguments)

    return run


async def test_p07_killed_between_any_two_statements_it_has_done_all_or_nothing(pair: Pair, tmp_path: Path) -> None:
    alice, bob = pair
    item = bob.pushed(await alice.write([bob], Text("hello"), "stranger", counter=1))
    before = dump(bob)
    (used,) = {row[0] for row in bob.home.database.read("SELECT id FROM prekey WHERE type = 'otp' AND uploaded = 1")}
    deaths = 0
    while True:
        try:
            await bob.home.change(lambda execute, n=deaths: take_push(_killing(execute, n), bob.home, bob.account, [item]))  # type: ignore[misc]
            break
        except Killed:
            deaths += 1
        if deaths % 5 == 0:
            await bob.restart(tmp_path / "bob.db")
        assert dump(bob) == before
    assert deaths > 15
    after = dump(bob)
    assert bob.texts() == ["hello"]
    gone = [row[1:3] for row in before["prekey"] if row not in after["prekey"]]
    assert gone == [("otp", used)]
    assert len(after["session"]) == len(after["initial_seen"]) == 1


async def test_p07_the_one_time_key_goes_with_its_use(pair: Pair) -> None:
    alice, bob = pair
    pool = "SELECT count(*) FROM prekey WHERE type = 'otp'"
    assert bob.home.database.read(pool) == [(50,)]
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), "stranger", counter=1)))
    assert bob.home.database.read(pool) == [(49,)]


async def test_p07_a_forged_beginning_burns_no_key_and_changes_nothing(pair: Pair) -> None:
    alice, bob = pair
    envelope = await alice.write([bob], Text("hello"), "stranger", counter=1)
    before = dump(bob)
    for index in (0, 40, 1_100, 1_200, 3_000, 5_231):
        forged = Envelope.FromString(envelope.SerializeToString())
        sealed = bytearray(forged.packets[0].sealed)
        sealed[index] ^= 1
        forged.packets[0].sealed = bytes(sealed)
        forged.id = bytes([index % 256]) * 16
        await bob.take(bob.pushed(forged))
    assert dump(bob) == before
    assert bob.undecryptable() == 6
    await bob.take(bob.pushed(envelope))
    assert bob.texts() == ["hello"]

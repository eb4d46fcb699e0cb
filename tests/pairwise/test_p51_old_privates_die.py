"""P51: the private half of a one-time key that nobody used dies 30 days after its expiry; `device` certificates list suites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connexa.crypto import HybridSecret, InvalidSignature
from connexa.errors import IntegrityError
from connexa.identity import issue_device_certificate, verify_device_certificate
from connexa.node.prekeys import forget_old_prekeys, make_due_prekeys
from connexa.pairwise import KEEP_OLD, ONE_TIME_POOL, PREKEY_LIFE, read_initial, respond
from connexa.testing import FakeClock
from connexa.wire.v1.keys_pb2 import DeviceCertificate, Signed
from tests.node.correspondents import Device as NodeDevice
from tests.pairwise.world import NOW, Device, first_message

BOB = Device.make("b", 2)
Pair = tuple[NodeDevice, NodeDevice]


def _left(device: NodeDevice, kind: str) -> int:
    return int(device.home.database.read("SELECT count(*) FROM prekey WHERE type = ?", (kind,))[0][0])


async def _upkeep(device: NodeDevice, clock: FakeClock) -> None:
    await device.home.change(lambda execute: forget_old_prekeys(execute, clock()))


async def test_p51_unused_one_time_keys_live_to_the_second(pair: Pair, clock: FakeClock) -> None:
    _, bob = pair
    clock.advance(PREKEY_LIFE + KEEP_OLD)
    await _upkeep(bob, clock)
    assert _left(bob, "otp") == ONE_TIME_POOL
    clock.advance(1)
    await _upkeep(bob, clock)
    assert _left(bob, "otp") == 0
    assert (_left(bob, "spk"), _left(bob, "kem-lr")) == (0, 0)  # all of that day


async def test_p51_a_week_key_dies_30_days_after_its_week(pair: Pair, clock: FakeClock) -> None:
    _, bob = pair
    (ends,) = bob.home.database.read("SELECT min(expires) FROM prekey WHERE type = 'sek'")[0]
    count = _left(bob, "sek")
    clock.advance(ends + KEEP_OLD - clock())
    await _upkeep(bob, clock)
    assert _left(bob, "sek") == count
    clock.advance(1)
    await _upkeep(bob, clock)
    assert _left(bob, "sek") == count - 1


async def test_p51_what_died_is_gone_from_the_disk(pair: Pair, clock: FakeClock, tmp_path: Path) -> None:
    _, bob = pair
    seeds = [row[0] for row in bob.home.database.read("SELECT secret FROM prekey WHERE type = 'otp'")]
    clock.advance(PREKEY_LIFE + KEEP_OLD + 1)
    await _upkeep(bob, clock)
    await bob.home.writer.truncate_log()
    assert (tmp_path / "bob.db-wal").stat().st_size == 0
    await bob.restart(tmp_path / "bob.db")
    stored = bob.home.database.read("SELECT secret FROM prekey")
    assert not {row[0] for row in stored} & set(seeds)


async def test_p51_numbers_of_the_dead_are_not_given_again(pair: Pair, clock: FakeClock) -> None:
    _, bob = pair
    highest = bob.home.database.read("SELECT max(id) FROM prekey WHERE type = 'otp'")[0][0]
    clock.advance(PREKEY_LIFE + KEEP_OLD + 1)
    await _upkeep(bob, clock)
    await bob.home.change(lambda execute: make_due_prekeys(execute, bob.account, 0, bob.home.rng, clock()))
    assert bob.home.database.read("SELECT min(id) FROM prekey WHERE type = 'otp'")[0][0] == highest + 1


def test_p51_a_private_that_is_still_there_opens_what_comes_late() -> None:
    """A message under way for 30 days, begun on the last day of the key, still finds it."""
    alice = Device.make("a", 1)
    raw, message = first_message(alice, BOB)
    late = NOW + PREKEY_LIFE + KEEP_OLD
    kept = replace(BOB, one_time=(BOB.one_time[0], HybridSecret.from_seed(BOB.one_time[1].seed)))
    read = read_initial(raw, alice.sender, NOW)
    assert respond(BOB.local, read, kept.secrets_for(read), message, seen=(), now=late).plaintext == b"first"


# ---- suites in the device certificate ------------------------------------------------------------------------------


def _verified(suites: tuple[int, ...]) -> tuple[int, ...]:
    signed = issue_device_certificate(replace(BOB.certificate, suites=suites), BOB.user)
    return verify_device_certificate(signed, BOB.user.public, NOW).suites


@pytest.mark.parametrize("suites", [(1,), (1, 2), (2, 1), tuple(range(1, 17))])
def test_p51_a_certificate_lists_what_the_device_speaks(suites: tuple[int, ...]) -> None:
    assert _verified(suites) == suites


@pytest.mark.parametrize("suites", [(), (2,), (0, 2), tuple(range(1, 18))])
def test_p51_a_certificate_without_our_suite_or_with_too_many_is_refused(suites: tuple[int, ...]) -> None:
    with pytest.raises(IntegrityError, match="no suite"):
        _verified(suites)


def test_p51_the_suites_are_under_the_users_signature() -> None:
    signed = issue_device_certificate(replace(BOB.certificate, suites=(1, 2)), BOB.user)
    message = DeviceCertificate.FromString(signed.body)
    del message.suites[1]
    with pytest.raises(InvalidSignature):
        verify_device_certificate(Signed(body=message.SerializeToString(), signature=signed.signature), BOB.user.public, NOW)


async def test_p51_a_nodes_own_certificate_lists_the_suite(pair: Pair) -> None:
    account = pair[0].account
    assert list(DeviceCertificate.FromString(account.certificate.body).suites) == [1]
    assert account.local_device.certificate.suites == (1,)

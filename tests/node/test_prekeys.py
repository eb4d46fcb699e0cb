"""Prekeys of this device: made when due, numbered once, uploaded until the homeserver has them, deleted in time (P29, P47, P51)."""

from __future__ import annotations

from connexa.node.prekeys import forget_old_prekeys, forget_one_time, make_due_prekeys, mark_uploaded, pending_upload, renew_prekeys
from connexa.pairwise import ONE_TIME_POOL, SEAL_KEY_WEEKS, week_of
from connexa.store import Execute, Row
from connexa.testing import FakeClock

from .correspondents import Device

Pair = tuple[Device, Device]


def numbers(device: Device, kind: str) -> list[int]:
    return [row[0] for row in device.home.database.read("SELECT id FROM prekey WHERE type = ? ORDER BY id", (kind,))]


async def make(device: Device, left: int) -> None:
    await device.home.change(lambda execute: make_due_prekeys(execute, device.account, left, device.home.rng, device.home.clock()))


async def upload(device: Device) -> int:
    count = 0
    while (pending := pending_upload(device.home.database.read, 1)) is not None:
        count += len(pending.keys)
        await device.home.change(lambda execute, done=pending: mark_uploaded(execute, 1, done))  # type: ignore[misc]
    return count


async def test_a_full_set_is_made_once(pair: Pair, clock: FakeClock) -> None:
    alice, _ = pair
    week = week_of(clock())
    assert numbers(alice, "sek") == list(range(week, week + SEAL_KEY_WEEKS + 1))
    assert (len(numbers(alice, "otp")), len(numbers(alice, "spk")), len(numbers(alice, "kem-lr"))) == (ONE_TIME_POOL, 1, 1)
    await make(alice, 0)
    assert len(numbers(alice, "otp")) == ONE_TIME_POOL  # those that wait for their upload count
    assert await upload(alice) == ONE_TIME_POOL + 2 + SEAL_KEY_WEEKS + 1
    assert await upload(alice) == 0


async def test_an_empty_pool_is_refilled_with_new_numbers(pair: Pair) -> None:
    alice, _ = pair
    await upload(alice)
    for number in numbers(alice, "otp"):
        await alice.home.change(lambda execute, n=number: forget_one_time(execute, 1, n))  # type: ignore[misc]
    await make(alice, 21)
    assert numbers(alice, "otp") == []  # above the mark
    await make(alice, 20)
    assert numbers(alice, "otp") == list(range(ONE_TIME_POOL + 1, 2 * ONE_TIME_POOL - 19))


async def test_keys_rotate_weekly_and_the_old_ones_die_a_month_after_their_expiry(pair: Pair, clock: FakeClock) -> None:
    alice, _ = pair
    await upload(alice)
    clock.advance(7 * 86_400 + 1)
    await make(alice, 50)
    assert (len(numbers(alice, "spk")), len(numbers(alice, "kem-lr"))) == (2, 2)
    assert max(numbers(alice, "sek")) == week_of(clock()) + SEAL_KEY_WEEKS
    clock.advance(53 * 86_400)
    await alice.home.change(lambda execute: forget_old_prekeys(execute, clock()))
    assert (len(numbers(alice, "spk")), numbers(alice, "otp")) == (1, [])


async def test_a_store_that_was_put_back_renews_what_the_homeserver_takes(pair: Pair, clock: FakeClock) -> None:
    """Keys of past weeks would have the whole upload refused, for as long as their private halves are kept."""
    alice, _ = pair
    await upload(alice)
    clock.advance(15 * 86_400)
    await make(alice, 50)
    await upload(alice)
    await alice.home.change(lambda execute: renew_prekeys(execute, alice.account, alice.home.rng, clock()))
    pending = pending_upload(alice.home.database.read, 1)
    assert pending is not None
    assert pending.request.anew
    assert {number for kind, number in pending.keys if kind == "sek"} == set(range(week_of(clock()), week_of(clock()) + SEAL_KEY_WEEKS + 1))
    await upload(alice)
    await make(alice, 0)
    later = pending_upload(alice.home.database.read, 1)
    assert later is not None
    assert not later.request.anew  # the homeserver has dropped the old ones; this is an ordinary refill


async def test_no_number_is_given_twice_however_often_one_copy_is_put_back(pair: Pair, clock: FakeClock) -> None:
    alice, _ = pair
    await upload(alice)
    copy = alice.home.database.read("SELECT type, number FROM prekey_number")
    given: list[set[int]] = []
    for _ in range(3):
        clock.advance(3_600)
        await alice.home.change(lambda execute: renew_prekeys(execute, alice.account, alice.home.rng, clock()))
        given.append({number for number in numbers(alice, "otp") if number > 1 << 20})
        await alice.home.change(lambda execute: _put_back(execute, copy))
    assert all(given)
    assert not (given[0] & given[1] | given[0] & given[2] | given[1] & given[2])


def _put_back(execute: Execute, copy: list[Row]) -> None:
    execute("DELETE FROM prekey WHERE type != 'sek'")
    for kind, number in copy:
        execute("UPDATE prekey_number SET number = ? WHERE type = ?", (number, kind))

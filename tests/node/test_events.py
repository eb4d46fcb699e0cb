"""Events: stored with what they tell of, shown after the commit, replayed by cursor, and never a reason to wait for a slow reader."""

from __future__ import annotations

import asyncio

import pytest

from connexa.errors import ConnexaError
from connexa.node.events import QUEUE_SIZE
from connexa.store import Execute

from .correspondents import Device

Pair = tuple[Device, Device]


async def tell(device: Device, count: int) -> None:
    def record(execute: Execute) -> None:
        for number in range(count):
            device.home.events.record(execute, "alice@a.example", "test.event", 1.0, number=number)

    await device.home.change(record)


async def test_an_undone_operation_leaves_no_event(pair: Pair) -> None:
    alice, _ = pair
    cursor = alice.home.events.cursor()

    def fail(execute: Execute) -> None:
        alice.home.events.record(execute, "", "test.event", 1.0)
        raise ConnexaError("test.failed", "It failed.")

    with alice.home.events.subscribe() as events:
        with pytest.raises(ConnexaError):
            await alice.home.change(fail)
        await tell(alice, 1)
        shown = await anext(aiter(events))
    assert shown.fields == {"number": 0}
    assert [event.kind for event in alice.home.events.replay(cursor)] == ["test.event"]


async def test_replay_goes_on_from_a_cursor_in_pages(pair: Pair) -> None:
    alice, _ = pair
    start = alice.home.events.cursor()
    await tell(alice, 1_500)
    page = alice.home.events.replay(start)
    rest = alice.home.events.replay(page[-1].cursor)
    assert [event.fields["number"] for event in page + rest] == list(range(1_500))


async def test_a_reader_that_does_not_keep_up_is_cut_off_and_replays(pair: Pair) -> None:
    alice, _ = pair
    start = alice.home.events.cursor()
    with alice.home.events.subscribe() as events:
        await tell(alice, QUEUE_SIZE + 1)
        seen: list[int] = []

        async def read() -> None:
            async for event in events:
                seen.append(event.cursor)

        with pytest.raises(ConnexaError, match=r"events\.slow"):
            await read()
    assert len(seen) == QUEUE_SIZE
    assert len(alice.home.events.replay(seen[-1])) == 1
    assert seen[0] == start + 1


async def test_old_events_are_trimmed_and_a_thousand_stay(pair: Pair) -> None:
    alice, _ = pair
    kept = alice.home.settings.limits.events_kept
    await tell(alice, kept + 10)
    await alice.home.change(alice.home.events.trim)
    assert kept >= 1_000
    assert alice.home.database.read("SELECT count(*) FROM event") == [(kept,)]


async def test_nobody_waits_for_events_of_a_node_that_ends(pair: Pair) -> None:
    alice, _ = pair
    with alice.home.events.subscribe() as early:
        waiting = asyncio.create_task(anext(aiter(early), None))
        await tell(alice, 1)
        assert await waiting is not None
        waiting = asyncio.create_task(anext(aiter(early), None))
        alice.home.events.end()
        assert await waiting is None
    with alice.home.events.subscribe() as late:
        assert await anext(aiter(late), None) is None

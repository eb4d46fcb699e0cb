"""A cancellation that arrives while a group is already failing is not lost."""

from __future__ import annotations

import asyncio

import pytest

from connexa.tasks import TaskGroup


async def test_a_cancellation_during_a_failure_reaches_the_owner() -> None:
    async def tries_again() -> None:
        while True:
            try:
                async with TaskGroup() as group:
                    group.create_task(slow_to_end())
                    await asyncio.sleep(0)  # it has begun
                    raise ValueError
            except* ValueError:
                await asyncio.sleep(0)

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await released.wait()

    ending, released = asyncio.Event(), asyncio.Event()
    owner = asyncio.create_task(tries_again())
    await asyncio.wait_for(ending.wait(), 5)
    owner.cancel()
    await asyncio.sleep(0)
    released.set()
    done, _ = await asyncio.wait({owner}, timeout=1)
    owner.cancel()  # were the first one lost, the loop would go on for ever
    assert done == {owner}
    assert owner.cancelled()


async def test_failures_are_raised_as_ever() -> None:
    async def fail() -> None:
        raise ValueError

    with pytest.raises(ExceptionGroup) as raised:
        async with TaskGroup() as group:
            group.create_task(fail())
    assert isinstance(raised.value.exceptions[0], ValueError)


async def test_a_timeout_around_it_stays_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), TaskGroup() as group:
            group.create_task(asyncio.sleep(60))

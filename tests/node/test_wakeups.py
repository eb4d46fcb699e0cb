"""Wake-ups, and how the tasks of a link end: also when the node is stopped in the very moment in which the link breaks."""

from __future__ import annotations

import asyncio

import pytest

from connexa.errors import NetworkError
from connexa.node.endings import cause_of
from connexa.node.wakeups import wait_for
from connexa.tasks import TaskGroup
from connexa.wire.transport import CLOSE_OK, LinkClosed


async def test_a_wake_up_is_taken_once() -> None:
    event = asyncio.Event()
    event.set()
    assert await wait_for(event)
    assert not await wait_for(event, 0)


async def end_with(error: Exception, *, cancelled: bool) -> object:
    """Run a task whose group ends with `error`, and cancel it in the same moment."""

    async def fail() -> None:
        try:
            await asyncio.sleep(0 if not cancelled else 60)
        finally:
            raise error

    async def work() -> object:
        try:
            async with TaskGroup() as tasks:
                tasks.create_task(fail())
        except BaseExceptionGroup as ended:
            return cause_of(ended)
        return None

    task = asyncio.create_task(work())
    if cancelled:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
    return await task


async def test_the_cause_is_told_and_an_own_close_is_none() -> None:
    lost = NetworkError("link.unreachable", "gone")
    assert await end_with(lost, cancelled=False) is lost
    assert await end_with(LinkClosed(CLOSE_OK), cancelled=False) is None


async def test_what_is_no_error_of_ours_is_not_swallowed() -> None:
    with pytest.raises(ExceptionGroup):
        await end_with(ValueError(), cancelled=False)


async def test_cancelling_is_not_hidden_by_an_error_in_the_same_moment() -> None:
    with pytest.raises(asyncio.CancelledError):
        await end_with(NetworkError("link.unreachable", "gone"), cancelled=True)

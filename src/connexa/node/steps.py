"""One step towards somebody who does not know us: a pass of its own for one look-up, the claims and one request (first-message §1, §6).

A step that was cut off after its envelope was stored is finished with the same pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from connexa.node.account import Account
from connexa.node.endings import cause_of
from connexa.node.home import Home
from connexa.node.link import SubmitLink
from connexa.node.link_frames import CommittedUpTo, Outcomes
from connexa.node.outcomes import settle_committed
from connexa.node.streams import Stream, unsent
from connexa.node.submit import OUTCOME_SECONDS, OnSettled, keep_outcomes, open_submit_link
from connexa.tasks import TaskGroup

__all__ = ["take_step"]


async def take_step(
    home: Home,
    account: Account,
    stream: Stream,
    prepare: Callable[[SubmitLink], Awaitable[None]],
    on_settled: OnSettled,
    on_committed: Callable[[], None],
) -> None:
    """Open the step, let `prepare` ask and seal, send what is sealed, and stay a moment to hear what became of it."""
    link = await open_submit_link(home, account, stream)
    try:
        async with TaskGroup() as tasks:
            tasks.create_task(link.run())
            await prepare(link)
            await _send(home, account, stream, link, on_settled, on_committed)
            link.close()
    except BaseExceptionGroup as ended:
        if (cause := cause_of(ended)) is not None:
            raise cause from None
    finally:
        link.close()


async def _send(
    home: Home, account: Account, stream: Stream, link: SubmitLink, on_settled: OnSettled, on_committed: Callable[[], None]
) -> None:
    await _commit(home, account, stream, CommittedUpTo(link.ready.last, ()), on_settled)
    waiting = unsent(home.database.read, stream.id, link.ready.last, 1)
    link.send(waiting)
    if not waiting:
        on_committed()
    try:
        async with asyncio.timeout(home.settings.limits.call_timeout if waiting else OUTCOME_SECONDS) as patience:
            async for event in link.events():
                match event:
                    case CommittedUpTo():
                        await _commit(home, account, stream, event, on_settled)
                        on_committed()
                        if event.refused:
                            return
                        patience.reschedule(asyncio.get_running_loop().time() + OUTCOME_SECONDS)
                    case Outcomes(refused):
                        await keep_outcomes(home, account, stream, link, refused, on_settled)
                        return
    except TimeoutError:
        return  # committed, and nothing bad was heard yet; or asked again later


async def _commit(home: Home, account: Account, stream: Stream, committed: CommittedUpTo, on_settled: OnSettled) -> None:
    now = home.clock()
    on_settled(
        await home.change(
            lambda execute: settle_committed(execute, home.events, account, stream.id, committed.up_to, committed.refused, now)
        )
    )

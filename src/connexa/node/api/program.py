"""The node as a program: its status, its events and its end, as operations of the API."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from connexa.node.views import DoctorView, EventView, StatusView

from .answers import Done, Listing
from .bodies import Nothing
from .given import GivenNode, GivenStop

__all__ = ["HANDLERS"]


@get("/api/status")
async def show_status(node: GivenNode) -> StatusView:
    """The node, its accounts and their links."""
    return node.status()


@get("/api/doctor")
async def examine_node(node: GivenNode) -> DoctorView:
    """Check the node and its accounts; what it says may be copied anywhere."""
    return await node.doctor()


@post("/api/stop", status_code=200)
async def stop_node(stop: GivenStop, data: JSONBody[Nothing]) -> Done:
    """End the node; what is under way is stored."""
    stop()
    return Done()


@get("/api/events")
async def list_events(
    node: GivenNode,
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 1000,
    wait: Annotated[float, QueryParameter(ge=0, le=30)] = 0,
) -> Listing[EventView]:
    """Events behind a cursor; with `wait`, this many seconds for the first one."""
    async with node.subscribe() as events:  # before the look back, so that nothing falls between
        found = node.replay(after, limit)
        if not found and wait:
            try:
                async with asyncio.timeout(wait):
                    await anext(aiter(events), None)  # none where the node ends
            except TimeoutError:
                return Listing([])
            found = node.replay(after, limit)
        return Listing(found)


HANDLERS = [show_status, examine_node, stop_node, list_events]

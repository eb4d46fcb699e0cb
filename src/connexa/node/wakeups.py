"""What the tasks of an account wake each other by; an event says that there may be something to do, the store says what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

__all__ = ["Wakeups", "wait_for"]


async def wait_for(event: asyncio.Event, seconds: float | None = None) -> bool:
    """Wait for a wake-up and take it; False when it did not come in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True


@dataclass(frozen=True, slots=True)
class Wakeups:
    """One set for each account."""

    outbox: asyncio.Event = field(default_factory=asyncio.Event)
    submit: asyncio.Event = field(default_factory=asyncio.Event)
    passes: asyncio.Event = field(default_factory=asyncio.Event)  # there are some now
    receipts: asyncio.Event = field(default_factory=asyncio.Event)
    group_receipts: asyncio.Event = field(default_factory=asyncio.Event)
    own_copies: asyncio.Event = field(default_factory=asyncio.Event)
    own_messages: asyncio.Event = field(default_factory=asyncio.Event)
    own_sealed: asyncio.Event = field(default_factory=asyncio.Event)  # there are envelopes for own devices
    upkeep: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    groups: asyncio.Event = field(default_factory=asyncio.Event)
    welcomes: asyncio.Event = field(default_factory=asyncio.Event)  # the own homeserver is needed for groups
    uploads: asyncio.Event = field(default_factory=asyncio.Event)  # a message with files waits, or there are media passes now
    downloads: asyncio.Event = field(default_factory=asyncio.Event)
    mend: asyncio.Event = field(default_factory=asyncio.Event)

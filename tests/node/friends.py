"""Two contacts who have talked, and the time in which things mend."""

from __future__ import annotations

from collections.abc import Sequence

from connexa.testing import FakeClock
from connexa.wire.v1.message_pb2 import Envelope

from .correspondents import Device, befriend

__all__ = ["become_friends", "deliver", "say", "settle"]


async def become_friends(alice: Device, bob: Device) -> None:
    """Make them contacts with a session that both have used."""
    await befriend(alice, bob)
    await say(alice, bob, "hello")
    await say(bob, alice, "hi")
    await say(alice, bob, "well")


async def deliver(envelopes: Sequence[Envelope], to: Device) -> None:
    """Push envelopes to a device, one by one."""
    for envelope in envelopes:
        await to.take(to.pushed(envelope))


async def say(one: Device, other: Device, text: str) -> None:
    """A text that arrives."""
    await one.say(other, text)
    await deliver(await one.post([other]), other)


async def settle(one: Device, other: Device, clock: FakeClock, rounds: int = 3, wait: float = 20.0) -> None:
    """Let time pass, and what each of them has to say arrive."""
    for _ in range(rounds):
        clock.advance(wait)
        for sender, receiver in ((one, other), (other, one)):
            await sender.mend()
            await sender.receipts()
            await deliver(await sender.post([receiver]), receiver)

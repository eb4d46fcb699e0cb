"""P40: claims and look-ups go over a connection without a login and with a TLS context of its own, and what arrives causes none: the first
body of a session carries all that its receiver needs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import Ed25519Secret
from connexa.homeserver.homeserver import Homeserver
from connexa.identity import Domain
from connexa.node import delivery, dial
from connexa.testing import FederationPort, World
from connexa.wire.v1.link_pb2 import ClaimReply, ClaimRequest, LookupReply, LookupRequest

ALICE, BOB = "alice@a.example", "bob@b.example"


class Watched:
    """A homeserver that notes who asks it about its people."""

    def __init__(self, real: Homeserver) -> None:
        self._real = real
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def lookup_from(self, domain: Domain, request: LookupRequest) -> LookupReply:
        self.asked.append("lookup")
        return await self._real.lookup_from(domain, request)

    async def claim_from(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        self.asked.append("claim")
        return await self._real.claim_from(domain, request)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path) as opened:
        yield opened


async def test_p40_what_arrives_causes_no_look_up_and_no_claim(world: World) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    watched = {}
    for domain, house in world.houses.items():
        watched[domain] = Watched(house.server)
        world.ports[domain] = FederationPort(watched[domain], house.server.pins, house.rng)
    await alice.node.send("", BOB, "may I?")
    request = await bob.until_request()
    assert watched["b.example"].asked == ["lookup", "claim"]  # Alice's, because she wrote
    assert watched["a.example"].asked == []
    await bob.node.accept_request("", request.id)
    await alice.until_contact(BOB)
    assert watched["a.example"].asked == ["lookup"]  # the owner's act: this week's sealing keys, for his answer
    for number in range(5):
        await alice.node.send("", BOB, f"word {number}")
        await bob.until_text(ALICE, f"word {number}")
    assert watched["a.example"].asked == ["lookup"]  # receiving and confirming asked for nothing
    await bob.node.send("", ALICE, "now I write")
    await alice.until_text(BOB, "now I write")


@pytest.mark.parametrize("every", [3_600.0, 0.2])
async def test_p40_receipts_in_a_new_week_wait_for_the_owner_or_the_clock(
    world: World, monkeypatch: pytest.MonkeyPatch, every: float
) -> None:
    monkeypatch.setattr(delivery, "RENEW_EVERY", every)
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    await bob.node.send("", ALICE, "last week")
    await alice.until_text(BOB, "last week")
    watched = Watched(world.houses["a.example"].server)
    world.ports["a.example"] = FederationPort(watched, world.houses["a.example"].server.pins, world.houses["a.example"].rng)
    bob.node._home.database.writer_connection.execute("UPDATE person SET looked_week = looked_week - 1")
    sent = await alice.node.send("", BOB, "this week")
    await bob.until_text(ALICE, "this week")
    waiting = "SELECT count(*) FROM outbox WHERE kind = 'receipt' AND state = 'waiting'"
    if every > 1:
        async with asyncio.timeout(20):
            while list(bob.node._home.database.read(waiting)) != [(1,)]:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)  # nothing comes of it
        assert watched.asked == []
        await bob.node.send("", ALICE, "now I write")
    await alice.until_state(sent.id, "delivered")
    assert watched.asked == ["lookup"]


def test_p40_no_two_connections_share_a_tls_context() -> None:
    """A resumed session's ticket would join the link without a login to the one with it."""
    key = Ed25519Secret.from_seed(bytes(range(32)))
    one, other = (dial.pinned_context("a.example", [key.public], 1_800_000_000) for _ in range(2))
    assert one is not other
    assert all(isinstance(context, ssl.SSLContext) for context in (one, other))

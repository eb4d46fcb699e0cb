"""Two whole homeservers joined by real federation: what one queues the other judges, and the sender's stream is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Secret, sha256, system_random
from connexa.discovery import DiscoverySettings, Resolver
from connexa.homeserver.federation import Door, FederationServer, GrpcRemotes, OwnSide, Trust
from connexa.homeserver.groups.aliases import put_alias
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.http_server import HttpServer, bind_tcp
from connexa.homeserver.outcomes import pending
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.settings import ServerSettings
from connexa.homeserver.tls import server_context
from connexa.homeserver.web import Site, build_web
from connexa.identity import DeviceId, Domain, Endpoints, GroupAdmins, StaticEntry, format_discovery_file, issue_admins
from connexa.mls.registry import ContentType
from connexa.store import open_database
from connexa.testing import SeededRandom
from connexa.wire.v1.groups_pb2 import GroupAdd, GroupBundle, GroupCall, GroupCreate, GroupLog, GroupMode, GroupPlace, GroupRequest
from connexa.wire.v1.link_pb2 import Lookup, LookupRequest, Right, Status
from connexa.wire.v1.message_pb2 import Step

from .domains import envelope, until
from .groups.kit import sealed_message, sealed_welcome

A, B = Domain("a.example"), Domain("b.example")


@asynccontextmanager
async def house(folder: Path, domain: Domain) -> AsyncIterator[tuple[Homeserver, StaticEntry]]:
    """A homeserver with its federation and HTTPS ports open."""
    database = open_database(folder / f"{domain}.db", bytes(32), MIGRATIONS)
    resolver = Resolver(DiscoverySettings(file=folder / "domains.toml", dns=False, well_known=False), clock=time.time)
    made: list[Homeserver] = []
    remotes = GrpcRemotes(OwnSide(domain, lambda: made[0].leaf, lambda: made[0].pins), resolver, clock=time.time)
    server = await Homeserver.open(
        ServerSettings(domain=domain), database, clock=time.time, rng=system_random, resolver=resolver, remotes=remotes
    )
    made.append(server)
    trust = Trust(server.leaf, time.time)
    port = FederationServer(server, trust, server.pins, clock=time.time, rng=system_random, on_contact=server.queue.heard_from)
    site = Site(
        domain=domain,
        well_known=lambda: b"",
        policies=bytes,
        canary=bytes,
        metrics=server.metrics.render,
        healthy=lambda: True,
        source=str,
        door=Door(domain, server.pins, trust, clock=time.time),
    )
    web = HttpServer(build_web(site), bind_tcp("127.0.0.1", 0, "https"), tls=server_context(server.leaf))
    number = await port.start("127.0.0.1:0")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(web.run()), group.create_task(server.run())]
        endpoints = Endpoints.parse(domain, federation=f"127.0.0.1:{number}", https=f"127.0.0.1:{web.port}")
        yield server, StaticEntry(domain, server.domain_key.public, endpoints)
        web.stop()
        for task in tasks:
            task.cancel()
        await remotes.close()
        await port.stop()
    await server.close()
    database.close()


@pytest.fixture
async def pair(tmp_path):
    file = tmp_path / "domains.toml"
    file.write_text("")
    async with AsyncExitStack() as stack:
        a, entry_a = await stack.enter_async_context(house(tmp_path, A))
        b, entry_b = await stack.enter_async_context(house(tmp_path, B))
        file.write_text(format_discovery_file({A: entry_a, B: entry_b}))
        yield a, b


async def queue(server: Homeserver, domain: Domain, raw: bytes, number: int) -> None:
    now = int(time.time())
    await server.writer.run(
        lambda execute: server.queue.enqueue(
            execute, domain, raw, origin=b"o" * 16, origin_number=number, accepted_at=now, expires=now + 3_600
        )
    )
    server.queue.wake(domain)


async def test_a_right_that_the_recipients_homeserver_does_not_know_is_refused_there_and_told_here(pair):
    a, _ = pair
    soon = int(time.time()) + 3_600
    await queue(a, B, envelope(B, 1, expires=soon), 1)
    await queue(a, B, envelope(B, 2, expires=soon, stranger=True), 2)
    await until(lambda: len(pending(a.database.read, b"o" * 16)) == 2)
    told = {refused.number: refused.status for refused in pending(a.database.read, b"o" * 16)}
    assert told[1] == Status.STATUS_BAD_RIGHT
    assert told[2] in (Status.STATUS_UNAVAILABLE, Status.STATUS_STALE_DEVICES)
    assert not a.queue.has_rows(B)


async def test_a_group_is_asked_and_told_of_between_two_homeservers(pair):
    a, b = pair
    rng = SeededRandom("federation")
    group, alias, tokens, admin = rng(32), rng(32), [rng(32), rng(32)], Ed25519Secret.generate(rng)
    await b.writer.run(lambda execute: put_alias(execute, DeviceId(rng(32)), alias, 2_000_000_000))
    admins = issue_admins(GroupAdmins(group, 1, (admin.public.raw,), (B,)), admin)
    founder = GroupPlace(domain=A, alias=rng(32), token_hash=sha256(tokens[0]))
    create = GroupCreate(mode=GroupMode.GROUP_MODE_BLIND, first=GroupBundle(sealed=b"sealed", own=founder, admins=admins))
    ask = GroupRequest(group=group, token=tokens[0], create=create)
    assert (await a.groups.ask(b"p" * 16, GroupCall(hub=A, request=ask))).HasField("stored")
    commit = sealed_message(rng, group, 0, ContentType.COMMIT)
    add = GroupAdd(place=GroupPlace(domain=B, alias=alias, token_hash=sha256(tokens[1])), ref=b"ref")
    bundle = GroupBundle(commit=commit, sealed=b"sealed", adds=[add], welcome=sealed_welcome(rng, [b"ref"]))
    await a.groups.ask(b"p" * 16, GroupCall(hub=A, request=GroupRequest(group=group, token=tokens[0], commit=bundle)))
    await until(lambda: b.database.first("SELECT 1 FROM welcome") is not None)
    await until(lambda: b.database.first("SELECT 1 FROM group_standby") is not None)
    log = GroupCall(hub=A, request=GroupRequest(group=group, token=tokens[1], log=GroupLog()))
    page = (await b.groups.ask(b"p" * 16, log)).page
    assert [entry.message for entry in page.entries] == [commit]
    log.request.token = tokens[0]  # a member's token through another homeserver
    assert (await b.groups.ask(b"p" * 16, log)).refused.code == "group.unknown"


async def test_a_stranger_who_asks_for_nobody_hears_one_padded_answer(pair):
    a, b = pair
    query = Lookup(domain=B, localpart="nobody").SerializeToString()
    request = LookupRequest(id=bytes(16), query=query, right=Right(stranger=Step()))
    reply = await a.remotes.lookup(B, request)
    assert reply.status == Status.STATUS_UNAVAILABLE
    assert reply.ByteSize() == 4_096
    assert A in b.remote_table.domains  # a introduced itself

"""Several processes of one homeserver on one store: here as several homeservers on one loop, each with connections of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connexa.crypto import system_random
from connexa.homeserver import ServerSettings
from connexa.testing.services import Nats, Postgres, nats_program, postgres_programs
from connexa.wire.transport import LinkClosed

from .village import STORE, Village, changed, settings_with, village

pytestmark = pytest.mark.slow  # a PostgreSQL is founded for them

SECONDS = 20.0


@pytest.fixture
def shared(postgres: Postgres) -> Iterator[str]:
    """The address of an empty store."""
    token = STORE.set(postgres.schema(f"t{system_random(8).hex()}"))
    yield STORE.get()
    STORE.reset(token)


@asynccontextmanager
async def two(settings: ServerSettings | None = None) -> AsyncIterator[tuple[Village, Village]]:
    """Two processes of the same homeserver; the first is the steward."""
    path = Path(".")
    async with village(path, settings, seed="one") as one:
        await until(lambda: steward(one))
        async with village(path, settings, seed="two", clock=one.clock) as two:
            yield one, two


def steward(v: Village) -> bool:
    return v.house.siblings is not None and v.house.siblings.steward


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what is sure to happen, however slow the machine is."""
    async with asyncio.timeout(SECONDS):
        while not happened():  # noqa: ASYNC110 - another process, or its thread, sets no event of ours
            await asyncio.sleep(0.01)


async def test_mail_reaches_a_device_at_another_process_in_order_and_once(shared: str) -> None:
    async with two() as (one, other):
        alice, bob = await one.settle("alice"), await one.settle("bob")
        tokens = await one.passes(alice, 2)
        device = await other.login(bob.devices[0], resume=True)
        here, there = await one.submit(tokens[0]), await other.submit(tokens[1])
        for number in range(1, 21):
            here.send((number, one.mail(bob)))
            there.send((number, one.mail(bob)))
        assert await here.committed(20) == {} == await there.committed(20)
        pushes = await device.pushes(40)
        seqs = [item.seq for item in pushes]
        assert seqs == sorted(set(seqs))
        device.ack(*seqs)
        await until(lambda: one.rows() == 0)
        assert one.house.database.read("SELECT messages, bytes FROM mailbox_load WHERE messages != 0 OR bytes != 0") == []


async def test_the_newest_link_of_a_device_wins_wherever_it_is(shared: str) -> None:
    async with two() as (one, other):
        bob = await one.settle("bob")
        older = await one.login(bob.devices[0], resume=True)
        newer = await other.login(bob.devices[0], resume=True)
        assert (await older.closed())[1] == "link.replaced"
        alice = await one.settle("alice")
        (token,) = await one.passes(alice, 1)
        client = await one.submit(token)
        client.send((1, one.mail(bob)))
        assert len(await newer.pushes(1)) == 1


async def test_a_stream_that_went_on_elsewhere_stores_nothing_twice(shared: str) -> None:
    async with two() as (one, other):
        alice, bob = await one.settle("alice"), await one.settle("bob")
        (token,) = await one.passes(alice, 1)
        old = await one.submit(token)
        old.send((1, one.mail(bob)))
        assert await old.committed(1) == {}
        new = await other.submit(token)
        new.send((2, one.mail(bob)))
        assert await new.committed(2) == {}
        old.send((2, one.mail(bob)))  # it lay in the old connection's buffers
        assert (await old.closed())[1] == "server.temporary"
        assert one.rows() == 2
        assert one.house.database.read("SELECT max(last_number) FROM spent_pass") == [(2,)]


async def test_what_another_process_changes_of_a_door_is_known_before_anything_is_judged(shared: str) -> None:
    async with two() as (one, other):
        alice, bob = await one.settle("alice"), await one.settle("bob")
        (token,) = await one.passes(alice, 1)
        client = await one.submit(token)
        client.send((1, one.mail(bob)))
        assert await client.committed(1) == {}  # bob's door is in the memory of the first process now
        assert one.house.doors.known(bob.user.public.id) is not None
        await other.house.delete_user("bob")
        client.send((2, one.mail(bob)))
        try:
            refused = await client.committed(2)
        except LinkClosed:  # it was judged from memory and told "not now"; coming again it finds the door as it is
            again = await one.submit(token)
            again.send((2, one.mail(bob)))
            refused = await again.committed(2)
        assert 2 in refused
        assert one.rows() == 0


async def test_the_steward_is_one_and_another_takes_over(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connexa.homeserver.shared.siblings.LEASE_SECONDS", 2)
    monkeypatch.setattr("connexa.homeserver.shared.siblings.RENEW_SECONDS", 0.1)
    async with village(Path("."), seed="other") as other:
        async with village(Path("."), seed="one", clock=other.clock) as one:
            await until(lambda: steward(one) or steward(other))
            assert steward(one) != steward(other)
        await until(lambda: steward(other))


async def test_postgres_stopped_for_a_while_means_not_now_and_then_all_goes_on() -> None:
    if postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    cluster = Postgres(Path(tempfile.mkdtemp(prefix="connexa-pg-", dir="/tmp")))
    cluster.start()
    token = STORE.set(cluster.schema("away"))
    try:
        async with two() as (one, other):
            alice, bob = await one.settle("alice"), await one.settle("bob")
            (shown,) = await one.passes(alice, 1)
            device = await other.login(bob.devices[0], resume=True)
            client = await one.submit(shown)
            client.send((1, one.mail(bob)))
            assert await client.committed(1) == {}
            assert len(await device.pushes(1)) == 1
            cluster.stop()
            client.send((2, one.mail(bob)))
            assert await client.closed() == (4503, "server.temporary")
            cluster.start()
            await until(lambda: one.house.writer.failure is None and other.house.writer.failure is None)
            again = await one.submit(shown)
            assert again.ready is not None and again.ready.last == 1
            again.send((2, one.mail(bob)))
            assert await again.committed(2) == {}
            assert len(await device.pushes(1)) == 1
    finally:
        STORE.reset(token)
        cluster.stop()


async def test_h15_nats_killed_delivery_goes_on_by_looking_and_later_by_wakeups(shared: str, tmp_path: Path) -> None:
    if nats_program() is None:
        pytest.skip("nats-server is not installed")
    nats = Nats(tmp_path)
    nats.start()
    try:
        async with two(changed(settings_with(), wakeups=nats.url)) as (one, other):
            alice, bob = await one.settle("alice"), await one.settle("bob")
            (token,) = await one.passes(alice, 1)
            device, client = await other.login(bob.devices[0], resume=True), await one.submit(token)
            await until(lambda: connected(one) and connected(other))
            for number in (1, 2, 3):
                client.send((number, one.mail(bob)))
                assert len(await device.pushes(1)) == 1
                if number == 1:
                    nats.stop()
                    await until(lambda: not connected(one) and not connected(other))
                if number == 2:
                    nats.start()
                    await until(lambda: connected(one) and connected(other))
    finally:
        nats.stop()


def connected(v: Village) -> bool:
    siblings = v.house.siblings
    return siblings is not None and siblings._wakeups is not None and siblings._wakeups.connected

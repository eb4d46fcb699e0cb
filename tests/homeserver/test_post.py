"""Mail between contacts that is judged from memory: the same answers as by operations, nothing told that is not durable, nothing twice."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import apsw
import pytest

from connexa.homeserver.post import Post
from connexa.wire.v1.link_pb2 import PutTokenKeys, Status

from .village import Client, Person, Village, commit_by, settings_with, village

QUICK = settings_with(send_burst=100_000, send_per_second=100_000)


async def warm(v: Village, sender: Person, to: Person) -> Client:
    """A submit link whose first envelopes, and the recipient's door, were judged by operations."""
    (token,) = await v.passes(sender, 1)
    client = await v.submit(token)
    client.send((1, v.mail(to)))
    assert await client.committed(1) == {}
    return client


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What `Post.put` said, each time."""
    said: list[bool] = []
    real = Post.put

    def put(*given: object) -> bool:
        said.append(real(*given))  # type: ignore[arg-type]
        return said[-1]

    monkeypatch.setattr(Post, "put", put)
    return said


async def test_mail_to_a_known_door_needs_no_operation(tmp_path: Path, taken: list[bool]) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        client = await warm(v, alice, bob)
        devices = [await v.login(device, resume=True) for device in bob.devices]
        mails = [v.mail(bob) for _ in range(5)]
        client.send(*enumerate(mails, start=2))
        assert await client.committed(6) == {}
        assert taken == [True]
        first, second = [await device.pushes(6) for device in devices]
        assert [item.body for item in first] == [item.body for item in second]
        assert v.rows("body") == 6
        for device, items in zip(devices, (first, second), strict=True):
            device.ack(*[item.seq for item in items])
            await device.quiet()
        assert [v.rows(table) for table in ("mailbox", "body")] == [0, 0]
        assert v.house.database.read("SELECT messages, bytes FROM mailbox_load") == [(0, 0), (0, 0)]


async def test_whatever_changes_a_door_is_known_at_once(tmp_path: Path, taken: list[bool]) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await warm(v, alice, bob)

        async def keys() -> None:
            device = await v.login(bob.devices[0])
            bob.profile = bytes(32)
            await device.call(put_token_keys=PutTokenKeys(keys=v.token_keys(bob).keys, replace=True))
            device.close()

        async def another_device() -> None:
            device = await v.link_device(bob)
            link = await v.login(device)
            await link.call(put_prekeys=device.upload(v.clock(), v.rng))
            link.close()

        async def gone() -> None:
            await v.house.delete_user("bob")

        number = 1
        expected = [(keys, Status.STATUS_BAD_RIGHT), (another_device, Status.STATUS_STALE_DEVICES), (gone, Status.STATUS_NO_SUCH_USER)]
        for change, status in expected:
            before = v.mail(bob)
            await change()
            client.send((number + 1, before))
            assert (await client.committed(number + 1)) == {number + 1: status}
            number += 1
            if change is not gone:
                client.send((number + 1, v.mail(bob)))
                assert await client.committed(number + 1) == {}
                number += 1
        assert taken == [False, True, False, True, False]  # after each change the door was read anew


async def test_what_memory_does_not_open_is_judged_and_refused_by_an_operation(tmp_path: Path, taken: list[bool]) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await warm(v, alice, bob)
        client.send((2, v.mail(bob)), (3, v.with_token(v.envelope(bob), alice.profile)), (4, v.mail(bob)))
        assert await client.committed(4) == {3: Status.STATUS_BAD_RIGHT}
        assert taken == [False]
        assert v.rows() == 3


async def test_a_full_mailbox_is_counted_exactly(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(mailbox_messages=2_060, send_burst=100_000)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await warm(v, alice, bob)
        raw = v.mail(bob)
        for first in range(2, 2_102, 30):
            client.send(*[(number, raw) for number in range(first, first + 30)])
        refused = await client.committed(2_101)
        assert set(refused) == set(range(2_061, 2_102))
        assert v.house.database.read("SELECT messages FROM mailbox_load") == [(2_060,)]


async def test_two_links_of_a_pass_store_each_number_once(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        await warm(v, alice, bob)
        (token,) = await v.passes(alice, 1)
        first = await v.submit(token)
        first.send((1, v.mail(bob)))
        assert await first.committed(1) == {}
        mails = [(number, v.mail(bob)) for number in range(2, 5)]
        held, reached = threading.Event(), threading.Event()

        def wait() -> None:
            reached.set()
            held.wait(10)

        showing = asyncio.create_task(v.submit(token))
        commit_by(v.house.database, wait)
        await asyncio.to_thread(reached.wait, 10)  # the pass is being opened anew: it has read what is durable
        first.send(*mails)
        for _ in range(20):
            await asyncio.sleep(0)
        held.set()
        second = await showing
        second.send(*mails)  # no answer came
        assert await second.committed(4) == {}
        commit_by(v.house.database)
        assert v.rows() == 5


async def test_h5_a_failed_commit_tells_nothing_and_leaves_nothing_in_memory(tmp_path: Path, taken: list[bool]) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await warm(v, alice, bob)
        device = await v.login(bob.devices[0], resume=True)
        await device.pushes(1)

        def fail() -> None:
            raise apsw.FullError("disk full")

        commit_by(v.house.database, fail)
        client.send((2, v.mail(bob)))
        assert await client.closed() == (4503, "server.temporary")
        commit_by(v.house.database)
        assert taken == [True]
        assert v.rows() == 1
        again = await warm(v, alice, bob)
        again.send((2, v.mail(bob)))
        assert await again.committed(2) == {}
        assert len(await device.pushes(2)) == 2
        assert v.house.database.read("SELECT messages FROM mailbox_load") == [(3,)]


async def test_what_expired_before_its_acknowledgement_is_not_counted_twice(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await warm(v, alice, bob)
        client.send((2, v.mail(bob, ttl=3_600)))
        device = await v.login(bob.devices[0], resume=True)
        items = await device.pushes(2)
        v.clock.advance(7_200)
        await v.house.tick()
        assert v.rows() == 1
        device.ack(items[1].seq)
        client.send((3, v.mail(bob)))
        assert await client.committed(3) == {}
        assert v.house.database.read("SELECT messages FROM mailbox_load") == [(2,)]
        device.ack(items[0].seq, *[item.seq for item in await device.pushes(1)])
        await device.quiet()
        assert v.house.database.read("SELECT messages, bytes FROM mailbox_load") == [(0, 0)]

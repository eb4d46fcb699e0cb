"""Streams: each number once and in order, whatever is lost on the way; rates; what is not durable is not told (H4, H5, H7)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connexa.wire.v1.link_pb2 import Lookup, LookupRequest, PassShow, Right, Status

from .village import DOMAIN, commit_by, settings_with, village


async def test_h7_a_resend_after_a_lost_ack_is_confirmed_and_stored_once(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        first = await v.submit(token)
        mails = [(number, v.mail(bob)) for number in (1, 2, 3)]
        first.send(*mails[:2])
        first.close()  # the answer is lost, or not even made
        second = await v.submit(token)
        assert second.ready is not None
        assert second.ready.last in (0, 2)
        second.send(*mails)
        assert await second.committed(3) == {}
        second.send(*mails)
        assert await second.committed(3) == {}
        assert v.rows() == 3


async def test_own_envelopes_have_numbers_of_their_device(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob = await v.settle("bob", devices=2)
        for expected in (0, 1):
            phone = await v.login(bob.devices[0])
            assert bob.devices[0].last == expected
            phone.send((1, v.own(bob.devices[0])))
            await phone.committed(1)
            phone.close()
        assert v.rows() == 1


async def test_a_gap_ends_the_link_and_stores_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        for numbers in ([2], [1, 3], [0], [(1 << 62) + 1]):
            (token,) = await v.passes(alice, 1)
            client = await v.submit(token)
            client.send(*[(number, v.mail(bob)) for number in numbers])
            assert await client.closed() == (4409, "stream.gap"), numbers
        assert v.rows() == 0


async def test_h10_a_sender_over_its_rate_waits_and_loses_nothing(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(send_per_second=100, send_burst=5)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        started = asyncio.get_running_loop().time()
        for number in range(1, 21):
            client.send((number, v.mail(bob)))
        assert await client.committed(20) == {}
        assert asyncio.get_running_loop().time() - started >= 0.14  # fifteen above the burst
        assert v.rows() == 20


async def test_h10_another_link_of_the_same_pass_is_no_new_burst(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(send_per_second=100, send_burst=5, lookups_per_minute=1)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        started = asyncio.get_running_loop().time()
        for number in range(1, 21):
            client = await v.submit(token)
            client.send((number, v.mail(bob)))
            assert await client.committed(number) == {}
            query = Lookup(domain=DOMAIN, localpart="bob").SerializeToString()
            asked = LookupRequest(id=v.rng(16), query=query, right=Right(token=bytes(32)))
            answer = await client.call(lookup=asked)
            assert number == 1 or answer.code == "rate.limited"
            client.close()
        assert asyncio.get_running_loop().time() - started >= 0.14  # fifteen above the burst


async def test_beyond_the_uncommitted_bytes_nobody_is_read_and_nothing_is_lost(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(uncommitted_bytes=4_000)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        for number in range(1, 41):
            client.send((number, v.mail(bob)))
        assert await client.committed(40) == {}


async def test_h4_nothing_is_acked_or_pushed_before_the_commit_returns(tmp_path: Path) -> None:
    import threading

    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client, device = await v.submit(token), await v.login(bob.devices[0], resume=True)
        await device.quiet()
        held, reached = threading.Event(), threading.Event()

        def wait() -> None:
            reached.set()
            held.wait(10)

        commit_by(v.house.database, wait)
        client.send((1, v.mail(bob)))
        await asyncio.to_thread(reached.wait, 10)
        for _ in range(50):
            await asyncio.sleep(0)
        assert client.channel._frames == device.channel._frames == type(client.channel._frames)()  # type: ignore[attr-defined]
        held.set()
        assert await client.committed(1) == {}
        assert len(await device.pushes(1)) == 1
        commit_by(v.house.database)


async def test_h5_a_failed_commit_acks_nothing_and_the_resend_is_whole(tmp_path: Path) -> None:
    import apsw

    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)

        def fail() -> None:
            raise apsw.FullError("disk full")

        commit_by(v.house.database, fail)
        mails = [(number, v.mail(bob)) for number in (1, 2)]
        client.send(*mails)
        assert await client.closed() == (4503, "server.temporary")
        assert not any(frame.WhichOneof("frame") == "committed" for frame in client.seen)
        commit_by(v.house.database)
        again = await v.submit(token)
        assert again.ready is not None
        assert again.ready.last == 0
        again.send(*mails)
        assert await again.committed(2) == {}
        assert v.rows() == 2


async def test_after_its_day_a_stream_brings_outcomes_and_takes_nothing_new(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        client.send((1, v.mail(bob)), (2, v.with_token(v.envelope(bob), alice.profile)))
        await client.committed(2)
        client.close()
        v.clock.advance(15 * 86_400)  # past the life of the pass's key for new uses
        later = await v.submit(token)
        outcome = await later.expect("outcome")
        assert [(r.number, r.status) for r in outcome.refused] == [(2, Status.STATUS_BAD_RIGHT)]
        later.say(outcome_ack={"numbers": [2]})
        later.send((3, v.mail(bob)))
        assert await later.committed(3) == {3: Status.STATUS_TEMPORARY}
        later.close()
        last = await v.submit(token, PassShow.STREAM)
        assert [r.number for r in (await last.expect("outcome")).refused] == [3]

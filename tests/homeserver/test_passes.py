"""Passes: blind, limited by account and day, good for one use, and never tied to the login that fetched them."""

from __future__ import annotations

from pathlib import Path

from connexa.crypto.voprf import blind_batch
from connexa.wire.v1.link_pb2 import IssuePasses, PassShow

from .village import Token, settings_with, village


async def test_a_pass_opens_a_link_without_a_login_and_the_database_does_not_say_whose(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        (token,) = await v.passes(alice, 1)
        await v.submit(token)
        columns = [row[1] for row in v.house.database.read("PRAGMA table_info(spent_pass)")]
        assert "user" not in columns
        row = v.house.database.first("SELECT * FROM spent_pass")
        assert row is not None
        assert alice.user.id not in row
        assert alice.devices[0].id not in row


async def test_forged_foreign_and_misused_passes_are_refused_alike(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        good, other = await v.passes(alice, 2)
        wrong = [
            Token(good.key, v.rng(32), good.output),
            Token(good.key, good.input, other.output),
            Token(good.key + 1, good.input, good.output),
            Token(good.key - 1, good.input, good.output),
            Token(good.key, good.input[:31], good.output),
        ]
        assert [await (await v.show(token)).closed() for token in wrong] == [(4401, "pass.refused")] * len(wrong)
        assert await (await v.show(good, 0)).closed() == (4400, "frame.malformed")
        await v.submit(good, PassShow.STEP)
        assert await (await v.show(good, PassShow.STREAM)).closed() == (4401, "pass.refused")
        assert v.rows("spent_pass") == 1


async def test_the_newest_link_of_a_pass_wins(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        (token,) = await v.passes(await v.settle("alice"), 1)
        old = await v.submit(token)
        await v.submit(token)
        assert await old.closed() == (4409, "link.replaced")


async def test_h10_an_account_gets_so_many_passes_a_day(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(passes_per_day=5)) as v:
        alice = await v.settle("alice")
        await v.passes(alice, 3)
        client = await v.login(alice.devices[0])

        async def ask(count: int) -> str:
            batch = blind_batch([v.rng(32) for _ in range(count)], v.rng)
            reply = await client.call(issue_passes=IssuePasses(blinded=batch.elements))
            return getattr(reply, "code", "")

        assert [await ask(3), await ask(2), await ask(1), await ask(6)] == ["rate.limited", "", "rate.limited", "frame.malformed"]
        v.clock.advance(86_400)
        assert await ask(5) == ""


async def test_an_element_that_is_none_is_refused(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        client = await v.login((await v.settle("alice")).devices[0])
        for bad in (bytes(32), bytes([255]) * 32, b"short"):
            assert (await client.call(issue_passes=IssuePasses(blinded=[bad]))).code == "proof.invalid"


async def test_two_weeks_of_keys_are_good_and_a_new_one_comes_by_itself(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        tokens = await v.passes(alice, 3)
        v.clock.advance(7 * 86_400)
        await v.house.tick()
        await v.submit(tokens[0])
        assert (await v.passes(alice, 1))[0].key == tokens[0].key + 1
        v.clock.advance(7 * 86_400)
        assert await (await v.show(tokens[1])).closed() == (4401, "pass.refused")
        await v.submit(tokens[0])  # what was opened opens again

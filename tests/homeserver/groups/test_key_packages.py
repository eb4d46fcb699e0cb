"""Key packages of a device: checked whole at upload, handed out once each, then the one of last resort (groups §5.7, I87)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from connexa.homeserver.devices import remove_devices
from connexa.identity import read_device_list
from connexa.node.key_packages import checked_key_packages
from connexa.pairwise import call_proof, week_of, weekly_key
from connexa.testing import SeededRandom
from connexa.wire.v1.groups_pb2 import KeyPackageStatus, OfferedKeyPackage, OwnKeyPackages, PutKeyPackages
from connexa.wire.v1.link_pb2 import Claim, ClaimKeyPackages, PassShow, Right, Status
from connexa.wire.v1.message_pb2 import Step
from tests.homeserver.village import DOMAIN, Device, Person, Village, settings_with, village

from .kit import DAY, offered


def claim_of(v: Village, person: Person, **query: Any) -> ClaimKeyPackages:
    """A claim under the person's token."""
    asked = ClaimKeyPackages(id=v.rng(16), query=Claim(domain=DOMAIN, user=person.user.id, **query).SerializeToString())
    asked.right.token = call_proof(weekly_key(person.profile, week_of(v.clock())), asked.id, asked.query, person.user.id)
    return asked


async def upload(v: Village, device: Device, count: int, *, last_resort: bool = True) -> list[OfferedKeyPackage]:
    """Give a device's pool so many packages, and one of last resort."""
    made = [offered(device, v.rng, v.clock()) for _ in range(count)]
    asked = PutKeyPackages(one_time=made)
    if last_resort:
        asked.last_resort.CopyFrom(offered(device, v.rng, v.clock(), last_resort=True))
    client = await v.login(device)
    assert (await client.call(put_key_packages=asked)).DESCRIPTOR.name == "Empty"
    client.close()
    return made


async def test_a_claim_gives_one_package_of_each_device_with_its_proof(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        for device in bob.devices:
            await upload(v, device, 2)
        submit = await v.submit((await v.passes(alice, 1))[0])
        reply = await submit.call(claim_key_packages=claim_of(v, bob))
        assert reply.status == Status.STATUS_ACCEPTED
        assert reply.ByteSize() == 4_096
        listed = read_device_list(bob.lists[-1], bob.user.public)
        claimed = checked_key_packages(reply.packages, bob.user.public, listed, v.clock())
        assert {one.certificate.device for one in claimed} == {device.id for device in bob.devices}
        only = await submit.call(claim_key_packages=claim_of(v, bob, devices=[bob.devices[1].id]))
        assert len(only.packages) == 1


async def test_claims_at_once_never_get_one_package_twice_and_then_all_get_the_last_resort(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        made = await upload(v, bob.devices[0], 6)
        clients = [await v.submit(token) for token in await v.passes(alice, 8)]
        replies = await asyncio.gather(*(client.call(claim_key_packages=claim_of(v, bob)) for client in clients))
        got = [reply.packages[0].offered.key_package for reply in replies]
        once = [package for package in got if got.count(package) == 1]
        assert sorted(once) == sorted(one.key_package for one in made)
        assert len({package for package in got if package not in once}) == 1


async def test_beyond_ten_a_day_one_pass_gets_the_last_resort_alone_and_the_pool_is_saved(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(key_package_claims_per_day=3)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        await upload(v, bob.devices[0], 6)
        submit = await v.submit((await v.passes(alice, 1))[0])
        got = [(await submit.call(claim_key_packages=claim_of(v, bob))).packages[0].offered.key_package for _ in range(5)]
        assert len(set(got)) == 4
        assert got[3] == got[4]
        assert v.rows("key_package") == 4


async def test_strangers_get_none_and_a_claim_is_shown_once(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        await upload(v, bob.devices[0], 2)
        token, other = await v.passes(alice, 2)
        step = await v.submit(other, PassShow.STEP)
        query = Claim(domain=DOMAIN, user=bob.user.id).SerializeToString()
        asked = ClaimKeyPackages(id=v.rng(16), query=query, right=Right(stranger=Step(id=other.stream)))
        assert (await step.call(claim_key_packages=asked)).status == Status.STATUS_BAD_RIGHT
        submit = await v.submit(token)
        assert (await submit.call(claim_key_packages=asked)).status == Status.STATUS_BAD_RIGHT
        shown = claim_of(v, bob)
        assert (await submit.call(claim_key_packages=shown)).status == Status.STATUS_ACCEPTED
        assert (await submit.call(claim_key_packages=shown)).status == Status.STATUS_BAD_RIGHT
        assert (await v.house.claim_packages_from("a.example", asked)).status == Status.STATUS_BAD_RIGHT  # type: ignore[arg-type]
        assert v.rows("key_package") == 2


async def test_an_upload_that_does_not_hold_is_refused_whole(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob, eve = await v.settle("bob"), await v.settle("eve")
        device, now = bob.devices[0], v.clock()
        good = offered(device, v.rng, now)
        forged = OfferedKeyPackage.FromString(good.SerializeToString())
        forged.key_package = good.key_package[:-1] + bytes([good.key_package[-1] ^ 1])
        swapped = OfferedKeyPackage(key_package=offered(device, v.rng, now).key_package, proof=good.proof)
        cases = {
            "mls.crypto": PutKeyPackages(one_time=[good, forged]),
            "mls.malformed": PutKeyPackages(one_time=[OfferedKeyPackage(key_package=b"x", proof=good.proof)]),
            "key_package.invalid": PutKeyPackages(one_time=[good, swapped]),
            "signature.invalid": PutKeyPackages(one_time=[good, offered(eve.devices[0], v.rng, now)]),
            "key_package.expired": PutKeyPackages(one_time=[good, offered(device, v.rng, now, expires=int(now) - 1)]),
            "key_package.too_many": PutKeyPackages(one_time=[good] * 101),
            "key_package.too_large": PutKeyPackages(one_time=[OfferedKeyPackage(key_package=bytes(9_000), proof=good.proof)]),
        }
        client = await v.login(device)
        for code, asked in cases.items():
            assert (await client.call(put_key_packages=asked)).code == code
        wrong_shelf = PutKeyPackages(last_resort=good)
        assert (await client.call(put_key_packages=wrong_shelf)).code == "key_package.invalid"
        long_lived = offered(device, v.rng, now + 2 * DAY)
        assert (await client.call(put_key_packages=PutKeyPackages(one_time=[long_lived]))).code == "key_package.invalid"
        assert (v.rows("key_package"), v.rows("group_alias")) == (0, 0)


async def test_a_device_knows_what_is_left_and_is_asked_for_more(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(key_packages_low=1)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        await upload(v, bob.devices[0], 3)
        await upload(v, bob.devices[1], 2)
        client = await v.login(bob.devices[0])
        status = await client.call(key_package_status=KeyPackageStatus())
        assert (status.one_time, status.last_resort_until) == (3, int(v.clock() + 60 * DAY))
        own = await client.call(own_key_packages=OwnKeyPackages())
        assert len(own.packages) == 1
        submit = await v.submit((await v.passes(alice, 1))[0])
        for _ in range(2):
            await submit.call(claim_key_packages=claim_of(v, bob, devices=[bob.devices[0].id]))
        await client.quiet()
        assert [n.number for n in (frame.notice for frame in client.seen) if n.code == "key_packages.low"] == [1]


async def test_what_is_over_or_of_a_device_that_was_removed_is_forgotten(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob = await v.settle("bob", devices=2)
        await upload(v, bob.devices[0], 2)
        await upload(v, bob.devices[1], 2)
        assert (v.rows("key_package"), v.rows("group_alias")) == (6, 6)
        await v.house.writer.run(lambda execute: remove_devices(execute, [bob.devices[1].id]))
        assert (v.rows("key_package"), v.rows("group_alias")) == (3, 3)
        v.clock.advance(61 * DAY)
        await v.house.upkeep.sweep(v.clock())
        assert (v.rows("key_package"), v.rows("group_alias")) == (0, 3)
        v.clock.advance(30 * DAY)
        await v.house.upkeep.sweep(v.clock())
        assert v.rows("group_alias") == 0


async def test_a_device_uploads_so_many_in_a_day(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(key_packages_per_day=5)) as v:
        bob = await v.settle("bob", devices=2)
        await upload(v, bob.devices[0], 4)
        client = await v.login(bob.devices[0])
        more = PutKeyPackages(one_time=[offered(bob.devices[0], v.rng, v.clock())])
        assert (await client.call(put_key_packages=more)).code == "rate.limited"
        await upload(v, bob.devices[1], 1)
        assert v.rows("key_package") == 7


async def test_packages_that_nobody_was_given_take_their_aliases_along(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(key_packages=4)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        for _ in range(3):
            await upload(v, bob.devices[0], 4, last_resort=False)
        assert (v.rows("key_package"), v.rows("group_alias")) == (4, 4)
        submit = await v.submit((await v.passes(alice, 1))[0])
        await submit.call(claim_key_packages=claim_of(v, bob))
        client = await v.login(bob.devices[0])
        fresh = PutKeyPackages(one_time=[offered(bob.devices[0], v.rng, v.clock())], anew=True)
        await client.call(put_key_packages=fresh)
        assert (v.rows("key_package"), v.rows("group_alias")) == (1, 2)  # the alias of the one that was handed out stays


@pytest.mark.parametrize("change", ["user", "device", "ref", "alias"])
async def test_i87_a_proof_that_names_something_else_is_refused_by_server_and_claimer(tmp_path: Path, change: str) -> None:
    async with village(tmp_path) as v:
        bob = await v.settle("bob")
        wrong: dict[str, Any] = {change: SeededRandom("wrong")(31 if change == "alias" else 32)}
        client = await v.login(bob.devices[0])
        asked = PutKeyPackages(one_time=[offered(bob.devices[0], v.rng, v.clock(), **wrong)])
        assert (await client.call(put_key_packages=asked)).code == "key_package.invalid"

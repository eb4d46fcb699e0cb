"""Device lists and prekeys: chained, signed, and taken only from the device that logged in (first-message §9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import Ed25519Secret
from connexa.identity import SenderCertificate, next_device_list, read_device_list, sender_keys_hash, verify_sender_certificate
from connexa.pairwise import PrekeyOwner, make_one_time, make_seal_key, week_of
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import (
    GetDomain,
    GetOwnList,
    GetSenderCertificate,
    OwnBundles,
    PrekeyStatus,
    PutDeviceList,
    PutPrekeys,
    PutTokenKeys,
    SetDoor,
    TokenKey,
)

from .village import DOMAIN, settings_with, village


async def test_the_next_list_is_stored_told_and_repeated_and_nothing_else_is(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        phone = await v.login(alice.devices[0])
        added = alice.add_device(v.rng, v.clock())
        second = alice.next_list(v.clock())

        async def put(signed: Signed, *certificates: Signed) -> str:
            reply = await phone.call(put_device_list=PutDeviceList(device_list=signed, certificates=certificates))
            return getattr(reply, "code", "")

        forged = Signed(body=second.body, signature=bytes(64))
        assert await put(forged, added.certificate) == "signature.invalid"
        assert await put(second) == "devices.invalid"  # without the new certificate
        assert await put(second, added.certificate) == ""
        assert await put(second, added.certificate) == ""
        assert await put(alice.lists[0]) == "devices.rollback"
        fork = next_device_list(alice.lists[0], alice.user, [alice.devices[0].certificate], v.clock())
        assert await put(fork) == "devices.rollback"
        third = alice.next_list(v.clock())
        fourth = alice.next_list(v.clock())
        assert await put(fourth) == "devices.gap"
        assert await put(third) == ""
        assert (await phone.call(own_list=GetOwnList())).body == third.body
        changed = [frame.notice.number for frame in phone.seen if frame.notice.code == "devices.changed"]
        assert changed[0] == 2
        assert read_device_list(third, alice.user.public).version == 3


async def test_a_removed_device_is_out_at_once_with_everything_of_it(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice", devices=2)
        phone, laptop = await v.login(alice.devices[0]), await v.login(alice.devices[1])
        phone.send((1, v.own(alice.devices[0])))
        await phone.committed(1)
        removed = alice.devices.pop()
        await phone.call(put_device_list=PutDeviceList(device_list=alice.next_list(v.clock())))
        assert await laptop.closed() == (4401, "login.refused")
        left = v.house.database.read("SELECT DISTINCT device FROM prekey")
        assert left == [(alice.devices[0].id,)]
        assert (v.rows(), v.rows("body"), v.rows("mailbox_load")) == (0, 0, 0)
        with pytest.raises(Exception, match="4401"):
            await v.login(removed)


async def test_prekeys_are_checked_before_any_of_them_is_stored(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        phone = await v.login(alice.devices[0])
        before = v.rows("prekey")
        eve = PrekeyOwner(alice.user.id, alice.devices[0].id, Ed25519Secret.generate(v.rng))
        good = make_one_time(alice.devices[0].prekeys, 90, v.clock(), v.rng)[0]
        bad: list[PutPrekeys] = [
            PutPrekeys(one_time=[good, make_one_time(eve, 91, v.clock(), v.rng)[0]]),
            PutPrekeys(one_time=[make_one_time(bob.devices[0].prekeys, 90, v.clock(), v.rng)[0]]),
            PutPrekeys(spk=good),
            PutPrekeys(seks=[make_seal_key(alice.devices[0].prekeys, week_of(v.clock()) + 40, v.rng)[0]]),
            PutPrekeys(one_time=[make_one_time(alice.devices[0].prekeys, 90, v.clock() - 40 * 86_400, v.rng)[0]]),
        ]
        codes = [(await phone.call(put_prekeys=upload)).code for upload in bad]
        assert codes == ["signature.invalid", "signature.invalid", "signature.invalid", "prekey.too_many", "prekey.expired"]
        assert v.rows("prekey") == before
        status = await phone.call(prekey_status=PrekeyStatus())
        assert (status.one_time, status.spk, status.sek_until) == (3, 1, (week_of(v.clock()) + 2) * WEEK_SECONDS)
        assert status.last_resort == (1 << 31) + 1


async def test_a_store_that_was_put_back_has_its_older_one_time_keys_dropped(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        phone = await v.login(alice.devices[0])
        new = make_one_time(alice.devices[0].prekeys, 90, v.clock(), v.rng)[0]
        await phone.call(put_prekeys=PutPrekeys(one_time=[new]))
        assert (await phone.call(prekey_status=PrekeyStatus())).one_time == 4
        newest = make_one_time(alice.devices[0].prekeys, 91, v.clock(), v.rng)[0]
        await phone.call(put_prekeys=PutPrekeys(one_time=[newest], anew=True))
        assert (await phone.call(prekey_status=PrekeyStatus())).one_time == 1


async def test_own_bundles_are_of_the_other_devices_alone(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice", devices=3), await v.settle("bob")
        phone = await v.login(alice.devices[0])

        async def owners(*devices: bytes) -> int:
            return len((await phone.call(own_bundles=OwnBundles(devices=devices))).bundles)

        assert await owners() == 2
        assert await owners(alice.devices[1].id) == 1
        assert await owners(bob.devices[0].id) == 0
        lonely = await v.login(bob.devices[0])
        assert len((await lonely.call(own_bundles=OwnBundles())).bundles) == 0


async def test_the_sender_certificate_names_exactly_this_device_for_a_day(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        signed = await (await v.login(alice.devices[0])).call(sender_certificate=GetSenderCertificate())
        read = verify_sender_certificate(signed, [v.house.domain_key.public], domain=DOMAIN, accepted_at=v.clock())
        keys = sender_keys_hash(alice.user.public.key, alice.devices[0].dsk.public)
        assert read == SenderCertificate(alice.user.id, alice.devices[0].id, keys, DOMAIN, int(v.clock()) + 86_400)


async def test_token_keys_are_for_weeks_near_by(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        phone = await v.login((await v.settle("alice")).devices[0])
        week = week_of(v.clock())
        for keys in (
            [TokenKey(week=week + 11, key=bytes(32))],
            [TokenKey(week=week, key=b"short")],
            [TokenKey(week=week, key=bytes(32))] * 17,
        ):
            assert (await phone.call(put_token_keys=PutTokenKeys(keys=keys))).code == "frame.malformed"


async def test_each_kind_of_link_has_its_own_questions(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        (token,) = await v.passes(alice, 1)
        submit = await v.submit(token)
        assert (await submit.call(set_door=SetDoor(discoverable=True))).code == "frame.unexpected"
        assert (await submit.call(sender_certificate=GetSenderCertificate())).code == "frame.unexpected"
        assert (await submit.call(domain=GetDomain(domain=DOMAIN))).pinned
        assert (await submit.call(domain=GetDomain(domain="c.example"))).code == "domain.unknown"
        submit.say(ack={"seqs": [1]})
        assert await submit.closed() == (4400, "frame.unexpected")


async def test_h10_questions_are_answered_at_a_bounded_rate(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(calls_per_second=1, calls_burst=3)) as v:
        phone = await v.login((await v.settle("alice")).devices[0])
        answers: list[Any] = [await phone.call(prekey_status=PrekeyStatus()) for _ in range(4)]
        assert [getattr(answer, "code", "") for answer in answers] == ["", "", "", "rate.limited"]

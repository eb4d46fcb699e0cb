"""Mail between people of one domain: pushed after its commit, kept until it is acknowledged, each number once."""

from __future__ import annotations

from pathlib import Path

from connexa.wire.v1.link_pb2 import PushClass, Resume, Status

from .village import village


async def test_mail_arrives_at_every_device_and_goes_with_the_last_ack(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        phone, laptop = [await v.login(device, resume=True) for device in bob.devices]
        (token,) = await v.passes(alice, 1)
        sender = await v.submit(token)
        raw = v.mail(bob)
        sender.send((1, raw))
        assert await sender.committed(1) == {}
        items = [(await client.pushes(1))[0] for client in (phone, laptop)]
        assert [getattr(item, "class") for item in items] == [PushClass.PUSH_CONTACT] * 2
        assert [item.packet.device for item in items] == [device.id for device in bob.devices]
        assert items[0].body == items[1].body
        assert (v.rows("body"), v.rows()) == (1, 2)
        phone.ack(items[0].seq)
        await phone.quiet()
        assert (v.rows("body"), v.rows()) == (1, 1)
        laptop.ack(items[1].seq)
        await laptop.quiet()
        assert (v.rows("body"), v.rows()) == (0, 0)
        assert v.house.database.read("SELECT messages, bytes, requests FROM mailbox_load") == [(0, 0, 0), (0, 0, 0)]


async def test_what_is_not_acked_comes_again_and_what_is_stored_does_not(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        sender = await v.submit(token)
        sender.send(*[(number, v.mail(bob)) for number in range(1, 6)])
        assert await sender.committed(5) == {}
        first = await v.login(bob.devices[0], resume=True)
        items = await first.pushes(5)
        first.ack(items[1].seq)
        await first.quiet()
        first.close()
        second = await v.login(bob.devices[0])
        second.say(resume=Resume(last=items[2].seq, window=10))
        assert [item.seq for item in await second.pushes(2)] == [items[3].seq, items[4].seq]
        await second.quiet()
        assert v.rows() == 2


async def test_a_refused_envelope_is_told_with_its_status_and_again_until_acknowledged(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        sender = await v.submit(token)
        wrong = v.with_token(v.envelope(bob), alice.profile)
        sender.send((1, v.mail(bob)), (2, wrong), (3, v.mail(bob)))
        assert await sender.committed(3) == {2: Status.STATUS_BAD_RIGHT}
        sender.close()
        for _ in range(2):
            again = await v.submit(token)
            assert again.ready is not None
            outcome = await again.expect("outcome")
            assert [(r.number, r.status) for r in outcome.refused] == [(2, Status.STATUS_BAD_RIGHT)]
            again.close()

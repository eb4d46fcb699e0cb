"""Who may write to somebody, and what those who may not can learn from the answer (first-message §2, §5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.crypto import sha256
from connexa.errors import RefusedError
from connexa.homeserver.federation import Door, Trust
from connexa.identity import DeviceId, Domain
from connexa.pairwise import packets_hash, right_proof, week_of, weekly_key
from connexa.wire import MAX_ENVELOPE, WEEK_SECONDS
from connexa.wire.v1.link_pb2 import (
    GetDomain,
    Lookup,
    LookupRequest,
    PassShow,
    PutInvite,
    PutTokenKeys,
    Right,
    SetDoor,
    Status,
    TokenKey,
    WhereIs,
    WhereReply,
)
from connexa.wire.v1.message_pb2 import Envelope, Own, Step

from .village import DOMAIN, Client, Person, Village, changed, settings_with, village

S = Status


async def sender(v: Village, person: Person) -> Client:
    (token,) = await v.passes(person, 1)
    return await v.submit(token)


async def fates(client: Client, *envelopes: bytes) -> list[Status]:
    """What becomes of each, sent as 1, 2, 3…"""
    client.send(*enumerate(envelopes, 1))
    refused = await client.committed(len(envelopes))
    return [refused.get(number, S.STATUS_ACCEPTED) for number in range(1, len(envelopes) + 1)]


async def test_p39_a_token_opens_for_its_own_bytes_in_its_own_weeks_alone(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob, carol = await v.settle("alice"), await v.settle("bob"), await v.settle("carol")
        week = week_of(v.clock())
        stolen = Envelope.FromString(v.mail(bob))
        stolen.body = v.rng(272)  # the right of another body
        moved = Envelope.FromString(v.mail(bob))
        moved.user = carol.user.id
        packets = Envelope.FromString(v.mail(bob))
        packets.packets[0].sealed = v.rng(2_160)
        assert (
            await fates(
                await sender(v, alice),
                v.with_token(v.envelope(bob), bob.profile, week),
                v.with_token(v.envelope(bob), bob.profile, week + 1),
                v.with_token(v.envelope(bob), bob.profile, week + 2),
                stolen.SerializeToString(),
                moved.SerializeToString(),
                packets.SerializeToString(),
                v.with_token(v.envelope(bob), carol.profile),
                v.own(bob.devices[0]) if len(bob.devices) > 1 else v.with_step(v.envelope(bob), bytes(16)),
            )
            == [S.STATUS_ACCEPTED] * 2 + [S.STATUS_BAD_RIGHT] * 6
        )
        assert v.rows() == 2


async def test_where_no_key_was_uploaded_no_proof_opens_anything(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device = await v.login(bob.devices[0])
        await device.call(put_token_keys=PutTokenKeys(replace=True))
        envelope, guest = v.envelope(bob), v.envelope(bob)
        envelope.token = right_proof(bytes(32), envelope.id, envelope.user, sha256(envelope.body), packets_hash(envelope.packets))
        forged = v.with_invite(guest, bytes(16), bytes(32))
        assert await fates(await sender(v, alice), envelope.SerializeToString(), forged) == [S.STATUS_BAD_RIGHT] * 2


async def test_replacing_the_token_keys_shuts_a_blocked_contact_out_at_once(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client, old = await sender(v, alice), bob.profile
        assert await fates(client, v.mail(bob)) == [S.STATUS_ACCEPTED]
        mailbox, week = await v.login(bob.devices[0]), week_of(v.clock())
        await mailbox.call(put_token_keys=PutTokenKeys(keys=[TokenKey(week=week - 1, key=weekly_key(old, week - 1))]))
        client.send((2, v.with_token(v.envelope(bob), old, week - 1)))
        assert await client.committed(2) == {}
        bob.profile = v.rng(32)
        await mailbox.call(put_token_keys=v.token_keys(bob, replace=True))
        client.send((3, v.with_token(v.envelope(bob), old)), (4, v.with_token(v.envelope(bob), old, week - 1)), (5, v.mail(bob)))
        assert await client.committed(5) == {3: S.STATUS_BAD_RIGHT, 4: S.STATUS_BAD_RIGHT}


async def test_an_invite_counts_its_uses_and_the_same_request_is_stored_once(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        mailbox = await v.login(bob.devices[0])
        secret, invite = v.rng(32), v.rng(16)
        await mailbox.call(put_invite=PutInvite(id=invite, secret=secret, uses=2, expires=int(v.clock()) + 1000))
        one, two, three = (v.with_invite(v.envelope(bob), invite, secret) for _ in range(3))
        forged = v.with_invite(v.envelope(bob), invite, bytes(32))
        client = await sender(v, alice)
        expected = [S.STATUS_BAD_RIGHT, S.STATUS_ACCEPTED, S.STATUS_ACCEPTED, S.STATUS_ACCEPTED, S.STATUS_BAD_RIGHT]
        assert await fates(client, forged, one, one, two, three) == expected
        assert v.rows() == 2
        again = await mailbox.call(put_invite=PutInvite(id=invite, secret=secret, uses=5, expires=int(v.clock()) + 1000))
        assert again.DESCRIPTOR.name == "Empty"
        client.send((6, three))
        assert await client.committed(6) == {6: S.STATUS_BAD_RIGHT}  # an upload that comes again gives no use back


async def test_p47_packets_must_be_for_exactly_the_devices_with_this_weeks_key(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        ids = [device.id for device in bob.devices]
        last_week = v.envelope(bob)
        for packet in last_week.packets:
            packet.sek -= 1
        next_week = v.envelope(bob)
        for packet in next_week.packets:
            packet.sek += 1  # uploaded already, and nobody may be tagged by it
        mixed = v.envelope(bob)
        mixed.packets[1].sek += 1
        assert (
            await fates(
                await sender(v, alice),
                v.mail(bob),
                v.mail(bob, devices=ids[:1]),
                v.mail(bob, devices=[*ids, v.rng(32)]),
                v.mail(bob, devices=[ids[0], v.rng(32)]),
                v.with_token(last_week, bob.profile),
                v.with_token(next_week, bob.profile),
                v.with_token(mixed, bob.profile),
            )
            == [S.STATUS_ACCEPTED] + [S.STATUS_STALE_DEVICES] * 6
        )
        v.clock.advance(2 * WEEK_SECONDS)  # their keys were uploaded for two weeks
        assert await fates(await sender(v, alice), v.mail(bob)) == [S.STATUS_STALE_DEVICES]


async def test_every_check_before_the_right_has_its_status(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        mail = v.mail(bob)
        future = Envelope.FromString(mail)
        future.version = 2
        assert await fates(
            await sender(v, alice),
            v.mail(bob, ttl=-1),
            v.mail(bob, ttl=40 * 86_400),
            future.SerializeToString(),
            mail[:-1],
            b"",
            mail + bytes(MAX_ENVELOPE),
            v.mail(bob, domain="not a domain"),
        ) == [
            S.STATUS_EXPIRED,
            S.STATUS_MALFORMED_ENVELOPE,
            S.STATUS_VERSION,
            S.STATUS_MALFORMED_ENVELOPE,
            S.STATUS_VERSION,
            S.STATUS_TOO_LARGE,
            S.STATUS_MALFORMED_ENVELOPE,
        ]
        assert v.rows() == 0


async def test_a_full_mailbox_is_told_to_contacts(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(mailbox_messages=2)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await sender(v, alice)
        assert await fates(client, *[v.mail(bob) for _ in range(3)]) == [S.STATUS_ACCEPTED] * 2 + [S.STATUS_QUOTA_EXCEEDED]
        device = await v.login(bob.devices[0], resume=True)
        device.ack((await device.pushes(2))[0].seq)
        await device.quiet()
        client.send((4, v.mail(bob)))
        assert await client.committed(4) == {}


@pytest.mark.parametrize("who", ["unknown", "hidden", "full", "deleted"])
async def test_a_stranger_gets_one_answer_for_whoever_cannot_be_reached(tmp_path: Path, who: str) -> None:
    async with village(tmp_path, settings_with(mailbox_requests=1)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        to = bob
        if who == "unknown":
            to = v.stranger("carol")
            to.add_device(v.rng, v.clock())
        elif who == "hidden":
            await (await v.login(bob.devices[0])).call(set_door=SetDoor(discoverable=False))
        elif who == "deleted":
            await v.house.delete_user("bob")
        else:
            (first,) = await v.passes(alice, 1)
            step = await v.submit(first, PassShow.STEP)
            assert await fates(step, v.with_step(v.envelope(bob), first.stream)) == [S.STATUS_ACCEPTED]
        (token,) = await v.passes(alice, 1)
        step = await v.submit(token, PassShow.STEP)
        assert await fates(step, v.with_step(v.envelope(to), token.stream)) == [S.STATUS_UNAVAILABLE]


async def test_a_token_tells_a_deleted_account_only_to_those_who_had_the_right(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        await v.house.delete_user("bob")
        nobody = v.stranger("nobody")
        nobody.add_device(v.rng, v.clock())
        client = await sender(v, alice)
        assert await fates(client, v.mail(bob), v.with_token(v.envelope(bob), alice.profile), v.mail(nobody)) == [
            S.STATUS_NO_SUCH_USER,
            S.STATUS_BAD_RIGHT,
            S.STATUS_BAD_RIGHT,
        ]
        v.clock.advance(61 * 86_400)
        await v.house.tick()
        assert v.house.database.read("SELECT DISTINCT user FROM token_key") == [(alice.user.id,)]


async def test_a_step_carries_one_request_of_one_size_towards_one_person(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob, carol = await v.settle("alice"), await v.settle("bob"), await v.settle("carol")
        one, two, three = await v.passes(alice, 3)
        step = await v.submit(one, PassShow.STEP)
        assert (
            await fates(
                step,
                v.with_step(v.envelope(bob), two.stream),  # another pass's step
                v.mail(bob),  # a token has no place on a step
                v.with_step(v.envelope(bob, body=8_208), one.stream),
                v.with_step(v.envelope(bob, body=4_112), one.stream),
                v.with_step(v.envelope(carol), one.stream),
                v.with_step(v.envelope(bob), one.stream),
            )
            == [S.STATUS_BAD_RIGHT] * 2 + [S.STATUS_TOO_LARGE, S.STATUS_ACCEPTED] + [S.STATUS_BAD_RIGHT] * 2
        )
        step.close()
        again = await v.submit(one, PassShow.STEP)  # spent, wherever it is shown
        again.send((7, v.with_step(v.envelope(bob), one.stream)))
        assert (await again.expect("outcome")) is not None
        assert await again.committed(7) == {7: S.STATUS_BAD_RIGHT}
        stream = await v.submit(two)
        assert await fates(stream, v.with_step(v.envelope(bob), two.stream)) == [S.STATUS_BAD_RIGHT]
        late = await v.submit(three, PassShow.STEP)
        v.clock.advance(86_401)
        assert await fates(late, v.with_step(v.envelope(bob), three.stream)) == [S.STATUS_BAD_RIGHT]


async def test_own_envelopes_go_to_exactly_the_other_devices_on_the_mailbox_link_alone(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob, carol = await v.settle("bob", devices=3), await v.settle("carol")
        phone = await v.login(bob.devices[0], resume=True)
        laptop = await v.login(bob.devices[1], resume=True)
        to_all = v.envelope(bob)
        to_all.own.SetInParent()
        to_carol = v.envelope(carol)
        to_carol.own.SetInParent()
        phone.send(
            (1, v.own(bob.devices[0])),
            (2, to_all.SerializeToString()),
            (3, to_carol.SerializeToString()),
            (4, v.mail(carol)),
        )
        assert await phone.committed(4) == {2: S.STATUS_STALE_DEVICES, 3: S.STATUS_BAD_RIGHT, 4: S.STATUS_BAD_RIGHT}
        assert getattr((await laptop.pushes(1))[0], "class") == 3
        assert v.rows() == 2
        client = await sender(v, bob)
        assert await fates(client, v.own(bob.devices[0])) == [S.STATUS_BAD_RIGHT]


async def test_an_envelope_for_one_own_device_goes_to_that_one_alone(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob, carol = await v.settle("bob", devices=3), await v.settle("carol")
        one, two, three = bob.devices
        phone = await v.login(one, resume=True)
        laptop = await v.login(two, resume=True)

        def only(device: DeviceId, *packets: DeviceId) -> bytes:
            envelope = v.envelope(bob, devices=list(packets))
            envelope.own.CopyFrom(Own(only=device))
            return envelope.SerializeToString()

        phone.send(
            (1, only(two.id, two.id)),
            (2, only(two.id, two.id, three.id)),
            (3, only(two.id, three.id)),
            (4, only(one.id, one.id)),  # itself
            (5, only(carol.devices[0].id, carol.devices[0].id)),
        )
        stale = S.STATUS_STALE_DEVICES
        assert await phone.committed(5) == {2: stale, 3: stale, 4: S.STATUS_BAD_RIGHT, 5: stale}
        assert getattr((await laptop.pushes(1))[0], "class") == 3
        assert v.rows() == 1


async def test_where_says_who_holds_an_envelope(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await sender(v, alice)
        remote = v.with_token(v.envelope(bob, domain="c.example"), bob.profile)
        assert await fates(client, v.mail(bob), v.mail(alice, devices=[v.rng(32)]), remote) == [
            S.STATUS_ACCEPTED,
            S.STATUS_STALE_DEVICES,
            1,
        ]
        places = [(await client.call(where=WhereIs(number=number))).place for number in (1, 2, 3, 4)]
        assert places == [WhereReply.ACCEPTED, WhereReply.REFUSED, WhereReply.QUEUED, WhereReply.UNKNOWN]


async def test_nothing_is_taken_from_or_sent_to_a_blocked_domain_however_the_administrator_wrote_it(tmp_path: Path) -> None:
    async with village(tmp_path, changed(settings_with(), blocked_domains=("Evil.Example.",))) as v:
        alice, bob, evil = await v.settle("alice"), await v.settle("bob"), Domain("evil.example")
        client = await sender(v, alice)
        to_evil = v.with_token(v.envelope(bob, domain=evil), bob.profile)
        assert await fates(client, to_evil) == [S.STATUS_BLOCKED]
        assert (await client.call(domain=GetDomain(domain=evil))).code == "domain.blocked"
        answer = await v.house.take_batch(evil, bytes(16), 1, [v.item(v.with_step(v.envelope(bob), b""))])
        assert [r.status for r in answer.refused] == [S.STATUS_BLOCKED]
        asked = LookupRequest(id=v.rng(16), query=Lookup(domain=DOMAIN, localpart="bob").SerializeToString(), right=Right(stranger=Step()))
        assert (await v.house.lookup_from(evil, asked)).status == S.STATUS_BLOCKED
        assert (v.rows(), v.rows("queue")) == (0, 0)
        door = Door(DOMAIN, v.house.pins, Trust(v.house.leaf, v.clock), clock=v.clock, blocked=v.house.settings.blocked())
        with pytest.raises(RefusedError, match=r"domain\.blocked"):
            await door.introduce("evil.example", "somewhere")

"""Look-ups and claims: what they give, what they cost, and that no answer tells who is here (first-message §5, §6)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from connexa.identity import (
    Address,
    Domain,
    UserPublic,
    follow_device_lists,
    match_certificates,
    read_device_list,
    verify_attestation,
)
from connexa.pairwise import call_proof, verify_bundle, week_of, weekly_key
from connexa.wire.v1.link_pb2 import Call, Claim, ClaimRequest, Lookup, LookupRequest, PassShow, PutInvite, Right, SetDoor, Status
from connexa.wire.v1.message_pb2 import InviteProof, Step

from .village import DOMAIN, Client, Person, Token, Village, settings_with, village


def look(v: Village, right: Right, **query: Any) -> LookupRequest:
    return LookupRequest(id=v.rng(16), query=Lookup(domain=DOMAIN, **query).SerializeToString(), right=right)


def claim(v: Village, right: Right, **query: Any) -> ClaimRequest:
    return ClaimRequest(id=v.rng(16), query=Claim(domain=DOMAIN, **query).SerializeToString(), right=right)


def with_token(v: Village, request: Any, person: Person, *, by_name: bool = False) -> Any:
    key = weekly_key(person.profile, week_of(v.clock()))
    request.right.token = call_proof(key, request.id, request.query, b"" if by_name else person.user.id)
    return request


async def step(v: Village, person: Person) -> tuple[Client, Right, Token]:
    (token,) = await v.passes(person, 1)
    return await v.submit(token, PassShow.STEP), Right(stranger=Step(id=token.stream)), token


async def test_a_stranger_finds_everything_that_is_needed_to_begin(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, _bob = await v.settle("alice"), await v.settle("bob", devices=2)
        client, right, _ = await step(v, alice)
        reply = await client.call(lookup=look(v, right, localpart="bob"))
        assert reply.status == Status.STATUS_ACCEPTED
        user = UserPublic.from_packet(reply.user_key)
        verify_attestation(reply.attestation, [v.house.domain_key.public], address=Address("bob", DOMAIN), user=user.id)
        devices = read_device_list(follow_device_lists(None, list(reply.device_lists), user, v.clock()), user)
        match_certificates(devices, list(reply.certificates), user, v.clock())
        assert (len(reply.seks), devices.version) == (2, 2)
        claimed = await client.call(claim=claim(v, right, user=user.id))
        by_device = {listed.device: listed for listed in devices.devices}
        bundles = [verify_bundle(bundle, user, by_device[read.device], v.clock()) for bundle, read in _read(claimed, user, v)]
        assert {bundle.party.device for bundle in bundles} == set(by_device)


def _read(reply: Any, user: UserPublic, v: Village) -> Any:
    from connexa.identity import verify_device_certificate

    return [(bundle, verify_device_certificate(bundle.certificate, user, v.clock())) for bundle in reply.bundles]


async def test_known_versions_get_the_chain_and_others_the_newest_alone(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=4)
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)

        async def versions(known: int) -> list[int]:
            request = with_token(v, look(v, Right(), user=bob.user.id, known_version=known), bob)
            reply = await client.call(lookup=request)
            return [read_device_list(signed, bob.user.public).version for signed in reply.device_lists]

        assert [await versions(known) for known in (0, 1, 3, 4, 9)] == [[4], [2, 3, 4], [4], [4], [4]]


async def test_two_claims_at_once_never_get_the_same_key(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        clients = [await v.submit(token) for token in await v.passes(alice, 3)]
        replies = await asyncio.gather(*(client.call(claim=with_token(v, claim(v, Right(), user=bob.user.id), bob)) for client in clients))
        assert len({reply.bundles[0].one_time.body for reply in replies}) == 3


@pytest.mark.parametrize("who", ["unknown", "hidden", "full", "deleted"])
async def test_to_a_stranger_whoever_cannot_be_reached_is_one_answer_of_one_size_and_time(tmp_path: Path, who: str) -> None:
    async with village(tmp_path, settings_with(mailbox_messages=1, answer_seconds=0.1)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        if who == "hidden":
            await (await v.login(bob.devices[0])).call(set_door=SetDoor(discoverable=False))
        elif who == "deleted":
            await v.house.delete_user("bob")
        elif who == "full":
            sender = await v.submit((await v.passes(alice, 1))[0])
            sender.send((1, v.mail(bob)))
            await sender.committed(1)
        client, right, _ = await step(v, alice)
        started = asyncio.get_running_loop().time()
        reply = await client.call(lookup=look(v, right, localpart="carol" if who == "unknown" else "bob"))
        assert asyncio.get_running_loop().time() - started >= 0.1
        assert reply.status == Status.STATUS_UNAVAILABLE
        assert [field.name for field, _ in reply.ListFields()] == ["status", "padding"]
        assert reply.ByteSize() == 4_096


async def test_who_is_found_looks_the_same_on_the_way(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(answer_seconds=0.1)) as v:
        alice = await v.settle("alice")
        await v.settle("bob")
        client, right, _ = await step(v, alice)
        started = asyncio.get_running_loop().time()
        reply = await client.call(lookup=look(v, right, localpart="bob"))
        assert asyncio.get_running_loop().time() - started >= 0.1
        assert (reply.status, reply.ByteSize()) == (Status.STATUS_ACCEPTED, 4_096)


async def test_a_step_is_one_look_up_four_claims_and_one_person_and_a_no_spends_it(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob, carol = await v.settle("alice"), await v.settle("bob"), await v.settle("carol")
        client, right, token = await step(v, alice)
        refused, found = Status.STATUS_BAD_RIGHT, Status.STATUS_ACCEPTED
        assert (await client.call(lookup=look(v, right, localpart="bob"))).status == found
        assert (await client.call(lookup=look(v, right, localpart="bob"))).status == refused
        assert (await client.call(claim=claim(v, right, user=carol.user.id))).status == refused
        assert [(await client.call(claim=claim(v, right, user=bob.user.id))).status for _ in range(5)] == [found] * 4 + [refused]
        client.send((1, v.with_step(v.envelope(carol), token.stream)))
        assert await client.committed(1) == {1: refused}
        client.send((2, v.with_step(v.envelope(bob), token.stream)))
        assert await client.committed(2) == {}

        client, right, token = await step(v, alice)
        assert (await client.call(lookup=look(v, right, localpart="nobody"))).status == Status.STATUS_UNAVAILABLE
        assert (await client.call(lookup=look(v, right, localpart="bob"))).status == refused
        assert (await client.call(claim=claim(v, right, user=bob.user.id))).status == refused
        client.send((1, v.with_step(v.envelope(bob), token.stream)))
        assert await client.committed(1) == {1: refused}


async def test_a_step_claims_from_nobody_else_before_or_while_it_looks_a_name_up(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(answer_seconds=0.05)) as v:
        alice, carol = await v.settle("alice"), await v.settle("carol")
        await v.settle("bob")
        refused, found = Status.STATUS_BAD_RIGHT, Status.STATUS_ACCEPTED
        client, right, _ = await step(v, alice)
        assert (await client.call(claim=claim(v, right, user=carol.user.id))).status == found
        assert (await client.call(lookup=look(v, right, localpart="bob"))).status == refused
        assert (await client.call(lookup=look(v, right, user=carol.user.id))).status == found

        client, right, _ = await step(v, alice)
        client.say(call=Call(id=1, lookup=look(v, right, localpart="bob")))
        client.say(call=Call(id=2, claim=claim(v, right, user=carol.user.id)))
        replies = {reply.id: reply for reply in [await client.expect("reply") for _ in range(2)]}
        assert (replies[1].lookup.status, replies[2].claim.status) == (found, refused)


async def test_a_tokens_refusal_is_one_answer_and_a_proof_is_shown_once(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        nobody = v.stranger("nobody")
        good = with_token(v, look(v, Right(), user=bob.user.id), bob)
        changed = LookupRequest.FromString(good.SerializeToString())
        changed.id = v.rng(16)
        refused = [
            with_token(v, look(v, Right(), user=nobody.user.id), nobody),
            with_token(v, look(v, Right(), user=bob.user.id), alice),
            look(v, Right(token=bytes(32)), localpart="bob"),
            look(v, Right(token=bytes(32)), localpart="nobody"),
            changed,
        ]
        replies = [await client.call(lookup=request) for request in refused]
        assert {reply.SerializeToString() for reply in replies} == {replies[0].SerializeToString()}
        assert replies[0].status == Status.STATUS_BAD_RIGHT
        assert [(await client.call(lookup=good)).status for _ in range(2)] == [Status.STATUS_ACCEPTED, Status.STATUS_BAD_RIGHT]
        assert (await client.call(lookup=with_token(v, look(v, Right(), localpart="bob"), bob, by_name=True))).status == 1


async def test_an_invite_opens_a_door_that_is_shut_to_strangers(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        mailbox = await v.login(bob.devices[0])
        secret, invite = v.rng(32), v.rng(16)
        await mailbox.call(put_invite=PutInvite(id=invite, secret=secret, uses=1, expires=int(v.clock()) + 1000))
        await mailbox.call(set_door=SetDoor(discoverable=False))
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        request = look(v, Right(), user=bob.user.id)
        request.right.invite.CopyFrom(InviteProof(id=invite, proof=call_proof(secret, request.id, request.query, bob.user.id)))
        assert (await client.call(lookup=request)).status == Status.STATUS_ACCEPTED
        await mailbox.call(put_invite=PutInvite(id=invite))
        again = look(v, Right(), user=bob.user.id)
        again.right.invite.CopyFrom(InviteProof(id=invite, proof=call_proof(secret, again.id, again.query, bob.user.id)))
        assert (await client.call(lookup=again)).status == Status.STATUS_BAD_RIGHT


async def test_h10_strangers_are_counted_by_target_and_domain_and_passes_by_look_up(tmp_path: Path) -> None:
    limits = {"strangers_per_hour": 3, "domain_strangers_per_hour": 2, "lookups_per_minute": 2}
    async with village(tmp_path, settings_with(**limits)) as v:
        alice, _bob = await v.settle("alice"), await v.settle("bob")
        statuses = []
        for _ in range(4):
            client, right, _ = await step(v, alice)
            statuses.append((await client.call(lookup=look(v, right, localpart="bob"))).status)
        assert statuses == [Status.STATUS_ACCEPTED] * 3 + [Status.STATUS_UNAVAILABLE]  # the target's limit looks like all else
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        answers = [await client.call(lookup=look(v, Right(token=bytes(32)), localpart="bob")) for _ in range(3)]
        assert answers[2].code == "rate.limited"
        away = [await v.house.lookup_from("a.example", look(v, Right(stranger=Step()), localpart="x")) for _ in range(3)]  # type: ignore[arg-type]
        assert [reply.status for reply in away] == [Status.STATUS_UNAVAILABLE] * 2 + [Status.STATUS_RATE_LIMITED]
        names = ("a.b.example", "c.b.example", "b.example.org", "d.b.example")  # I86: names under one domain cost nothing
        away = [await v.house.lookup_from(Domain(name), look(v, Right(stranger=Step()), localpart="x")) for name in names]
        assert [reply.status == Status.STATUS_RATE_LIMITED for reply in away] == [False, False, False, True]


async def test_badly_formed_questions_are_refused_with_a_code(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        right = Right(token=bytes(32))
        bad = [
            LookupRequest(id=bytes(16), query=b"\xff", right=right),
            LookupRequest(id=bytes(15), query=Lookup(domain=DOMAIN, localpart="bob").SerializeToString(), right=right),
            look(v, right),
            look(v, right, localpart="bob", user=bytes(32)),
            look(v, right, user=bytes(31)),
            look(v, Right(), localpart="bob"),
            look(v, Right(token=bytes(31)), localpart="bob"),
        ]
        assert {(await client.call(lookup=request)).code for request in bad} == {"frame.malformed"}
        assert (await client.call(claim=claim(v, right, user=bytes(32), devices=[bytes(32)] * 9))).code == "frame.malformed"
        elsewhere = LookupRequest(id=bytes(16), query=Lookup(domain="NOT", localpart="b").SerializeToString(), right=right)
        assert (await client.call(lookup=elsewhere)).code == "domain.malformed"

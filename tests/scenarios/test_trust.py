"""Somebody pretends: a homeserver with the right name and another key, a homeserver that lies about its people. Each is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from connexa.crypto import Ed25519Secret
from connexa.homeserver.homeserver import Homeserver
from connexa.identity import Address, Attestation, Domain, UserId, issue_attestation
from connexa.node.views import MessageState, TrustTier
from connexa.testing import Device, FederationPort, Program, ProgramWorld, World, run_program
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import ClaimReply, ClaimRequest, LookupReply, LookupRequest

ALICE, BOB, CAROL = "alice@a.example", "bob@b.example", "carol@b.example"
CERTIFICATES = "SELECT certificate FROM device WHERE user = ?"
WRONG_KEY = Ed25519Secret.from_seed(bytes(range(32)))


async def test_a_server_with_the_right_name_and_another_key_is_refused_by_nodes_and_by_remotes(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        real = world.servers["b.example"]
        await real.program.stop()
        home = tmp_path / "impostor"
        made = await run_program(["--json", "server", "init", "b.example"], home=home, env=real.env)
        assert made.data["key"] != real.key.raw.hex()
        impostor = await Program("impostor", real.program.argv, home=home, env=real.env).start()
        try:
            await alice.client.send(BOB, "for the real b alone", "a" * 32)

            async def refused_by_node() -> bool | None:
                (link,) = (await bob.client.get("/api/status"))["links"]
                return True if (link["mailbox"], link["reason"]) == ("down", "certificate.invalid") else None

            async def refused_by_remote() -> bool | None:
                (queue,) = (await world.servers["a.example"].ask("GET", "/v1/federation"))["queues"]
                return True if queue["envelopes"] == 1 and not queue["connected"] and queue["failure"] else None

            await bob.client.until(refused_by_node, what="the refusal of the impostor")
            await world.until(refused_by_remote, what="the refusal of the impostor")
            assert "for the real b alone" not in await bob.client.texts(ALICE)
        finally:
            await impostor.stop()
        await real.program.start()
        await bob.client.send(ALICE, "here I am again", "b" * 32)  # b calls, so a does not wait any longer
        await bob.client.until_text(ALICE, "for the real b alone")


class Lying:
    """A homeserver that is all it should be, but for the one answer that a test bends."""

    def __init__(
        self,
        real: Homeserver,
        *,
        lookup: Callable[[LookupReply], LookupReply] = lambda reply: reply,
        claim: Callable[[ClaimReply], ClaimReply] = lambda reply: reply,
    ) -> None:
        self._real = real
        self._bend_lookup = lookup
        self._bend_claim = claim

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def lookup_from(self, domain: Domain, request: LookupRequest) -> LookupReply:
        return self._bend_lookup(await self._real.lookup_from(domain, request))

    async def claim_from(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        return self._bend_claim(await self._real.claim_from(domain, request))


async def asked(world: World, **lies: Any) -> tuple[Device, str]:
    """Let Alice ask Bob through a b.example that lies; returns her device and why her message is where it is."""
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    house = world.houses["b.example"]
    world.ports["b.example"] = FederationPort(Lying(house.server, **lies), house.server.pins, house.rng)
    sent = await alice.node.send("", BOB, "is it you?")

    def judged() -> str | None:
        message = alice.node.message("", sent.id).message
        return message.reason or None

    reason = await alice.until(judged, what="the refusal")
    assert alice.node.message("", sent.id).message.state in (MessageState.QUEUED, MessageState.REFUSED)
    assert bob.node.requests() == []
    return alice, reason


def attested_by(key: Ed25519Secret, address: str) -> Callable[[LookupReply], LookupReply]:
    def bend(reply: LookupReply) -> LookupReply:
        from connexa.identity import UserPublic

        user = UserPublic.from_packet(reply.user_key).id
        reply.attestation.CopyFrom(issue_attestation(Attestation(Address.parse(address), UserId(user)), key))
        return reply

    return bend


async def test_an_attestation_under_another_key_is_refused(world: World) -> None:
    _, reason = await asked(world, lookup=attested_by(WRONG_KEY, BOB))
    assert reason == "signature.invalid"


async def test_an_attestation_by_another_domain_is_refused(world: World) -> None:
    _, reason = await asked(world, lookup=attested_by(world.houses["a.example"].server.domain_key, BOB))
    assert reason == "signature.invalid"


async def test_an_attestation_of_another_address_is_refused(world: World) -> None:
    _, reason = await asked(world, lookup=attested_by(world.houses["b.example"].server.domain_key, CAROL))
    assert reason == "attestation.invalid"


async def test_a_device_that_is_not_in_the_signed_list_gets_nothing(world: World) -> None:
    (carol,) = await world.person(CAROL)
    house = world.houses["b.example"].server
    foreign: list[ClaimReply] = []

    def swap(reply: ClaimReply) -> ClaimReply:
        """Answer with keys of Carol's device, as a homeserver would that wants to read along."""
        row = house.database.first("SELECT certificate FROM device WHERE user = ?", (bytes.fromhex(carol.node.account().user),))
        assert row is not None
        reply.bundles[0].certificate.ParseFromString(row[0])
        foreign.append(reply)
        return reply

    _, reason = await asked(world, claim=swap)
    assert foreign
    assert reason in ("devices.invalid", "certificate.invalid", "signature.invalid", "device.invalid")


async def test_a_device_list_that_the_person_did_not_sign_is_refused(world: World) -> None:
    def bend(reply: LookupReply) -> LookupReply:
        signed = reply.device_lists[-1]
        signed.signature = bytes([signed.signature[0] ^ 1]) + signed.signature[1:]
        return reply

    _, reason = await asked(world, lookup=bend)
    assert reason == "signature.invalid"


async def test_another_user_key_than_the_invite_names_is_refused(world: World) -> None:
    (alice,), (bob,), (carol,) = await world.person(ALICE), await world.person(BOB), await world.person(CAROL)
    house = world.houses["b.example"]
    user, read = bytes.fromhex(carol.node.account().user), house.server.database.read

    def bend(reply: LookupReply) -> LookupReply:
        """Answer with all that is Carol's, attested to Bob's address: the domain itself takes part in it."""
        reply.user_key = read("SELECT user_key FROM account WHERE user = ?", (user,))[0][0]
        for field, sql in (("device_lists", "SELECT list FROM device_list WHERE user = ?"), ("certificates", CERTIFICATES)):
            reply.ClearField(field)
            getattr(reply, field).extend(Signed.FromString(row[0]) for row in read(sql, (user,)))
        return attested_by(house.server.domain_key, BOB)(reply)

    world.ports["b.example"] = FederationPort(Lying(house.server, lookup=bend), house.server.pins, house.rng)
    invite = await bob.node.create_invite("", uses=1, days=1)
    await alice.node.accept_invite("", invite.text)
    sent = await alice.node.send("", BOB, "who answers?")
    message = await alice.until(lambda: found if (found := alice.node.message("", sent.id).message).reason else None, what="the refusal")
    assert message.reason == "identity.changed"
    assert alice.node.contact("", BOB).trust is TrustTier.CHANGED
    assert carol.node.requests() == []


async def test_after_a_week_asleep_everything_that_had_expired_is_renewed(world: World) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    for device in (alice, bob):
        await device.stop()
    for house in world.houses.values():
        await house.stop()
    world.clock.advance(8 * 86_400)  # leaves, sender certificates, passes and sealing keys of that time are over
    for house in world.houses.values():
        await house.start()
    for device in (alice, bob):
        await device.start()
    await alice.node.send("", BOB, "after a week")
    await bob.until_text(ALICE, "after a week")
    await bob.node.send("", ALICE, "good morning")
    await alice.until_text(BOB, "good morning")

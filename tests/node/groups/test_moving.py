"""A group whose hub is lost goes on at another homeserver: whole nodes at three homeservers, while time leaps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from connexa.content import GroupRole
from connexa.crypto import Ed25519Secret
from connexa.errors import ConnexaError
from connexa.homeserver.groups.ledger import GroupRow, Member, insert_group
from connexa.identity import GroupAdmins, issue_admins, sign_take_over
from connexa.node.groups.views import GroupView
from connexa.testing import LeapingLoop, World
from connexa.testing.world import Device
from connexa.wire.v1.groups_pb2 import GroupMode, GroupTakeOver, TakeOver

A, B, C = "a.example", "b.example", "c.example"
LONG = 7_200.0  # seconds that leap


def play(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    """Run a story at three homeservers."""

    async def tell() -> None:
        async with World.open(folder, domains=(A, B, C)) as world:
            await story(world)

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(tell())


def garden(device: Device) -> GroupView:
    return device.node.groups().groups(over=True)[0]


async def until(device: Device, holds: Callable[[GroupView], bool], what: str) -> GroupView:
    def look() -> GroupView | None:
        found = device.node.groups().groups(over=True)
        return found[0] if found and holds(found[0]) else None

    return await device.until(look, what=what, timeout=LONG)


def said(device: Device) -> list[str]:
    return [one.text for one in device.node.messages("", garden(device).id, limit=500)]


async def until_said(text: str, *devices: Device) -> None:
    for device in devices:
        await device.until(lambda one=device: True if text in said(one) else None, what=text, timeout=LONG)  # type: ignore[misc]


async def say(device: Device, text: str) -> str:
    return (await device.node.send("", garden(device).id, text)).id


async def agree(*devices: Device) -> None:
    async with asyncio.timeout(LONG):
        while len({garden(device).roster for device in devices}) != 1:  # noqa: ASYNC110 - no event is everybody's
            await asyncio.sleep(1)


async def found(world: World, *, admins: int = 1, members: tuple[str, ...] = ("bob@b.example", "carol@c.example")) -> list[Device]:
    """Alice's group at a.example; the first of the members are admins."""
    (alice,) = await world.person("alice@a.example")
    others = [(await world.person(member))[0] for member in members]
    await alice.node.groups().create("Garden")
    for one in others:
        await world.befriend(alice, one)
        await alice.node.groups().invite("Garden", one.address)
        await until(one, lambda view: view.state == "invited", "the invitation")
        await one.node.groups().accept("Garden")
    for number, one in enumerate(others):
        await until(one, lambda view: len(view.people) == 1 + len(others) and view.state == "member", "everybody")
        if number < admins:
            await alice.node.groups().set_role("Garden", one.address, GroupRole.ADMIN)
    for one in (alice, *others):
        await until(one, lambda view: view.succession.signers == 1 + admins, "the admins' keys")
    await agree(alice, *others)
    await enrolled(world, *(domain for domain in (B, C) if domain in garden(alice).succession.fallbacks))
    return [alice, *others]


def test_a_fallback_takes_the_place_of_a_hub_that_is_lost(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        (dave,) = await world.person("dave@c.example")
        await world.befriend(alice, dave)
        assert garden(carol).succession.fallbacks == [B, C]
        await say(alice, "before")
        await until_said("before", bob, carol)
        await lose(world, A)
        waiting = await say(carol, "into the silence")
        lost = await until(carol, lambda view: view.succession.silent_since > 0, "the silence")
        assert (lost.hub, lost.trouble) == (A, "group.hub_silent")
        assert carol.node.conversation("", lost.id).warning == "group.hub_silent"
        for one in (bob, carol):
            await until(one, lambda view: view.hub == B, "the new hub")
        await carol.until_state(waiting, "accepted", timeout=LONG)
        await until_said("into the silence", bob)
        await say(bob, "we are here")
        await until_said("we are here", carol)
        await agree(bob, carol)
        # The old hub comes back, is told, and its people follow.
        await bring_back(world, A)
        await until(alice, lambda view: view.hub == B, "the way of the group")
        await until_said("we are here", alice)
        await say(alice, "found you")
        await until_said("found you", bob, carol)
        await agree(alice, bob, carol)
        assert said(alice) == said(bob) == said(carol) == ["before", "into the silence", "we are here", "found you"]
        for one in (alice, bob, carol):
            await until(one, lambda view: view.succession.fallbacks == [A, C], "the new fallbacks")
        assert world.houses[A].read("SELECT count(*) FROM group_entry")[0][0] == 0
        # Somebody who comes now is told where the group is; and when that hub is lost, the old one has its place again.
        await alice.node.groups().invite(garden(alice).id, dave.address)
        await until(dave, lambda view: view.state == "invited", "the invitation")
        await dave.node.groups().accept(garden(dave).id)
        await until(dave, lambda view: view.hub == B and view.state == "member", "the group")
        await enrolled(world, A)
        await lose(world, B)
        await say(dave, "once more")
        await until(dave, lambda view: view.hub == A, "the first hub again")
        await until_said("once more", alice, carol)
        await agree(alice, carol, dave)

    play(tmp_path, story)


async def lose(world: World, domain: str) -> None:
    """A homeserver is gone, and its people with it: their nodes would only try to reach it."""
    await world.houses[domain].stop()
    for device in world.devices:
        if device.address.endswith(domain):
            await device.stop()


async def bring_back(world: World, domain: str) -> None:
    """It is there again, and they are."""
    await world.houses[domain].start()
    for device in world.devices:
        if device.address.endswith(domain):
            await device.start()


async def enrolled(world: World, *domains: str) -> None:
    """Wait until fallbacks know that they are."""
    async with asyncio.timeout(LONG):
        while not all(world.houses[domain].read("SELECT 1 FROM group_standby") for domain in domains):  # noqa: ASYNC110
            await asyncio.sleep(1)


def test_one_admin_of_three_moves_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, bob, carol = await found(world, admins=2)
        assert (garden(bob).succession.needed, garden(bob).succession.left) == (2, 2)
        await carol.stop()
        await lose(world, A)
        await say(bob, "anybody?")
        await asyncio.sleep(1_500)  # more than twice as long as it takes
        assert (garden(bob).hub, said(bob)) == (A, ["anybody?"])
        assert len(world.houses[B].read("SELECT DISTINCT key FROM group_offer")) == 1
        assert not world.houses[B].read("SELECT 1 FROM mls_group")
        await carol.start()  # the second of three
        for one in (bob, carol):
            await until(one, lambda view: view.hub == B, "the new hub")
        await until_said("anybody?", carol)

    play(tmp_path, story)


def test_who_was_away_gets_what_the_lost_hub_had(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol, dave = await found(world, members=("bob@b.example", "carol@c.example", "dave@c.example"))
        await carol.stop()
        await say(bob, "carol is away")
        await until_said("carol is away", alice, dave)
        await dave.stop()
        await alice.node.groups().rename(garden(alice).id, "Orchard")
        await until(bob, lambda view: view.name == "Orchard", "the name")
        await say(bob, "dave too")
        await until_said("dave too", alice)
        await lose(world, A)
        await say(bob, "and the hub")
        await until(bob, lambda view: view.hub == B, "the new hub")
        await bob.node.groups().set_timer(garden(bob).id, 86_400)
        await until(bob, lambda view: view.timer == 86_400, "the timer")
        await say(bob, "all alone")
        for one in (carol, dave):
            await one.start()
            await until(one, lambda view: (view.hub, view.name) == (B, "Orchard") and not view.trouble, "the group")
        for text in ("carol is away", "dave too", "and the hub", "all alone"):
            await until_said(text, carol, dave)
        for one in (carol, dave):
            assert sorted(said(one)) == sorted(said(bob))  # nothing lost, nothing twice
        await agree(bob, carol, dave)
        await bring_back(world, A)
        await until_said("all alone", alice)
        await agree(alice, bob, carol, dave)
        assert sorted(said(alice)) == sorted(said(bob))

    play(tmp_path, story)


def test_an_epoch_that_only_the_lost_hub_had_is_void_and_what_was_said_in_it_is_not_lost(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        await enrolled(world, B)
        for other in (B, C):
            world.network.cut(A, other)
        await alice.node.groups().rename(garden(alice).id, "Orchard")
        await until(alice, lambda view: view.name == "Orchard", "the name")
        words = await say(alice, "does anybody hear me?")
        await alice.until_state(words, "accepted", timeout=LONG)
        await say(bob, "alice is gone")
        for one in (bob, carol):
            await until(one, lambda view: view.hub == B, "the new hub")
        await until_said("alice is gone", carol)
        for other in (B, C):
            world.network.heal(A, other)
        await until(alice, lambda view: view.hub == B and not view.trouble and view.name == "Garden", "the group")
        await until_said("alice is gone", alice)
        await until_said("does anybody hear me?", bob, carol)
        await agree(alice, bob, carol)
        for one in (alice, bob, carol):
            assert sorted(said(one)) == ["alice is gone", "does anybody hear me?"]

    play(tmp_path, story)


def test_whose_epoch_is_void_comes_back_though_somebody_was_removed_meanwhile(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol, _ = await found(world, members=("bob@b.example", "carol@c.example", "dave@c.example"))
        for other in (B, C):
            world.network.cut(A, other)
        await alice.node.groups().rename(garden(alice).id, "Orchard")
        await until(alice, lambda view: view.name == "Orchard", "the name")
        for one in (bob, carol):
            await until(one, lambda view: view.hub == B, "the new hub")
        await bob.node.groups().remove(garden(bob).id, "dave@c.example")  # the room key is another one now
        for one in (bob, carol):
            await until(one, lambda view: len(view.people) == 3, "that he has gone")
        for other in (B, C):
            world.network.heal(A, other)
        await until(alice, lambda view: view.hub == B and not view.trouble and len(view.people) == 3, "the group")
        await agree(alice, bob, carol)
        await say(bob, "welcome back")
        await until_said("welcome back", alice, carol)

    play(tmp_path, story)


def test_of_two_hubs_that_take_one_place_one_has_it_and_what_the_other_had_is_said_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world, admins=2)
        tablets = [await world.linked(one, f"{one.name}-tablet") for one in (bob, carol)]
        for one in tablets:
            await until(one, lambda view: view.succession.signers == 5, "the devices' keys")
        await alice.node.groups().set_role(garden(alice).id, bob.address, GroupRole.OWNER)
        await until(bob, lambda view: view.role == GroupRole.OWNER, "the role")
        await bob.node.groups().set_role(garden(bob).id, alice.address, GroupRole.MEMBER)
        everybody = (alice, bob, carol, *tablets)
        for one in everybody:
            await until(one, lambda view: (view.succession.signers, view.succession.needed) == (4, 2), "two halves")
        await agree(*everybody)
        await enrolled(world, B, C)
        await lose(world, A)
        world.network.cut(B, C)
        await say(bob, "at b")
        await say(carol, "at c")
        for one, hub in ((bob, B), (tablets[0], B), (carol, C), (tablets[1], C)):
            await until(one, lambda view, where=hub: view.hub == where, "half a group")  # type: ignore[misc]
        await until_said("at b", tablets[0])
        await until_said("at c", tablets[1])
        world.network.heal(B, C)
        await until_said("at c", bob, tablets[0])
        await until_said("at b", carol, tablets[1])
        await agree(bob, carol, *tablets)
        assert {garden(one).hub for one in (bob, carol, *tablets)} == {B}
        assert [sorted(said(one)) for one in (bob, carol, *tablets)] == [["at b", "at c"]] * 4

    play(tmp_path, story)


def refused(device: Device) -> bool | None:
    """Whether it has seen a proof that proves nothing to it."""
    return True if device.read("SELECT 1 FROM event WHERE kind = 'group.changed' AND fields LIKE '%bad_take_over%'") else None


def test_no_homeserver_leads_a_group_away(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        rogue = Ed25519Secret.generate(world.rng)
        group, house = bytes.fromhex(garden(carol).id), world.houses[B]
        body = TakeOver(
            group=group, term=1, hub=B, old_hub=A, mode=GroupMode.GROUP_MODE_BLIND, epoch=9, tag=bytes(32), state=bytes(32)
        ).SerializeToString()
        forged = GroupTakeOver(body=body, signatures=[sign_take_over(body, rogue, world.clock())])
        members = world.houses[A].read("SELECT domain, alias, token_hash FROM group_member")
        took = GroupRow(group, GroupMode.GROUP_MODE_BLIND, 1, 9, 0, 0, 0, b"", b"", took=forged.SerializeToString())
        await house.server.writer.run(lambda execute: insert_group(execute, took))
        house.server.groups.courier.hint([Member(*one) for one in members], 1)
        for one in (bob, carol):
            await one.until(lambda device=one: refused(device), what="the refusal", timeout=LONG)  # type: ignore[misc]
        await say(alice, "still here")
        await until_said("still here", bob, carol)
        assert (garden(bob).hub, garden(carol).hub) == (A, A)

    play(tmp_path, story)


def test_a_hub_that_knows_other_admins_keeps_nobody_from_changing_the_group(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        rogue = Ed25519Secret.generate(world.rng)
        other = issue_admins(GroupAdmins(bytes.fromhex(garden(alice).id), 9, (rogue.public.raw,), ()), rogue).SerializeToString()
        await world.houses[A].server.writer.run(lambda execute: execute("UPDATE mls_group SET admins = ?", (other,)))
        await alice.node.groups().set_role(garden(alice).id, carol.address, GroupRole.ADMIN)  # the hub is to be told of it
        await alice.node.groups().rename(garden(alice).id, "Orchard")
        for one in (alice, bob, carol):
            await until(one, lambda view: view.name == "Orchard" and [p.role for p in view.people].count(GroupRole.ADMIN) == 2, "both")
        await agree(alice, bob, carol)

    play(tmp_path, story)


@pytest.mark.parametrize("admins", [1, 2])
def test_an_owner_moves_a_group_whose_hub_is_there(tmp_path: Path, admins: int) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world, admins=admins)
        await enrolled(world, B, C)
        desk = alice.node.groups()
        for who, where, code in ((bob, C, "group.not_allowed"), (alice, "d.example", "group.no_fallback")):
            with pytest.raises(ConnexaError) as refused:
                await who.node.groups().move(garden(who).id, where)
            assert refused.value.code == code
        await say(bob, "shall we?")
        before = world.clock()
        await desk.move(garden(alice).id, C)
        for one in (alice, bob, carol):
            await until(one, lambda view: (view.hub, view.succession.moving) == (C, ""), "the new hub")
        assert world.clock() - before < 300
        await say(carol, "welcome")
        await until_said("welcome", alice, bob)
        await agree(alice, bob, carol)
        assert world.houses[A].read("SELECT count(*) FROM group_member")[0][0] == 0

    play(tmp_path, story)


def test_the_last_admin_who_leaves_leaves_somebody_who_can_move_the_group(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world, admins=0)
        await alice.node.groups().leave(garden(alice).id)
        await until(alice, lambda view: view.state == "left", "the end")
        for one in (bob, carol):
            await until(one, lambda view: len(view.people) == 2 and view.succession.signers == view.succession.left == 1, "the heir")
        await enrolled(world, B)
        await lose(world, A)
        await say(carol, "without any of them")
        await until(carol, lambda view: view.hub == B, "the new hub")
        await until_said("without any of them", bob)
        await agree(bob, carol)

    play(tmp_path, story)

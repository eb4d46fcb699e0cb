"""Groups between people at two homeservers: whole nodes and homeservers on the memory network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connexa.content import Entries, GroupChoice, GroupRole
from connexa.errors import ConnexaError, RefusedError
from connexa.node.groups.choices import take_choice
from connexa.node.groups.known import group_told
from connexa.node.groups.views import GroupView
from connexa.node.schema import MIGRATIONS
from connexa.store import open_database
from connexa.testing import LeapingLoop, World
from connexa.testing.world import STORE_KEY, Device

ALICE, BOB, CAROL = "alice@a.example", "bob@b.example", "carol@a.example"


async def until_group(device: Device, name: str, *, state: str = "member", **facts: object) -> GroupView:
    """Wait until a group is seen so; `people` and `devices` are numbers."""

    def fits(one: GroupView) -> bool:
        counted = {"people": len(one.people), "devices": sum(person.devices for person in one.people)}
        return (one.name, one.state) == (name, state) and all(counted.get(fact, getattr(one, fact, None)) == facts[fact] for fact in facts)

    def look() -> GroupView | None:
        return next((one for one in device.node.groups().groups(over=True) if fits(one)), None)

    return await device.until(look, what=f"the group as {state} {facts}", timeout=20)


def said(device: Device, name: str) -> list[tuple[str, str]]:
    """Who has said what, in order."""
    return [(one.sender, one.text) for one in device.node.messages("", name, limit=500)]


async def until_said(device: Device, name: str, text: str) -> None:
    """Wait until something was said."""
    await device.until(lambda: True if text in [one for _, one in said(device, name)] else None, what=f"{text!r}", timeout=20)


async def acquainted(world: World) -> tuple[Device, Device, Device]:
    """Alice, and two whom she knows and who do not know each other."""
    (alice,) = await world.person(ALICE)
    others = [(await world.person(address))[0] for address in (BOB, CAROL)]
    for other in others:
        await world.befriend(alice, other)
    return alice, others[0], others[1]


async def found(owner: Device, name: str, *members: Device) -> None:
    """Make a group whose members have all accepted."""
    await owner.node.groups().create(name)
    await until_group(owner, name)
    for member in members:
        await owner.node.groups().invite(name, member.address)
    for member in members:
        await until_group(member, name, state="invited")
        await member.node.groups().accept(name)
    for one in (owner, *members):
        await until_group(one, name, people=1 + len(members))


def rosters(name: str, *devices: Device) -> set[str]:
    """The rosters that are shown: one, where all agree."""
    return {device.node.groups().group(name).roster for device in devices}


async def agree(name: str, *devices: Device) -> None:
    """Wait until all show one roster: commits that nobody asked for may be under way."""
    async with asyncio.timeout(20):
        while len(rosters(name, *devices)) != 1:  # noqa: ASYNC110 - no event is everybody's
            await asyncio.sleep(0.01)


async def test_a_group_over_two_homeservers(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)

        await alice.node.groups().create("Garden")
        await until_group(alice, "Garden")
        await alice.node.groups().invite("Garden", BOB)
        invited = await until_group(bob, "Garden", state="invited", people=2)
        assert invited.inviter == ALICE
        await alice.node.send("", "Garden", "while you think about it")
        with pytest.raises(RefusedError) as refused:
            await bob.node.send("", "Garden", "not yet")
        assert refused.value.code == "group.invited"
        await bob.node.groups().accept("Garden")
        await until_group(bob, "Garden")

        sent = await alice.node.send("", "Garden", "hello all")
        await alice.until_state(sent.id, "accepted")
        await until_said(bob, "Garden", "hello all")
        await bob.node.send("", "Garden", "hello back")
        await until_said(alice, "Garden", "hello back")
        assert said(alice, "Garden") == [(ALICE, "while you think about it"), (ALICE, "hello all"), (BOB, "hello back")]
        assert said(bob, "Garden") == said(alice, "Garden")
        await agree("Garden", alice, bob)
        assert [one.title for one in bob.node.conversations() if one.group] == ["Garden"]
        assert bob.node.conversation("", "Garden").unread == 2
        await bob.node.mark_read("", "Garden")
        assert bob.node.conversation("", "Garden").unread == 0


async def test_roles_rules_and_removal(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await acquainted(world)
        await found(alice, "Garden", bob, carol)

        for act in (bob.node.groups().rename("Garden", "Mine"), bob.node.groups().remove("Garden", CAROL)):
            with pytest.raises(RefusedError) as refused:
                await act
            assert refused.value.code == "group.not_allowed"
        await alice.node.groups().set_role("Garden", BOB, GroupRole.ADMIN)
        await until_group(bob, "Garden", role="admin")
        await bob.node.groups().rename("Garden", "Orchard")
        for one in (alice, bob, carol):
            await until_group(one, "Orchard", people=3)
        await bob.node.groups().set_timer("Orchard", 3_600)
        await bob.node.groups().remove("Orchard", CAROL)
        await until_group(carol, "Orchard", state="removed")
        for one in (alice, bob):
            await until_group(one, "Orchard", people=2, timer=3_600)
        await alice.node.send("", "Orchard", "without carol")
        await until_said(bob, "Orchard", "without carol")
        await agree("Orchard", alice, bob)
        with pytest.raises(RefusedError):
            await carol.node.send("", "Orchard", "still here?")
        assert said(carol, "Orchard") == []


def test_who_is_removed_beside_somebody_who_leaves_was_removed(tmp_path: Path) -> None:
    async def story() -> None:
        async with World.open(tmp_path) as world:
            (alice,) = await world.person(ALICE)
            (bob,) = await world.person(BOB)
            (carol,) = await world.person(CAROL)
            await world.befriend(alice, bob)
            await world.befriend(alice, carol)
            await found(alice, "Garden", bob, carol)
            world.network.cut(carol.name, "a.example")  # or she might let bob go
            await bob.node.groups().leave("Garden")
            while not alice.read("SELECT 1 FROM group_part WHERE name LIKE 'proposal%'"):  # noqa: ASYNC110 - of which there is no event
                await asyncio.sleep(0.01)
            epoch = alice.node.groups().group("Garden").epoch
            await alice.node.groups().remove("Garden", CAROL)  # while she waits for others to let bob go
            assert (await until_group(alice, "Garden", people=1)).epoch == epoch + 1
            world.network.heal(carol.name, "a.example")
            await until_group(bob, "Garden", state="left")
            await until_group(carol, "Garden", state="removed")

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(story())


@pytest.mark.parametrize(("delay", "commits"), [(0.0, 1), (0.7, 2)], ids=["together", "one by one"])
def test_who_leaves_with_two_devices_is_gone(tmp_path: Path, delay: float, commits: int) -> None:
    async def story() -> None:
        async with World.open(tmp_path) as world:
            (alice,) = await world.person(ALICE)
            bob, bobs_phone = await world.person(BOB, devices=2)
            await world.befriend(alice, bob)
            await found(alice, "Garden", bob)
            await until_group(bobs_phone, "Garden", devices=3)
            epoch = alice.node.groups().group("Garden").epoch
            world.network.delay(bob.name, "b.example", delay)  # with one, alice commits between two proposals
            await bob.node.groups().leave("Garden")
            for device in (bob, bobs_phone):
                await until_group(device, "Garden", state="left")
            assert (await until_group(alice, "Garden", people=1)).epoch == epoch + commits

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(story())


async def test_somebody_leaves_and_somebody_declines(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await acquainted(world)
        await found(alice, "Garden", bob)
        await alice.node.groups().invite("Garden", CAROL)
        await until_group(carol, "Garden", state="invited")
        await carol.node.groups().leave("Garden")
        await until_group(carol, "Garden", state="left")
        await alice.node.groups().leave("Garden")
        await until_group(alice, "Garden", state="left")
        alone = await until_group(bob, "Garden", people=1, role="owner")  # the last owner has gone
        await bob.node.groups().leave(alone.id)
        await until_group(bob, "Garden", state="left")


async def test_own_devices_in_step(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, tablet = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await tablet.until_contact(BOB)
        await found(alice, "Garden", bob)
        await until_group(tablet, "Garden", devices=3)
        await bob.node.send("", "Garden", "for both of you")
        await until_said(alice, "Garden", "for both of you")
        await until_said(tablet, "Garden", "for both of you")
        await tablet.node.send("", "Garden", "from the tablet")
        await until_said(bob, "Garden", "from the tablet")
        await until_said(alice, "Garden", "from the tablet")
        assert said(alice, "Garden") == said(tablet, "Garden") == said(bob, "Garden")
        await alice.node.mark_read("", "Garden")
        await tablet.until(lambda: True if not tablet.node.conversation("", "Garden").unread else None, what="the read mark")

        phone = await world.linked(alice, "alice-3")  # a device that is new comes into the group by itself
        await until_group(phone, "Garden", devices=4)
        await bob.node.send("", "Garden", "and the phone")
        await until_said(phone, "Garden", "and the phone")
        await alice.node.revoke_device("", tablet.name)  # and one that is taken out goes
        await until_group(bob, "Garden", devices=3)
        await until_group(phone, "Garden", devices=3)
        await agree("Garden", alice, phone, bob)


async def test_coming_in_by_the_link(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await alice.node.groups().create("Garden")
        await until_group(alice, "Garden")
        await alice.node.groups().make_link("Garden")
        await until_group(alice, "Garden", link=True)
        link = alice.node.groups().link("Garden").text
        await bob.node.groups().join(link)
        await until_group(bob, "Garden", people=2)
        await until_group(alice, "Garden", people=2)
        await bob.node.send("", "Garden", "came by the link")
        await until_said(alice, "Garden", "came by the link")
        await agree("Garden", alice, bob)
        await alice.node.groups().remove("Garden", BOB)  # which ends the link too
        await until_group(bob, "Garden", state="removed")
        await until_group(alice, "Garden", people=1, link=False)
        await bob.node.groups().join(link)
        waits = await bob.until(lambda: next((one for one in bob.node.groups().groups() if one.trouble), None), what="the refusal")
        assert waits.state == "joining"


async def test_simultaneous_changes_are_all_made(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await alice.node.groups().set_role("Garden", BOB, GroupRole.ADMIN)
        await until_group(bob, "Garden", role="admin")
        await alice.node.groups().set_timer("Garden", 60)
        await bob.node.groups().set_history("Garden", "last", 10)
        await alice.node.send("", "Garden", "in between")
        for one in (alice, bob):
            await until_group(one, "Garden", timer=60, history="last 10", waiting=0)
        await until_said(bob, "Garden", "in between")
        await agree("Garden", alice, bob)


async def test_newcomers_are_shown_what_the_rule_says(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await acquainted(world)
        await found(alice, "Garden", bob)
        await alice.node.groups().set_history("Garden", "last", 2)
        await until_group(bob, "Garden", history="last 2")
        for text in ("one", "two"):
            await alice.node.send("", "Garden", text)
            await until_said(bob, "Garden", text)
        await bob.node.send("", "Garden", "three")
        await until_said(alice, "Garden", "three")
        await alice.node.groups().invite("Garden", CAROL)
        await until_group(carol, "Garden", state="invited")
        await carol.node.groups().accept("Garden")
        await until_said(carol, "Garden", "three")
        assert said(carol, "Garden") == [(ALICE, "two"), (BOB, "three")]


async def test_a_device_that_was_away_and_one_that_was_restarted(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        garden = alice.node.groups().group("Garden").id
        await bob.stop()
        for number in range(5):
            await alice.node.send("", garden, f"number {number}")
            await alice.node.groups().rename(garden, f"Garden {number}")
            await until_group(alice, f"Garden {number}", waiting=0)
        await alice.stop()
        await bob.start()
        await until_group(bob, "Garden 4")
        await until_said(bob, "Garden 4", "number 4")
        assert said(bob, "Garden 4") == [(ALICE, f"number {number}") for number in range(5)]
        await bob.node.send("", "Garden 4", "back")
        await alice.start()
        await until_said(alice, "Garden 4", "back")


async def test_no_group_is_called_like_an_address(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await alice.node.groups().create(BOB)
        group = await until_group(alice, BOB)
        await alice.node.send("", BOB, "for bob alone")
        await bob.until_request()
        assert said(alice, group.id) == []


async def test_what_nobody_may_ask(tmp_path: Path) -> None:
    async with World.open(tmp_path, domains=("a.example",)) as world:
        (alice,) = await world.person(ALICE)
        await alice.node.groups().create("Garden")
        for act, code in (
            (alice.node.groups().invite("Garden", CAROL), "group.no_contact"),
            (alice.node.groups().remove("Garden", ALICE), "group.self"),
            (alice.node.groups().set_role("Garden", ALICE, GroupRole.MEMBER), "group.not_allowed"),
            (alice.node.groups().rename("Garden", " "), "group.bad_name"),
            (alice.node.groups().set_timer("Garden", -1), "group.bad_timer"),
            (alice.node.groups().set_history("Garden", "last", 101), "group.bad_history"),
            (alice.node.groups().set_avatar("Garden", bytes(20_000)), "group.avatar_too_large"),
            (alice.node.groups().join("cxgroup1aaaa"), "group_link.malformed"),
            (alice.node.groups().accept("Garden"), "group.not_invited"),
            (alice.node.groups().leave("Nowhere"), "group.not_found"),
        ):
            with pytest.raises(ConnexaError) as refused:
                await act
            assert refused.value.code == code


async def test_who_invites_more_than_a_group_holds_is_told_at_once(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await alice.node.groups().create("Garden")
        await until_group(alice, "Garden")
        home = alice.node._home
        sql = "INSERT INTO group_wish (mls_group, kind, subject, content, created) VALUES (1, 'invite', ?, x'', 0)"
        await home.change(lambda execute: [execute(sql, (bytes([number]) * 32,)) for number in range(49)])
        with pytest.raises(RefusedError) as refused:
            await alice.node.groups().invite("Garden", BOB)
        assert refused.value.code == "group.full" and refused.value.hint


async def test_messages_disappear(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await alice.node.send("", "Garden", "stays")
        await alice.node.groups().set_timer("Garden", 60)
        await until_group(bob, "Garden", timer=60)
        await until_group(alice, "Garden", timer=60)
        await alice.node.send("", "Garden", "goes")
        await until_said(bob, "Garden", "goes")
        world.clock.advance(61)
        await alice.node.send("", "Garden", "later")  # which has a time too: both look at their clocks
        for one in (alice, bob):
            await until_said(one, "Garden", "later")
            await one.until(
                lambda device=one: True if said(device, "Garden") == [(ALICE, "stays"), (ALICE, "later")] else None,  # type: ignore[misc]
                what="the end",
            )


async def test_a_device_that_lost_its_state_comes_in_again(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await bob.stop()
        database = open_database(tmp_path / bob.name / "node.db", STORE_KEY, MIGRATIONS)
        database.writer_connection.execute("DELETE FROM group_part")
        database.close()
        await bob.start()
        await alice.until(lambda: True if alice.node.groups().group("Garden").epoch == 2 else None, what="the external commit")
        await alice.node.send("", "Garden", "are you there?")
        await until_said(bob, "Garden", "are you there?")
        await bob.node.send("", "Garden", "again")
        await until_said(alice, "Garden", "again")
        await agree("Garden", alice, bob)
        await until_group(alice, "Garden", devices=2)


async def test_a_device_that_waits_to_be_brought_in_does_not_once_its_owner_has_left(tmp_path: Path) -> None:
    async with World.open(tmp_path, domains=("a.example",)) as world:
        (alice,) = await world.person(ALICE)
        home, account = alice.node._home, alice.node._account("")
        told = Entries(bytes(32), None, (), "Garden")
        await home.change(lambda execute: group_told(execute, home, account, told))
        await until_group(alice, "Garden", state="waiting")
        await home.change(lambda execute: take_choice(execute, home, account, GroupChoice(bytes(32), accepted=False)))
        await until_group(alice, "Garden", state="left")

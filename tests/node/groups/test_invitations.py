"""Invitations that meet: one person into several groups, the same person again."""

from __future__ import annotations

from pathlib import Path

from tests.node.groups.test_groups import ALICE, BOB, until_group, until_said

from connexa.testing import World


async def test_one_person_is_invited_into_two_groups_at_once(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        for name in ("Garden", "Orchard"):
            await alice.node.groups().create(name)
            await until_group(alice, name)
        for name in ("Garden", "Orchard"):
            await alice.node.groups().invite(name, BOB)
        for name in ("Garden", "Orchard"):
            await until_group(bob, name, state="invited")


async def test_somebody_is_removed_and_invited_again(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await alice.node.groups().create("Garden")
        await until_group(alice, "Garden")
        for turn in range(3):
            await alice.node.groups().invite("Garden", BOB)
            if not turn:  # who has accepted and not left need not do so again
                await until_group(bob, "Garden", state="invited")
                await bob.node.groups().accept("Garden")
            await until_group(bob, "Garden")
            await alice.node.send("", "Garden", f"welcome {turn}")
            await until_said(bob, "Garden", f"welcome {turn}")
            await alice.node.groups().remove("Garden", BOB)
            await until_group(bob, "Garden", state="removed")

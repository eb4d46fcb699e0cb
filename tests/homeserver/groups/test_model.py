"""The model of delivery: random acts of up to dozens of members over three homeservers, with a bad network, restarts and a lost hub.

At the end all who are in the group are in one state, whoever was removed is out, and nothing that was accepted is missing.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Secret
from connexa.errors import NetworkError
from connexa.testing import SeededRandom
from connexa.wire.v1.groups_pb2 import GroupCall, GroupRequest
from tests.mls.people import NOW, Person

from .kit import A, B, C, house, region, until
from .players import GROUP, Game, Out, Player, Stranded

PATIENT = {
    "group_requests_per_second": 1_000_000,
    "group_requests_burst": 1_000_000,
    "domain_group_requests_per_second": 1_000_000,
    "domain_group_requests_burst": 1_000_000,
}


class Match:
    """One run of the model."""

    def __init__(self, game: Game, most: int) -> None:
        self.game = game
        self.most = most
        self.players: list[Player] = []
        self.said = 0

    @property
    def inside(self) -> list[Player]:
        return [one for one in self.players if one.state == "in"]

    async def found(self) -> None:
        for domain in (A, B, C):
            self.players.append(Player(self.game, Person(f"{domain}-0"), domain, A))
        first, *others = self.players
        await first.found()
        for one in others:
            await one.take_seat()
        await first.commit(add=tuple(others))
        await self.settle()

    async def attempt(self, player: Player, act) -> None:
        """Do something that the network, a race or a take-over may spoil."""
        try:
            await act
        except NetworkError:
            pass  # it is settled by a later sync
        except Stranded:
            player.state = "stranded"
        except Out:
            player.state = "out"

    async def step(self) -> None:
        dice, inside = self.game.dice, self.inside
        player = dice.choice(inside)
        match dice.choices(("say", "sync", "update", "add", "remove", "restart", "lose", "welcome"), (50, 20, 8, 8, 4, 4, 1, 5))[0]:
            case "say":
                self.said += 1
                await self.attempt(player, player.say(b"word %d" % self.said))
            case "sync":
                await self.attempt(player, player.sync())
            case "update":
                await self.attempt(player, player.commit())
            case "add" if len(inside) < self.most:
                await self.add(player)
            case "remove" if len(inside) > 2:
                await self.attempt(player, player.commit(remove=(dice.choice(inside),)))
            case "restart":
                player.restart()
            case "lose":
                player.state = "stranded"
            case _:
                await self.welcome()

    async def add(self, player: Player) -> None:
        up = [domain for domain in (A, B, C) if domain in self.game.world.ports]
        domain = self.game.dice.choice(up)
        newcomer = Player(self.game, Person(f"{domain}-{len(self.players)}"), domain, player.hub)
        self.players.append(newcomer)
        await newcomer.take_seat()
        await self.attempt(player, player.commit(add=(newcomer,)))

    async def welcome(self) -> None:
        """Whoever waits looks whether they may come in; who is stranded comes back."""
        for one in self.players:
            if one.domain not in self.game.world.ports:
                continue
            if one.state == "new":
                await one.arrive()
            elif one.state == "stranded":
                await self.attempt(one, one.come_back())

    async def settle(self) -> None:
        """Calm weather: everybody reads to the end, until nothing is left to do."""
        loss, self.game.loss = self.game.loss, 0.0
        for _ in range(6):
            await until(lambda: not any(self._has_news(domain) for domain in self.game.world.ports))
            await self.welcome()
            for one in self.inside:
                if one.domain in self.game.world.ports:
                    await self.attempt(one, one.sync())
        self.game.loss = loss

    def _has_news(self, domain: str) -> bool:
        up = set(self.game.world.ports)
        return any(row[0] in up for row in house(self.game.world, domain).database.read("SELECT domain FROM group_news"))

    async def race(self, count: int) -> None:
        """Several commit for one epoch, before any has heard of another."""
        some = self.game.dice.sample(self.inside, min(count, len(self.inside)))
        for one in some:
            await self.attempt(one, one.sync())
        ready = [one for one in some if one.state == "in" and one.pending is None]
        for one in ready:
            one._prepare((), ())
        for one in ready:
            await self.attempt(one, one._submit())

    async def lose_the_hub(self) -> None:
        """The hub dies; an admin moves the group to the first fallback; later the old hub is back."""
        world = self.game.world
        await until(lambda: house(world, B).database.first("SELECT 1 FROM group_standby"))
        await world.houses[A].stop()
        for _ in range(20):
            await self.step()
        world.clock.advance(700)
        survivors = [one for one in self.inside if one.domain != A]
        leader = max(survivors, key=lambda one: (one.group.epoch, one.after))
        names = leader.names()
        record = leader.record(B, [one.place for one in self.players if one.name in names])
        reply = await house(world, C).groups.ask(b"p" * 16, GroupCall(hub=B, request=GroupRequest(group=GROUP, take_over=record)))
        assert reply.HasField("done"), reply
        for _ in range(30):
            await self.step()
        await world.houses[A].start()
        house(world, B).groups.courier.heard_from(A)
        await until(lambda: house(world, A).database.first("SELECT 1 FROM mls_group WHERE moved != x''"))

    def check(self) -> None:
        """What has to hold at the end."""
        leader = max(self.inside, key=lambda one: (one.term, one.group.epoch))
        members = set(leader.names())
        assert {one.name for one in self.inside} == members
        for one in self.inside:
            assert one.group.epoch_authenticator == leader.group.epoch_authenticator, one.name
            meant = {text for text, (epoch, names) in self.game.accepted.items() if one.name in names and epoch >= one.epoch}
            missing = meant - one.read
            assert not missing, (one.name, missing)
        out = [one for one in self.players if one.state == "out"]
        assert not {one.name for one in out} & members


async def play(path: Path, seed: int, steps: int, most: int) -> Match:
    """A run by its seed."""
    print(f"seed {seed}")
    async with region(path, **PATIENT) as world:
        world.clock.set(NOW)
        game = Game(world, random.Random(seed), (A, B, C), Ed25519Secret.generate(SeededRandom("admin")))
        match = Match(game, most)
        await match.found()
        game.loss = 0.05
        for number in range(steps):
            await match.step()
            if number % 25 == 24:
                await match.race(3)
            if number % 100 == 99:
                domain = game.dice.choice((A, B, C))
                await world.houses[domain].stop()
                await world.houses[domain].start()
            if number == steps // 2:
                await match.lose_the_hub()
        await match.settle()
        match.check()
        return match


async def test_members_agree_after_random_acts_a_bad_network_and_a_lost_hub(tmp_path: Path) -> None:
    match = await play(tmp_path, 2, 120, 12)
    assert match.said > 30


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_many_random_acts_of_up_to_sixty_four_members(tmp_path: Path) -> None:
    """`MODEL_ACTS` makes it longer, `MODEL_SEED` another one."""
    await play(tmp_path, int(os.environ.get("MODEL_SEED") or 77), int(os.environ.get("MODEL_ACTS") or 500), 64)

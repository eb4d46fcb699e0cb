"""What can happen to a group (`Story.step`), how all becomes well again (`settle`), and what must hold then (`check`)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from tests.scenarios.group_ghost import Ghost

from connexa.content import GroupRole, read_state
from connexa.errors import ConnexaError
from connexa.node.groups.cards import alias_of
from connexa.node.groups.views import GroupStanding, GroupView
from connexa.testing import Fate, Killed, World
from connexa.testing.world import Device, House

DOMAINS = ("a.example", "b.example", "c.example")
IN = (GroupStanding.MEMBER, GroupStanding.INVITED, GroupStanding.LEAVING)
FULLY_IN = (GroupStanding.MEMBER, GroupStanding.LEAVING)  # what is said to those who are invited, they see if the group's rule says so
RANK = {GroupRole.MEMBER: 0, GroupRole.ADMIN: 1, GroupRole.OWNER: 2}
PAUSES = (0.0, 0.0, 0.0, 0.02, 0.2, 1.0, 5.0)
LOSS = 0.04  # of each misfortune of a call between homeservers
MOST_GHOSTS = 20
TRIES = 50
MOST_OF_ONE = 4  # devices
ROUNDS, ROUND_SECONDS = 400, 15.0  # of the loop's time, which costs nothing
LOST = "a hub was taken over"
LOST_ROUNDS, LOST_STEP = 60, 60.0  # so slowly things happen while a hub is lost
# While a hub is lost nobody comes or goes: what was said before a newcomer came, or by who has left, nobody says again to those it cut off.
WITHOUT_HUB = ("say", "rename", "many_at_once", "restart", "kill", "kill_a_homeserver", "drop_links", "cut_off_a_device", "slow_down")


@dataclass(frozen=True, slots=True)
class Row:
    """How a device stands to the group, by its own store."""

    standing: GroupStanding | None = None
    alias: bytes = b""  # another one with each time that it comes in
    shared: bytes = b""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text; the memberships (by alias) of which its author knew when it was said, and those that were over."""

    id: bytes
    by: Device
    text: str
    heard_by: frozenset[bytes]
    not_for: frozenset[bytes]


@dataclass(slots=True)
class Person:
    """Somebody with devices; the first one was the first."""

    address: str
    devices: list[Device]


@dataclass(slots=True)
class Story:
    """One group of a world, and everybody who may come into it; `choices` decides what happens."""

    world: World
    choices: random.Random
    most_devices: int
    people: list[Person] = field(default_factory=list)
    said: list[Spoken] = field(default_factory=list)
    ghosts: list[Ghost] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    friends: set[frozenset[str]] = field(default_factory=set)
    retired: list[Device] = field(default_factory=list)
    group: str = ""
    lost: str = ""  # the homeserver that is gone for now
    lost_log: list[tuple[int, int, bytes]] = field(default_factory=list)  # as it stood there
    largest: int = 0
    _last_seen: dict[bytes, int] = field(default_factory=dict)  # alias → newest epoch in which a speaker saw it
    _asleep: dict[str, Row] = field(default_factory=dict)  # of devices whose store is closed

    async def begin(self, people: int) -> None:
        """People at all three domains, contacts of the first one, who makes a group of two."""
        for number in range(people):
            address = f"p{number}@{DOMAINS[number % len(DOMAINS)]}"
            self.people.append(Person(address, await self.world.person(address)))
        founder, second = self.people[0], self.people[1]
        pairs = [*((founder, person) for person in self.people[1::2]), *((second, person) for person in self.people[2::2])]
        for one, other in (*pairs, *pairwise(self.people[2:])):
            await self.world.befriend(one.devices[0], other.devices[0])
            self.friends.add(frozenset((one.address, other.address)))
        desk = founder.devices[0].node.groups()
        self.group = (await desk.create("The group")).id
        await self._until_in(founder.devices[0])
        await desk.invite(self.group, second.address)
        await self._until_in(second.devices[0])
        await second.devices[0].node.groups().accept(self.group)
        self.world.network.fate = self._fate

    async def _until_in(self, device: Device) -> None:
        await device.until(lambda: True if self.row(device).standing in IN else None, what="being in the group")

    def _fate(self, _caller: str, _called: str) -> Fate:
        lot = self.choices.random()
        return next((fate for place, fate in enumerate((Fate.LOST, Fate.UNANSWERED, Fate.TWICE), 1) if lot < LOSS * place), Fate.PASSES)

    # ---- what is seen

    @property
    def public(self) -> bytes:
        return bytes.fromhex(self.group)

    @property
    def devices(self) -> list[Device]:
        return [device for person in self.people for device in person.devices]

    def row(self, device: Device) -> Row:
        """How a device stands, stopped or not."""
        if device.name in self._asleep:
            return self._asleep[device.name]
        found = device.read("SELECT state, alias, shared FROM mls_group WHERE public = ?", (self.public,))
        return Row(GroupStanding(found[0][0]), found[0][1], found[0][2]) if found else Row()

    def view(self, device: Device) -> GroupView:
        return device.node.groups().group(self.group)

    def members(self) -> list[Device]:
        """Running devices whose people take part, and whose homeserver is there."""
        there = [one for one in self.devices if one.runs and one.address.partition("@")[2] != self.lost]
        return [one for one in there if self.row(one).standing is GroupStanding.MEMBER]

    def texts(self, device: Device) -> list[str]:
        sql = "SELECT text FROM message JOIN conversation c ON c.id = conversation WHERE c.public = ? ORDER BY cursor"
        return [row[0] for row in device.read(sql, (self.public,))]

    def _rank(self, device: Device) -> int:
        address = self._person_of(device).address
        return next((RANK[one.role] for one in read_state(self.row(device).shared).people if str(one.address) == address), -1)

    def _any(self, devices: list[Device], *, rank: int = 0) -> Device:
        able = [one for one in devices if not rank or self._rank(one) >= rank]
        if not able:
            raise Unable
        return self.choices.choice(able)

    def _person(self, fits: Callable[[Person], bool]) -> Person:
        able = [one for one in self.people if fits(one)]
        if not able:
            raise Unable
        return self.choices.choice(able)

    def _person_of(self, device: Device) -> Person:
        return next(one for one in self.people if device in one.devices)

    def _stands(self, person: Person, *standings: GroupStanding | None) -> bool:
        return any(one.runs and self.row(one).standing in standings for one in person.devices)

    # ---- what happens

    async def step(self, wanted: int) -> None:
        """One thing, and perhaps some time; `wanted` is how many devices the group should come to have."""
        there = len([one for one in self.devices if self.row(one).standing in IN])
        self.largest = max(self.largest, there)
        growing = there < wanted
        acts: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.say, 40),
            (self.rename, 6),
            (self.set_history, 2),
            (self.set_role, 3),
            (self.many_at_once, 4),
            (self.a_week_passes, 1),
            (self.invite, 12 if growing else 2),
            (self.accept, 20),
            (self.decline, 1),
            (self.make_link, 3),
            (self.join_by_link, 10 if growing else 1),
            (self.leave, 1 if growing else 5),
            (self.remove, 1 if growing else 6),
            (self.new_device, 8 if growing else 1),
            (self.revoke_device, 1 if growing else 2),
            (self.restart, 6),
            (self.kill, 6),
            (self.kill_a_homeserver, 1),
            (self.drop_links, 4),
            (self.cut_off_a_device, 3),
            (self.cut_domains, 2),
            (self.slow_down, 3),
        ]
        able = [(act, weight) for act, weight in acts if not self.lost or act.__name__ in WITHOUT_HUB]
        for act in self.choices.choices([one for one, _ in able], [weight for _, weight in able], k=TRIES):
            if await self._do(act):
                break
        await self._wake_the_dead()
        await asyncio.sleep(self.choices.choice(PAUSES))

    async def _do(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Whether it could be done at all; a refusal with a code is an answer too."""
        try:
            await act()
        except Unable:
            return False
        except Killed:
            self.done["killed while asked"] += 1
        except ConnexaError as error:
            self.refused[error.code] += 1
        else:
            self.done[act.__name__] += 1
        return True

    async def say(self) -> None:
        await self._say(self._any(self.members()))

    async def _say(self, device: Device) -> None:
        seen = self.view(device)
        present = {alias_of(card) for card in read_state(self.row(device).shared).cards}
        for alias in present:
            self._last_seen[alias] = max(seen.epoch, self._last_seen.get(alias, 0))
        rows = [self.row(one) for one in self.devices]
        # It is encrypted for an epoch that the speaker knows: whoever has come since, and of whom they have not read, is not among those.
        heard_by = frozenset(row.alias for row in rows if row.standing in FULLY_IN) & present
        not_for = frozenset(alias for alias, last in self._last_seen.items() if alias not in present and last < seen.epoch)
        spoken = Spoken(self.choices.randbytes(16), device, f"text {len(self.said)}", heard_by, not_for)
        self.said.append(spoken)  # it may be durable though the program ends before it says so
        await device.node.send("", self.group, spoken.text, message_id=spoken.id.hex())

    async def rename(self) -> None:
        await self._any(self.members(), rank=1).node.groups().rename(self.group, f"Name {self.choices.randrange(1000)}")

    async def set_history(self) -> None:
        rule = self.choices.choice(("invited", "none"))
        await self._any(self.members(), rank=1).node.groups().set_history(self.group, rule)

    async def set_role(self) -> None:
        owner = self._any(self.members(), rank=2)
        one = self.choices.choice(self.view(owner).people)
        await owner.node.groups().set_role(self.group, one.address, self.choices.choice(list(GroupRole)))

    async def many_at_once(self) -> None:
        """Commits of several devices in one moment."""
        able = [one for one in self.members() if self._rank(one) >= 1]
        for one in self.choices.sample(able, min(4, len(able))):
            await one.node.groups().set_timer(self.group, 300 * 86_400 + self.choices.randrange(1000))

    async def a_week_passes(self) -> None:
        """New keys are due for every device, at once; twice in a story, for a log lives for a month."""
        if self.done["a_week_passes"] >= 2:
            raise Unable
        self.world.clock.advance(7.5 * 86_400)

    async def invite(self) -> None:
        device = self._any(self.members(), rank=1)
        own, there = self._person_of(device).address, {one.address for one in self.view(device).people}
        person = self._person(lambda one: frozenset((own, one.address)) in self.friends and one.address not in there)
        await device.node.groups().invite(self.group, person.address)

    async def accept(self) -> None:
        person = self._person(lambda one: self._stands(one, GroupStanding.INVITED))
        device = self._any([one for one in person.devices if one.runs and self.row(one).standing is GroupStanding.INVITED])
        await device.node.groups().accept(self.group)

    async def decline(self) -> None:
        person = self._person(lambda one: self._stands(one, GroupStanding.INVITED))
        await self._any([one for one in person.devices if one.runs]).node.groups().leave(self.group)

    async def make_link(self) -> None:
        await self._any(self.members(), rank=1).node.groups().make_link(self.group)

    async def join_by_link(self) -> None:
        """By the link as somebody has it, which may be over."""
        link = self._any(self.members()).node.groups().link(self.group).text
        person = self._person(lambda one: not self._stands(one, *IN))
        await self._any([one for one in person.devices if one.runs]).node.groups().join(link)

    async def leave(self) -> None:
        device = self._any(self.members())
        if len(self.view(device).people) < 3:
            raise Unable
        await device.node.groups().leave(self.group)

    async def remove(self) -> None:
        device = self._any(self.members(), rank=1)
        target = self.choices.choice(self.view(device).people)
        if len(self.view(device).people) < 3:
            raise Unable
        person = next(one for one in self.people if one.address == target.address)
        copied = [one for one in person.devices if one.runs and self.row(one).standing in IN]
        await device.node.groups().remove(self.group, target.address)
        if copied and len(self.ghosts) < MOST_GHOSTS:
            self.ghosts.append(Ghost.of(self.choices.choice(copied), self.public))

    async def new_device(self) -> None:
        if len(self.devices) + len(self.retired) >= self.most_devices:
            raise Unable
        person = self._person(lambda one: one.devices[0].runs and len(one.devices) < MOST_OF_ONE)
        await self._calm()
        number = sum(one.address == person.address for one in (*self.devices, *self.retired)) + 1
        person.devices.append(await self.world.linked(person.devices[0], f"{person.address.partition('@')[0]}-{number}"))

    async def revoke_device(self) -> None:
        person = self._person(lambda one: len(one.devices) > 1 and one.devices[0].runs and one.devices[-1].runs)
        await self._calm()
        device = person.devices.pop()
        self.retired.append(device)
        if self.row(device).standing in IN and len(self.ghosts) < MOST_GHOSTS:
            self.ghosts.append(Ghost.of(device, self.public))
        await person.devices[0].node.revoke_device("", device.name)

    # ---- what befalls programs and networks

    async def restart(self) -> None:
        await self._stop(self._any([one for one in self.devices if one.runs]))

    async def kill(self) -> None:
        """Somebody's program, at one of its next commits."""
        device = self._any([one for one in self.devices if one.runs])
        device.kill_at(self.choices.randint(1, 8), whole=self.choices.random() < 0.5)

    async def kill_a_homeserver(self) -> None:
        """The hub, or another one, at one of its next commits."""
        house = self.choices.choice([one for one in self.world.houses.values() if one.domain != self.lost])
        house.kill_at(self.choices.randint(1, 8), whole=self.choices.random() < 0.5)

    async def _wake_the_dead(self, chance: float = 0.5) -> None:
        """Some of those that ended are started again."""
        for house in self.world.houses.values():
            if not house.runs and house.domain != self.lost:
                self.done["a homeserver was killed"] += 1
                await house.stop()
                await house.start()
        for device in self.devices:
            if not device.runs and self.choices.random() < chance:
                await self._stop(device)
                del self._asleep[device.name]
                await device.start()

    async def _stop(self, device: Device) -> None:
        if device.name not in self._asleep:
            self._asleep[device.name] = self.row(device)
            await device.stop()

    async def drop_links(self) -> None:
        self.world.network.drop(self._any(self.devices).name)

    async def cut_off_a_device(self) -> None:
        device = self._any(self.devices)
        self._cut(device.name, device.address.partition("@")[2])

    async def cut_domains(self) -> None:
        self._cut(*self.choices.sample(DOMAINS, 2))

    def _cut(self, one: str, other: str) -> None:
        network = self.world.network
        network.cut(one, other)
        asyncio.get_running_loop().call_later(self.choices.choice((0.5, 5.0, 60.0)), network.heal, one, other)

    async def slow_down(self) -> None:
        """Some way takes longer from now on, or less long: what is under way is overtaken."""
        one = self.choices.choice((*DOMAINS, self._any(self.devices).name))
        other = self.choices.choice([domain for domain in DOMAINS if domain != one])
        self.world.network.delay(one, other, self.choices.choice((0.0, 0.0, 0.05, 0.5)))

    async def _calm(self) -> None:
        """All ways are open and quick, all homeservers run, nobody is about to be killed."""
        network = self.world.network
        for one, other in (*combinations(DOMAINS, 2), *((one.name, domain) for one in self.devices for domain in DOMAINS)):
            network.heal(one, other)
            network.delay(one, other, 0.0)
        programs: list[Device | House] = [*self.devices, *self.world.houses.values()]
        for program in programs:
            if program.runs:
                program.kill_at(0, whole=False)
        await self._wake_the_dead(chance=0.0)

    # ---- how a hub is lost

    async def lose_the_hub(self, wanted: int) -> None:
        """The homeserver that keeps the log is killed and gone until another one has taken its place, and then is back; the others go on.

        Where too few admins are at home elsewhere, or not enough of them are in one epoch, nothing can be done about a loss (Unable).
        """
        hub = self.view(self._any(self.members())).hub
        await self._appoint_others_than(hub)
        self.world.network.fate = self._fate
        self.lost, house = hub, self.world.houses[hub]
        house.kill_at(self.choices.randint(1, 8), whole=self.choices.random() < 0.5)
        for _ in range(TRIES):
            if not house.runs:
                break
            await self.step(wanted)
        self.lost_log = self._log_at(hub)
        await house.stop()
        elsewhere = [one for one in self.devices if not one.address.endswith(hub)]
        there: dict[str, str] = {}
        for _ in range(LOST_ROUNDS):
            await self.step(wanted)
            await asyncio.sleep(LOST_STEP)
            there = {one.name: self.view(one).hub for one in elsewhere if one.runs and self.row(one).standing is GroupStanding.MEMBER}
            if hub not in there.values():
                break
        self.lost = ""
        await house.start()
        await self.settle()
        self.world.network.fate = self._fate
        if set(there.values()) == {hub}:
            self.done["a hub came back first"] += 1
            raise Unable
        self.done[LOST] += 1

    async def _appoint_others_than(self, hub: str) -> None:
        """Let the owner make admins at the other homeservers, until they can let one of those take over."""
        enough = False
        for _ in range(TRIES):
            await self.settle()
            owner = self._any(self.members(), rank=2)
            view = self.view(owner)
            enough = view.succession.left >= view.succession.needed
            if enough and all(self._stands_by(one) for one in view.succession.fallbacks):
                break
            plain = [one for one in view.people if one.role is GroupRole.MEMBER and not one.address.endswith(hub)]
            if not enough and plain:
                await owner.node.groups().set_role(self.group, plain[0].address, GroupRole.ADMIN)
        if not enough:
            self.world.network.fate = self._fate
            raise Unable  # too few people of other homeservers are in it, or nobody who can say who leads it

    def _stands_by(self, domain: str) -> bool:
        return bool(self.world.houses[domain].read("SELECT 1 FROM group_standby WHERE mls = ?", (self.public,)))

    def _log_at(self, domain: str) -> list[tuple[int, int, bytes]]:
        sql = "SELECT seq, epoch, message FROM group_entry WHERE mls = ? ORDER BY seq"
        return [(row[0], row[1], row[2]) for row in self.world.houses[domain].read(sql, (self.public,))]

    # ---- how it ends

    async def settle(self) -> None:
        """No more misfortunes: everybody runs, invitations are accepted, and after some time all agree."""
        self.world.network.fate = lambda _caller, _called: Fate.PASSES
        await self._calm()
        await self._wake_the_dead(chance=1.0)
        for _ in range(ROUNDS):
            await asyncio.sleep(ROUND_SECONDS)
            await self._wake_the_dead(chance=1.0)
            for device in self.devices:
                await self._decide(device)
            if not self.unsettled():
                return
        raise AssertionError(f"they do not agree: {self.unsettled()}\n{self.figures()}\n{self.standings()}")

    async def _decide(self, device: Device) -> None:
        """An invitation is accepted; whoever came with a link that is over gives it up."""
        standing = self.row(device).standing
        desk = device.node.groups()
        if standing is GroupStanding.INVITED:
            await desk.accept(self.group)
        elif standing is GroupStanding.JOINING and self.view(device).trouble in ("group.unknown", "group.link_over"):
            self.refused[f"{self.view(device).trouble} for one who joins"] += 1
            await desk.leave(self.group)

    def unsettled(self) -> dict[str, str]:
        """What is not as it must be, by device; rosters are compared once nothing else is amiss."""
        found = {device.name: amiss for device in self.devices if (amiss := self._amiss(device))}
        if found:
            return found
        seen = Counter(self._roster(device) for device in self.members())
        if len(seen) != 1 or next(devices != count for (_, _, devices), count in seen.items()):
            found["everybody"] = f"epoch, roster and devices there: {dict(seen)}"
        return found

    def _amiss(self, device: Device) -> str:
        standing = self.row(device).standing
        amiss = [] if standing in (None, GroupStanding.MEMBER, GroupStanding.LEFT, GroupStanding.REMOVED) else [str(standing)]
        if standing is GroupStanding.MEMBER:
            amiss += [text for row in device.read("SELECT trouble, waits FROM mls_group WHERE public = ?", (self.public,)) for text in row]
            amiss += ["a change waits"] * len(device.read("SELECT 1 FROM group_wish LIMIT 1"))
        amiss += ["a message waits"] * len(device.read("SELECT 1 FROM message WHERE state = 'queued' AND author != '' LIMIT 1"))
        return ", ".join(filter(None, amiss))

    def _roster(self, device: Device) -> tuple[int, str, int]:
        view = self.view(device)
        return view.epoch, view.roster, sum(one.devices for one in view.people)

    async def last_words(self) -> None:
        """Everybody who is in says something that everybody hears."""
        for device in self.members():
            await self._say(device)
        await self.settle()

    def check(self) -> None:
        """Hold what everybody shows against what was said."""
        shown = {self.row(device).alias: (device, Counter(self.texts(device))) for device in (*self.devices, *self.retired)}
        here = {self.row(device).alias for device in self.members()}
        assert here
        accepted = 0
        for spoken in self.said:
            state = next((row[0] for row in spoken.by.read("SELECT state FROM message WHERE message = ?", (spoken.id,))), "never said")
            assert state in ("accepted", "refused", "never said"), (spoken.by.name, spoken.text, state)
            accepted += state == "accepted"
            for alias, (device, texts) in shown.items():
                assert texts[spoken.text] <= 1, (device.name, spoken.text, "twice")
                if state == "accepted" and alias in here and alias in spoken.heard_by:
                    assert texts[spoken.text] == 1, (device.name, spoken.text, "lost")
                if alias in spoken.not_for and device is not spoken.by:
                    assert not texts[spoken.text], (device.name, spoken.text, "heard by somebody who was not in the group any more")
        assert accepted > len(self.said) // 2, (accepted, len(self.said))
        self._check_the_removed()

    def _check_the_removed(self) -> None:
        """Nothing is left in their stores, and what they could have kept opens nothing."""
        for device in self.devices:
            if self.row(device).standing in (GroupStanding.LEFT, GroupStanding.REMOVED):
                assert not device.read("SELECT name FROM group_part WHERE public = ?", (self.public,)), device.name
        log = self._log_at(self.view(self.members()[0]).hub)
        log = [entry for entry in self.lost_log if not log or entry[0] < log[0][0]] + log
        for ghost in self.ghosts:
            read, gone = ghost.opens(log, int(self.world.clock()))
            assert not read
            self.done["a ghost that was removed"] += gone

    def standings(self) -> str:
        """How each device stands by its own store, for whoever looks for a fault."""
        columns = "state, hub, term, seq, heard, trouble, waits, disputed, staged != x'', substr(hex(alias), 1, 8)"
        lines = []
        for device in (*self.devices, *self.retired):
            row = device.read(f"SELECT {columns} FROM mls_group WHERE public = ?", (self.public,)) if device.runs else "does not run"
            wishes = device.read("SELECT kind, staged FROM group_wish") if device.runs else ()
            refused = device.read("SELECT at, fields FROM event WHERE kind = 'group.refused'") if device.runs else ()
            lines.append(f"{device.name}: {row} {wishes} {refused}")
        reader = self.members()[0]
        aliases = [(str(alias_of(card).hex())[:8].upper(), card.user.hex()[:6]) for card in read_state(self.row(reader).shared).cards]
        lines.append(f"{reader.name} knows {[(one.address, one.devices, one.role.name) for one in self.view(reader).people]} {aliases}")
        return "\n".join(lines)

    def figures(self) -> str:
        """What has happened, in one line."""
        happened = ", ".join(f"{count} {name}" for name, count in sorted(self.done.items()))
        refused = ", ".join(f"{count} {code}" for code, count in sorted(self.refused.items()))
        return f"{len(self.said)} said, at most {self.largest} devices; {happened}; refused: {refused}"


class Unable(Exception):
    """What was drawn cannot happen now."""

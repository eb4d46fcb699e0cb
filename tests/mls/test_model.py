"""Random groups on a hub that orders commits: members lag, lose, double and reorder, commit at the same time, restart and lose their state.

Whoever has reached an epoch has its authenticator; whatever is refused is refused by a typed error; at the end all are in step again,
each has read every message that it was a member for, and who was removed reads nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from connexa.mls import EpochError, MLSError, UnknownProposal, ValidationError
from connexa.mls.events import Application, Removed, Staged
from connexa.mls.group import Group
from connexa.mls.policy import Rules
from tests.mls.kit import NOW, Person, assert_typed

RULES = Rules(past_epochs=4)


@dataclass
class Entry:
    """One line of the hub's log: what was sent, by whom, in which epoch, and what it says if it is an application message."""

    raw: bytes
    sender: str
    epoch: int
    said: bytes | None = None


@dataclass
class Member:
    """One person's side: the group or its loss, and which lines of the log are still on their way."""

    person: Person
    group: Any = None
    inbox: list[int] = field(default_factory=list)
    read: set[bytes] = field(default_factory=set)
    owed: set[bytes] = field(default_factory=set)  # sent while we were a member, and still readable when it arrives


class World:
    """Everybody, and the hub between them; `random` decides everything."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = Random(seed)
        self.members = {f"p{number}": Member(Person.make(f"p{number}", 1000 * seed + number)) for number in range(size)}
        self.log: list[Entry] = []
        self.authenticators: dict[int, bytes] = {}
        self.group_info = b""
        self.counts: dict[str, int] = {}
        first = self.members["p0"]
        first.group = first.person.create(b"model", rules=RULES)
        self.epoch = 0
        self._begun(first)

    # What members do

    def step(self) -> None:
        """One random thing by one random person."""
        member = self.random.choice(list(self.members.values()))
        if member.group is None:
            return self.join(member)
        do = self.random.choices(
            (self.deliver, self.say, self.commit, self.propose, self.restart, self.race, self.lose), (60, 14, 8, 6, 6, 3, 1)
        )
        self.counts[do[0].__name__] = self.counts.get(do[0].__name__, 0) + 1
        return do[0](member)

    def join(self, member: Member) -> None:
        """By a Welcome of somebody who is up to date, or by an external commit."""
        inside = [other for other in self.members.values() if other.group is not None and other.group.epoch == self.epoch]
        if not inside or self.random.random() < 0.2:
            return self.rejoin(member)
        bundle = member.person.bundle()
        sponsor = self.random.choice(inside)
        staged = self.try_commit(sponsor, add=[bundle.key_package])
        if staged is not None and staged.welcome is not None:
            member.group = member.person.join(staged.welcome, bundle, rules=RULES)
            member.inbox = []
            assert member.group.epoch_authenticator == self.authenticators[self.epoch]
            self.counts["welcomed"] = self.counts.get("welcomed", 0) + 1
        return None

    def rejoin(self, member: Member) -> None:
        """By an external commit, which removes our old leaf if we still have one."""
        old = next((leaf for leaf in self.roster() if leaf.credential.identity == member.person.identity), None)
        group, staged = member.person.external_join(self.group_info, resync_leaf=old.leaf if old else None, rules=RULES)
        self._append(Entry(staged.commit, member.person.name, self.epoch))
        group.merge(staged, now=NOW)
        member.group, member.inbox, member.owed = group, [], set()
        self._next_epoch(member)
        self.counts["external"] = self.counts.get("external", 0) + 1

    def roster(self):
        """The members as the newest epoch has them, seen by whoever is in it."""
        return next(m.group.members() for m in self.members.values() if m.group is not None and m.group.epoch == self.epoch)

    def say(self, member: Member) -> None:
        """An application message, in whatever epoch the member is."""
        said = self.random.randbytes(12)
        epoch = member.group.epoch
        self._append(Entry(member.group.encrypt(said), member.person.name, epoch, said))

    def propose(self, member: Member) -> None:
        """An Update of our own, or a Remove of anybody."""
        group = member.group
        if group.epoch != self.epoch:
            return
        try:
            if self.random.random() < 0.6:
                raw = group.propose_update(now=NOW)
            else:
                raw = group.propose_remove(self.random.choice(group.members()).leaf, now=NOW)
        except ValidationError:
            return
        self._append(Entry(raw, member.person.name, self.epoch))

    def commit(self, member: Member) -> None:
        """What is pending, and perhaps an update or a removal; half of the committers look first what is new."""
        if self.random.random() < 0.5:
            self.catch_up(member)
        group = member.group
        if group is None:
            return
        others = [m.leaf for m in group.members() if m.leaf != group.own_leaf]
        remove = [self.random.choice(others)] if others and self.random.random() < 0.3 else []
        self.try_commit(member, remove=remove, update=self.random.random() < 0.5)

    def race(self, member: Member) -> None:
        """Two commits for one epoch: the hub takes the first, the second is discarded."""
        rivals = [m for m in self.members.values() if m.group is not None and m.group.epoch == self.epoch and m is not member]
        group = member.group
        if not rivals or group.epoch != self.epoch:
            return
        loser = group.commit(update=True, by_ref=(), now=NOW)
        before = group.dump()
        if self.try_commit(self.random.choice(rivals), update=True) is None:
            return
        group.discard(loser)
        assert group.dump() == before
        self.catch_up(member)

    def restart(self, member: Member) -> None:
        """From the dump, or from the store."""
        before = member.group.dump()
        member.group = member.person.restarted(member.group, from_store=self.random.random() < 0.5, rules=RULES)
        assert member.group.dump() == before

    def lose(self, member: Member) -> None:
        """The state is gone; an external commit repairs it."""
        if sum(m.group is not None and m.group.epoch == self.epoch for m in self.members.values()) > 1:
            member.person.forget_state()
            member.group = None
            self.rejoin(member)

    # What the hub does

    def try_commit(self, member: Member, **what) -> Any:
        """Commit if the member's epoch is the hub's; a list that does not hold is tried without what others proposed."""
        group = member.group
        if group.epoch != self.epoch:
            return None
        before = group.dump()
        try:
            staged = group.commit(now=NOW, **what)
        except ValidationError:
            assert group.dump() == before
            try:
                staged = group.commit(now=NOW, by_ref=(), **what)
            except ValidationError:
                return None
        assert group.dump() == before, "commit() changed the group"
        self._append(Entry(staged.commit, member.person.name, self.epoch))
        group.merge(staged, now=NOW)
        self._next_epoch(member)
        return staged

    def _append(self, entry: Entry) -> None:
        self.log.append(entry)
        for name, member in self.members.items():
            if member.group is not None and name != entry.sender:
                member.inbox.append(len(self.log) - 1)
                if entry.said is not None and member.group.epoch <= entry.epoch:
                    member.owed.add(entry.said)

    def _next_epoch(self, by: Member) -> None:
        self.epoch += 1
        self._begun(by)

    def _begun(self, by: Member) -> None:
        assert by.group is not None and by.group.epoch == self.epoch
        self.authenticators[self.epoch] = by.group.epoch_authenticator
        self.group_info = by.group.group_info()

    # What arrives

    def deliver(self, member: Member) -> None:
        """Some of what is on its way, at once; whoever was away for long gets it in a burst."""
        for _ in range(self.random.choice((1, 1, 4, 30))):
            self.deliver_one(member)

    def deliver_one(self, member: Member) -> None:
        """One of the next lines, perhaps too early, perhaps twice."""
        if not member.inbox or member.group is None:
            return
        at = self.random.randrange(min(3, len(member.inbox)))
        entry = self.log[member.inbox[at]]
        if self.take(member, entry) and member.inbox:
            del member.inbox[at]
        if member.group is not None and self.random.random() < 0.2:
            self.take(member, entry)

    def take(self, member: Member, entry: Entry) -> bool:
        """Give one line to one member; whether it is done with it."""
        group = member.group
        before = group.dump()
        try:
            event = group.process(entry.raw, now=NOW)
        except MLSError as error:
            assert_typed(error)
            assert group.dump() == before, f"{error!r} changed the state"
            if entry.said is not None and entry.said not in member.read:
                self.unread(member, entry.said, error)
            early = isinstance(error, UnknownProposal) or (isinstance(error, EpochError) and error.got > error.expected)
            return not early
        if isinstance(event, Application):
            assert event.data == entry.said
            assert event.data not in member.read, "one message was read twice"
            member.read.add(event.data)
        elif isinstance(event, Staged):
            group.merge(event.commit, now=NOW)
            assert group.epoch_authenticator == self.authenticators[group.epoch]
        elif isinstance(event, Removed):
            self.gone(member, group)
        return True

    def unread(self, member: Member, said: bytes, error: MLSError) -> None:
        """Only what is too early, or came so late that its epoch is kept no more, is not read."""
        assert isinstance(error, EpochError), f"an application message was lost: {error!r}"
        if error.got < error.expected:
            assert said not in member.owed or error.expected - error.got > RULES.past_epochs
            member.owed.discard(said)

    def gone(self, member: Member, group: Group) -> None:
        """Who was removed can do nothing more with what is left."""
        with pytest.raises(MLSError):
            group.encrypt(b"still here?")
        for entry in self.log[-5:]:
            with pytest.raises(MLSError):
                group.process(entry.raw, now=NOW)
        member.group, member.inbox, member.owed = None, [], set()
        self.counts["removed"] = self.counts.get("removed", 0) + 1

    def catch_up(self, member: Member) -> None:
        """Everything that is on its way, in order."""
        while member.inbox and member.group is not None:
            entry = self.log[member.inbox[0]]
            done = self.take(member, entry)
            assert done, "a line is too early although all before it were taken"
            if member.inbox:
                del member.inbox[0]

    def settle(self) -> None:
        """All are in step at last."""
        for member in self.members.values():
            self.catch_up(member)
        current = [member for member in self.members.values() if member.group is not None]
        assert {m.group.epoch for m in current} == {self.epoch}
        assert {m.group.epoch_authenticator for m in current} == {self.authenticators[self.epoch]}
        assert len({m.group.export("model", b"", 32) for m in current}) == 1
        assert all(m.owed <= m.read for m in current), "an application message was lost"
        assert sorted(m.person.identity for m in current) == sorted(m.credential.identity for m in self.roster())


def play(seed: int, size: int, steps: int) -> World:
    world = World(seed, size)
    for _ in range(steps):
        world.step()
    world.settle()
    return world


@pytest.mark.parametrize(("seed", "size", "steps"), [(1, 2, 120), (2, 3, 200), (3, 5, 250), (4, 9, 300), (5, 17, 300)])
def test_random_groups_stay_in_step(seed: int, size: int, steps: int) -> None:
    world = play(seed, size, steps)
    assert world.epoch > 3


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(6))
def test_groups_of_up_to_sixty_four_stay_in_step(seed: int) -> None:
    world = play(100 + seed, (2, 8, 16, 33, 50, 64)[seed], 2_000)
    assert all(world.counts.get(what) for what in ("welcomed", "external", "removed", "race", "lose", "restart")), world.counts

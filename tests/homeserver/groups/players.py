"""Members of real groups over real homeservers, for the model of delivery: what a node has to do to keep in step, and no more.

A `Player` is a device: an MLS group, a seat at the hub, and what it has had no answer to. The way between a player and its homeserver
loses requests and answers and doubles them; whatever a player asks again has the answer that it had.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from connexa.crypto import Ed25519Secret, sha256
from connexa.errors import NetworkError
from connexa.homeserver.groups.aliases import put_alias
from connexa.homeserver.groups.welcomes import done, waiting
from connexa.identity import DeviceId, Domain, GroupAdmins, issue_admins, sign_take_over, verify_take_over
from connexa.mls.events import Application, Removed, Staged
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackageBundle
from connexa.mls.public_group import PublicGroup
from connexa.testing import World
from connexa.wire.v1.groups_pb2 import (
    GetGroupInfo,
    GroupAdd,
    GroupBundle,
    GroupCall,
    GroupCreate,
    GroupEntry,
    GroupLog,
    GroupMode,
    GroupPlace,
    GroupRecord,
    GroupRefused,
    GroupReply,
    GroupRequest,
    GroupSend,
    GroupState,
    GroupStored,
    GroupTakeOver,
    TakeOver,
)
from tests.mls.people import AUTH, NOW, Person, package

from .kit import house

GROUP = bytes(range(32))
TRIES = 8


class Stranded(Exception):
    """This state leads nowhere: it is of a void branch, or of one whose log is gone; the player has to come back from outside."""


class Out(Exception):
    """The hub does not know this player any more."""


@dataclass
class Game:
    """What all players share: the world, its weather, and what was accepted."""

    world: World
    dice: random.Random
    hubs: tuple[Domain, ...]
    admin: Ed25519Secret
    loss: float = 0.0
    accepted: dict[bytes, tuple[int, frozenset[str]]] = field(default_factory=dict)
    """Text: the epoch in which it was sealed, and who was in the group."""

    def admins(self) -> GroupAdmins:
        return GroupAdmins(GROUP, 1, (self.admin.public.raw,), self.hubs[1:])

    async def ask(self, player: Player, request: GroupRequest) -> GroupReply:
        """Over a way that loses and doubles."""
        request.group, request.term, request.token = GROUP, player.term, player.token
        call = GroupCall(hub=player.hub, request=request)
        self._lose()
        if player.domain not in self.world.ports:
            raise NetworkError("test.down", "The homeserver is down.")
        server = house(self.world, player.domain)
        if self.dice.random() < self.loss:
            await server.groups.ask(b"p" * 16, call)
        reply = await server.groups.ask(b"p" * 16, call)
        self._lose()
        if reply.refused.code == "group.hub_silent":
            raise NetworkError(reply.refused.code, "The hub is down.")
        return reply

    def _lose(self) -> None:
        if self.dice.random() < self.loss:
            raise NetworkError("test.lost", "Lost on the way.")


@dataclass
class Player:
    """One device in the group, or on its way in."""

    game: Game
    person: Person
    domain: Domain
    hub: str
    term: int = 0
    after: int = 0
    epoch: int = 0  # in which it came in, or came back: nothing older opens
    state: str = "new"  # in, stranded, out
    alias: bytes = b""
    token: bytes = b""
    read: set[bytes] = field(default_factory=set)
    again: list[bytes] = field(default_factory=list)  # what a hub accepted whose word is void
    mine: dict[bytes, tuple[int, int, bytes]] = field(default_factory=dict)  # own message: term, number, text
    pending: tuple[GroupBundle, bytes] | None = None  # a commit without an answer
    unsent: tuple[GroupSend, bytes, frozenset[str]] | None = None
    returning: tuple[GroupBundle, Any, Any] | None = None
    offered: KeyPackageBundle | None = None

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def group(self) -> Any:
        return self.person.group

    @property
    def device(self) -> DeviceId:
        return DeviceId(sha256(self.name.encode()))

    @property
    def place(self) -> GroupPlace:
        return GroupPlace(domain=self.domain, alias=self.alias, token_hash=sha256(self.token))

    def names(self) -> dict[str, int]:
        """Who is in the group, by leaf."""
        return {member.credential.identity.decode(): member.leaf for member in self.group.members()}

    async def request(self, **request: Any) -> GroupReply:
        """Ask the hub; go where the group has moved to, if this state leads there."""
        while True:
            reply = await self.game.ask(self, GroupRequest(**request))
            match reply.refused.code:
                case "group.unknown":
                    raise Out
                case "group.moved":
                    if not self._move(reply.refused):
                        raise Stranded
                case _:
                    return reply

    def _move(self, refused: GroupRefused) -> bool:
        """Follow a take-over that holds; True where the group goes on from this state."""
        read = verify_take_over(refused.moved, self.game.admins())
        fits = self.state == "in" and self.group.epoch == read.epoch and self.after >= read.seq
        for term, seq, text in self.mine.values():
            if term == self.term and seq > read.seq:
                self.game.accepted.pop(text)
                self.again.append(text)
        self.hub, self.term = read.hub, read.term
        self.pending = None
        if fits:
            self.after = read.seq
        return fits

    # ---- ways in

    async def take_seat(self) -> None:
        """An alias that the own homeserver knows, and a key package to be added by."""
        self.alias, self.token, self.offered = self.person.rng(32), self.person.rng(32), self.person.bundle()
        server = house(self.game.world, self.domain)
        await server.writer.run(lambda execute: put_alias(execute, self.device, self.alias, 2_000_000_000))

    async def found(self) -> None:
        await self.take_seat()
        self.person.create(GROUP)
        first = GroupBundle(sealed=self.group.group_info(), own=self.place)
        first.admins.CopyFrom(issue_admins(self.game.admins(), self.game.admin))
        assert (await self.request(create=GroupCreate(mode=GroupMode.GROUP_MODE_BLIND, first=first))).HasField("stored")
        self.state = "in"

    async def arrive(self) -> None:
        """Join by a Welcome that waits here, then let it go."""
        server = house(self.game.world, self.domain)
        for kept in waiting(server.database.read, self.device).welcomes:
            if self.state == "new" and self.offered is not None:
                self.person.join(kept.welcome, self.offered)
                self.hub, self.term, self.after = kept.hub, int.from_bytes(kept.extra, "big"), kept.seq
                self.state, self.epoch, self.offered = "in", self.group.epoch, None
            await server.writer.run(lambda execute, one=kept: done(execute, self.device, [one.id]))  # type: ignore[misc]

    async def come_back(self) -> None:
        """Join again from outside in the place of the own old leaf."""
        for _ in range(TRIES):
            if self.returning is None:
                self.returning = await self._return()
            bundle, staged, group = self.returning
            reply = await self.request(commit=bundle)
            self.returning = None
            if reply.HasField("stored"):
                self.person.group = group
                group.merge(staged, now=NOW)
                self.after, self.epoch, self.state = reply.stored.seq, group.epoch, "in"
                self.pending = self.unsent = None
                return
            assert reply.refused.code == "group.wrong_epoch", reply

    async def _return(self) -> tuple[GroupBundle, Any, Any]:
        info = (await self.request(info=GetGroupInfo())).info
        sealed, old = GroupRecord.FromString(info.piece).sealed, self.group
        members = PublicGroup.begin(sealed, auth=AUTH, now=NOW).members()
        leaf = next((member.leaf for member in members if member.credential.identity == self.name.encode()), None)
        staged = self.person.external_join(sealed, resync_leaf=leaf)
        group, self.person.group = self.group, old
        bundle = GroupBundle(epoch=info.epoch, commit=staged.commit, sealed=staged.group_info, own=self.place, after=info.seq)
        return bundle, staged, group

    # ---- keeping in step

    async def sync(self) -> None:
        """Read the log to its end, then settle what has no answer."""
        while True:
            page = (await self.request(log=GroupLog(after=self.after, limit=50))).page
            if page.entries and page.entries[0].seq != self.after + 1:
                raise Stranded
            for entry in page.entries:
                self._take(entry)
                self.after = entry.seq
            if self.after >= page.newest:
                break
        if self.pending is not None:
            await self._submit()
        while self.unsent is not None or self.again:
            if self.unsent is None:
                self._seal(self.again.pop())
            if not await self._send():
                break

    def _take(self, entry: GroupEntry) -> None:
        """One entry of the log, in its order."""
        if self.pending is not None and entry.message == self.pending[0].commit:
            self.group.merge(self.group.load_staged(self.pending[1]), now=NOW)
            self.pending = None
        elif self.unsent is not None and entry.message == self.unsent[0].message:
            self._sent(entry.seq)
        elif entry.epoch >= self.epoch and entry.message not in self.mine:
            self._hear(entry.message)

    def _hear(self, message: bytes) -> None:
        match self.group.process(message, now=NOW):
            case Staged(commit=commit):
                self.group.merge(commit, now=NOW)
                self.pending = None  # another one was first
            case Application(data=text):
                self.read.add(text)
            case Removed():
                raise Out

    # ---- acts

    async def say(self, text: bytes) -> None:
        if self.unsent is None:
            self._seal(text)
        await self._send()

    def _seal(self, text: bytes) -> None:
        send = GroupSend(epoch=self.group.epoch, id=self.person.rng(16), message=self.group.encrypt(text))
        self.unsent = (send, text, frozenset(self.names()))

    async def _send(self) -> bool:
        """Send what waits; False where it has to wait until the log was read."""
        assert self.unsent is not None
        send, text, _ = self.unsent
        reply = await self.request(send=send)
        if reply.HasField("stored"):
            self._sent(reply.stored.seq)
            return True
        assert reply.refused.code == "group.epoch_too_old", reply
        self.unsent = None
        self.again.append(text)
        return False

    def _sent(self, seq: int) -> None:
        assert self.unsent is not None
        send, text, names = self.unsent
        self.game.accepted[text] = (send.epoch, names)
        self.mine[send.message] = (self.term, seq, text)
        self.read.add(text)
        self.unsent = None

    async def commit(self, *, add: tuple[Player, ...] = (), remove: tuple[Player, ...] = ()) -> bool:
        """Commit, as often as it takes to win; False where there is nothing to do any more."""
        for _ in range(TRIES):
            await self.sync()
            if self.pending is None and not self._prepare(add, remove):
                return False
            if await self._submit():
                return True
        return False

    def _prepare(self, add: tuple[Player, ...], remove: tuple[Player, ...]) -> bool:
        names = self.names()
        new = [(one, one.offered) for one in add if one.name not in names and one.offered is not None]
        gone = [one for one in remove if one.name in names and one is not self]
        if (add or remove) and not (new or gone):
            return False
        leaves = [names[one.name] for one in gone]
        staged = self.group.commit(add=[package(offered) for _, offered in new], remove=leaves, update=not (new or gone), now=NOW)
        bundle = GroupBundle(epoch=self.group.epoch, commit=staged.commit, sealed=staged.group_info, after=self.after)
        bundle.welcome = staged.welcome or b""
        for one, offered in new:
            ref = offered.key_package.ref(self.person.suite)
            bundle.adds.append(GroupAdd(place=one.place, ref=ref, extra=self.term.to_bytes(4, "big")))
        bundle.removes.extend(one.alias for one in gone)
        self.pending = (bundle, self.group.dump_staged(staged))
        return True

    async def _submit(self) -> bool:
        """Submit the commit that waits; it is merged when the log is read up to it."""
        assert self.pending is not None
        reply = await self.request(commit=self.pending[0])
        if not reply.HasField("stored"):
            assert reply.refused.code == "group.wrong_epoch", reply
            self.pending = None
            return False
        return isinstance(reply.stored, GroupStored)

    def restart(self) -> None:
        """The process ends and comes back with what was stored."""
        self.person.group = Group.load(self.group.dump(), **self.person.begun)

    def record(self, hub: Domain, places: list[GroupPlace]) -> GroupTakeOver:
        """A take-over by this hub, from where this player stands."""
        state = GroupState(places=places).SerializeToString()
        body = TakeOver(
            group=GROUP,
            term=self.term + 1,
            hub=hub,
            old_hub=self.hub,
            mode=GroupMode.GROUP_MODE_BLIND,
            epoch=self.group.epoch,
            seq=self.after,
            tag=bytes(32),
            state=sha256(state),
        ).SerializeToString()
        return GroupTakeOver(
            body=body,
            signatures=[sign_take_over(body, self.game.admin, self.game.world.clock())],
            state=state,
            sealed=self.group.group_info(),
        )

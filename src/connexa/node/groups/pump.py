"""The task that works for groups: it reads logs, sends what waits, and commits what is due; each group by itself, none holds up another.

A hint says that there may be something new; what there is says the log. A commit that was not the first is made anew behind a wait that
doubles, eight times at most, then later.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable

from connexa.content import GroupPerson, MemberCard
from connexa.errors import ConnexaError, IntegrityError, RefusedError
from connexa.identity import Domain, UserId
from connexa.node.account import Account
from connexa.node.delivery import Delivery, door_to
from connexa.node.directory import look_up
from connexa.node.group_calls import EpochTooOld, GroupMoved, WrongEpoch, create_group, fetch_log, leave_group, send_message, submit_commit
from connexa.node.groups.arrivals import is_arriving
from connexa.node.groups.book import GroupRow, end_group, group_of, groups_by_alias, live_groups, note_trouble, note_wait
from connexa.node.groups.chores import GroupChores, card_of
from connexa.node.groups.commits import created, drop_commit, stage_commit
from connexa.node.groups.intake import take_entries
from connexa.node.groups.leaving import hands_over, propose_to_leave
from connexa.node.groups.mending import LOST, may_mend
from connexa.node.groups.messages import next_to_send, seal_next, unseal
from connexa.node.groups.mover import Mover
from connexa.node.groups.moving import SILENT, has_say, is_planned
from connexa.node.groups.outside import come_in
from connexa.node.groups.places import accepted_by_hub
from connexa.node.groups.views import GroupStanding
from connexa.node.groups.wishes import admins_due, bereft, has_leavers, lacking_devices, wanted
from connexa.node.home import Home, first
from connexa.node.key_packages import claim_key_packages
from connexa.node.link import MailboxLink
from connexa.node.own_copies import has_other_devices
from connexa.node.people import person_by_user, person_of
from connexa.node.retry import Backoff, fraction
from connexa.node.wakeups import Wakeups, wait_for
from connexa.pairwise import week_of
from connexa.store import Execute
from connexa.tasks import TaskGroup
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupMode, GroupPage
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["GroupPump"]

TRIES = 8
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0
LATER = 30.0  # seconds until a group is tried again that could not go on
FIRST_RETRY = 1.0  # and at most until the first time where its hub did not answer, doubling
CHECK = 600.0  # seconds until a device that has a say where a group is looks whether its hub is there
ROUND = 3_600.0  # every group is looked at now and then
LEAVERS_WAIT = 1.0  # seconds at most, so that not everybody lets somebody go at once
OTHERS_WAIT = 2.0  # a device that is not the primary lets that one take in a new one; who came back from a backup comes in by themselves
PAGE = 128


class GroupPump:
    """The groups of one account; `run` is their task, `serve_link` runs as long as the mailbox link stands."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups, delivery: Delivery) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._ask = delivery.submitter
        self._chores: GroupChores | None = None
        self._due: set[int] = set()
        self._unasked: set[int] = set()  # groups whose log may be longer than was heard
        self._busy: set[int] = set()
        self._mover = Mover(home, account, delivery.submitter)
        self._claimed: dict[tuple[int, bytes], tuple[GroupPerson, tuple[MemberCard, ...]]] = {}  # for one group: each is good once
        self._later: dict[int, asyncio.TimerHandle] = {}
        self._failures: dict[int, Backoff] = {}  # of groups whose hub could not be asked, or refused

    # ---- what others tell it

    def go_on(self, groups: Iterable[int] | None = None, *, ask: bool = False) -> None:
        """Look at these groups, or at all; `ask`: at their logs too, though nobody has said that they are longer."""
        known = live_groups(self._home.database.read, self._account.id)
        due = known if groups is None else known & set(groups)
        self._due |= due
        if ask:
            self._unasked |= due
        self._wakeups.groups.set()

    async def hinted(self, hints: Iterable[tuple[bytes, int, str]]) -> None:
        """The homeserver says that something may be new."""
        heard = list(hints)
        if any(not seq for _, seq, _ in heard):
            self._wakeups.welcomes.set()
        await self._home.change(lambda execute: _note_heard(execute, self._account.id, heard))
        read, found = self._home.database.read, set[int]()
        for alias, seq, hub in heard:
            for number in groups_by_alias(read, self._account.id, alias) if seq else ():
                found.add(number)
                self._mover.rumour(number, hub)
        self.go_on(found)

    async def serve_link(self, link: MailboxLink) -> None:
        """Do what the own homeserver is needed for, at once and whenever there is something."""
        chores = self._chores = GroupChores(self._home, self._account, link)
        renew = True
        try:
            while True:
                try:
                    await chores.aliases(renew=renew)
                    await chores.welcomes()  # while what they were sealed to is here
                    await chores.key_packages()
                    await chores.aliases(renew=False)
                    renew = False
                except ConnexaError:
                    if link.ended is not None:
                        raise
                self.go_on(ask=True)
                await wait_for(self._wakeups.welcomes, ROUND)
        finally:
            self._chores = None

    # ---- its own task

    async def run(self) -> None:
        """Work for as long as the account runs; the logs come first, for they may show that this store is an old copy."""
        self.go_on(ask=True)
        try:
            async with TaskGroup() as tasks:
                while True:
                    due, self._due = self._due - self._busy, self._due & self._busy
                    for number in sorted(due):
                        self._busy.add(number)
                        tasks.create_task(self._serve(number))
                    await wait_for(self._wakeups.groups, ROUND)
        finally:
            for timer in self._later.values():  # the store is closed next
                timer.cancel()

    async def _serve(self, number: int) -> None:
        again = None
        try:
            again = await self._work(number)
            self._failures.pop(number, None)
            again = None if again is None else again * (0.5 + fraction(self._home.rng))
            row = group_of(self._home.database.read, number)
            if row.waits and row.state is not GroupStanding.WAITING:
                await self._home.change(lambda execute: note_wait(execute, self._home, self._account, number, ""))
            if again is None and has_say(group_of(self._home.database.read, number)):
                again = CHECK
        except GroupMoved as moved:
            again = FIRST_WAIT if await self._mover.follow(number, moved.record) else LATER
        except ConnexaError as error:
            code = error.code
            again = self._failures.setdefault(number, Backoff(self._home.rng, start=FIRST_RETRY, most=2 * LATER)).next()
            if code != SILENT:
                note = note_trouble if code.startswith(LOST) else note_wait  # what MLS cannot go on from is repaired from outside
                await self._home.change(lambda execute: note(execute, self._home, self._account, number, code))
            elif await self._mover.without_hub(number):
                again = FIRST_WAIT
        finally:
            self._busy.discard(number)
        if again is not None:
            self._go_on_later(number, again)
        self._wakeups.groups.set()  # it may be due again, and messages may have come that disappear

    def _go_on_later(self, number: int, seconds: float) -> None:
        if number in self._later:
            self._later[number].cancel()
        self._later[number] = asyncio.get_running_loop().call_later(seconds, lambda: self.go_on([number], ask=True))

    async def _work(self, number: int) -> float | None:
        """Do all that is due for one group; the seconds until it is to be tried again, or None."""
        home, account, read = self._home, self._account, self._home.database.read
        await self._mover.look(number)
        if group_of(read, number).state is GroupStanding.CREATING:
            await self._create(number)
        if group_of(read, number).state is GroupStanding.JOINING or is_arriving(read, number):
            await come_in(home, account, self._ask, number)
            self._wakeups.welcomes.set()  # the homeserver has to know the alias
        if group_of(read, number).state is GroupStanding.WAITING:
            return await self._come_back(number)
        row = group_of(read, number)
        if row.is_live and row.state is not GroupStanding.INVITED and row.trouble.startswith(LOST) and not row.disputed:
            await come_in(home, account, self._ask, number)
        backoff = Backoff(home.rng, start=FIRST_WAIT, most=LONGEST_WAIT)
        for again in range(TRIES):
            row = group_of(read, number)
            if again or number in self._unasked or row.heard > row.seq or row.staged or row.trouble:
                await self._sync(number)
            row = group_of(read, number)
            if not row.is_live:
                return None
            if row.trouble:
                if not await self._repair(row):
                    return LATER
                continue
            await self._send(number)
            if (row := group_of(read, number)).heard > row.seq:
                continue  # others were first: what was sent has its place behind them
            if row.state is GroupStanding.LEAVING:
                return await self._leave(number)
            if row.state is GroupStanding.INVITED:
                return None
            if is_planned(row):
                await self._mover.as_planned(number)
                if not (row := group_of(read, number)).is_live or row.trouble:
                    return LATER
            if has_leavers(read, home, account, row) or admins_due(home, account, row):
                await asyncio.sleep(fraction(home.rng) * LEAVERS_WAIT)
                await self._sync(number)
            found, own, lacking = await self._newcomers(group_of(read, number))
            if not await home.change(lambda execute: stage_commit(execute, home, account, number, found, own)):  # noqa: B023 - run at once
                return LATER if lacking or is_planned(group_of(read, number)) else None
            if not await self._submit(number):
                await asyncio.sleep(backoff.next())
        return LONGEST_WAIT

    async def _create(self, number: int) -> None:
        row = group_of(self._home.database.read, number)
        await create_group(self._ask, row.at, GroupMode.GROUP_MODE_BLIND, GroupBundle.FromString(row.bundle))
        await self._home.change(lambda execute: created(execute, self._home, self._account, number))
        self._wakeups.welcomes.set()

    async def _come_back(self, number: int) -> float | None:
        """Come in where a lost device was; where that is not possible any more, another own device has to, or somebody invites."""
        home, account, row = self._home, self._account, group_of(self._home.database.read, number)
        try:
            if row.token:
                await come_in(home, account, self._ask, number)
                self._wakeups.welcomes.set()  # the homeserver has to know the alias
                return 0.0
        except (RefusedError, IntegrityError) as error:
            if error.retryable or isinstance(error, GroupMoved):
                raise
        code = "group.own_device" if has_other_devices(home.database.read, account.id) else "group.not_in"
        await home.change(lambda execute: note_wait(execute, home, account, number, code))
        return ROUND if row.token else None

    async def _sync(self, number: int) -> None:
        """Read the log up to its end, or as far as the group can follow."""
        self._unasked.discard(number)  # before the question: whoever wants it asked from now on may mean what its answer lacks
        try:
            await self._read_log(number)
        except ConnexaError:
            self._unasked.add(number)
            raise

    async def _read_log(self, number: int) -> None:
        home, account = self._home, self._account
        while (row := group_of(home.database.read, number)).is_live:
            page = await fetch_log(self._ask, row.at, after=row.seq, limit=PAGE)
            if row.seq and page.oldest > row.seq + 1:
                await come_in(home, account, self._ask, number)  # what is missing is not kept any more
                continue
            went_on, ended = await home.change(lambda execute, found=page, heard=row.heard: self._take(execute, number, found, heard))  # type: ignore[misc]
            self._wakeups.group_receipts.set()
            if ended or not went_on:
                return

    def _take(self, execute: Execute, number: int, page: GroupPage, heard: int) -> tuple[bool, bool]:
        """Take a page in: whether the group could follow it, and whether nothing more is there; up to `heard` hints are older."""
        if not take_entries(execute, self._home, self._account, number, page.entries):
            return False, False
        execute("UPDATE mls_group SET silent = 0, hurried = 0 WHERE id = ? AND silent != 0", (number,))  # it answers
        if page.entries and page.entries[-1].seq < page.newest:
            return True, False
        # An older hint may have said more than there is; one that has come since the question says that there is more now.
        sql = "UPDATE mls_group SET heard = seq WHERE id = ? AND heard <= max(seq, ?) RETURNING id"
        return True, first(execute, sql, (number, heard)) is not None

    async def _repair(self, row: GroupRow) -> bool:
        """Go on from a commit that does not hold here; False where that is for others to do."""
        home, account, read = self._home, self._account, self._home.database.read
        if may_mend(read, account, row):
            await asyncio.sleep(fraction(home.rng) * OTHERS_WAIT)  # so that not every admin does
            await self._sync(row.id)
            if not may_mend(read, account, group_of(read, row.id)):
                return True
            if not await home.change(lambda execute: stage_commit(execute, home, account, row.id)):
                return False
            await self._submit(row.id)  # where another admin was first, the log says so
            return True
        if not row.trouble.startswith(LOST) or row.state is GroupStanding.INVITED:
            return False
        await come_in(home, account, self._ask, row.id)
        return True

    async def _send(self, number: int) -> None:
        """Append what waits to the log, in order."""
        home, account, read = self._home, self._account, self._home.database.read
        late = 0
        while (waiting := next_to_send(read, number)) is not None:
            outbox, entry, epoch, sealed = waiting
            if not sealed:
                await home.change(lambda execute: seal_next(execute, home, number))
                continue
            at = group_of(read, number).at
            try:
                stored = await send_message(self._ask, at, epoch=epoch, message_id=entry, message=sealed)
            except EpochTooOld:
                if (late := late + 1) > TRIES:
                    raise  # its log does not lead to the epoch that it asks for: each try costs a message key
                await home.change(lambda execute, row=outbox: unseal(execute, row))  # type: ignore[misc]
                await self._sync(number)
                if not group_of(read, number).is_live or group_of(read, number).trouble:
                    return
                continue
            accepted = functools.partial(
                accepted_by_hub, home=home, account=account, number=number, outbox=outbox, seq=stored.seq, term=at.term
            )
            await home.change(accepted)

    async def _leave(self, number: int) -> float | None:
        home, account = self._home, self._account
        if await home.change(lambda execute: hands_over(execute, home, account, number)):
            if await home.change(lambda execute: stage_commit(execute, home, account, number)):
                await self._submit(number)
                return FIRST_WAIT
            return LATER
        alone = await home.change(lambda execute: propose_to_leave(execute, home, account, number))
        if not alone:
            await self._send(number)
            return None  # somebody's commit does it, of which a hint comes
        await leave_group(self._ask, group_of(home.database.read, number).at)
        await home.change(lambda execute: end_group(execute, home, account, group_of(execute, number), GroupStanding.LEFT))
        self._wakeups.welcomes.set()
        return None

    async def _submit(self, number: int) -> bool:
        """Send the commit that is staged; False where another one was first."""
        home = self._home
        row = group_of(home.database.read, number)
        try:
            await submit_commit(self._ask, row.at, GroupBundle.FromString(row.bundle))
        except WrongEpoch:
            return False  # the log brings what was first, and the rest is planned anew
        except GroupMoved:
            raise
        except RefusedError as error:
            if not error.retryable:
                code = error.code
                await home.change(lambda execute: drop_commit(execute, home, self._account, number, code))
            raise
        return True

    # ---- who is to come in

    async def _newcomers(self, row: GroupRow) -> tuple[list[tuple[GroupPerson, tuple[MemberCard, ...]]], list[MemberCard], bool]:
        """Those who are wanted and whose devices have given key packages; own devices; and whether some are lacking still."""
        read, account = self._home.database.read, self._account
        if bereft(read, account, row.shared) or (lacking_devices(read, account, row.shared) and not account.is_primary):
            await asyncio.sleep(fraction(self._home.rng) * OTHERS_WAIT)
            await self._sync(row.id)
            row = group_of(read, row.id)
            if not row.is_live:
                return [], [], False
        found, missing, users = [], False, wanted(read, account, row)
        for group, user in [key for key in self._claimed if key[0] == row.id and key[1] not in users]:
            del self._claimed[group, user]
        for user in users:
            one = await self._devices_of(row.id, user)
            missing = missing or one is None
            found += [one] if one is not None else []
        lacking = lacking_devices(read, account, row.shared)
        own = await self._chores.own_cards(lacking) if lacking and self._chores is not None else []
        return found, own, missing or len(own) < len(lacking)

    async def _devices_of(self, group: int, user: bytes) -> tuple[GroupPerson, tuple[MemberCard, ...]] | None:
        """A key package of each device of a contact; None where there is none now."""
        if (group, user) in self._claimed:
            return self._claimed[group, user]
        home, account, read = self._home, self._account, self._home.database.read
        person, now = person_by_user(read, account.id, user), home.clock()
        door = door_to(person, now) if person is not None and person.answers and not person.rival else None
        if person is None or door is None or door.kind != "token":
            return None
        remote = await home.domains.book(self._ask.ask_domain).require(Domain(person.address.domain))
        if person.looked_week != week_of(now):
            await look_up(home, account, person, door, self._ask, remote.keys)
            person = person_of(read, person.id)
        claimed = await claim_key_packages(self._ask, person, [], door, now=now, rng=home.rng)
        if not claimed:
            return None
        attestation = Signed.FromString(person.attestation)
        who = GroupPerson(UserId(person.user), person.address, person.user_key, attestation, by=account.user_id)
        self._claimed[group, user] = (who, tuple(card_of(one) for one in claimed))
        return self._claimed[group, user]


def _note_heard(execute: Execute, account: int, hints: Iterable[tuple[bytes, int, str]]) -> None:
    for alias, seq, hub in hints:
        execute("UPDATE mls_group SET heard = max(heard, ?) WHERE account = ? AND alias = ? AND hub = ?", (seq, account, alias, hub))

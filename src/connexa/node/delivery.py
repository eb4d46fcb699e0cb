"""From the outbox to the submit link: for each person in turn, find the door, the devices and the sessions, then seal in order.

A person whose mail cannot go does not hold up the others. Waits are short and in memory; what has to outlive a restart (a closed door, a
request without an answer) stands in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from connexa.content import ContactState
from connexa.crypto import Ed25519Public
from connexa.errors import ConnexaError, IntegrityError, NetworkError
from connexa.identity import Domain
from connexa.node.account import Account, sender_certificate
from connexa.node.devices import Recipient, recipient_of, sending_sessions
from connexa.node.directory import Asker, DirectoryRefused, claim, look_up
from connexa.node.home import Home, Query
from connexa.node.log import sent_as
from connexa.node.outbox import done_with, keep_texts, mark_sealed, only_receipts, people_waiting, waiting_for
from connexa.node.outcomes import Settled, door_closed, key_gone
from connexa.node.people import Person, person_of
from connexa.node.retry import Backoff, fraction
from connexa.node.sealing import Door, seal_envelope
from connexa.node.states import message_state, waits
from connexa.node.steps import take_step
from connexa.node.streams import (
    STREAM_LIFE,
    Stream,
    bind,
    close_streams,
    current_stream,
    is_unfinished,
    note_asked,
    retire_stream,
    step_towards,
    unfinished_steps,
)
from connexa.node.submit import Submitter
from connexa.node.trust import IDENTITY_CHANGED, warn
from connexa.node.views import MessageState
from connexa.node.wakeups import Wakeups, wait_for
from connexa.pairwise import week_of, weekly_key
from connexa.store import Execute
from connexa.tasks import TaskGroup
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Status

__all__ = ["Delivery", "door_to"]

AT_ONCE = 8  # people served at the same time
BATCH = 16  # envelopes sealed in one operation: they hold the loop for some milliseconds
REQUEST_WAIT = 30 * 86_400  # before a request without an answer may be followed by another
LONGEST_PAUSE = 60.0
SENDER_MARGIN = 1_800  # seconds that a certificate must still be good for when it goes into an envelope
DISTRUST_PAUSE = 600.0
RENEW_EVERY = 1_800.0  # seconds, from half to one and a half: when receipts may ask for the sealing keys of a new week
CALM = 600.0  # seconds without trouble after which waits are short again


class Delivery:
    """The pump of one account; `run` is its task."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self.submitter = Submitter(home, account, wakeups, self.settled)
        self._busy: set[int] = set()
        self._paused: dict[int, float] = {}
        self._changed: set[int] = set()  # people about whom there was news while they were served
        self._backoffs: dict[int, tuple[Backoff, float]] = {}  # with the time of the last trouble: sealing alone ends none
        self._renewed: set[int] = set()  # people for whom receipts alone may cause a look-up
        self._tasks = TaskGroup()

    def go_on(self, people: Iterable[int]) -> None:
        """Something has changed for these people: try at once."""
        for person in people:
            self._paused.pop(person, None)
            self._changed.add(person)
        self._wakeups.outbox.set()

    def settled(self, settled: Settled) -> None:
        """Go on with what a commit or an outcome has set free."""
        for person in settled.later:
            self._pause(person)
        if settled.own_copies:
            self._wakeups.own_copies.set()
        self.go_on(settled.again)

    async def run(self) -> None:
        """Serve everybody for whom something waits, for as long as the account runs."""
        await self._home.change(lambda execute: close_streams(execute, self._account.id, self._home.clock()))
        async with TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self.submitter.run())
            tasks.create_task(self._renew())
            for step in unfinished_steps(self._home.database.read, self._account.id):
                tasks.create_task(self._finish(step))
            while True:
                now = asyncio.get_running_loop().time()
                self._paused = {person: until for person, until in self._paused.items() if until > now}
                for person in people_waiting(self._home.database.read, self._account.id):
                    if person not in self._busy and person not in self._paused and len(self._busy) < AT_ONCE:
                        self._busy.add(person)
                        self._changed.discard(person)
                        tasks.create_task(self.serve(person))
                await wait_for(self._wakeups.outbox, self._until_next(now))

    async def _renew(self) -> None:
        """Let receipts ask for a new week's keys at times of our own: no arrival causes a look-up (P40)."""
        while True:
            await asyncio.sleep(RENEW_EVERY * (0.5 + fraction(self._home.rng)))
            self._renewed = set(people_waiting(self._home.database.read, self._account.id))
            self.go_on(self._renewed)

    def _until_next(self, now: float) -> float:
        return max(0.05, min([LONGEST_PAUSE, *(until - now for until in self._paused.values())]))

    def _pause(self, person: int, seconds: float | None = None) -> None:
        if person in self._changed:
            return  # what made it wait may be over
        now = asyncio.get_running_loop().time()
        backoff, since = self._backoffs.get(person, (None, 0.0))
        if backoff is None or now > since + CALM:
            backoff = Backoff(self._home.rng, start=0.5, most=LONGEST_PAUSE)
        self._backoffs[person] = backoff, now
        self._paused[person] = now + (backoff.next() if seconds is None else seconds)

    async def serve(self, number: int) -> None:
        """Send a batch of what waits for somebody, or note why it waits."""
        try:
            person = person_of(self._home.database.read, number)
            if self._is_for_later(person):
                self._changed.discard(number)
                self._pause(number, RENEW_EVERY)
                return
            reason = await self._deliver(person)
            await self._show_wait(person, reason)
            if reason:
                self._pause(number, LONGEST_PAUSE)
            else:
                self._paused.pop(number, None)
        except DirectoryRefused as refusal:
            await self._directory_refused(number, refusal)
        except IntegrityError as error:
            if person_of(self._home.database.read, number).state is not ContactState.REPLACED:  # else their new key is served next
                self._pause(number, DISTRUST_PAUSE)
                await self._distrust(number, error.code)
        except ConnexaError as error:
            self._pause(number)
            await self._show_wait(person_of(self._home.database.read, number), error.code)
        finally:
            self._busy.discard(number)
            self._wakeups.outbox.set()

    def _is_for_later(self, person: Person) -> bool:
        """Whether only receipts wait, for which this week's keys would have to be asked for: they wait for the owner or the clock."""
        if person.id in self._renewed or not 0 < person.looked_week < week_of(self._home.clock()):
            return False
        return only_receipts(self._home.database.read, self._account.id, person.id)

    async def _deliver(self, person: Person) -> str:
        """Send a batch to somebody; returns why the rest waits, or nothing."""
        if person.state in (ContactState.BLOCKED, ContactState.REJECTED, ContactState.REPLACED):
            await self._home.change(lambda execute: _drop(execute, person.id))
            return ""
        if person.rival:
            return IDENTITY_CHANGED  # until the owner has decided (P26)
        now = self._home.clock()
        sender = sender_certificate(self._home.database.read, self._account.id, now + SENDER_MARGIN)
        if sender is None:
            self._wakeups.upkeep.set()
            raise NetworkError("sender.none", "The homeserver has not certified this device for today yet.")
        remote = await self._home.domains.book(self.submitter.ask_domain).require(Domain(person.address.domain))
        door = door_to(person, now)
        if (door is None or door.is_first_contact) and not await self._home.change(
            lambda execute: keep_texts(execute, self._account.id, person.id)
        ):
            return ""  # a receipt is not worth a step, and its look-up would come of an arrival (P40)
        if door is None:
            return "request.waiting" if not person.answers else "right.bad"
        if door.kind == "stranger":
            return await self._request(person, sender, remote.keys)
        await self._prepare(person, door, self.submitter, remote.keys)
        stream = await self._home.change(lambda execute: self._seal(execute, person.id, door, sender, None))
        if stream is None:
            self._wakeups.upkeep.set()
            raise NetworkError("pass.none", "No passes are left; more are being fetched.")
        self.submitter.wake()
        return ""

    async def _prepare(self, person: Person, door: Door, ask: Asker, keys: Sequence[Ed25519Public]) -> None:
        """Make sure that this week's devices and a session with each of them are there."""
        now, query = self._home.clock(), self._home.database.read
        if person.looked_week != week_of(now):
            await look_up(self._home, self._account, person, door, ask, keys)
            person = person_of(query, person.id)
        to = self._recipient(query, person, now)
        if to is None:
            raise NetworkError("devices.unknown", "The devices of that person are not known yet.")
        if not to.devices:
            raise NetworkError("devices.away", "All devices of that person have been away for long.")  # P47: kept, and asked for again
        if missing := sending_sessions(query, self._account.id, to, now).missing():
            await claim(self._home, self._account, person, missing, door, ask)

    def _recipient(self, query: Query, person: Person, now: float) -> Recipient | None:
        devices = person.devices
        if devices is None:
            return None
        signed = Signed.FromString(person.device_list)
        return recipient_of(query, self._account.id, person.id, person.user, person.address.domain, signed, devices, now)

    def seal_at_once(self, execute: Execute, person: Person) -> None:
        """Seal in the operation of the message itself, where nothing has to be asked first: it waits for the disk once less."""
        now = self._home.clock()
        sender, door = sender_certificate(execute, self._account.id, now + SENDER_MARGIN), door_to(person, now)
        trusted = self._home.domains.trusted(person.address.domain)
        if sender is None or door is None or door.kind != "token" or person.looked_week != week_of(now):
            return
        if trusted is None or trusted.provisional or person.rival:
            return
        stream = current_stream(execute, self._account.id, now)
        if stream is not None:
            self._seal_batch(execute, person, door, sender, stream)

    def _seal(self, execute: Execute, number: int, door: Door, sender: Signed, step: Stream | None) -> Stream | None:
        """Seal a batch of what waits for somebody; None without a pass."""
        now, person = self._home.clock(), person_of(execute, number)
        stream = step or current_stream(execute, self._account.id, now)
        if stream is None:
            return None
        if door.is_first_contact and keep_texts(execute, self._account.id, number):
            execute("UPDATE person SET stranger_from = ? WHERE id = ?", (now + REQUEST_WAIT, number))
        if not self._seal_batch(execute, person, door, sender, stream):
            raise NetworkError("devices.stale", "The devices of that person have changed just now.")
        return stream

    def _seal_batch(self, execute: Execute, person: Person, door: Door, sender: Signed, stream: Stream) -> bool:
        """Seal in order, in the operation that numbers the envelopes and stores the sessions; False where a session is missing."""
        now, account = self._home.clock(), self._account
        to = self._recipient(execute, person, now)
        if to is None or not to.devices:
            return False
        sessions = sending_sessions(execute, account.id, to, now)
        if sessions.missing():
            return False
        for row in waiting_for(execute, account.id, person.id, 1 if door.is_first_contact else BATCH):
            raw, content = seal_envelope(execute, account, to, sessions, row.what, door, sender, now, self._home.rng)
            bind(execute, stream.id, account.id, row.id, door.kind, door.profile, raw, now)
            mark_sealed(execute, account.id, row, [key.device for key in to.devices], now)
            if row.kind == "text":
                sent_as(execute, account, row.what.message, content)
        sessions.store(execute)
        return True

    async def _request(self, person: Person, sender: Signed, keys: Sequence[Ed25519Public]) -> str:
        now = self._home.clock()
        step = await self._home.change(lambda execute: step_towards(execute, self._account.id, person.id, now))
        if step is None:
            self._wakeups.upkeep.set()
            raise NetworkError("pass.none", "No passes are left; more are being fetched.")
        door = Door("stranger", id=step.name)

        async def prepare(link: Asker) -> None:
            await self._home.change(lambda execute: note_asked(execute, step.id, now))  # from here on a "no" may have spent it
            await self._prepare(person, door, link, keys)
            await self._home.change(lambda execute: self._seal(execute, person.id, door, sender, step))

        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks.create_task(self._walk(step, prepare, committed))
        await committed  # what comes of it later is heard by the step's own task
        return ""

    async def _walk(self, step: Stream, prepare: Callable[[Asker], Awaitable[None]], committed: asyncio.Future[None]) -> None:
        def done() -> None:
            if not committed.done():
                committed.set_result(None)

        try:
            await take_step(self._home, self._account, step, prepare, self.settled, done)
        except ConnexaError as error:
            if not committed.done():
                committed.set_exception(error)
        finally:
            if not committed.done():
                committed.set_exception(NetworkError("link.closed", "The link to the homeserver was lost."))
        if is_unfinished(self._home.database.read, step.id):
            await self._finish(step)  # the request is sealed: nobody else takes it up

    async def _finish(self, step: Stream) -> None:
        """Send a request whose step was cut off; where its pass is over, it is sealed anew for another one."""

        async def prepare(link: Asker) -> None:
            del link  # it is sealed already

        backoff = Backoff(self._home.rng, most=LONGEST_PAUSE)
        while self._home.clock() < step.opened + STREAM_LIFE:
            try:
                await take_step(self._home, self._account, step, prepare, self.settled, lambda: None)
                return
            except ConnexaError as error:
                if not error.retryable:
                    break
                await asyncio.sleep(backoff.next())
        now = self._home.clock()
        await self._home.change(lambda execute: _give_up(execute, step, now))
        self.go_on([step.person])

    async def _directory_refused(self, number: int, refusal: DirectoryRefused) -> None:
        if refusal.retryable:
            self._pause(number)
            await self._show_wait(person_of(self._home.database.read, number), refusal.code)
            return
        await self._home.change(lambda execute: self._no_answer(execute, number, refusal))

    def _no_answer(self, execute: Execute, number: int, refusal: DirectoryRefused) -> None:
        """A token or invite that no longer opens leads to another door; a stranger's "no" is the end of the message."""
        now, door = self._home.clock(), refusal.door
        if refusal.status == Status.STATUS_NO_SUCH_USER and door.kind == "token":
            key_gone(execute, number)
            return
        if refusal.status == Status.STATUS_BAD_RIGHT and door.kind != "stranger":
            door_closed(execute, number, door.kind, door.profile, now)
            return
        for row in waiting_for(execute, self._account.id, number, 64):
            if row.kind == "text":
                message_state(
                    execute, self._home.events, self._account.id, row.what.message, MessageState.REFUSED, now, reason=refusal.code
                )
            done_with(execute, row.id)

    async def _distrust(self, number: int, code: str) -> None:
        def show(execute: Execute) -> None:
            person = person_of(execute, number)
            if person.warning != code:
                warn(execute, self._home, self._account, person, code)
            self._note_wait(execute, person, code)

        await self._home.change(show)

    async def _show_wait(self, person: Person, reason: str) -> None:
        if person.waits != reason:
            await self._home.change(lambda execute: self._note_wait(execute, person, reason))

    def _note_wait(self, execute: Execute, person: Person, reason: str) -> None:
        execute("UPDATE person SET waits = ? WHERE id = ?", (reason, person.id))
        waits(execute, self._account.id, person.id, reason)
        self._home.events.record(
            execute, str(self._account.address), "delivery.waits", self._home.clock(), address=str(person.address), reason=reason
        )


def door_to(person: Person, now: float) -> Door | None:
    """The right by which mail to somebody goes now; None where it has to wait (first-message §7)."""
    if person.profile_key:
        return Door("token", weekly_key(person.profile_key, week_of(now)), profile=person.profile_key)
    if now < person.stranger_from:
        return None
    if person.invite and now < person.invite_until:
        return Door("invite", person.invite_secret, person.invite)
    return Door("stranger")


def _drop(execute: Execute, person: int) -> None:
    execute("DELETE FROM outbox WHERE person = ? AND state = 'waiting'", (person,))


def _give_up(execute: Execute, step: Stream, now: float) -> None:
    retire_stream(execute, step.id, now)
    execute("UPDATE person SET stranger_from = 0 WHERE id = ?", (step.person,))

"""The other processes that serve this domain from the same store: hearing of what they did, telling them, and who does what one alone may.

Every transaction begins with what the others stored (`store.Opening`). An idle process hears by wake-ups, and by looking once a second, or
more often where wake-ups are dead. One process, the steward, holds a lease for the queues to other domains and for upkeep; its
transactions are fenced: they fail once another one has taken the lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from connexa.errors import ConflictError, ConnexaError
from connexa.homeserver.devices import newest_version
from connexa.homeserver.shared.loads import SharedLoads
from connexa.homeserver.shared.sequence import SharedSequence
from connexa.homeserver.shared.wakeups import Heard, Wakeups
from connexa.homeserver.tables import first
from connexa.identity import DeviceId, Domain, UserId
from connexa.store import Execute, Row, Writer
from connexa.store.shared import SharedDatabase
from connexa.wire.v1.groups_pb2 import GroupHints
from connexa.wire.v1.link_pb2 import Notice

if TYPE_CHECKING:
    from connexa.homeserver.homeserver import Homeserver

__all__ = ["FencedWriter", "Siblings"]

T = TypeVar("T")

LOOK_SECONDS: Final = 1.0
DEAF_SECONDS: Final = 0.2  # the same where no wake-ups come
LEASE_SECONDS: Final = 10
RENEW_SECONDS: Final = 3.0
_NOW: Final = "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)"  # the clock that all of them share
_HOLD: Final = (
    f"INSERT INTO lease (name, holder, until) VALUES ('steward', ?, {_NOW} + ?)"  # noqa: S608 - constants
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    f" WHERE lease.holder = excluded.holder OR lease.until <= {_NOW} RETURNING until"
)


class FencedWriter:
    """Runs operations that are the steward's alone."""

    def __init__(self, writer: Writer, holder: bytes) -> None:
        self._writer = writer
        self._holder = holder

    async def run(self, operation: Callable[[Execute], T]) -> T:
        """Run it where the lease is still ours, else refuse with `lease.lost`."""
        return await self._writer.run(lambda execute: self._fenced(execute, operation))

    def _fenced(self, execute: Execute, operation: Callable[[Execute], T]) -> T:
        if first(execute, "SELECT 1 FROM lease WHERE name = 'steward' AND holder = ?", (self._holder,)) is None:
            raise ConflictError("lease.lost", "Another process does this now.", retryable=True)
        return operation(execute)


class Siblings:
    """What one process knows of the others."""

    def __init__(self, house: Homeserver, store: SharedDatabase, sequence: SharedSequence, loads: SharedLoads, holder: bytes) -> None:
        settings = house.settings
        self._house = house
        self._store = store
        self._sequence = sequence
        self._loads = loads
        self._holder = holder
        self._seen = sequence.newest
        self._said: dict[bytes, int] = {}
        self._held_until = 0.0
        self._wakeups: Wakeups | None = None
        if settings.wakeups:
            self._wakeups = Wakeups(settings.wakeups, settings.wakeups_credentials, f"connexa.{house.domain}", self._hear)
        store.open_with(self)
        store.watch_others("device", "device", self._logged_in, ("UPDATE OF last_seen",))
        store.watch_others("device", "device", self._removed, ("DELETE",))
        store.watch_others("device_list", "user", self._listed, ("INSERT",))
        store.watch_others("outcome", "stream", house.outcomes.tell, ("INSERT",))
        store.watch_others("remote", "domain", self._pinned, ("INSERT", "UPDATE", "DELETE"))

    @property
    def steward(self) -> bool:
        """Whether this process holds the lease."""
        return asyncio.get_running_loop().time() < self._held_until

    # ---- what the others did

    def questions(self) -> Sequence[str]:
        """Whose mailboxes they filled since our last transaction."""
        return (f"SELECT device, max(seq) FROM mailbox WHERE seq > {self._seen} GROUP BY device",)  # noqa: S608 - a number

    def answered(self, answers: Sequence[list[Row]], afresh: bool) -> None:
        """Take it in, before anything of this transaction is judged."""
        self._sequence.begin()
        self._loads.begin()
        self._seen = self._sequence.newest
        if afresh:
            self._house.doors.clear()
            self._loads.clear()
            self._house.links.look()
        for device, seq in answers[0]:
            self._house.links.arrived_elsewhere(device, seq)

    def _logged_in(self, device: bytes) -> None:
        self._house.links.logged_in_elsewhere(device)

    def _removed(self, device: bytes) -> None:
        self._house.links.expel([DeviceId(device)])

    def _listed(self, user: bytes) -> None:
        number = newest_version(self._store.read, UserId(user))
        self._house.links.notify_user(UserId(user), Notice(code="devices.changed", number=number))

    def _pinned(self, domain: bytes) -> None:
        self._house.remote_table.reread(Domain(domain.decode()))

    # ---- telling them

    def mail(self, device: bytes, seq: int) -> None:
        """A row was committed for a device that is not linked here."""
        if not self._said:
            asyncio.get_running_loop().call_soon(self._say_mail)
        self._said[device] = seq

    def hint(self, device: bytes, hints: GroupHints) -> None:
        """A device that is not linked here has something to read in its groups."""
        self._say(Heard(hints=((device, hints.SerializeToString()),)))

    def queue(self, domain: str) -> None:
        """Something waits for a domain, and this process is not the steward."""
        self._say(Heard(queues=(domain,)))

    def _say_mail(self) -> None:
        said, self._said = self._said, {}
        self._say(Heard(mail=said))

    def _say(self, said: Heard) -> None:
        if self._wakeups is not None:
            self._wakeups.say(said)

    def _hear(self, heard: Heard) -> None:
        for device, seq in heard.mail.items():
            self._house.links.arrived_elsewhere(device, seq)
        for device, hints in heard.hints:
            self._house.links.hint_here(DeviceId(device), GroupHints.FromString(hints))
        for domain in heard.queues:
            if self.steward:
                self._house.queue.wake(Domain(domain))

    # ---- its own work

    async def run(self, duties: Callable[[], Awaitable[Any]]) -> None:
        """Look at what the others do, and do the steward's duties while this process is it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._wakeups is not None:
                tasks.create_task(self._wakeups.run())
            working: asyncio.Task[Any] | None = None
            renewed = -RENEW_SECONDS
            while True:
                now = asyncio.get_running_loop().time()
                if now - renewed >= RENEW_SECONDS:
                    renewed = now
                    await self._attempt(self._hold)
                else:
                    await self._attempt(lambda _: None)
                if self.steward and (working is None or working.done()):
                    working = tasks.create_task(duties())  # type: ignore[arg-type]  # a coroutine
                elif not self.steward and working is not None:
                    working.cancel()
                    working = None
                deaf = self._wakeups is None or not self._wakeups.connected
                await asyncio.sleep(DEAF_SECONDS if deaf else LOOK_SECONDS)

    async def _attempt(self, operation: Callable[[Execute], None]) -> None:
        """An operation whose beginning tells what the others did."""
        try:
            await self._house.writer.run(operation)
        except ConnexaError as error:  # the database is away: the next round tries again
            if not error.retryable:
                raise

    def _hold(self, execute: Execute) -> None:
        """Take the lease, or keep it; until it is committed another one's word counts."""
        begun = asyncio.get_running_loop().time()
        held = first(execute, _HOLD, (self._holder, LEASE_SECONDS)) is not None
        self._held_until = begun + LEASE_SECONDS - 1 if held else 0.0

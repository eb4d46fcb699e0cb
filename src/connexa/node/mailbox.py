"""The mailbox link of an account, kept up for as long as the node runs: pushes in, acks out, what own devices are told, upkeep.

One task owns one connection. It comes back after a short random wait that doubles; pushes are acknowledged after their commit alone.
"""

from __future__ import annotations

import asyncio

from connexa.errors import ConnexaError, NetworkError
from connexa.identity import Domain
from connexa.node.account import Account, AccountState
from connexa.node.arrivals import Taken
from connexa.node.delivery import Delivery
from connexa.node.endings import cause_of
from connexa.node.groups.pump import GroupPump
from connexa.node.home import Home
from connexa.node.inbox import take_held, take_push
from connexa.node.link import MailboxLink
from connexa.node.link_frames import CommittedUpTo, GroupHinted, Noticed, Pushed
from connexa.node.own_copies import copies_waiting, settle_own
from connexa.node.own_mail import OwnMail
from connexa.node.receipts import most_among, send_receipts
from connexa.node.retry import Backoff, fraction
from connexa.node.revocation import let_in, revoked, shut_out
from connexa.node.rollback import agree
from connexa.node.streams import Stream, count_passes, note_asked, streams_to_ask
from connexa.node.submit import ask_outcomes
from connexa.node.upkeep import Upkeep
from connexa.node.wakeups import Wakeups, wait_for
from connexa.store import Execute
from connexa.tasks import TaskGroup
from connexa.wire.v1.link_pb2 import DomainReply, GetDomain, Ready

__all__ = ["Mailbox"]

UPKEEP_EVERY = 3_600.0
OUTCOMES_EVERY = 900.0
HELD_EVERY = 60.0
HELD_RETRY = 300.0


class Mailbox:
    """The mailbox link of one account; `run` is its task."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups, delivery: Delivery, groups: GroupPump) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._delivery = delivery
        self._groups = groups
        self._link: MailboxLink | None = None
        self._upkeep: Upkeep | None = None
        self._up = asyncio.Event()
        self.state = self._shown = "connecting"
        self.since = home.clock()
        self.failure = ""
        self.clock_skew = 0.0  # seconds by which this machine is behind the homeserver
        self.delay: float | None = None  # seconds from the homeserver's acceptance of the newest message to its arrival here

    async def run(self) -> None:
        """Keep the link up, until the homeserver does not let this device in any more (`account.revoked`)."""
        backoff = Backoff(self._home.rng, most=self._home.settings.limits.reconnect_max)
        async with TaskGroup() as tasks:
            tasks.create_task(self._send_receipts())
            tasks.create_task(self._send_group_receipts())
            tasks.create_task(self._ask_outcomes())
            while True:
                try:
                    await self._serve(backoff)
                except ConnexaError as error:
                    self.failure = error.code
                await self._turn("down")
                if self.failure == "login.refused":
                    await self._home.change(lambda execute: shut_out(execute, self._home, self._account))
                    raise revoked()
                await asyncio.sleep(backoff.next())

    async def upkeep(self) -> Upkeep:
        """The chores on the open link, for whoever has to change something at the homeserver; waits for the link."""
        try:
            async with asyncio.timeout(self._home.settings.limits.call_timeout):
                while self._upkeep is None:
                    await self._up.wait()
        except TimeoutError:
            raise NetworkError("link.unreachable", "The homeserver cannot be reached.") from None
        return self._upkeep

    async def change_doors(self) -> None:
        """Tell the homeserver at once of new door keys and invites, if the link is up; else it learns of them at the next login."""
        if self._upkeep is not None:
            await self._upkeep.token_keys()
            await self._upkeep.invites()

    async def ask_domain(self, domain: Domain) -> DomainReply | None:
        """What the homeserver says of a domain from which mail came; of its own it is no witness."""
        if domain == self._account.address.domain or self._link is None:
            return None
        return await self._link.call(GetDomain(domain=domain), DomainReply, timeout=self._home.settings.limits.call_timeout)

    async def _turn(self, state: str) -> None:
        """Note a turn of the link: down, up, and ready once everything that the homeserver keeps for us is fresh."""
        if self._shown == state or (state == "down" and self._shown == "connecting"):
            return
        self._shown, self.state = state, "up" if state == "ready" else state
        self.since = self._home.clock()
        await self._home.change(
            lambda execute: self._home.events.record(
                execute, str(self._account.address), "link.state", self.since, state=state, reason=self.failure
            )
        )

    async def _serve(self, backoff: Backoff) -> None:
        account, home = self._account, self._home
        remote = await home.domains.book().find(account.address.domain)
        channel = await home.dialer.dial(account.address.domain, str(remote.link), remote.keys)
        link = await MailboxLink.open(channel, domain=account.address.domain, user=account.user_id, device=account.device, dsk=account.dsk)
        self.clock_skew = link.server_time_ms / 1000 - home.clock()
        try:
            await home.change(lambda execute: self._let_in(execute, link.ready))
            async with TaskGroup() as tasks:
                tasks.create_task(link.run())
                tasks.create_task(self._read(link))
                link.resume(link.ready.acked, home.settings.limits.push_window)
                self._link, self._upkeep = link, Upkeep(home, account, link)
                backoff.reset()
                self.failure = ""
                self._up.set()
                self._wakeups.mend.set()
                await self._turn("up")
                own = OwnMail(home, account, self._wakeups, link, self._upkeep)
                tasks.create_task(self._keep_up())
                tasks.create_task(own.run())
                tasks.create_task(self._groups.serve_link(link))
                tasks.create_task(self._find_domains())
        except BaseExceptionGroup as ended:
            cause = cause_of(ended)
            self.failure = cause.code if cause else ""
        finally:
            self._up.clear()
            self._link = self._upkeep = None
            backoff.widen(link.spread)
            link.close()

    def _let_in(self, execute: Execute, ready: Ready) -> None:
        if self._account.state is AccountState.REVOKED:
            let_in(execute, self._home, self._account)
        agree(execute, self._home, self._account, ready.acked, ready.last)

    async def _read(self, link: MailboxLink) -> None:
        async for event in link.events():
            match event:
                case Pushed(items):
                    taken = await self._home.change(lambda execute, pushed=items: take_push(execute, self._home, self._account, pushed))  # type: ignore[misc]
                    link.ack([item.seq for item in items])
                    self.delay = max(0.0, self._home.clock() + self.clock_skew - max(item.accepted_at for item in items))
                    self._go_on(taken)
                case CommittedUpTo():
                    await self._home.change(lambda execute, committed=event: settle_own(execute, self._account, committed))  # type: ignore[misc]
                    self._wakeups.own_copies.set()
                case GroupHinted(hints):
                    await self._groups.hinted(hints)
                case Noticed("key_packages.low"):
                    self._wakeups.welcomes.set()
                case Noticed():
                    self._wakeups.upkeep.set()
                case _:
                    pass

    def _go_on(self, taken: Taken) -> None:
        if taken.receipts:
            self._wakeups.receipts.set()
        if taken.held:
            self._wakeups.held.set()
        if taken.outbox:
            self._delivery.go_on(taken.outbox)
        if taken.own:
            self._wakeups.own_messages.set()
        if taken.own or taken.outbox:  # a device may have come or gone, somebody have become a contact
            self._groups.go_on()
        if taken.doors:
            self._wakeups.upkeep.set()
        if copies_waiting(self._home.database.read, self._account.id):
            self._wakeups.own_copies.set()
        self._wakeups.outbox.set()
        self._wakeups.mend.set()

    async def _keep_up(self) -> None:
        """Do the chores at once and at every wake-up; passes that are not urgent are fetched at random times (first-message §1)."""
        while True:
            upkeep = self._upkeep
            if upkeep is None:
                return
            self.failure = await upkeep.run_all()
            self._groups.go_on()  # own devices may have changed
            await self._turn("ready")
            self._wakeups.passes.set()
            self._wakeups.uploads.set()
            self._wakeups.outbox.set()
            self._wakeups.own_copies.set()
            self._wakeups.own_messages.set()
            await wait_for(self._wakeups.upkeep, UPKEEP_EVERY * (0.5 + fraction(self._home.rng)))
            if count_passes(self._home.database.read, self._account.id, self._home.clock()):
                await asyncio.sleep(fraction(self._home.rng))

    async def _send_receipts(self) -> None:
        """Send receipts together, after a wait that hides which arrival caused them (P21)."""
        while True:
            await self._gather_receipts(in_groups=False)
            await wait_for(self._wakeups.receipts)
            await asyncio.sleep(fraction(self._home.rng) * self._home.settings.privacy.receipt_delay)

    async def _send_group_receipts(self) -> None:
        """The same for what was said in groups: the more devices tell its author, the longer each gathers, so that nobody is flooded."""
        query, account = self._home.database.read, self._account.id
        while True:
            await self._gather_receipts(in_groups=True)
            while not most_among(query, account):
                await wait_for(self._wakeups.group_receipts)
            await asyncio.sleep(fraction(self._home.rng) * self._home.settings.privacy.receipt_delay * most_among(query, account))

    async def _gather_receipts(self, *, in_groups: bool) -> None:
        now, rng = self._home.clock(), self._home.rng
        await self._home.change(lambda execute: send_receipts(execute, self._account.id, now, rng, in_groups=in_groups))
        self._wakeups.outbox.set()

    async def _ask_outcomes(self) -> None:
        """Ask now and then what became of mail that was accepted and not answered."""
        account, query = self._account, self._home.database.read
        while True:
            await asyncio.sleep(OUTCOMES_EVERY * (0.5 + fraction(self._home.rng)))
            now = self._home.clock()
            for stream in streams_to_ask(query, account.id, now - OUTCOMES_EVERY):
                if self._delivery.submitter.is_open or self.state != "up":
                    break
                try:
                    await ask_outcomes(self._home, account, stream, self._delivery.settled)
                except ConnexaError as error:
                    self.failure = error.code
                    break
                await self._note_asked(stream, now)

    async def _note_asked(self, stream: Stream, now: float) -> None:
        await self._home.change(lambda execute: note_asked(execute, stream.id, now))

    async def _find_domains(self) -> None:
        """Find the domains whose mail is held, then open it; nobody but the homeserver is asked (P40)."""
        book, sql = self._home.domains.book(self.ask_domain), "SELECT DISTINCT domain FROM held WHERE account = ? AND next_try <= ?"
        while True:
            for (domain,) in self._home.database.read(sql, (self._account.id, self._home.clock())):
                try:
                    await book.find_for_arrival(Domain(domain))
                except ConnexaError:
                    await self._hold_longer(domain)
                else:
                    await self._take_held(domain)
            await wait_for(self._wakeups.held, HELD_EVERY)

    async def _take_held(self, domain: str) -> None:
        self._go_on(await self._home.change(lambda execute: take_held(execute, self._home, self._account, domain)))

    async def _hold_longer(self, domain: str) -> None:
        until, sql = self._home.clock() + HELD_RETRY, "UPDATE held SET next_try = ? WHERE account = ? AND domain = ?"
        await self._home.change(lambda execute: execute(sql, (until, self._account.id, domain)))

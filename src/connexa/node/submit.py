"""The submit link of an account: opened on need by a pass, closed after a minute of silence (first-message §1).

One task (`run`) owns the connection. Others ask it by `call`, or store envelopes of the current stream and `wake` it. Nothing here tells
the homeserver whose envelopes they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.identity import Domain
from connexa.node.account import Account
from connexa.node.endings import cause_of
from connexa.node.home import Home, first
from connexa.node.link import SubmitLink
from connexa.node.link_frames import CommittedUpTo, Outcomes, Refusal
from connexa.node.outcomes import Settled, settle_committed, settle_outcomes
from connexa.node.retry import Backoff
from connexa.node.streams import Stream, drop_stream, enter, has_unsent, is_unknown, oldest_unsent, retire_stream, stream_to_open, unsent
from connexa.node.wakeups import Wakeups, wait_for
from connexa.tasks import TaskGroup
from connexa.wire.v1.link_pb2 import DomainReply, GetDomain

__all__ = ["OUTCOME_SECONDS", "OnSettled", "Submitter", "ask_outcomes", "keep_outcomes", "open_submit_link"]

R = TypeVar("R", bound=Message)
OnSettled = Callable[[Settled], None]
OUTCOME_SECONDS = 5.0
WRITE_BATCH = 64
SEALED_LIFE = 43_200  # half of a sender certificate's day


async def open_submit_link(home: Home, account: Account, stream: Stream) -> SubmitLink:
    """Dial the account's homeserver and show the pass of a stream or step."""
    remote = await home.domains.book().find(account.address.domain)
    channel = await home.dialer.dial(account.address.domain, str(remote.link), remote.keys)
    try:
        link = await SubmitLink.open(channel, domain=account.address.domain, pass_=stream.pass_, use=stream.use)
    except RefusedError as error:
        if error.code == "pass.refused":  # its key is gone, or it was spent otherwise: it opens nothing any more
            await home.change(lambda execute: drop_stream(execute, stream.id))
        raise
    if not await home.change(lambda execute: enter(execute, stream, link.ready.last)):
        link.close()
        raise NetworkError("pass.used", "A pass was used before this store was put back; another one is taken.")
    return link


class Submitter:
    """Keeps the submit link while there is something to submit or to ask."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups, on_settled: OnSettled) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._on_settled = on_settled
        self._link: SubmitLink | None = None
        self._stream: Stream | None = None
        self._open = asyncio.Event()
        self._send = asyncio.Event()
        self._used = 0.0
        self._committed = 0
        self.failure = ""

    @property
    def is_open(self) -> bool:
        """Whether the link is open now."""
        return self._link is not None

    def wake(self) -> None:
        """There may be new envelopes in the current stream."""
        self._used = asyncio.get_running_loop().time()
        self._wakeups.submit.set()
        self._send.set()

    async def ready(self) -> SubmitLink:
        """Return the open link; NetworkError if that takes too long."""
        self.wake()
        try:
            async with asyncio.timeout(self._home.settings.limits.call_timeout):
                while self._link is None:
                    await self._open.wait()
        except TimeoutError:
            raise NetworkError("link.unreachable", "The homeserver cannot be reached.") from None
        return self._link

    async def call(self, request: Message, answer: type[R]) -> R:
        """Ask a question that must not name the account."""
        link = await self.ready()
        return await link.call(request, answer, timeout=self._home.settings.limits.call_timeout)

    async def ask_domain(self, domain: Domain) -> DomainReply | None:
        """What our homeserver says of another domain; of its own it is no witness."""
        if domain == self._account.address.domain:
            return None
        return await self.call(GetDomain(domain=domain), DomainReply)

    async def run(self) -> None:
        """Open the link whenever it is wanted, for as long as the account runs."""
        backoff = Backoff(self._home.rng, most=self._home.settings.limits.reconnect_max)
        if self._has_unsent():
            self._wakeups.submit.set()
        while True:
            await wait_for(self._wakeups.submit)
            try:
                if await self._serve(backoff):
                    continue
            except ConnexaError as error:
                self.failure = error.code
            await asyncio.sleep(backoff.next())
            self._wakeups.submit.set()

    def _has_unsent(self) -> bool:
        return has_unsent(self._home.database.read, self._account.id)

    async def _serve(self, backoff: Backoff) -> bool:
        """Serve one connection; True when it ended because nobody needed it any more."""
        now = self._home.clock()
        stream = await self._home.change(lambda execute: stream_to_open(execute, self._account.id, now))
        if stream is None:
            self._wakeups.upkeep.set()
            await wait_for(self._wakeups.passes, self._home.settings.limits.reconnect_max)
            return False
        link = await open_submit_link(self._home, self._account, stream)
        backoff.reset()
        await self._commit(stream, link.ready.last)
        query = self._home.database.read
        # Its sender certificate and sealing keys have aged, or the homeserver has lost numbers: encrypt anew, in another stream.
        if oldest_unsent(query, stream.id) < now - SEALED_LIFE or is_unknown(query, stream.id, link.ready.last):
            link.close()
            await self._home.change(lambda execute: retire_stream(execute, stream.id, now))
            self._on_settled(Settled())
            return False
        self.failure = ""
        self._link, self._stream = link, stream
        self._open.set()
        self.wake()
        try:
            async with TaskGroup() as tasks:
                tasks.create_task(link.run())
                tasks.create_task(self._read(link, stream))
                tasks.create_task(self._write(link, stream))
                tasks.create_task(self._close_when_idle(link))
        except BaseExceptionGroup as ended:
            cause = cause_of(ended)
            self.failure = cause.code if cause else ""
        finally:
            self._open.clear()
            self._link = None
            backoff.widen(link.spread)
        return not self.failure and not self._send.is_set() and not self._has_unsent()

    async def _commit(self, stream: Stream, up_to: int, refused: tuple[Refusal, ...] = ()) -> None:
        now = self._home.clock()
        self._committed = up_to
        if up_to:
            settled = await self._home.change(
                lambda execute: settle_committed(execute, self._home.events, self._account, stream.id, up_to, refused, now)
            )
            self._on_settled(settled)

    async def _read(self, link: SubmitLink, stream: Stream) -> None:
        async for event in link.events():
            self._used = asyncio.get_running_loop().time()
            match event:
                case CommittedUpTo(up_to, refused):
                    await self._commit(stream, up_to, refused)
                    self._send.set()
                case Outcomes(refused):
                    await keep_outcomes(self._home, self._account, stream, link, refused, self._on_settled)

    async def _write(self, link: SubmitLink, stream: Stream) -> None:
        """Send what is stored, in order, with a bounded number of envelopes that are not committed yet."""
        sent = link.ready.last
        window = self._home.settings.limits.submit_window
        while True:
            await wait_for(self._send)
            while (room := window - (sent - self._committed)) > 0:
                batch = unsent(self._home.database.read, stream.id, sent, min(room, WRITE_BATCH))
                if not batch:
                    break
                link.send(batch)
                sent = batch[-1][0]
                await link.drain()
            if sent == self._committed and self._is_superseded(stream):
                self._wakeups.submit.set()
                link.close()
                return

    def _is_superseded(self, stream: Stream) -> bool:
        """A newer stream has taken over: this one's day is over."""
        sql = "SELECT 1 FROM stream WHERE account = ? AND use = ? AND id > ?"
        return first(self._home.database.read, sql, (self._account.id, int(stream.use), stream.id)) is not None

    async def _close_when_idle(self, link: SubmitLink) -> None:
        loop, idle = asyncio.get_running_loop(), self._home.settings.limits.submit_idle
        while (left := self._used + idle - loop.time()) > 0:  # noqa: ASYNC110 - it waits for time to pass, not for somebody
            await asyncio.sleep(left)
        self._send.clear()
        self._wakeups.submit.clear()
        link.close()


async def keep_outcomes(
    home: Home, account: Account, stream: Stream, link: SubmitLink, outcomes: tuple[Refusal, ...], on_settled: OnSettled
) -> None:
    """Store outcomes, then tell the homeserver that it may forget them."""
    now = home.clock()
    settled = await home.change(lambda execute: settle_outcomes(execute, home.events, account.id, stream.id, outcomes, now))
    link.ack_outcomes([outcome.number for outcome in outcomes])
    on_settled(settled)


async def ask_outcomes(home: Home, account: Account, stream: Stream, on_settled: OnSettled) -> None:
    """Open an old stream or step once more, to hear what became of its envelopes."""
    link = await open_submit_link(home, account, stream)

    async def listen() -> None:
        async for event in link.events():
            if isinstance(event, Outcomes):
                await keep_outcomes(home, account, stream, link, event.refused, on_settled)

    try:
        async with asyncio.timeout(OUTCOME_SECONDS), TaskGroup() as tasks:
            tasks.create_task(link.run())
            tasks.create_task(listen())
    except TimeoutError:
        pass  # what waited has come
    except BaseExceptionGroup as ended:
        if (cause := cause_of(ended)) is not None:
            raise cause from None
    finally:
        link.close()

"""Links of a node to a homeserver: the mailbox link of a logged-in device, and the submit link that a blind pass opens.

Implements first-message §1 and §4 over a `FrameChannel`; no socket, store or clock in here. Opening is a coroutine; afterwards exactly
one task runs `run()`, which reads until the link ends and raises what ended it, so that a task group stops all that leans on it:

    link = await MailboxLink.open(channel, domain=…, user=…, device=…, dsk=…)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.run())
        tasks.create_task(take(link))          # async for event in link.events(): …
        link.resume(last_seq, window=256)

`call` may be used by any task but the one that reads `events`: events wait in a short queue, and a full queue stops the reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, NoReturn, Self, TypeVar

from google.protobuf.message import Message

from connexa.crypto import Ed25519Secret, Kind, hmac_sha256
from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.wire import MAX_FRAME, NONCE_SIZE, OURS, VersionRange, close_code, login_statement, malformed, negotiate, pass_statement
from connexa.wire.transport import CLOSE_OK, FrameChannel, LinkClosed
from connexa.wire.v1.link_pb2 import (
    AckUp,
    Call,
    Challenge,
    LinkDown,
    LinkHello,
    Login,
    Mode,
    NumberedEnvelope,
    OutcomeAck,
    PassShow,
    Ready,
    Resume,
    Send,
)

from .link_frames import CALL_FIELDS, Event, answer_of, down, end_of, event_of, unexpected, up

__all__ = ["MailboxLink", "Pass", "PassUse", "SubmitLink"]

R = TypeVar("R", bound=Message)

OPENING_SECONDS = 10.0
CALL_SECONDS = 30.0
MAX_EVENTS = 64  # frames that wait for the task that reads them
MAX_CALLS = 64  # calls that wait for their reply
_ENVELOPE_FRAME = 32  # bytes that an envelope's number and lengths cost in a frame, generously


class PassUse(IntEnum):
    """What a pass is spent on: a stream of envelopes, or one step towards a stranger."""

    STREAM = PassShow.STREAM
    STEP = PassShow.STEP


@dataclass(frozen=True, slots=True)
class Pass:
    """A blind token that this node fetched ahead."""

    key: int
    input: bytes = field(repr=False)
    output: bytes = field(repr=False)


class Opening:
    """The first frames of any link: hello, challenge, a proof, ready."""

    def __init__(self, channel: FrameChannel, domain: str) -> None:
        self.channel = channel
        self.domain = domain
        self.challenge = Challenge()
        self._reason: str | None = None

    @property
    def server(self) -> VersionRange:
        """The homeserver's version range, which the proof covers."""
        return VersionRange(self.challenge.min, self.challenge.max)

    async def greet(self, mode: Mode) -> None:
        """Say hello and take the challenge."""
        self.channel.send(up(hello=LinkHello(min=OURS.min, max=OURS.max, mode=mode)))
        challenge = (await self.expect("challenge")).challenge
        try:
            # The range is inside what is signed, so a version that does not follow from it was tampered with (DESIGN §5.5).
            if challenge.version != negotiate(OURS, VersionRange(challenge.min, challenge.max)) or len(challenge.nonce) != NONCE_SIZE:
                raise malformed("its challenge does not hold")
        except ConnexaError as error:
            self._refuse(error)
        self.challenge = challenge

    async def expect(self, name: str) -> LinkDown:
        """Wait for one frame, or raise what the homeserver said instead."""
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                while True:
                    frame = down(await self.channel.receive())
                    match frame.WhichOneof("frame"):
                        case "notice":  # why the link is about to be closed
                            self._reason = frame.notice.code
                        case "reply":
                            answer_of(frame.reply)
                            self._refuse(unexpected())
                        case found if found == name:
                            return frame
                        case _:
                            self._refuse(unexpected())
        except LinkClosed as closed:
            raise end_of(closed, self._reason) from None
        except TimeoutError:
            self.channel.close(4408)
            raise NetworkError("link.timeout", "The homeserver did not answer in time.") from None
        except ConnexaError as error:
            self.channel.close(close_code(error))
            raise

    def _refuse(self, error: ConnexaError) -> NoReturn:
        self.channel.close(close_code(error))
        raise error


class Link:
    """A link that is ready: calls, numbered envelopes, and events."""

    mode: ClassVar[Mode]

    def __init__(self, channel: FrameChannel, challenge: Challenge, ready: Ready) -> None:
        self.ready = ready
        self.server_time_ms = challenge.time
        self.spread = 0  # seconds over which a homeserver that stops wants its links to come back
        self._channel = channel
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(MAX_EVENTS)
        self._calls: dict[int, asyncio.Future[Message]] = {}
        self._next_call = 1
        self._end: ConnexaError | None = None
        self._reason: str | None = None

    @property
    def ended(self) -> ConnexaError | None:
        """What ended the link, or None while it stands."""
        return self._end

    async def run(self) -> None:
        """Read until the link ends, then raise why; LinkClosed with code 1000 after `close`."""
        try:
            while True:
                await self._take(down(await self._channel.receive()))
        except LinkClosed as closed:
            self._finish(end_of(closed, self._reason))
        except ConnexaError as error:  # the homeserver broke the protocol
            self._channel.close(close_code(error))
            self._finish(error)
        finally:
            if self._end is None:  # cancelled
                self.close()
        raise _same(self._end or LinkClosed(CLOSE_OK))

    async def _take(self, frame: LinkDown) -> None:
        if frame.WhichOneof("frame") != "reply":
            event = event_of(frame)
            self._reason = frame.notice.code if frame.WhichOneof("frame") == "notice" else None
            if self._reason == "server.draining":
                self.spread = frame.notice.number
            await self._events.put(event)
            return
        waiting = self._calls.pop(frame.reply.id, None)
        if waiting is None or waiting.done():
            return  # the caller gave up
        try:
            waiting.set_result(answer_of(frame.reply))
        except ConnexaError as error:
            waiting.set_exception(error)

    def _finish(self, error: ConnexaError) -> None:
        if self._end is not None:
            return
        self._end = error
        for waiting in self._calls.values():
            if not waiting.done():
                waiting.set_exception(_same(error))
        self._calls.clear()
        if not self._events.full():
            self._events.put_nowait(None)  # wakes the reader of events; one that has events left sees the end behind them

    async def events(self) -> AsyncIterator[Event]:
        """Yield what the homeserver says by itself, in order; raise what ended the link when all is read."""
        while not (self._end is not None and self._events.empty()):
            if (event := await self._events.get()) is not None:
                yield event
        raise _same(self._end)

    async def call(self, request: Message, answer: type[R], *, timeout: float = CALL_SECONDS) -> R:
        """Ask, and return the reply of type `answer`; a refusal is raised with the homeserver's code."""
        if self._end is not None:
            raise _same(self._end)
        if len(self._calls) >= MAX_CALLS:
            raise RefusedError("link.busy", "Too many questions wait for the homeserver.", retryable=True)
        number, self._next_call = self._next_call, self._next_call + 1
        call = Call(id=number)
        question = getattr(call, CALL_FIELDS[request.DESCRIPTOR])
        question.CopyFrom(request)
        question.SetInParent()  # a question without fields still has to be there
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._calls[number] = waiting
        self._channel.send(up(call=call))
        try:
            async with asyncio.timeout(timeout):
                reply = await waiting
        except TimeoutError:
            raise NetworkError("link.timeout", "The homeserver did not answer in time.") from None
        finally:
            self._calls.pop(number, None)
        if not isinstance(reply, answer):
            raise unexpected()
        return reply

    def send(self, envelopes: Sequence[tuple[int, bytes]]) -> None:
        """Send numbered envelopes, in as many frames as they need; the numbers go on without a gap."""
        for batch in _frames(envelopes):
            self._channel.send(up(send=Send(envelopes=[NumberedEnvelope(number=number, envelope=raw) for number, raw in batch])))

    async def drain(self) -> None:
        """Wait until the homeserver has taken most of what was sent."""
        await self._channel.drain()

    def close(self) -> None:
        """End the link; `run` raises."""
        self._channel.close(CLOSE_OK)
        if self._end is None:
            self._finish(LinkClosed(CLOSE_OK))


class MailboxLink(Link):
    """A device's own mailbox: pushes, acks, envelopes to own devices, and the keeping of keys. One per device; the newest wins."""

    mode = Mode.MODE_MAILBOX

    @classmethod
    async def open(cls, channel: FrameChannel, *, domain: str, user: bytes, device: bytes, dsk: Ed25519Secret) -> Self:
        """Log in; `login.refused` where the homeserver does not know this device or has removed it."""
        opening = Opening(channel, domain)
        await opening.greet(cls.mode)
        statement = login_statement(
            node=OURS,
            server=opening.server,
            mode=cls.mode,
            domain=domain,
            nonce=opening.challenge.nonce,
            user=user,
            device=device,
            certificate=channel.certificate_hash,  # I89: a login made for another connection is worth nothing
        )
        channel.send(up(login=Login(user=user, device=device, signature=dsk.sign(Kind.LOGIN, statement))))
        return cls(channel, opening.challenge, (await opening.expect("ready")).ready)

    def resume(self, last: int, window: int) -> None:
        """Ask for everything behind `last`, at most `window` un-acked pushes at once; nothing is pushed before this."""
        self._channel.send(up(resume=Resume(last=last, window=window)))

    def ack(self, seqs: Sequence[int]) -> None:
        """Say that these pushes are stored here; the homeserver deletes its copies."""
        self._channel.send(up(ack=AckUp(seqs=seqs)))


class SubmitLink(Link):
    """Envelopes to other people, look-ups and claims: without login, by a pass, so that the homeserver does not learn whose they are."""

    mode = Mode.MODE_SUBMIT

    @classmethod
    async def open(cls, channel: FrameChannel, *, domain: str, pass_: Pass, use: PassUse) -> Self:
        """Show the pass; the same pass resumes its stream, and `ready.last` says where. `pass.refused` where it is not good."""
        opening = Opening(channel, domain)
        await opening.greet(cls.mode)
        statement = pass_statement(node=OURS, server=opening.server, nonce=opening.challenge.nonce)
        proof = hmac_sha256(pass_.output, b"connexa/pass/v1\0", statement)
        channel.send(up(**{"pass": PassShow(key=pass_.key, input=pass_.input, proof=proof, use=PassShow.Use.Name(use))}))
        return cls(channel, opening.challenge, (await opening.expect("ready")).ready)

    def ack_outcomes(self, numbers: Sequence[int]) -> None:
        """Say that these outcomes are stored here."""
        self._channel.send(up(outcome_ack=OutcomeAck(numbers=numbers)))


def _frames(envelopes: Sequence[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    batch: list[tuple[int, bytes]] = []
    size = 0
    for number, raw in envelopes:
        cost = len(raw) + _ENVELOPE_FRAME
        if batch and size + cost > MAX_FRAME - _ENVELOPE_FRAME:
            yield batch
            batch, size = [], 0
        batch.append((number, raw))
        size += cost
    if batch:
        yield batch


def _same(error: ConnexaError) -> ConnexaError:
    """A fresh error for each waiter: one exception object raised in several tasks would grow a tangled traceback."""
    if isinstance(error, LinkClosed):
        return LinkClosed(error.close_code)
    return type(error)(error.code, error.message, error.hint, retryable=error.retryable)

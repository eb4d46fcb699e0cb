"""Links against a homeserver that says exactly what a test scripts, so that every wrong turn can be taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from connexa.crypto import Ed25519Secret, InvalidSignature, Kind, hmac_sha256
from connexa.errors import ConnexaError, NetworkError
from connexa.node.link import MailboxLink, Pass, PassUse, SubmitLink
from connexa.node.link_doors import PairLink
from connexa.node.link_frames import CommittedUpTo, Event, Noticed, Outcomes, Pushed
from connexa.testing import MemoryNetwork
from connexa.wire import MAX_ENVELOPE, MAX_FRAME, OURS, VersionRange, login_statement, parse, pass_statement
from connexa.wire.transport import FrameChannel, FrameHandler, FrameSink, LinkClosed
from connexa.wire.v1.keys_pb2 import Policy
from connexa.wire.v1.link_pb2 import (
    Challenge,
    Committed,
    DomainReply,
    Empty,
    Failure,
    GetDomain,
    GetOwnList,
    LinkDown,
    LinkUp,
    Mode,
    Notice,
    Outcome,
    PairData,
    PassesReply,
    PrekeyStatus,
    PrekeyStatusReply,
    Push,
    PushItem,
    Ready,
    Refused,
    Reply,
    Status,
)

DOMAIN = "a.example"
DOMAIN_KEY = Ed25519Secret.from_seed(bytes(32))
DEVICE_KEY = Ed25519Secret.from_seed(bytes([5] * 32))
USER, DEVICE, NONCE = bytes([1] * 32), bytes([2] * 32), bytes([3] * 32)
PASS = Pass(key=2975, input=bytes([6] * 32), output=bytes([7] * 32))
SECONDS = 5.0

Script = Callable[["Scripted", LinkUp], None]


class Scripted:
    """A homeserver's door and its only connection: each frame that comes is kept and given to the script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.frames: list[LinkUp] = []
        self.arrived = asyncio.Event()
        self.closed = asyncio.Event()
        self.sink: FrameSink

    def accept(self, sink: FrameSink) -> FrameHandler:
        self.sink = sink
        return self

    def say(self, **frame: object) -> None:
        self.sink.send(LinkDown(**frame).SerializeToString())  # type: ignore[arg-type]

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(parse(LinkUp, frame, MAX_FRAME))
        self.arrived.set()
        self.script(self, self.frames[-1])

    def on_drained(self) -> None: ...

    def on_closed(self) -> None:
        self.closed.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.frames) < count:
                self.arrived.clear()
                await self.arrived.wait()


def friendly(server: Scripted, frame: LinkUp) -> None:
    match frame.WhichOneof("frame"):
        case "hello":
            server.say(challenge=Challenge(version=1, nonce=NONCE, time=5, min=1, max=1))
        case "login" | "pass" | "pair":
            server.say(ready=Ready(last=41, limits=Policy(max_ttl_seconds=60)))


async def connect(script: Script) -> tuple[FrameChannel, Scripted]:
    network, server = MemoryNetwork(), Scripted(script)
    network.attach(DOMAIN, server, DOMAIN_KEY.public)
    return await network.dialer("alice").dial(DOMAIN, "", [DOMAIN_KEY.public]), server


async def mailbox(script: Script = friendly) -> tuple[MailboxLink, Scripted]:
    channel, server = await connect(script)
    return await MailboxLink.open(channel, domain=DOMAIN, user=USER, device=DEVICE, dsk=DEVICE_KEY), server


# ---- opening


async def test_login_signs_the_whole_layout_with_the_certificate_seen_i89() -> None:
    link, server = await mailbox()
    assert (link.ready.last, link.server_time_ms) == (41, 5)
    hello, login = server.frames[0].hello, server.frames[1].login
    assert (hello.min, hello.max, hello.mode) == (OURS.min, OURS.max, Mode.MODE_MAILBOX)

    def statement(certificate: bytes, server_max: int = 1) -> bytes:
        return login_statement(
            node=OURS,
            server=VersionRange(1, server_max),
            mode=Mode.MODE_MAILBOX,
            domain=DOMAIN,
            nonce=NONCE,
            user=USER,
            device=DEVICE,
            certificate=certificate,
        )

    DEVICE_KEY.public.verify(Kind.LOGIN, statement(server.sink.certificate_hash), login.signature)
    for other in (statement(bytes(32)), statement(server.sink.certificate_hash, 2)):
        with pytest.raises(InvalidSignature):
            DEVICE_KEY.public.verify(Kind.LOGIN, other, login.signature)


async def test_a_submit_link_shows_a_pass_and_nothing_that_names_anybody_p40() -> None:
    channel, server = await connect(friendly)
    link = await SubmitLink.open(channel, domain=DOMAIN, pass_=PASS, use=PassUse.STEP)
    assert link.ready.last == 41
    shown = getattr(server.frames[1], "pass")
    statement = pass_statement(node=OURS, server=VersionRange(1, 1), nonce=NONCE)
    assert (shown.key, shown.input, shown.use) == (PASS.key, PASS.input, 2)
    assert shown.proof == hmac_sha256(PASS.output, b"connexa/pass/v1\0", statement)
    sent = b"".join(frame.SerializeToString() for frame in server.frames)
    assert USER not in sent
    assert DEVICE not in sent
    assert PASS.output not in sent


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        (Challenge(version=2, nonce=NONCE, min=1, max=1), "frame.malformed"),  # a version outside its own range
        (Challenge(version=0, nonce=NONCE, min=0, max=1), "frame.malformed"),
        (Challenge(version=1, nonce=NONCE[:31], min=1, max=1), "frame.malformed"),
        (Challenge(version=7, nonce=NONCE, min=7, max=8), "version.unsupported"),
    ],
)
async def test_a_challenge_that_does_not_hold_is_refused_before_anything_is_proved(challenge: Challenge, code: str) -> None:
    channel, server = await connect(lambda server, frame: server.say(challenge=challenge))
    with pytest.raises(ConnexaError) as refused:
        await MailboxLink.open(channel, domain=DOMAIN, user=USER, device=DEVICE, dsk=DEVICE_KEY)
    assert refused.value.code == code
    await asyncio.wait_for(server.closed.wait(), SECONDS)
    assert [frame.WhichOneof("frame") for frame in server.frames] == ["hello"]


@pytest.mark.parametrize(
    ("close", "code", "retryable"),
    [
        (4401, "login.refused", False),
        (4408, "link.timeout", True),
        (4426, "version.unsupported", False),
        (4429, "rate.limited", True),
        (4503, "server.temporary", True),
        (1006, "link.closed", True),
    ],
)
async def test_the_close_code_becomes_an_error_with_a_code(close: int, code: str, retryable: bool) -> None:
    def refusing(server: Scripted, frame: LinkUp) -> None:
        friendly(server, frame) if frame.WhichOneof("frame") == "hello" else server.sink.close(close)

    with pytest.raises(ConnexaError) as refused:
        await mailbox(refusing)
    assert (refused.value.code, refused.value.retryable) == (code, retryable)


async def test_a_notice_before_the_end_says_why_more_exactly() -> None:
    def draining(server: Scripted, frame: LinkUp) -> None:
        server.say(notice=Notice(code="server.draining"))
        server.sink.close(4503)

    with pytest.raises(NetworkError) as refused:
        await mailbox(draining)
    assert refused.value.code == "server.draining"


@pytest.mark.parametrize("raw", [b"\xff", b"", LinkDown(ready=Ready()).SerializeToString(), b"\xfa\x07\x00", bytes(MAX_FRAME + 1)])
async def test_anything_but_the_expected_frame_ends_the_opening(raw: bytes) -> None:
    with pytest.raises(ConnexaError) as refused:
        await mailbox(lambda server, frame: server.sink.send(raw))
    assert refused.value.code in ("frame.malformed", "frame.unexpected", "frame.too_large")


# ---- calls


async def test_calls_find_their_replies_in_any_order() -> None:
    link, server = await mailbox()
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_ended(link))
        first = tasks.create_task(link.call(PrekeyStatus(), PrekeyStatusReply))
        second = tasks.create_task(link.call(GetDomain(domain="b.example"), DomainReply))
        await server.wait_for(4)
        calls = [frame.call for frame in server.frames[2:]]
        assert [call.WhichOneof("call") for call in calls] == ["prekey_status", "domain"]
        server.say(reply=Reply(id=calls[1].id, domain=DomainReply(pinned=True)))
        server.say(reply=Reply(id=99, empty=Empty()))  # nobody waits for it
        server.say(reply=Reply(id=calls[0].id, prekey_status=PrekeyStatusReply(one_time=12)))
        assert (await second).pinned
        assert (await first).one_time == 12
        link.close()
        assert (await running).code == "link.closed"


async def _ended(link: MailboxLink | SubmitLink) -> ConnexaError:
    with pytest.raises(ConnexaError) as end:
        await link.run()
    return end.value


async def test_a_failure_is_raised_with_its_code_and_another_kind_of_answer_is_refused() -> None:
    def answering(server: Scripted, frame: LinkUp) -> None:
        friendly(server, frame)
        if frame.WhichOneof("frame") == "call":
            if frame.call.WhichOneof("call") == "own_list":
                server.say(reply=Reply(id=frame.call.id, failure=Failure(code="rate.limited", retryable=True)))
            else:
                server.say(reply=Reply(id=frame.call.id, passes=PassesReply()))

    link, _ = await mailbox(answering)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_ended(link))
        with pytest.raises(ConnexaError) as failed:
            await link.call(GetOwnList(), PrekeyStatusReply)
        assert (failed.value.code, failed.value.retryable) == ("rate.limited", True)
        with pytest.raises(NetworkError) as odd:
            await link.call(PrekeyStatus(), PrekeyStatusReply)
        assert odd.value.code == "frame.unexpected"
        link.close()
        await running


async def test_calls_that_wait_end_with_the_link_and_calls_without_answer_end_by_themselves() -> None:
    link, server = await mailbox()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_ended(link))
        with pytest.raises(NetworkError) as late:
            await link.call(PrekeyStatus(), PrekeyStatusReply, timeout=0.01)
        assert late.value.code == "link.timeout"
        waiting = tasks.create_task(_failing_call(link))
        await server.wait_for(4)
        server.sink.close(4409)
        assert (await running).code == "link.replaced"
        assert (await waiting).code == "link.replaced"
    with pytest.raises(ConnexaError, match=r"link\.replaced"):
        await link.call(PrekeyStatus(), PrekeyStatusReply)


async def _failing_call(link: MailboxLink) -> ConnexaError:
    with pytest.raises(ConnexaError) as failed:
        await link.call(PrekeyStatus(), PrekeyStatusReply)
    return failed.value


# ---- events and envelopes


async def read_to_the_end(link: MailboxLink) -> list[Event]:
    events: list[Event] = []
    try:
        async for event in link.events():
            events.append(event)
            await asyncio.sleep(0)
    except LinkClosed:
        return events
    raise AssertionError("events ended without the end of the link")


async def test_events_come_in_order_and_all_before_the_end() -> None:
    link, server = await mailbox()
    item = PushItem(seq=9, accepted_at=7, envelope=bytes(16), body=b"body")
    item.packet.sek = 4
    setattr_class(item)
    server.say(push=Push(items=[item]))
    server.say(committed=Committed(up_to=3, refused=[Refused(number=2, status=Status.STATUS_BAD_RIGHT)]))
    server.say(outcome=Outcome(refused=[Refused(number=1, status=Status.STATUS_EXPIRED)]))
    server.say(notice=Notice(code="prekeys.low", number=5))
    server.sink.close(1001)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(_ended(link))
        got = await read_to_the_end(link)
    push, committed, outcomes, notice = got
    assert isinstance(push, Pushed)
    assert (push.items[0].seq, push.items[0].accepted_at, push.items[0].kind, push.items[0].sek) == (9, 7, 1, 4)
    assert isinstance(committed, CommittedUpTo)
    assert (committed.up_to, committed.refused[0].number, committed.refused[0].status) == (3, 2, Status.STATUS_BAD_RIGHT)
    assert isinstance(outcomes, Outcomes)
    assert outcomes.refused[0].status == Status.STATUS_EXPIRED
    assert notice == Noticed("prekeys.low", 5)


def setattr_class(item: PushItem) -> None:
    setattr(item, "class", 1)


async def test_a_slow_reader_of_events_stops_the_link_and_loses_none() -> None:
    link, server = await mailbox()
    for number in range(500):
        server.say(committed=Committed(up_to=number))
    server.sink.close(1001)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(_ended(link))
        seen = await read_to_the_end(link)
    assert seen == [CommittedUpTo(number, ()) for number in range(500)]


async def test_a_frame_that_has_no_place_ends_an_open_link() -> None:
    link, server = await mailbox()
    server.say(ready=Ready())
    async with asyncio.timeout(SECONDS):
        assert (await _ended(link)).code == "frame.unexpected"
        await server.closed.wait()


async def test_envelopes_go_out_numbered_in_frames_of_allowed_size() -> None:
    link, server = await mailbox()
    envelopes = [(number, bytes([number]) * (MAX_ENVELOPE - number)) for number in range(1, 12)]
    link.send(envelopes)
    link.resume(17, window=256)
    link.ack([3, 4])
    async with asyncio.timeout(SECONDS):
        while not server.frames[-1].HasField("ack"):
            server.arrived.clear()
            await server.arrived.wait()
    sent = [frame.send for frame in server.frames if frame.HasField("send")]
    assert len(sent) > 2
    assert [(item.number, item.envelope) for send in sent for item in send.envelopes] == envelopes
    assert all(frame.ByteSize() <= MAX_FRAME for frame in server.frames)
    assert (server.frames[-2].resume.last, server.frames[-2].resume.window) == (17, 256)
    assert list(server.frames[-1].ack.seqs) == [3, 4]


# ---- pairing


async def test_a_pairing_slot_hands_payloads_over_and_nothing_else() -> None:
    channel, server = await connect(friendly)
    link = await PairLink.open(channel, domain=DOMAIN, slot=bytes(16))
    link.send(b"to the other device")
    server.say(pair_data=PairData(payload=b"from the other device"))
    assert await link.receive(timeout=SECONDS) == b"from the other device"
    await server.wait_for(3)
    assert server.frames[2].pair_data.payload == b"to the other device"
    with pytest.raises(ConnexaError, match=r"pair\.too_large"):
        link.send(bytes(16_385))
    with pytest.raises(NetworkError, match=r"pair\.timeout"):
        await link.receive(timeout=0.01)
    await asyncio.wait_for(server.closed.wait(), SECONDS)

"""People by the hundred on one real homeserver, as a load generator has them: accounts, passes, and links that only count.

Envelopes carry random bytes where real ones have ciphertext, since a homeserver cannot tell; everything that it checks is real. They are
made before the clock starts and sent again and again: an envelope under a token has its stream number for identity.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from tests.homeserver.village import Device, Person

from connexa.crypto import Ed25519Public, Kind, hmac_sha256, sha256
from connexa.crypto.voprf import VoprfPublic, blind_batch, finalize_batch
from connexa.crypto.x509 import anchor_pem
from connexa.identity import Domain, UserSecret, read_server_info
from connexa.pairwise import packets_hash, right_proof, week_of, weekly_key
from connexa.wire import MAX_FRAME, OURS, VersionRange, account_statement, login_statement, pass_statement
from connexa.wire.v1.link_pb2 import (
    Call,
    IssuePasses,
    LinkDown,
    LinkHello,
    LinkUp,
    Login,
    Mode,
    PassShow,
    PutTokenKeys,
    Register,
    Resume,
    TokenKey,
)
from connexa.wire.v1.message_pb2 import Envelope, Packet

__all__ = ["Inhabitant", "LoadLink", "Town", "send_frame"]

DIALS_AT_ONCE = 16
OPENING_SECONDS = 30.0


class LoadLink(WSListener):
    """One link: its opening is awaited, what comes afterwards goes to `on_frame` within the read burst in which it came."""

    def __init__(self) -> None:
        self.on_frame: Callable[[LinkDown], None] | None = None
        self.on_burst: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None
        self.certificate_hash = b""
        self._early: asyncio.Queue[LinkDown] = asyncio.Queue()
        self._transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.certificate_hash = sha256(transport.underlying_transport.get_extra_info("ssl_object").getpeercert(binary_form=True) or b"")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.BINARY:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.disconnect()
            return
        read = LinkDown.FromString(frame.get_payload_as_bytes())
        if self.on_frame is None:
            self._early.put_nowait(read)
            return
        self.on_frame(read)
        if frame.last_in_buffer:
            self.on_burst()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self.on_end()

    def send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.BINARY, frame)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()

    async def expect(self, name: str) -> object:
        """The next frame of that name; notices in between are passed over."""
        while True:
            frame = await asyncio.wait_for(self._early.get(), OPENING_SECONDS)
            found = frame.WhichOneof("frame")
            if found == name:
                return getattr(frame, name)
            if found != "notice" or frame.notice.code not in ("prekeys.low", "key_packages.low", "devices.changed"):
                raise RuntimeError(f"the homeserver said {frame} where {name} was due")


@dataclass
class Inhabitant:
    """Somebody with one device, and the pass by which they write."""

    person: Person
    device: Device
    key: int = 0
    input: bytes = b""
    output: bytes = b""


class Town:
    """A homeserver at an endpoint."""

    def __init__(self, domain: Domain, endpoint: str, key: Ed25519Public) -> None:
        self.domain = domain
        self.endpoint = endpoint
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.load_verify_locations(cadata=anchor_pem(domain, key, time.time()).decode("ascii"))
        # The chain is checked once: what ten thousand nodes do themselves must not be done ten thousand times by the one that plays them.
        self._seen = b""
        self.acked = 0  # what the last login was told of how far its device has stored its mail
        self._unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unchecked.check_hostname = False
        self._unchecked.verify_mode = ssl.CERT_NONE
        self._dials = asyncio.Semaphore(DIALS_AT_ONCE)

    async def dial(self) -> LoadLink:
        """A connection on which nothing was said."""
        link = LoadLink()
        await ws_connect(
            lambda: link,
            f"wss://{self.endpoint}/v1/link",
            ssl_context=self._unchecked if self._seen else self._context,
            server_hostname=self.domain,
            max_frame_size=MAX_FRAME,
            ssl_incoming_bio_size=16_448,
            ssl_outgoing_bio_size=16_448,
            read_buffer_init_size=1_024,
        )
        self._seen = self._seen or link.certificate_hash
        if link.certificate_hash != self._seen:
            raise RuntimeError("the homeserver shows another certificate than before")
        return link

    async def settle(self, names: Sequence[str]) -> list[Inhabitant]:
        """Accounts with one device, a sealed-sender key, token keys and a pass."""
        return await asyncio.gather(*(self._settle(name) for name in names))

    async def _settle(self, name: str) -> Inhabitant:
        async with self._dials:
            now = time.time()
            person = Person(name, UserSecret.generate(os.urandom, now), os.urandom(32))
            device = person.add_device(os.urandom, now)
            await self._register(person, device)
            link = await self.mailbox(device)
            week = week_of(now)
            link.send(_call(1, put_prekeys=device.upload(now, os.urandom, one_time=1)))
            keys = [TokenKey(week=w, key=weekly_key(person.profile, w)) for w in (week, week + 1)]
            link.send(_call(2, put_token_keys=PutTokenKeys(keys=keys)))
            inhabitant = await self._pass(link, person, device)
            link.close()
            return inhabitant

    async def _register(self, person: Person, device: Device) -> None:
        link = await self.dial()
        link.send(_hello(Mode.MODE_REGISTER))
        challenge = await link.expect("challenge")
        devices = person.next_list(time.time())
        statement = account_statement(
            domain=self.domain,
            localpart=person.name,
            nonce=challenge.nonce,  # type: ignore[attr-defined]
            user=person.user.id,
            certificate_body=sha256(device.certificate.body),
            list_body=sha256(devices.body),
            certificate=link.certificate_hash,
        )
        asked = Register(
            localpart=person.name,
            user_key=person.user.public.packet,
            certificate=device.certificate,
            device_list=devices,
            signature=person.user.key.sign(Kind.ACCOUNT, statement),
        )
        link.send(LinkUp(register=asked).SerializeToString())
        await link.expect("registered")
        link.close()

    async def _pass(self, link: LoadLink, person: Person, device: Device) -> Inhabitant:
        batch = blind_batch([os.urandom(32)], os.urandom)
        link.send(_call(3, issue_passes=IssuePasses(blinded=batch.elements)))
        while (reply := await link.expect("reply")).WhichOneof("reply") != "passes":  # type: ignore[attr-defined]
            pass
        passes = reply.passes  # type: ignore[attr-defined]
        info = read_server_info(self._info, domain=self.domain, now=time.time())
        public = next(VoprfPublic(one.key) for one in info.pass_keys if one.id == passes.key)
        (output,) = finalize_batch(public, batch, passes.evaluated, passes.proof)
        return Inhabitant(person, device, passes.key, batch.inputs[0], output)

    async def mailbox(self, device: Device) -> LoadLink:
        """A logged-in link that has not said where it stands."""
        link = await self.dial()
        link.send(_hello(Mode.MODE_MAILBOX))
        challenge = await link.expect("challenge")
        statement = login_statement(
            node=OURS,
            server=OURS,
            mode=Mode.MODE_MAILBOX,
            domain=self.domain,
            nonce=challenge.nonce,  # type: ignore[attr-defined]
            user=device.owner.user.id,
            device=device.id,
            certificate=link.certificate_hash,
        )
        signature = device.dsk.sign(Kind.LOGIN, statement)
        link.send(LinkUp(login=Login(user=device.owner.user.id, device=device.id, signature=signature)).SerializeToString())
        ready = await link.expect("ready")
        self._info = ready.server_info  # type: ignore[attr-defined]
        self.acked = ready.acked  # type: ignore[attr-defined]
        return link

    async def reading(self, device: Device, on_frame: Callable[[LinkDown], None], window: int = 256) -> LoadLink:
        """A mailbox link that takes pushes."""
        link = await self.mailbox(device)
        link.on_frame = on_frame
        link.send(LinkUp(resume=Resume(last=0, window=window)).SerializeToString())
        return link

    async def writing(self, who: Inhabitant) -> tuple[LoadLink, int]:
        """A submit link by somebody's pass, and the number up to which it has sent."""
        link = await self.dial()
        link.send(_hello(Mode.MODE_SUBMIT))
        challenge = await link.expect("challenge")
        server = VersionRange(challenge.min, challenge.max)  # type: ignore[attr-defined]
        statement = pass_statement(node=OURS, server=server, nonce=challenge.nonce)  # type: ignore[attr-defined]
        proof = hmac_sha256(who.output, b"connexa/pass/v1\0", statement)
        shown = PassShow(key=who.key, input=who.input, proof=proof, use=PassShow.STREAM)
        link.send(LinkUp(**{"pass": shown}).SerializeToString())  # type: ignore[arg-type]
        ready = await link.expect("ready")
        return link, ready.last  # type: ignore[attr-defined]

    def envelope(self, to: Inhabitant, *, body: int, sealed: int) -> bytes:
        """An envelope under the recipient's token."""
        now = time.time()
        made = Envelope(version=1, id=os.urandom(16), expires=int(now) + 86_400, domain=self.domain, user=to.person.user.id)
        made.body = os.urandom(body)
        made.packets.append(Packet(device=to.device.id, sek=week_of(now), sealed=os.urandom(sealed)))
        key = weekly_key(to.person.profile, week_of(now))
        made.token = right_proof(key, made.id, made.user, sha256(made.body), packets_hash(made.packets))
        return made.SerializeToString()


def send_frame(first: int, envelope: bytes, count: int) -> bytes:
    """`LinkUp.send` with the same envelope under `count` numbers, put together by hand: the generator has one core as well."""
    tail = b"\x12" + _varint(len(envelope)) + envelope
    parts = []
    for number in range(first, first + count):
        inner = b"\x08" + _varint(number) + tail
        parts += [b"\x0a", _varint(len(inner)), inner]
    send = b"".join(parts)
    return b"\x3a" + _varint(len(send)) + send


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _hello(mode: Mode) -> bytes:
    return LinkUp(hello=LinkHello(min=OURS.min, max=OURS.max, mode=mode)).SerializeToString()


def _call(number: int, **question: object) -> bytes:
    return LinkUp(call=Call(id=number, **question)).SerializeToString()  # type: ignore[arg-type]

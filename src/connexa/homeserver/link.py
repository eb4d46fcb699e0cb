"""A link from its first frame to its last: hello, challenge, proof, ready, then the role that the mode names (first-message §1, §4).

Input is hostile: size, syntax, place, then proof. Whatever does not fit ends the link with 4000 + the HTTP status that says the same, and
changes nothing. Before its proof a connection costs little: a bounded number for each source, ten seconds, no database writes.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import Message

from connexa.crypto import InvalidSignature, Kind
from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.homeserver.accounts import Registration, read_application, register
from connexa.homeserver.devices import login_of, newest_list
from connexa.homeserver.intake import Gate
from connexa.homeserver.limits import RateTable
from connexa.homeserver.link_mailbox import MailboxRole
from connexa.homeserver.link_role import Role, unexpected
from connexa.homeserver.link_submit import SubmitRole
from connexa.homeserver.passes import Opened, open_pass
from connexa.wire import MAX_FRAME, NONCE_SIZE, OURS, VersionRange, close_code, login_statement, malformed, negotiate, parse
from connexa.wire.transport import CLOSE_GONE, CLOSE_OK, FrameSink
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import (
    Challenge,
    LinkDown,
    LinkHello,
    LinkUp,
    Login,
    Mode,
    Notice,
    PairOpen,
    PassShow,
    Ready,
    Register,
)

if TYPE_CHECKING:
    from connexa.homeserver.homeserver import Homeserver

__all__ = ["Door", "LinkConnection"]

logger = logging.getLogger(__name__)

R = TypeVar("R")

RETURNS_PER_SECOND: Final = 500  # a handshake costs up to a millisecond of a core (homeserver §2, trap 12)

_PROOFS: Final = {Mode.MODE_MAILBOX: "login", Mode.MODE_SUBMIT: "pass", Mode.MODE_REGISTER: "register", Mode.MODE_PAIR: "pair"}
_NAMES: Final = {Mode.MODE_MAILBOX: "mailbox", Mode.MODE_SUBMIT: "submit", Mode.MODE_REGISTER: "register", Mode.MODE_PAIR: "pair"}


def login_refused() -> RefusedError:
    """One answer for an unknown device, a removed one, and a signature that does not hold."""
    return RefusedError("login.refused", "This device may not log in.")


class Door:
    """Lets connections in, within the limits that hold before anybody has proved anything."""

    def __init__(self, house: Homeserver) -> None:
        limits = house.settings.limits
        self._house = house
        self._connections: set[LinkConnection] = set()
        self._waiting: Counter[str] = Counter()
        self.draining = False
        self.logins: RateTable[str] = RateTable(lambda: limits.logins_per_minute, seconds=60)
        self.passes: RateTable[str] = RateTable(lambda: limits.passes_shown_per_minute, seconds=60)
        self.registrations: RateTable[str] = RateTable(lambda: limits.registrations_per_hour, seconds=3600)
        self.pairings: RateTable[str] = RateTable(lambda: limits.pairings_per_hour, seconds=3600)

    @property
    def open_links(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def accept(self, sink: FrameSink) -> LinkConnection:
        """Take over a connection; one too many is told so at once."""
        connection = LinkConnection(self._house, self, sink)
        limits = self._house.settings.limits
        crowded = self._waiting[sink.source] >= limits.waiting_per_source or len(self._connections) >= limits.links
        self._connections.add(connection)
        self._waiting[sink.source] += 1
        if self.draining:
            connection.end(NetworkError("server.draining", "The homeserver is stopping.", retryable=True))
        elif crowded:
            connection.end(RefusedError("rate.limited", "Too many connections.", retryable=True))
        return connection

    def proved(self, source: str) -> None:
        """A connection of this source has shown what it had to, or is gone."""
        self._waiting[source] -= 1
        if self._waiting[source] <= 0:
            del self._waiting[source]

    def forget(self, connection: LinkConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def quiet(self) -> None:
        """The program stops: take no new connection, and read no more from those that are here."""
        self.draining = True
        for connection in self._connections:
            connection.gate.shut("drain")

    def drain(self) -> None:
        """Tell everybody over how many seconds to spread coming back, and close."""
        self.draining = True
        spread = math.ceil(len(self._connections) / RETURNS_PER_SECOND)
        for connection in tuple(self._connections):
            connection.say(notice=Notice(code="server.draining", number=spread))
            connection.close(CLOSE_GONE)


class LinkConnection:
    """One connection (`FrameHandler`); the role takes over when it is open."""

    __slots__ = ("_deadline", "_door", "_ended", "_house", "_mode", "_node", "_nonce", "_proving", "_role", "_sink", "_waits", "gate")

    def __init__(self, house: Homeserver, door: Door, sink: FrameSink) -> None:
        self._house = house
        self._door = door
        self._sink = sink
        self.gate = Gate(sink)
        self._ended = False
        self._waits = True  # counts among those before login or pass
        self._nonce = b""
        self._node = VersionRange(0, 0)
        self._mode: Mode = Mode.MODE_UNKNOWN
        self._proving = False
        self._role: Role | None = None
        self._deadline = asyncio.get_running_loop().call_later(house.settings.limits.opening_seconds, self._too_late)

    @property
    def ended(self) -> bool:
        """Whether nothing can be said any more."""
        return self._ended

    # ---- what the connection tells us

    def on_frame(self, frame: bytes) -> None:
        """Take one frame, or end the link."""
        if self._ended:
            return
        try:
            if self._role is not None and self._role.take_at_once(frame):
                return
            read = parse(LinkUp, frame, MAX_FRAME)
            name = read.WhichOneof("frame")
            if name is None:
                raise malformed("it is empty")
            if self._role is not None:
                self._role.take(name, read)
            elif self._mode == Mode.MODE_UNKNOWN:
                self._greet(name, read.hello)
            else:
                self._prove(name, read)
        except ConnexaError as error:
            self.end(error)
        except Exception:  # a fault of ours must cost this link, not everybody's homeserver
            logger.exception("link failed")
            self.end(ConnexaError("server.temporary", "The homeserver failed.", retryable=True))

    def on_drained(self) -> None:
        """The node reads again."""
        if self._role is not None and not self._ended:
            self._role.drained()

    def on_closed(self) -> None:
        """The connection is gone."""
        self._ended = True
        self._leave()
        self._door.forget(self)

    # ---- what roles do with it

    def say(self, **frame: Message) -> None:
        """Send one frame."""
        self.say_raw(LinkDown(**frame).SerializeToString())  # type: ignore[arg-type]  # one keyword of LinkDown's own

    def say_raw(self, frame: bytes) -> None:
        """Send one frame that is encoded already; whoever leaves too much unread is cut off, whatever it was."""
        if self._ended:
            return
        self._sink.send(frame)
        if self._sink.buffered() > self._house.settings.limits.slow_bytes:
            self.end(RefusedError("link.slow", "This node does not read what is sent to it.", retryable=True))

    def buffered(self) -> int:
        """Bytes that the node has not taken."""
        return self._sink.buffered()

    def end(self, error: ConnexaError) -> None:
        """Say the code, and close with the number that says the same."""
        if self._ended:
            return
        self._house.metrics.links_closed.labels(error.code).inc()
        self._sink.send(LinkDown(notice=Notice(code=error.code)).SerializeToString())
        self.close(close_code(error))

    def close(self, code: int) -> None:
        """Close; nothing more is said or taken."""
        if self._ended:
            return
        self._ended = True
        self._leave()
        self._sink.close(code)

    def _leave(self) -> None:
        self._deadline.cancel()
        self._stop_waiting()
        role, self._role = self._role, None
        if role is not None:
            self._house.metrics.links.labels(_NAMES[self._mode]).dec()
            role.closed()

    def _stop_waiting(self) -> None:
        if self._waits:
            self._waits = False
            self._door.proved(self._sink.source)

    def _too_late(self) -> None:
        self.end(NetworkError("link.timeout", "Login or pass came too late."))

    # ---- opening

    def _greet(self, name: str, hello: LinkHello) -> None:
        if name != "hello":
            raise unexpected()
        self._node = VersionRange(hello.min, hello.max)
        version = negotiate(OURS, self._node)
        if hello.mode not in _PROOFS:
            raise malformed("its mode is unknown")
        self._mode = hello.mode
        self._nonce = self._house.rng(NONCE_SIZE)
        time = int(self._house.clock() * 1000)
        self.say(challenge=Challenge(version=version, nonce=self._nonce, time=time, min=OURS.min, max=OURS.max))

    def _prove(self, name: str, frame: LinkUp) -> None:
        if name != _PROOFS[self._mode] or self._proving:
            raise unexpected()
        self._proving = True
        match name:
            case "login":
                self._log_in(frame.login)
            case "pass":
                self._show_pass(getattr(frame, "pass"))
            case "register":
                self._register(frame.register)
            case "pair":
                self._pair(frame.pair)

    def _log_in(self, asked: Login) -> None:
        self._limit(self._door.logins)
        now = self._house.clock()
        login = login_of(self._house.database.read, asked.user, asked.device, now)
        if login is None:
            raise login_refused()
        statement = login_statement(
            node=self._node,
            server=OURS,
            mode=self._mode,
            domain=self._house.domain,
            nonce=self._nonce,
            user=asked.user,
            device=asked.device,
            certificate=self._sink.certificate_hash,  # I89: a login made for another connection is worth nothing here
        )
        try:
            login.certificate.dsk.verify(Kind.LOGIN, statement, asked.signature)
        except InvalidSignature:
            raise self._after_renewal() or login_refused() from None
        device = login.certificate.device
        seen = self._house.writer.submit(lambda execute: execute("UPDATE device SET last_seen = ? WHERE device = ?", (int(now), device)))
        role = MailboxRole(self._house, self, login)

        def recorded(done: asyncio.Future[Any]) -> None:
            if done.exception() is None:  # else nothing is lost: it is for administrators, and for other processes with a link
                self._house.links.recorded(device, role)

        seen.add_done_callback(recorded)
        self._open(role, login.last_number, newest_list(self._house.database.read, login.certificate.user), login.acked)

    def _after_renewal(self) -> ConnexaError | None:
        """A link that opens while the leaf is renewed may have been shown the other one: not a refusal of the device."""
        if not self._house.certificates.just_renewed:
            return None
        return ConnexaError("server.temporary", "The certificate was renewed just now.", retryable=True)

    def _show_pass(self, shown: PassShow) -> None:
        self._limit(self._door.passes)
        now = self._house.clock()
        self._house.pass_keys.check_shown(shown, node=self._node, nonce=self._nonce, now=now)
        opened = self._house.writer.submit(lambda execute: open_pass(execute, shown, now))
        opened.add_done_callback(self._pass_opened)

    def _pass_opened(self, done: asyncio.Future[Opened]) -> None:
        if (opened := self._result(done)) is not None:
            self._open(SubmitRole(self._house, self, opened), opened.last_number)

    def _register(self, asked: Register) -> None:
        self._limit(self._door.registrations)
        house, now = self._house, self._house.clock()
        try:
            application = read_application(asked, domain=house.domain, nonce=self._nonce, certificate_hash=self._sink.certificate_hash)
        except InvalidSignature:
            raise self._after_renewal() or InvalidSignature() from None
        if application.device_list.body and not house.list_uploads.take(application.user.id, asyncio.get_running_loop().time()):
            raise RefusedError("rate.limited", "The list of devices was changed too often today.", retryable=True)
        invite_only = house.settings.registration == "invite"
        most = house.settings.limits.devices_per_person
        made = house.writer.submit(
            lambda execute: register(execute, application, house.domain_keys, invite_only=invite_only, now=now, most_devices=most)
        )
        made.add_done_callback(self._registered)

    def _registered(self, done: asyncio.Future[Registration]) -> None:
        if done.exception() is None:  # it holds for the other devices, whether or not this connection is still there
            devices = done.result().devices
            self._house.links.expel(done.result().gone)
            self._house.links.notify_user(devices.user, Notice(code="devices.changed", number=devices.version))
        if (made := self._result(done)) is not None:
            self.say(registered=made.answer)
            self.close(CLOSE_OK)

    def _pair(self, asked: PairOpen) -> None:
        self._limit(self._door.pairings)  # a slot outlives its links, so those that are open bound nothing
        role = self._house.pairs.open(asked.slot, self)
        waits, self._waits = self._waits, False  # such a link proves nothing, so it goes on counting for its source
        self._open(role, 0)
        self._waits = waits

    def _result(self, done: asyncio.Future[R]) -> R | None:
        """What the writer has made for us, unless the connection is gone or it was refused."""
        error = done.exception()
        if error is None:
            return None if self._ended else done.result()
        if not isinstance(error, ConnexaError):
            logger.error("opening failed", exc_info=error)
            error = ConnexaError("server.temporary", "The homeserver failed.", retryable=True)
        self.end(error)
        return None

    def _limit(self, table: RateTable[str]) -> None:
        if not table.take(self._sink.source, asyncio.get_running_loop().time()):
            raise RefusedError("rate.limited", "Too many attempts from this address.", retryable=True)

    def _open(self, role: Role, last: int, device_list: Signed | None = None, acked: int = 0) -> None:
        self._deadline.cancel()
        self._stop_waiting()
        self._role = role
        self._house.metrics.links.labels(_NAMES[self._mode]).inc()
        publication = self._house.publication
        ready = Ready(last=last, limits=publication.policy, time=int(self._house.clock() * 1000), acked=acked)
        ready.server_info.CopyFrom(publication.server_info())
        if device_list is not None:
            ready.device_list.CopyFrom(device_list)
        self.say(ready=ready)
        role.opened()

"""XMPP (RFC 6120) with stream management (XEP-0198): the sender's acknowledgements are the server's, the reader acknowledges what it gets.

Durable as people run it: an archive for everybody (XEP-0313). Bodies are text, one stanza for each message; SASL PLAIN on plain TCP. No XML
parser, so that the generator stays cheap: the stanzas of these servers are told apart by their tags.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from glob import glob
from pathlib import Path
from typing import Any

from connexa.cli.demo.process import free_ports

from .pair import Changed, Running, daemon

__all__ = ["ejabberd", "prosody"]

ANSWER_SECONDS = 60.0
AT_ONCE = 20
_STANZA = re.compile(rb"<(message|iq|presence|r|a)(?=[\s>/])")
_COUNT = re.compile(rb"h=['\"](\d+)")
_OPEN = (
    b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)


class _Stream(asyncio.Protocol):
    """One client's stream: questions until it is `live`, stanzas afterwards."""

    def __init__(self) -> None:
        self.on_message: Callable[[], None] | None = None
        self.on_accepted: Callable[[int], None] = lambda _: None
        self.live = False
        self._rest = b""
        self._asked: tuple[re.Pattern[bytes], asyncio.Future[None]] | None = None
        self._heard = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, question: bytes, answer: bytes) -> None:
        """Write, and wait for something that looks like the answer."""
        waiting = asyncio.get_running_loop().create_future()
        self._asked = (re.compile(answer, re.DOTALL), waiting)
        self.write(question)
        await asyncio.wait_for(waiting, ANSWER_SECONDS)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if self.live:
            self._stanzas()
        elif self._asked is not None and (found := self._asked[0].search(self._rest)):
            self._rest = self._rest[found.end() :]
            self._asked[1].set_result(None)
            self._asked = None

    def _stanzas(self) -> None:
        buffer, place, asked, before = self._rest, 0, False, self._heard
        while found := _STANZA.search(buffer, place):
            name, head = found[1], buffer.find(b">", found.end())
            if head < 0:
                break
            end = head + 1
            if name == b"r":
                asked = True
            elif name == b"a":
                count = _COUNT.search(buffer, found.end(), head)
                self.on_accepted(int(count[1]) if count else 0)
            else:
                if buffer[head - 1] != ord("/"):
                    close = buffer.find(b"</" + name + b">", head)
                    if close < 0:
                        break
                    end = close + len(name) + 3
                self._heard += 1
                if name == b"message" and self.on_message is not None and buffer.find(b"<body>", head, end) > 0:
                    self.on_message()
            place = end
        self._rest = buffer[place:]
        if asked or self._heard != before:
            self.write(b"<a xmlns='urn:xmpp:sm:3' h='%d'/>" % self._heard)


class _Pair:
    def __init__(self, number: int, sender: _Stream, reader: _Stream, changed: Changed) -> None:
        self.next, self.accepted, self.delivered = 1, 0, 0
        self.due: deque[float] = deque()
        self._sender = sender
        self._number = number
        self._changed = changed
        sender.on_accepted = self._accepted
        reader.on_message = self._delivered

    def send(self, body: bytes, count: int, due: float) -> None:
        for number in range(self.next, self.next + count):
            head = b"<message to='r%d@localhost' type='chat' id='%d'><body>" % (self._number, number)
            self._sender.write(head + body + b"</body></message><r xmlns='urn:xmpp:sm:3'/>")
        self.next += count
        self.due.extend([due] * count)

    def _accepted(self, count: int) -> None:
        self.accepted = count
        self._changed(self)

    def _delivered(self) -> None:
        self.delivered += 1
        self._changed(self)


async def _people(port: int, pairs: int, changed: Changed, leaving: AsyncExitStack) -> list[_Pair]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def person(name: bytes, *, present: bool) -> _Stream:
        async with turns:
            await _register(port, name)
            stream = await _log_in(port, name, present=present)
            leaving.callback(stream.close)
            return stream

    async def pair(number: int) -> _Pair:
        sender, reader = await person(b"s%d" % number, present=False), await person(b"r%d" % number, present=True)
        return _Pair(number, sender, reader, changed)

    return list(await asyncio.gather(*map(pair, range(pairs))))


async def _connect(port: int) -> _Stream:
    _, stream = await asyncio.get_running_loop().create_connection(_Stream, "127.0.0.1", port)
    await stream.ask(_OPEN, rb"</stream:features>")
    return stream


async def _register(port: int, name: bytes) -> None:
    stream = await _connect(port)
    asked = b"<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>%s</username><password>pw</password></query></iq>"
    await stream.ask(asked % name, rb"<iq[^>]*id=.reg.[^>]*(/>|>.*?</iq>)")
    stream.close()


async def _log_in(port: int, name: bytes, *, present: bool) -> _Stream:
    stream = await _connect(port)
    secret = base64.b64encode(b"\0" + name + b"\0pw")
    await stream.ask(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret + b"</auth>", rb"<success[^>]*>")
    await stream.ask(_OPEN, rb"</stream:features>")
    bind = b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>b</resource></bind></iq>"
    await stream.ask(bind, rb"</iq>")
    await stream.ask(b"<enable xmlns='urn:xmpp:sm:3'/>", rb"<enabled[^>]*>")
    stream.live = True
    if present:
        stream.write(b"<presence/>")
    return stream


@asynccontextmanager
async def prosody(root: Path, pairs: int, changed: Changed) -> AsyncIterator[Running]:
    """Prosody with its own storage."""
    (port,) = free_ports(1)
    (root / "data").mkdir(parents=True)
    (root / "prosody.cfg.lua").write_text(_PROSODY.format(root=root, port=port))
    async with AsyncExitStack() as leaving:
        words = [shutil.which("prosody") or "prosody", "-F", "--config", str(root / "prosody.cfg.lua")]
        pid = await leaving.enter_async_context(daemon(words, port, root))
        yield [pid], await _people(port, pairs, changed, leaving)


_PROSODY = """run_as_root = true
pidfile = "{root}/prosody.pid"
data_path = "{root}/data"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
modules_enabled = {{ "roster", "saslauth", "disco", "smacks", "mam", "register", "ping", "carbons" }}
modules_disabled = {{ "s2s", "tls" }}
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
default_archive_policy = true
log = {{ warn = "{root}/prosody.log" }}
VirtualHost "localhost"
"""


@asynccontextmanager
async def ejabberd(root: Path, pairs: int, changed: Changed) -> AsyncIterator[Running]:
    """ejabberd with Mnesia."""
    (port,) = free_ports(1)
    (root / "mnesia").mkdir(parents=True)
    (root / "ejabberd.yml").write_text(_EJABBERD.format(port=port))
    beams = sorted(glob("/usr/lib/*/ejabberd-*/ebin"))[0]
    environment = os.environ | {
        "EJABBERD_CONFIG_PATH": f"{root}/ejabberd.yml",
        "EJABBERD_LOG_PATH": f"{root}/ejabberd.log",
        "HOME": str(root),
    }
    words = ["erl", "-noinput", "+K", "true", "-pa", beams, "-mnesia", "dir", f'"{root}/mnesia"', "-s", "ejabberd"]
    async with AsyncExitStack() as leaving:
        pid = await leaving.enter_async_context(daemon(words, port, root, environment))
        yield [pid], await _people(port, pairs, changed, leaving)


_EJABBERD = """loglevel: warning
hosts: [localhost]
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, shaper: none, access: all}}
auth_password_format: plain
registration_timeout: infinity
default_db: mnesia
shaper_rules:
  max_user_sessions: 10
  max_user_offline_messages: infinity
modules:
  mod_roster: {{}}
  mod_disco: {{}}
  mod_mam: {{default: always, assume_mam_usage: true}}
  mod_offline: {{access_max_user_messages: max_user_offline_messages}}
  mod_register: {{ip_access: all, access: all}}
  mod_stream_mgmt: {{resend_on_timeout: true, max_ack_queue: infinity}}
"""

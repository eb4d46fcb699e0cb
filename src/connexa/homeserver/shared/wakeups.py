"""Wake-ups between the processes of one homeserver, by NATS: at most once, of what is in the store anyway. Who hears nothing polls.

What is said is small: which devices got mail and up to which number, hints of groups for devices that are linked elsewhere, domains with a
queue. Whoever can publish there can make processes look for nothing, and tell devices that there is something to read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import nats
import nats.errors

__all__ = ["Heard", "Wakeups"]

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 2
RETRY_SECONDS: Final = 1.0
MAX_WAITING: Final = 1_024  # wake-ups that are not sent yet; more are dropped


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """One wake-up."""

    mail: dict[bytes, int] = {}
    hints: tuple[tuple[bytes, bytes], ...] = ()
    queues: tuple[str, ...] = ()


class Wakeups:
    """The connection to NATS of one process; `run` keeps it."""

    def __init__(self, url: str, credentials: Path | None, subject: str, hear: Callable[[Heard], None]) -> None:
        self._url = url
        self._credentials = credentials
        self._subject = subject
        self._hear = hear
        self._decoder = msgspec.msgpack.Decoder(Heard)
        self._encoder = msgspec.msgpack.Encoder()
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self.connected = False

    def say(self, said: Heard) -> None:
        """Tell the others, if there is a way."""
        if self.connected and not self._waiting.full():
            self._waiting.put_nowait(self._encoder.encode(said))

    async def run(self) -> None:
        """Be connected until cancelled."""
        while True:
            try:
                await self._stay()
            except (nats.errors.Error, OSError, TimeoutError) as error:
                logger.info("wakeups.lost kind=%s", type(error).__name__)
            finally:
                self.connected = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _stay(self) -> None:
        connection = await nats.connect(
            self._url,
            user_credentials=str(self._credentials) if self._credentials is not None else None,
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            no_echo=True,
            error_cb=_ignore,
        )
        try:
            await connection.subscribe(self._subject, cb=self._take)
            self.connected = True
            while not connection.is_closed:
                try:
                    async with asyncio.timeout(RETRY_SECONDS):
                        said = await self._waiting.get()
                except TimeoutError:
                    continue
                await connection.publish(self._subject, said)
        finally:
            await connection.close()

    async def _take(self, message: object) -> None:
        try:
            heard = self._decoder.decode(message.data)  # type: ignore[attr-defined]  # nats' own message
        except msgspec.DecodeError:
            return
        self._hear(heard)


async def _ignore(_error: Exception) -> None:
    """What it is about ends the connection, and `run` says so."""

"""Uploads and reads of blobs: limits and rights first, then the store, then the row, so that what is counted is durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from connexa.errors import ConflictError, ConnexaError, RefusedError, UsageError
from connexa.homeserver.limits import RateTable
from connexa.homeserver.passes import PassKeys
from connexa.homeserver.settings import LimitSettings
from connexa.store import Store, Writer
from connexa.wire import BLOB_PART, HASH_SIZE, ID_SIZE, SEGMENT, blob_size, malformed, media_passes, padded_segments
from connexa.wire.v1.media_pb2 import MediaBegin, MediaState

from .blobs import BlobStore, no_blob, part_path
from .ledger import Blob, begin, count_part, delete_blobs, end, over, prune_media_passes, to_read, to_write

__all__ = ["MAX_RANGE", "MediaService"]

_log = logging.getLogger("connexa.homeserver.media")

VERSION: Final = 1
MAX_RANGE: Final = 2 * BLOB_PART  # bytes of one answer: what it holds in memory
SWEEP_SECONDS: Final = 60.0
SWEPT_AT_ONCE: Final = 16
CLOCKS: Final = 600


class MediaService:
    """The blobs of one homeserver."""

    def __init__(
        self,
        blobs: BlobStore,
        database: Store,
        writer: Writer,
        passes: PassKeys,
        limits: LimitSettings,
        clock: Callable[[], float],
    ) -> None:
        self._blobs = blobs
        self._database = database
        self._writer = writer
        self._passes = passes
        self._limits = limits
        self._clock = clock
        self._rates: RateTable[str] = RateTable(lambda: limits.media_requests_per_minute, seconds=60)
        self._open = 0

    @asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        """Let a request from a source address be read and answered, or refuse it before it is read."""
        busy = RefusedError("rate.limited", "Too many requests to media.", retryable=True)
        if self._open >= self._limits.media_at_once or not self._rates.take(source, self._clock()):
            raise busy
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def begin(self, blob: bytes, asked: MediaBegin) -> MediaState:
        """Begin an upload that its passes pay for; once more with the same values says how far it is."""
        now = self._clock()
        self._check(blob, asked, now)
        spent = await asyncio.to_thread(self._passes.check_media, asked.passes, blob, asked.write_hash, asked.segments, now)
        most = self._limits.media_total_segments
        return _state(await self._writer.run(lambda execute: begin(execute, blob, asked, spent, most=most, now=now)))

    def _check(self, blob: bytes, asked: MediaBegin, now: float) -> None:
        if asked.version != VERSION:
            raise malformed("its version is unknown")
        if len(blob) != ID_SIZE or len(asked.write_hash) != HASH_SIZE:
            raise malformed("a hash in it has the wrong size")
        if asked.segments > self._limits.media_segments:
            raise RefusedError("media.too_large", "The file is larger than this homeserver takes.")
        if asked.segments < 1 or padded_segments(asked.segments * SEGMENT) != asked.segments:
            raise UsageError("media.size", "That is no padded size.")
        if not now - CLOCKS < asked.expires <= now + self._limits.media_seconds + CLOCKS:
            raise UsageError("media.expiry", "That is no time until which a blob is kept here.")
        if len(asked.passes) != media_passes(asked.segments):
            raise malformed("its media passes are too few or too many")

    def state(self, blob: bytes, write: bytes) -> MediaState:
        """How far an upload is, for its uploader."""
        return _state(to_write(self._database.read, blob, write, self._clock()))

    async def put_part(self, blob: bytes, write: bytes, number: int, part: bytes) -> MediaState:
        """Store the next part; one that is here already is not stored again."""
        found = to_write(self._database.read, blob, write, self._clock())
        if number < found.stored:
            return _state(found)
        if number > found.stored or number >= found.parts:
            raise ConflictError("media.gap", "That is not the next part.", "Ask how far the upload is.", retryable=True)
        if len(part) != min(BLOB_PART, blob_size(found.segments) - number * BLOB_PART):
            raise UsageError("media.part_size", "A part has not the size that it has to have.")
        path = part_path(blob, number)
        await self._blobs.put(path, part)
        if not await self._writer.run(lambda execute: count_part(execute, found, number, self._clock())):
            await self._blobs.delete([path])
            raise no_blob()
        return self.state(blob, write)

    async def read(self, blob: bytes, read: bytes, start: int, stop: int) -> tuple[bytes, int]:
        """Bytes `start` to before `stop` of a whole blob, as many as there are, and how many it has in all."""
        found = to_read(self._database.read, blob, read, self._clock())
        size = blob_size(found.segments)
        if not 0 <= start < min(stop, size) or stop - start > MAX_RANGE:
            raise UsageError("media.range", f"A range begins inside the blob and has at most {MAX_RANGE} bytes.")
        stop = min(stop, size)
        pieces = []
        for number in range(start // BLOB_PART, (stop - 1) // BLOB_PART + 1):
            base = number * BLOB_PART
            pieces.append(await self._blobs.get(part_path(blob, number), max(start - base, 0), min(stop - base, BLOB_PART)))
        return b"".join(pieces), size

    async def delete(self, blob: bytes, write: bytes) -> None:
        """End a blob; its parts go with the next sweep."""
        found = to_write(self._database.read, blob, write, self._clock())
        await self._writer.run(lambda execute: end(execute, found))

    async def run(self) -> None:
        """Delete what is over until cancelled."""
        while True:
            try:
                await self.sweep()
            except ConnexaError as error:  # the store or the disk is away: the next round tries again
                _log.warning("media.sweep failed code=%s", error.code)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Delete blobs that are over, parts first, so that no part stays without its row; returns how many."""
        gone = 0
        while found := over(self._database.read, self._clock(), SWEPT_AT_ONCE):
            await self._blobs.delete([part_path(blob.id, number) for blob in found for number in range(min(blob.stored + 1, blob.parts))])
            await self._writer.run(lambda execute, ended=found: delete_blobs(execute, ended))  # type: ignore[misc]
            gone += len(found)
        await self._writer.run(lambda execute: prune_media_passes(execute, self._clock()))
        return gone


def _state(blob: Blob) -> MediaState:
    return MediaState(parts=blob.parts, stored=blob.stored, expires=blob.expires)

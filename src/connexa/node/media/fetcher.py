"""Fetches files of messages, whole or by range: hashes first, held to the message's digest; then segments, each held to its hash.

What came is kept sealed in the folder and noted in the store, so that a fetch goes on where it was, and a video plays from what is here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from connexa.content import check_hashes, damaged, open_segment
from connexa.crypto import equal, sha256
from connexa.errors import IntegrityError
from connexa.node.account import Account
from connexa.node.home import Home
from connexa.node.media.client import MAX_FETCH, MediaClient, media_of
from connexa.node.media.files import Bits, MessageFile, bits_of, is_wanted, keep_bits
from connexa.node.media.folder import MediaFolder
from connexa.store import Execute
from connexa.wire import HASH_SIZE, SEALED_SEGMENT, SEGMENT

__all__ = ["Fetcher"]

AT_ONCE: Final = MAX_FETCH // SEALED_SEGMENT  # segments that one request brings
STEPS: Final = 20  # of progress that is told for one file


@dataclass(slots=True)
class _Line:
    """A conversation with the homeserver of a file, begun when something is really asked."""

    home: Home
    file: MessageFile
    stack: AsyncExitStack
    _client: MediaClient | None = None

    async def client(self) -> MediaClient:
        """The conversation."""
        if self._client is None:
            remote = await self.home.domains.book().find(self.file.domain)
            self._client = await self.stack.enter_async_context(media_of(self.home, self.file.domain, remote))
        return self._client


class Fetcher:
    """Fetches for one account."""

    def __init__(self, home: Home, account: Account, folder: MediaFolder) -> None:
        self._home = home
        self._account = account
        self._folder = folder

    async def whole(self, file: MessageFile) -> None:
        """Bring all of a file here, for as long as the owner wants it; what has come stays."""
        query = self._home.database.read
        bits = bits_of(query, self._account.id, file)
        async with self._line(file) as line:
            for run in _runs([index for index in range(file.filled) if index not in bits]):
                if not is_wanted(query, self._account.id, file):
                    return
                await self._bring(line, bits, run)

    async def read(self, file: MessageFile, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes `start` to before `stop` of the file, fetching what is not here; every piece was proved before it is given."""
        bits = bits_of(self._home.database.read, self._account.id, file)
        async with self._line(file) as line:
            for index in range(start // SEGMENT, -(-stop // SEGMENT)):
                if index not in bits:
                    ahead = range(index, min(index + AT_ONCE, -(-stop // SEGMENT)))
                    await self._bring(line, bits, [one for one in ahead if one not in bits])
                plain = await self._open(line, bits, index)
                base = index * SEGMENT
                yield plain[max(start - base, 0) : stop - base]

    @asynccontextmanager
    async def _line(self, file: MessageFile) -> AsyncIterator[_Line]:
        async with AsyncExitStack() as stack:
            yield _Line(self._home, file, stack)

    async def _open(self, line: _Line, bits: Bits, index: int) -> bytes:
        """Open a segment that is here; one that the disk has lost or changed is fetched once more."""
        try:
            return self._opened(line.file, index)
        except IntegrityError:
            bits.take_out(index)
            await self._bring(line, bits, [index])
            return self._opened(line.file, index)

    def _opened(self, file: MessageFile, index: int) -> bytes:
        hashes = self._folder.hashes(file.blob, file.segments)
        check_hashes(hashes, file.segments, file.attachment.digest)
        sealed = self._folder.segment(file.blob, index)
        return open_segment(file.keys, index, file.segments, sealed, hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE])

    async def _bring(self, line: _Line, bits: Bits, missing: list[int]) -> None:
        """Fetch segments, in runs of neighbours, prove each, and keep it; with the last one its padding, so that the size stays untold."""
        if not missing:
            return
        file, client = line.file, await line.client()
        if missing[-1] == file.filled - 1:
            missing = [*missing, *range(file.filled, file.segments)]
        hashes = await self._hashes(client, file)
        for run in _runs(missing):
            start = run[0] * SEALED_SEGMENT
            raw = await client.read(file.blob, file.keys.read, start, start + len(run) * SEALED_SEGMENT)
            for place, index in enumerate(run):
                sealed = raw[place * SEALED_SEGMENT : (place + 1) * SEALED_SEGMENT]
                if not equal(sha256(sealed), hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE]):
                    raise damaged()
                bits.add(index)
            self._folder.put(file.blob, start, raw)
            await self._home.change(lambda execute: self._keep(execute, file, bits))

    async def _hashes(self, client: MediaClient, file: MessageFile) -> bytes:
        """The hashes of all segments: from here where they hold, else from the homeserver."""
        start, length = file.segments * SEALED_SEGMENT, file.segments * HASH_SIZE
        here = self._folder.hashes(file.blob, file.segments)
        if len(here) == length and equal(sha256(here), file.attachment.digest):
            return here
        hashes = await client.read(file.blob, file.keys.read, start, start + length)
        check_hashes(hashes, file.segments, file.attachment.digest)
        self._folder.put(file.blob, start, hashes)
        return hashes

    def _keep(self, execute: Execute, file: MessageFile, bits: Bits) -> None:
        before = bits_of(execute, self._account.id, file)
        both = Bits(file.filled, (int.from_bytes(before.raw, "big") | int.from_bytes(bits.raw, "big")).to_bytes(len(bits.raw), "big"))
        keep_bits(execute, self._account.id, file, both)
        if int(before.share * STEPS) == int(both.share * STEPS):
            return
        self._home.events.record(
            execute,
            str(self._account.address),
            "attachment.ready" if both.share == 1 else "attachment.progress",
            self._home.clock(),
            id=file.message.hex(),
            file=file.place,
            share=round(both.share, 3),
        )


def _runs(indices: list[int]) -> list[list[int]]:
    """Neighbours together, as many as one request brings."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1 and len(runs[-1]) < AT_ONCE:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs

"""What a face does with files: hands one over, sends it, looks how far it is, gives it up; fetches one, plays it, stops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from connexa.content import MAX_ATTACHMENTS, MAX_FILE, MAX_THUMBNAIL, Attachment, ContactState, Text, blob_keys
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.node.account import Account
from connexa.node.groups.book import find_group
from connexa.node.home import Home
from connexa.node.media.fetcher import Fetcher
from connexa.node.media.files import MessageFile, bits_of, fetch_view, file_of, needed_blobs, set_wanted
from connexa.node.media.mover import media_folder
from connexa.node.media.sends import add_send, cancel, sending_view, sendings, stage, words_of
from connexa.node.media.views import FetchView, FileView, MediaLimitsView, SendingView
from connexa.node.sending import find_person, parse_id
from connexa.node.wakeups import Wakeups
from connexa.wire import SEGMENT

__all__ = ["GivenFile", "MediaDesk", "OpenedFile"]

STAGED_SECONDS: Final = 86_400
_ANY: Final = Attachment("file", "application/octet-stream", 0, bytes(32), bytes(32), 0)


@dataclass(frozen=True, slots=True)
class GivenFile:
    """What a face says of a file that it has handed over; thumbnail and blur are of its own making."""

    file: str  # its id
    name: str = field(repr=False)
    type: str
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    blur: str = field(default="", repr=False)
    thumbnail: bytes = field(default=b"", repr=False)
    voice: bool = False


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file of a message, to be read by ranges."""

    file: MessageFile
    fetcher: Fetcher = field(repr=False)

    @property
    def attachment(self) -> Attachment:
        """What its sender says of it."""
        return self.file.attachment

    def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """Its bytes from `start` to before `stop`, each proved before it is given; fetched where they are not here."""
        return self.fetcher.read(self.file, start, stop)


class MediaDesk:
    """The files of one account."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups | None) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._folder = media_folder(home)

    # ---- out

    async def limits(self) -> MediaLimitsView:
        """What may be attached: what the own homeserver has published."""
        remote = await self._home.domains.book().find(self._account.address.domain)
        policy = remote.server_info.policy if remote.server_info else None
        most = min(policy.media_segments * SEGMENT, MAX_FILE) if policy else 0
        return MediaLimitsView(
            file_bytes=most, files=MAX_ATTACHMENTS, thumbnail_bytes=MAX_THUMBNAIL, seconds=policy.media_seconds if policy else 0
        )

    async def hand_over(self, size: int, pieces: AsyncIterator[bytes]) -> FileView:
        """Seal a file as it comes; a message takes it within a day. Refused before anything is read where it is too large."""
        limits = await self.limits()
        if not limits.file_bytes:
            raise RefusedError("attachment.no_media", "The homeserver takes no files.")
        if not 0 <= size <= limits.file_bytes:
            raise RefusedError("attachment.too_large", f"A file has at most {limits.file_bytes} bytes here.")
        key, now = self._home.rng(32), self._home.clock()
        keys = blob_keys(key)
        digest, plain = await self._folder.take(keys, size, pieces)
        attachment = replace(_ANY, size=size, key=key, digest=digest)
        await self._home.change(lambda execute: stage(execute, self._account.id, keys.id, attachment, plain, now))
        await self.sweep()
        return FileView(id=keys.id.hex(), size=size)

    async def send(self, to: str, text: Text, files: Sequence[GivenFile], message: bytes) -> SendingView:
        """Let a message wait for its files; it goes by itself once they are at the homeserver. The same id again changes nothing."""
        if not 1 <= len(files) <= MAX_ATTACHMENTS:
            raise UsageError("attachment.too_many", f"A message takes 1 to {MAX_ATTACHMENTS} files.")
        audience = self._audience(to)
        taken = [(parse_id(one.file, 16, "file"), _named(one)) for one in files]
        words_of(replace(text, attachments=tuple(named(_ANY) for _, named in taken)))  # refused before anything is taken
        await self._home.change(lambda execute: add_send(execute, self._home, self._account, to, audience, text, message, taken))
        self._wake()
        return sending_view(self._home.database.read, self._account.id, message)

    async def forward(self, message: str, to: str, text: Text, new: bytes) -> SendingView:
        """Say a message with files to somebody else: they are fetched, and sealed anew under keys that its readers do not have."""
        files = []
        for place, one in enumerate(text.attachments):
            pieces = self.open(message, place).read(0, one.size)
            view = await self.hand_over(one.size, pieces)
            files.append(GivenFile(view.id, one.name, one.type, one.width, one.height, one.duration_ms, one.blur, one.thumbnail, one.voice))
        return await self.send(to, replace(text, attachments=()), files, new)

    def _audience(self, to: str) -> bytes:
        """Who will have the key; raises where it is plain already that nothing can be sent there."""
        query, account = self._home.database.read, self._account
        person = find_person(query, account.id, to)
        if person is None:
            group = find_group(query, account.id, to)
            if group is None:
                raise NotFoundError("contact.not_found", "There is no such contact.", "Files go to contacts and groups.")
            return bytes(group.public)
        if person.state is not ContactState.ACCEPTED or not person.profile_key:
            raise RefusedError("request.refused", "Files go to contacts who have accepted you.", "Send a text first.")
        return person.user

    def sendings(self) -> list[SendingView]:
        """Messages that wait for their files."""
        return sendings(self._home.database.read, self._account.id)

    async def retry(self, message: str) -> SendingView:
        """Try a message again that had failed."""
        raw = parse_id(message, 16, "message")
        sql = "UPDATE media_send SET failure = '' WHERE account = ? AND message = ?"
        await self._home.change(lambda execute: execute(sql, (self._account.id, raw)))
        self._wake()
        return sending_view(self._home.database.read, self._account.id, raw)

    async def cancel(self, message: str) -> None:
        """Give a message up that waits for its files."""
        raw = parse_id(message, 16, "message")
        for blob in await self._home.change(lambda execute: cancel(execute, self._home, self._account, raw)):
            self._folder.remove(blob)
        self._wake()

    # ---- in

    def open(self, message: str, place: int) -> OpenedFile:
        """A file of a message, to be read."""
        file = file_of(self._home.database.read, self._account, message, place)
        return OpenedFile(file, Fetcher(self._home, self._account, self._folder))

    async def fetch(self, message: str, place: int) -> FetchView:
        """Bring all of a file here, in the background and over restarts."""
        return await self._want(message, place, True)

    async def stop(self, message: str, place: int) -> FetchView:
        """Stop fetching; what has come stays."""
        return await self._want(message, place, False)

    async def _want(self, message: str, place: int, wanted: bool) -> FetchView:
        file = file_of(self._home.database.read, self._account, message, place)
        whole = bits_of(self._home.database.read, self._account.id, file).share == 1
        await self._home.change(lambda execute: set_wanted(execute, self._account.id, file, wanted and not whole))
        if self._wakeups is not None:
            self._wakeups.downloads.set()
        return self.fetched(message, place)

    def fetched(self, message: str, place: int) -> FetchView:
        """How much of a file is here."""
        return fetch_view(self._home.database.read, self._account.id, file_of(self._home.database.read, self._account, message, place))

    # ---- what the two share

    async def sweep(self) -> int:
        """Delete sealed files that no message has any more; returns how many."""
        before = self._home.clock() - STAGED_SECONDS
        names = self._folder.names()  # first: whatever has its name by now has its row in the store before the next operation
        needed = await self._home.change(lambda execute: needed_blobs(execute, before))
        gone = [name for name in names if name not in needed]
        for name in gone:
            self._folder.remove(name)
        return len(gone)

    def _wake(self) -> None:
        if self._wakeups is not None:
            self._wakeups.uploads.set()


def _named(given: GivenFile) -> Callable[[Attachment], Attachment]:
    """What turns a sealed file into an attachment that is called so."""

    def named(sealed: Attachment) -> Attachment:
        return replace(
            sealed,
            name=given.name,
            type=given.type,
            width=given.width,
            height=given.height,
            duration_ms=given.duration_ms,
            blur=given.blur,
            thumbnail=given.thumbnail,
            voice=given.voice,
        )

    return named

"""Brings the files of waiting messages to the own homeserver, part by part, and puts the message into the log when all are whole.

Nothing here names the account: media passes pay, and the connection has no login. What is stored says which part is next, so a cut, a
crash or a restart costs one part.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from connexa.content import Attachment, blob_keys
from connexa.crypto import sha256
from connexa.errors import ConnexaError, IntegrityError, NotFoundError, RefusedError
from connexa.node.account import Account
from connexa.node.groups.book import find_group
from connexa.node.groups.messages import say_in_group
from connexa.node.home import Home, first, rows
from connexa.node.media.client import MediaClient, media_of
from connexa.node.media.files import Bits, MessageFile, keep_bits
from connexa.node.media.folder import MediaFolder
from connexa.node.media.passes import drop_passes, give_passes, passes_shown
from connexa.node.media.sends import Send, Upload, announce_upload, drop, dump_attachment, uploads_of
from connexa.node.people import Person
from connexa.node.sending import find_person, send_text
from connexa.store import Execute
from connexa.wire import media_passes
from connexa.wire.v1.media_pb2 import MediaBegin

__all__ = ["GivenUpError", "Uploader"]

VERSION: Final = 1
STEPS: Final = 20  # of progress that is told for one file
OnSaid = Callable[[Execute, Person | None], None]


class GivenUpError(ConnexaError):
    """The owner has given the message up meanwhile."""


class Uploader:
    """Uploads of one account."""

    def __init__(self, home: Home, account: Account, folder: MediaFolder, on_said: OnSaid) -> None:
        self._home = home
        self._account = account
        self._folder = folder
        self._on_said = on_said

    async def send(self, send: Send) -> Person | None:
        """Upload what is missing of a message, then say it; returns whom it is for, None for a group.

        Raises what stands in the way: retryable where another try may do, GivenUpError where nobody waits for it any more.
        """
        missing = [one for one in uploads_of(self._home.database.read, send.id) if not one.done]
        if missing:
            remote = await self._home.domains.book().find(self._account.address.domain)
            async with media_of(self._home, self._account.address.domain, remote) as client:
                for one in missing:
                    life = remote.server_info.policy.media_seconds if remote.server_info else 0
                    await self._upload(client, send, one, life)
        return await self._home.change(lambda execute: self._say(execute, send))

    async def _upload(self, client: MediaClient, send: Send, upload: Upload, life: int) -> None:
        one = await self._home.change(lambda execute: self._prepare(execute, upload, life))
        write_hash = sha256(one.writer)
        shown = passes_shown(self._home.database.read, self._account.id, one.blob, write_hash, one.segments)
        asked = MediaBegin(version=VERSION, write_hash=write_hash, segments=one.segments, expires=one.attachment.expires, passes=shown)
        try:
            state = await client.begin(one.blob, asked)
        except RefusedError as error:
            if error.code == "pass.refused":  # a store that was put back has spent them before: others are taken
                await self._home.change(lambda execute: drop_passes(execute, self._account.id, one.blob))
                raise RefusedError(error.code, error.message, retryable=True) from None
            raise
        if state.parts != one.parts:
            raise IntegrityError("media.malformed", "The homeserver counts the parts of a file differently.")
        while state.stored < one.parts:
            part = self._folder.part(one.blob, state.stored)
            await self._note(send, one, state.stored)
            state = await client.put(one.blob, one.writer, state.stored, part)
        await self._home.change(lambda execute: self._done(execute, send, one))

    def _prepare(self, execute: Execute, upload: Upload, life: int) -> Upload:
        """Give an upload its right to write, its end, and its passes; what it has of them stays."""
        now = self._home.clock()
        where = (upload.send, upload.place)
        if first(execute, "SELECT 1 FROM media_upload WHERE send = ? AND place = ?", where) is None:
            raise GivenUpError("upload.cancelled", "The message was given up.")
        if not self._folder.is_whole(upload.blob, upload.segments):
            raise NotFoundError("attachment.lost", "The file that was handed over is not here any more.", "Attach it again.")
        if not upload.writer:
            attachment = replace(upload.attachment, expires=int(now) + life)
            upload = replace(upload, writer=self._home.rng(32), attachment=attachment)
            sql = "UPDATE media_upload SET writer = ?, attachment = ? WHERE send = ? AND place = ?"
            execute(sql, (upload.writer, dump_attachment(attachment), *where))
        held = first(execute, "SELECT 1 FROM media_pass WHERE account = ? AND blob = ?", (self._account.id, upload.blob))
        if held is None and not give_passes(execute, self._account.id, upload.blob, media_passes(upload.segments), now):
            raise RefusedError("pass.missing", "There are not enough media passes yet.", retryable=True)
        return upload

    async def _note(self, send: Send, one: Upload, stored: int) -> None:
        """Store how far an upload is, tell it now and then, and notice that the owner has given it up."""

        def note(execute: Execute) -> None:
            sql = "UPDATE media_upload SET stored = ? WHERE send = ? AND place = ? RETURNING 1"
            if first(execute, sql, (stored, one.send, one.place)) is None:
                raise GivenUpError("upload.cancelled", "The message was given up.")
            if stored % max(1, one.parts // STEPS) == 0:
                announce_upload(execute, self._home, self._account, send.message, "progress", file=one.place, done=stored, parts=one.parts)

        await self._home.change(note)

    def _done(self, execute: Execute, send: Send, one: Upload) -> None:
        sql = "UPDATE media_upload SET done = 1, stored = ? WHERE send = ? AND place = ? RETURNING 1"
        if first(execute, sql, (one.parts, one.send, one.place)) is None:
            raise GivenUpError("upload.cancelled", "The message was given up.")
        drop_passes(execute, self._account.id, one.blob)
        execute(
            "INSERT OR REPLACE INTO media_sent (account, audience, plain, attachment, expires) VALUES (?, ?, ?, ?, ?)",
            (self._account.id, send.audience, one.plain, dump_attachment(one.attachment), one.attachment.expires),
        )
        announce_upload(execute, self._home, self._account, send.message, "progress", file=one.place, done=one.parts, parts=one.parts)

    def _say(self, execute: Execute, send: Send) -> Person | None:
        """Put the message into the log, as if it had been written now."""
        if first(execute, "SELECT 1 FROM media_send WHERE id = ?", (send.id,)) is None:
            raise GivenUpError("upload.cancelled", "The message was given up.")
        files = uploads_of(execute, send.id)
        text = replace(send.text, attachments=tuple(one.attachment for one in files))
        account, person = self._account, None
        group = find_group(execute, account.id, send.recipient) if find_person(execute, account.id, send.recipient) is None else None
        if group is not None:
            say_in_group(execute, self._home, account, group, text, send.message)
        else:
            _, person = send_text(execute, self._home, account, send.recipient, text, send.message)
        for one in files:
            self._keep(execute, send, one.place, one.blob, one.attachment)
        drop(execute, account.id, send.id)
        announce_upload(execute, self._home, account, send.message, "done")
        self._on_said(execute, person)
        return person

    def _keep(self, execute: Execute, send: Send, place: int, blob: bytes, attachment: Attachment) -> None:
        """Keep the sealed file as this device's copy; where another blob is what was sent, that one is fetched when it is wanted."""
        keys = blob_keys(attachment.key)
        file = MessageFile(send.message, self._account.user_id, place, self._account.address.domain, attachment, keys, keys.id)
        if blob == file.blob:
            keep_bits(execute, self._account.id, file, Bits.whole(file.filled))

    async def end_given_up(self) -> None:
        """Tell the homeserver which blobs nobody will ever read."""
        ended = rows(self._home.database.read, "SELECT blob, writer FROM media_end WHERE account = ?", (self._account.id,))
        if not ended:
            return
        remote = await self._home.domains.book().find(self._account.address.domain)
        async with media_of(self._home, self._account.address.domain, remote) as client:
            for blob, writer in ended:
                with suppress(NotFoundError):  # it was never begun, or is over
                    await client.delete(blob, writer)
                await self._home.change(lambda execute, name=blob: self._forget_given_up(execute, name))  # type: ignore[misc]

    def _forget_given_up(self, execute: Execute, blob: bytes) -> None:
        execute("DELETE FROM media_end WHERE account = ? AND blob = ?", (self._account.id, blob))

"""Messages that wait for their files, as operations of the store.

A message with files goes into the log, and gets its counter, in the operation that finds its last file whole at the homeserver: before, it
would be a gap to all who read (decision 0027). Until then it stands here, and is shown with how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from connexa.content import Attachment, Content, Text, decode, encode, read_attachment, write_attachment
from connexa.errors import ConflictError, NotFoundError, UsageError
from connexa.node.account import Account
from connexa.node.home import Home, Query, first, returned, rows
from connexa.node.media.passes import drop_passes
from connexa.node.media.views import FileSentView, SendingView
from connexa.node.sending import MAX_SENT
from connexa.store import Execute, Row
from connexa.wire import padded_segments, parts_of
from connexa.wire.v1 import message_pb2 as pb

__all__ = [
    "Send",
    "Upload",
    "add_send",
    "announce_upload",
    "cancel",
    "drop",
    "dump_attachment",
    "fail",
    "load_attachment",
    "next_send",
    "sending_view",
    "sendings",
    "stage",
    "uploads_of",
    "words_of",
]

_LATER: Final = 64  # bytes that the content grows by when it is said: times, and when its blobs end
Named = Callable[[Attachment], Attachment]
AGAIN_SECONDS: Final = 7 * 86_400  # a blob that lives for so long yet is not uploaded again for the same audience


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a message that waits."""

    send: int
    place: int
    blob: bytes
    attachment: Attachment
    plain: bytes
    writer: bytes = field(repr=False)
    stored: int
    done: bool

    @property
    def segments(self) -> int:
        """Segments of its blob."""
        return padded_segments(self.attachment.size)

    @property
    def parts(self) -> int:
        """Parts in which it goes."""
        return parts_of(self.segments)


@dataclass(frozen=True, slots=True)
class Send:
    """A message that waits."""

    id: int
    account: int
    message: bytes
    recipient: str
    audience: bytes
    text: Text
    failure: str


def load_attachment(raw: bytes) -> Attachment:
    """An attachment of our own rows."""
    return read_attachment(pb.Attachment.FromString(raw))


def dump_attachment(attachment: Attachment) -> bytes:
    """The form of our rows; one that cannot be sent is refused when its message is."""
    return write_attachment(attachment).SerializeToString()


def stage(execute: Execute, account: int, blob: bytes, attachment: Attachment, plain: bytes, now: float) -> None:
    """Keep a file that was handed over, for a message to take."""
    sql = "INSERT INTO media_staged (account, blob, attachment, plain, created) VALUES (?, ?, ?, ?, ?)"
    execute(sql, (account, blob, dump_attachment(attachment), plain, now))


def add_send(
    execute: Execute,
    home: Home,
    account: Account,
    to: str,
    audience: bytes,
    text: Text,
    message: bytes,
    files: Sequence[tuple[bytes, Named]],
) -> bool:
    """Let a message wait for staged files; False where it waits already. A file that the audience has already is not uploaded again."""
    if first(execute, "SELECT 1 FROM media_send WHERE account = ? AND message = ?", (account.id, message)):
        return False
    if first(execute, "SELECT 1 FROM message WHERE account = ? AND sender = ? AND message = ?", (account.id, account.user_id, message)):
        raise ConflictError("message.id_used", "Another message has that id.")
    number = returned(
        execute,
        "INSERT INTO media_send (account, message, recipient, audience, words, created) VALUES (?, ?, ?, ?, x'', ?) RETURNING id",
        (account.id, message, to, audience, home.clock()),
    )
    taken = [_take(execute, home, account, number, place, audience, *file) for place, file in enumerate(files)]
    words = words_of(replace(text, attachments=tuple(taken)))
    execute("UPDATE media_send SET words = ? WHERE id = ?", (words, number))
    return True


def words_of(text: Text) -> bytes:
    """What will be said, as far as it is known; refused where it is not to be sent at all."""
    try:
        raw = encode(Content(1, text))
    except UsageError:
        raise UsageError(
            "attachment.malformed",
            "That name, type or thumbnail cannot be sent, or there is too much of it.",
            "Names are plain and at most 255 bytes, thumbnails JPEG or PNG of at most 8 KiB and 512 pixels.",
        ) from None
    if len(raw) > MAX_SENT - _LATER:
        raise UsageError("message.too_large", "The message is too long.", "Take smaller thumbnails, fewer files, or less text.")
    return raw


def _take(execute: Execute, home: Home, account: Account, send: int, place: int, audience: bytes, blob: bytes, named: Named) -> Attachment:
    """Move a staged file to a message."""
    row = first(execute, "DELETE FROM media_staged WHERE account = ? AND blob = ? RETURNING attachment, plain", (account.id, blob))
    if row is None:
        raise NotFoundError("attachment.not_found", "There is no such file, or a message has taken it already.", "Hand it over again.")
    attachment, plain, done = named(load_attachment(row[0])), row[1], 0
    again = first(
        execute,
        "SELECT attachment FROM media_sent WHERE account = ? AND audience = ? AND plain = ? AND expires > ?",
        (account.id, audience, plain, int(home.clock()) + AGAIN_SECONDS),
    )
    if again is not None:
        before, done = load_attachment(again[0]), 1
        attachment = replace(attachment, key=before.key, digest=before.digest, expires=before.expires)
    execute(
        "INSERT INTO media_upload (send, place, blob, attachment, plain, done) VALUES (?, ?, ?, ?, ?, ?)",
        (send, place, blob, dump_attachment(attachment), plain, done),
    )
    return attachment


def next_send(query: Query, account: int, skipped: frozenset[int] = frozenset()) -> Send | None:
    """The message that has waited for longest and has not failed."""
    sql = "SELECT id, account, message, recipient, audience, words, failure FROM media_send WHERE account = ? AND failure = '' ORDER BY id"
    return next((_send(row) for row in query(sql, (account,)) if row[0] not in skipped), None)


def _send(row: Row) -> Send:
    number, account, message, recipient, audience, words, failure = row
    said = decode(words).body  # our own row
    return Send(number, account, message, recipient, audience, said if isinstance(said, Text) else Text(""), failure)


def uploads_of(query: Query, send: int) -> list[Upload]:
    """The files of a message that waits, in order."""
    sql = "SELECT send, place, blob, attachment, plain, writer, stored, done FROM media_upload WHERE send = ? ORDER BY place"
    return [
        Upload(of, place, blob, load_attachment(attachment), plain, writer, stored, bool(done))
        for of, place, blob, attachment, plain, writer, stored, done in query(sql, (send,))
    ]


def fail(execute: Execute, home: Home, account: Account, send: Send, code: str) -> None:
    """Note why a message does not go; its owner tries again or gives it up."""
    execute("UPDATE media_send SET failure = ? WHERE id = ?", (code, send.id))
    announce_upload(execute, home, account, send.message, "failed", code=code)


def cancel(execute: Execute, home: Home, account: Account, message: bytes) -> list[bytes]:
    """Give a message up; returns the files that nothing needs any more. What is at the homeserver is ended there later."""
    row = first(execute, "SELECT id FROM media_send WHERE account = ? AND message = ?", (account.id, message))
    if row is None:
        raise NotFoundError("upload.not_found", "There is no message with that id that waits for its files.")
    ended = uploads_of(execute, row[0])
    for one in ended:
        if one.writer:
            execute("INSERT INTO media_end (account, blob, writer) VALUES (?, ?, ?)", (account.id, one.blob, one.writer))
    drop(execute, account.id, row[0])
    announce_upload(execute, home, account, message, "cancelled")
    return [one.blob for one in ended]


def drop(execute: Execute, account: int, send: int) -> None:
    """Forget a message that waited, and the passes of its files."""
    for one in uploads_of(execute, send):
        drop_passes(execute, account, one.blob)
    execute("DELETE FROM media_upload WHERE send = ?", (send,))
    execute("DELETE FROM media_send WHERE id = ?", (send,))


def announce_upload(execute: Execute, home: Home, account: Account, message: bytes, state: str, **more: int | str) -> None:
    """Tell the faces how it goes with a message that waits for its files."""
    home.events.record(execute, str(account.address), f"upload.{state}", home.clock(), id=message.hex(), **more)


def sendings(query: Query, account: int) -> list[SendingView]:
    """All messages that wait for their files, oldest first."""
    found = rows(query, "SELECT message FROM media_send WHERE account = ? ORDER BY id", (account,))
    return [sending_view(query, account, message) for (message,) in found]


def sending_view(query: Query, account: int, message: bytes) -> SendingView:
    """One message that waits for its files."""
    sql = "SELECT id, account, message, recipient, audience, words, failure FROM media_send WHERE account = ? AND message = ?"
    row = first(query, sql, (account, message))
    if row is None:
        raise NotFoundError("upload.not_found", "There is no message with that id that waits for its files.")
    send = _send(row)
    return SendingView(
        id=send.message.hex(),
        to=send.recipient,
        text=send.text.text,
        subject=send.text.subject,
        failure=send.failure,
        files=[
            FileSentView(
                name=one.attachment.name,
                type=one.attachment.type,
                size=one.attachment.size,
                share=1.0 if one.done else one.stored / one.parts,
            )
            for one in uploads_of(query, send.id)
        ],
    )

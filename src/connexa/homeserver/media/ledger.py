"""What is known of blobs, as operations of the writer: begun and paid for, filled part by part, read, deleted, over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connexa.crypto import equal, sha256
from connexa.errors import ConflictError, RefusedError
from connexa.homeserver.tables import Query, first
from connexa.pairwise import blob_id, week_of
from connexa.store import Execute
from connexa.wire import parts_of
from connexa.wire.v1.media_pb2 import MediaBegin

from .blobs import no_blob

__all__ = ["Blob", "begin", "count_part", "delete_blobs", "end", "over", "prune_media_passes", "to_read", "to_write"]

UPLOAD_SECONDS: Final = 86_400  # for an upload to end
WEEKS_KEPT: Final = 2  # a media pass is good in its week and the next one


@dataclass(frozen=True, slots=True)
class Blob:
    """One blob, whole or not."""

    id: bytes
    write_hash: bytes
    segments: int
    stored: int
    expires: int
    due: int

    @property
    def parts(self) -> int:
        """Parts that make it whole."""
        return parts_of(self.segments)


_COLUMNS: Final = "id, write_hash, segments, stored, expires, due"


def _find(query: Query, blob: bytes) -> Blob | None:
    row = first(query, f"SELECT {_COLUMNS} FROM media WHERE id = ?", (blob,))  # noqa: S608 - constants
    return Blob(*row) if row else None


def begin(execute: Execute, blob: bytes, asked: MediaBegin, spent: Sequence[bytes], *, most: int, now: float) -> Blob:
    """Begin an upload and spend its passes, or find the one that was begun with the same values; `most` segments in all."""
    known = _find(execute, blob)
    if known is not None:
        if known.due <= now or known.segments != asked.segments or not equal(known.write_hash, asked.write_hash):
            raise ConflictError("media.taken", "Another upload has that name.")
        return known
    row = first(execute, "SELECT coalesce(sum(segments), 0) FROM media")
    if row is not None and row[0] + asked.segments > most:
        raise RefusedError("media.full", "This homeserver has no room for more media now.", retryable=True)
    for hash_, week in zip(spent, (one.key for one in asked.passes), strict=True):
        sql = "INSERT INTO spent_media_pass (hash, week) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING week"
        if first(execute, sql, (hash_, week)) is None:
            raise RefusedError("pass.refused", "A media pass was spent before.")
    made = Blob(blob, asked.write_hash, asked.segments, 0, asked.expires, min(asked.expires, int(now) + UPLOAD_SECONDS))
    execute(
        f"INSERT INTO media ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (made.id, made.write_hash, made.segments, made.stored, made.expires, made.due),
    )
    return made


def to_write(query: Query, blob: bytes, write: bytes, now: float) -> Blob:
    """The blob that these 32 bytes let somebody write and delete."""
    found = _find(query, blob)
    if found is None or found.due <= now or not equal(sha256(write), found.write_hash):
        raise no_blob()
    return found


def to_read(query: Query, blob: bytes, read: bytes, now: float) -> Blob:
    """The whole blob that these 32 bytes let somebody read."""
    found = _find(query, blob)
    if found is None or found.due <= now or found.stored < found.parts or not equal(blob_id(read), blob):
        raise no_blob()
    return found


def count_part(execute: Execute, blob: Blob, number: int, now: float) -> bool:
    """Note that a part is durable, with the last one also that the blob stays; False where the blob has ended meanwhile."""
    due = blob.expires if number + 1 == blob.parts else blob.due
    sql = "UPDATE media SET stored = ?, due = ? WHERE id = ? AND stored IN (?, ?) AND due > ? RETURNING stored"
    return first(execute, sql, (number + 1, due, blob.id, number, number + 1, int(now))) is not None


def end(execute: Execute, blob: Blob) -> None:
    """Let a blob be over: nobody reads or writes it any more, and its parts go."""
    execute("UPDATE media SET due = 0 WHERE id = ?", (blob.id,))


def over(query: Query, now: float, limit: int) -> list[Blob]:
    """Some of the blobs whose time is over."""
    return [Blob(*row) for row in query(f"SELECT {_COLUMNS} FROM media WHERE due <= ? LIMIT ?", (int(now), limit))]  # noqa: S608


def delete_blobs(execute: Execute, blobs: Sequence[Blob]) -> None:
    """Forget blobs whose parts are gone."""
    for blob in blobs:
        execute("DELETE FROM media WHERE id = ?", (blob.id,))


def prune_media_passes(execute: Execute, now: float) -> None:
    """Forget spent passes of keys that nothing opens any more."""
    execute("DELETE FROM spent_media_pass WHERE week < ?", (week_of(now) - WEEKS_KEPT,))

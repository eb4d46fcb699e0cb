"""Media passes in the store: kept ahead, given to an upload, and gone when it is whole."""

from __future__ import annotations

from collections.abc import Sequence

from connexa.node.home import Query, returned, rows
from connexa.node.link import Pass
from connexa.pairwise import media_pass_proof, week_of
from connexa.store import Execute
from connexa.wire import media_passes, padded_segments
from connexa.wire.v1 import message_pb2 as pb
from connexa.wire.v1.media_pb2 import MediaPass

__all__ = ["drop_passes", "forget_old_passes", "give_passes", "keep_media_passes", "passes_at_hand", "passes_shown"]


def keep_media_passes(execute: Execute, account: int, passes: Sequence[Pass]) -> None:
    """Store media passes that were fetched."""
    for one in passes:
        execute(
            "INSERT OR IGNORE INTO media_pass (account, input, key, output) VALUES (?, ?, ?, ?)", (account, one.input, one.key, one.output)
        )


def passes_at_hand(query: Query, account: int, now: float) -> tuple[int, int]:
    """How many passes are free and still taken, and how many the files that wait ask for."""
    free = "SELECT count(*) FROM media_pass WHERE account = ? AND key >= ? AND blob = x''"
    waiting = (
        "SELECT u.attachment FROM media_upload u JOIN media_send s ON s.id = u.send WHERE s.account = ? AND s.failure = '' AND u.done = 0"
        " AND NOT EXISTS (SELECT 1 FROM media_pass p WHERE p.account = s.account AND p.blob = u.blob)"
    )
    needed = sum(media_passes(padded_segments(_size_of(raw))) for (raw,) in query(waiting, (account,)))
    return int(returned(query, free, (account, week_of(now) - 1))), needed


def _size_of(attachment: bytes) -> int:
    """The size of a file that waits."""
    return pb.Attachment.FromString(attachment).size  # our own row


def give_passes(execute: Execute, account: int, blob: bytes, count: int, now: float) -> bool:
    """Give so many passes to an upload, the oldest first; False where there are not enough."""
    found = rows(
        execute,
        "SELECT input FROM media_pass WHERE account = ? AND blob = x'' AND key >= ? ORDER BY key LIMIT ?",
        (account, week_of(now) - 1, count),
    )
    if len(found) < count:
        return False
    for (token_input,) in found:
        execute("UPDATE media_pass SET blob = ? WHERE account = ? AND input = ?", (blob, account, token_input))
    return True


def passes_shown(query: Query, account: int, blob: bytes, write_hash: bytes, segments: int) -> list[MediaPass]:
    """The passes of an upload, as they are shown for it; the same ones each time."""
    sql = "SELECT key, input, output FROM media_pass WHERE account = ? AND blob = ? ORDER BY input"
    return [
        MediaPass(key=key, input=token_input, proof=media_pass_proof(output, blob, write_hash, segments))
        for key, token_input, output in query(sql, (account, blob))
    ]


def drop_passes(execute: Execute, account: int, blob: bytes) -> None:
    """Forget the passes of an upload that is whole or given up."""
    execute("DELETE FROM media_pass WHERE account = ? AND blob = ?", (account, blob))


def forget_old_passes(execute: Execute, now: float) -> None:
    """Forget passes whose key is over."""
    execute("DELETE FROM media_pass WHERE key < ?", (week_of(now) - 1,))

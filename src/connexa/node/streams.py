"""Passes and what they open: streams of numbered envelopes, and steps towards strangers (first-message §1).

A number is given in the operation that encrypts, and an envelope keeps its number and its bytes until it is committed, so a resend is
identical. One pass carries new envelopes for a day; the same pass opens its stream again for outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connexa.node.home import Query, first, returned, rows
from connexa.node.link import Pass, PassUse
from connexa.pairwise import pass_id, week_of
from connexa.store import Execute

__all__ = [
    "STREAM_LIFE",
    "Stream",
    "bind",
    "close_streams",
    "count_passes",
    "current_stream",
    "drop_stream",
    "enter",
    "forget_old_streams",
    "has_unsent",
    "is_unfinished",
    "is_unknown",
    "keep_passes",
    "note_asked",
    "oldest_unsent",
    "retire_all",
    "retire_stream",
    "step_towards",
    "stream_to_open",
    "streams_to_ask",
    "unfinished_steps",
    "unsent",
]

STREAM_LIFE = 86_400
_MARGIN = 3_600  # a stream is not filled up to its last minute
_OUTCOMES_KEPT = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Stream:
    """A pass in use."""

    id: int
    use: PassUse
    key: int
    input: bytes = field(repr=False)
    output: bytes = field(repr=False)
    person: int
    committed: int
    opened: float

    @property
    def pass_(self) -> Pass:
        """What to show to open it."""
        return Pass(self.key, self.input, self.output)

    @property
    def name(self) -> bytes:
        """Its id at the homeserver, 16 bytes."""
        return pass_id(self.input)


_COLUMNS = "id, use, key, input, output, person, committed, opened"


def count_passes(query: Query, account: int, now: float) -> int:
    """How many unspent passes are here that their homeserver still takes."""
    row = first(query, "SELECT count(*) FROM pass WHERE account = ? AND key >= ?", (account, week_of(now) - 1))
    return int(row[0]) if row else 0


def keep_passes(execute: Execute, account: int, passes: Sequence[Pass]) -> None:
    """Store passes that were fetched."""
    for pass_ in passes:
        execute(
            "INSERT OR IGNORE INTO pass (account, input, key, output) VALUES (?, ?, ?, ?)", (account, pass_.input, pass_.key, pass_.output)
        )


def current_stream(execute: Execute, account: int, now: float) -> Stream | None:
    """The stream for new envelopes, opened with a fresh pass where there is none; None without a pass."""
    sql = f"SELECT {_COLUMNS} FROM stream WHERE account = ? AND use = ? AND opened > ? ORDER BY id DESC"  # noqa: S608 - no outside text
    row = first(execute, sql, (account, int(PassUse.STREAM), now - STREAM_LIFE + _MARGIN))
    return _stream(row) if row else _spend(execute, account, PassUse.STREAM, 0, now)


def step_towards(execute: Execute, account: int, person: int, now: float) -> Stream | None:
    """A step towards somebody: one that nothing was asked with yet, else one with a fresh pass; None without a pass."""
    sql = f"SELECT {_COLUMNS} FROM stream WHERE account = ? AND use = ? AND person = ? AND asked = 0 AND next = 1 AND opened > ?"  # noqa: S608
    row = first(execute, sql, (account, int(PassUse.STEP), person, now - STREAM_LIFE + _MARGIN))
    return _stream(row) if row else _spend(execute, account, PassUse.STEP, person, now)


def note_asked(execute: Execute, stream: int, now: float) -> None:
    """Note when a stream or step was last used to ask."""
    execute("UPDATE stream SET asked = ? WHERE id = ?", (now, stream))


def is_unfinished(query: Query, step: int) -> bool:
    """Whether a step's request is sealed and not committed."""
    return first(query, "SELECT 1 FROM envelope WHERE stream = ? AND raw != x''", (step,)) is not None


def _spend(execute: Execute, account: int, use: PassUse, person: int, now: float) -> Stream | None:
    row = first(execute, "SELECT input, key, output FROM pass WHERE account = ? AND key >= ? ORDER BY key", (account, week_of(now) - 1))
    if row is None:
        return None
    execute("DELETE FROM pass WHERE account = ? AND input = ?", (account, row[0]))
    inserted = rows(
        execute,
        f"INSERT INTO stream (account, use, key, input, output, person, opened) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",  # noqa: S608
        (account, int(use), row[1], row[0], row[2], person, now),
    )
    return _stream(inserted[0])


def _stream(row: Sequence[object]) -> Stream:
    number, use, *rest = row
    return Stream(number, PassUse(use), *rest)  # type: ignore[arg-type]  # the columns' types are the table's


def bind(execute: Execute, stream: int, account: int, outbox: int, door: str, profile: bytes, raw: bytes, now: float) -> int:
    """Give an envelope the next number of a stream."""
    number = int(returned(execute, "UPDATE stream SET next = next + 1 WHERE id = ? RETURNING next - 1", (stream,)))
    execute(
        "INSERT INTO envelope (stream, number, account, outbox, door, profile, sealed, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (stream, number, account, outbox, door, profile, now, raw),
    )
    return number


def unsent(query: Query, stream: int, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Envelopes of a stream behind a number, in order."""
    sql = "SELECT number, raw FROM envelope WHERE stream = ? AND number > ? AND raw != x'' ORDER BY number LIMIT ?"
    return [(number, raw) for number, raw in query(sql, (stream, after, limit))]


def has_unsent(query: Query, account: int) -> bool:
    """Whether a stream of the account has envelopes that are not committed."""
    sql = "SELECT 1 FROM envelope e JOIN stream s ON s.id = e.stream WHERE e.account = ? AND e.raw != x'' AND s.use = ? LIMIT 1"
    return first(query, sql, (account, int(PassUse.STREAM))) is not None


def unfinished_steps(query: Query, account: int) -> list[Stream]:
    """Steps whose request is sealed and not committed."""
    sql = (
        f"SELECT {_COLUMNS} FROM stream WHERE account = ? AND use = ?"  # noqa: S608 - no outside text
        " AND EXISTS (SELECT 1 FROM envelope WHERE stream = stream.id AND raw != x'') ORDER BY id"
    )
    return [_stream(row) for row in query(sql, (account, int(PassUse.STEP)))]


def oldest_unsent(query: Query, stream: int) -> float:
    """When the oldest envelope that is not committed was sealed; infinity where there is none."""
    row = first(query, "SELECT min(sealed) FROM envelope WHERE stream = ? AND raw != x''", (stream,))
    return float(row[0]) if row and row[0] is not None else float("inf")


def is_unknown(query: Query, stream: int, last: int) -> bool:
    """Whether a homeserver that has the numbers of a stream up to `last` lacks some that it had: it came back from a backup."""
    row = first(query, "SELECT min(number) FROM envelope WHERE stream = ? AND raw != x''", (stream,))
    lowest = row[0] if row else None
    if lowest is None:
        row = first(query, "SELECT next FROM stream WHERE id = ?", (stream,))
        lowest = row[0] if row else 1
    return last + 1 < int(lowest)


def stream_to_open(execute: Execute, account: int, now: float) -> Stream | None:
    """The stream with envelopes that are not committed, else the one for new envelopes; None without a pass."""
    sql = (
        f"SELECT {_COLUMNS} FROM stream WHERE account = ? AND use = ?"  # noqa: S608 - no outside text
        " AND EXISTS (SELECT 1 FROM envelope WHERE stream = stream.id AND raw != x'') ORDER BY id"
    )
    for row in rows(execute, sql, (account, int(PassUse.STREAM))):
        stream = _stream(row)
        if stream.opened > now - STREAM_LIFE:
            return stream
        retire_stream(execute, stream.id, now)
    return current_stream(execute, account, now)


def retire_stream(execute: Execute, stream: int, now: float) -> None:
    """Take no more envelopes into a stream; those that are not committed are encrypted anew for another one."""
    execute("UPDATE outbox SET state = 'waiting' WHERE id IN (SELECT outbox FROM envelope WHERE stream = ? AND raw != x'')", (stream,))
    execute("DELETE FROM envelope WHERE stream = ? AND raw != x''", (stream,))
    execute("UPDATE stream SET opened = min(opened, ?) WHERE id = ?", (now - STREAM_LIFE, stream))


def retire_all(execute: Execute, account: int, now: float) -> None:
    """Take no more envelopes into any stream of an account."""
    for (stream,) in rows(execute, "SELECT id FROM stream WHERE account = ?", (account,)):
        retire_stream(execute, stream, now)


def close_streams(execute: Execute, account: int, now: float) -> None:
    """Give new envelopes a new stream, and let the old ones only finish what they have.

    At a start of the program: if its store is an old copy, the homeserver has taken other envelopes under the numbers that come next.
    """
    sql = "UPDATE stream SET opened = min(opened, ?) WHERE account = ? AND use = ?"
    execute(sql, (now - STREAM_LIFE + _MARGIN, account, int(PassUse.STREAM)))


def enter(execute: Execute, stream: Stream, last: int) -> bool:
    """Note that a stream or step was opened; False, and it is gone, where somebody has used its pass who is not in this store."""
    row = first(execute, "SELECT entered FROM stream WHERE id = ?", (stream.id,))
    if row is None or (last and not row[0]):
        drop_stream(execute, stream.id)
        return False
    if not row[0]:
        execute("UPDATE stream SET entered = 1 WHERE id = ?", (stream.id,))
    return True


def drop_stream(execute: Execute, stream: int) -> None:
    """Forget a stream that its homeserver does not open any more."""
    execute("UPDATE outbox SET state = 'waiting' WHERE id IN (SELECT outbox FROM envelope WHERE stream = ? AND raw != x'')", (stream,))
    execute("DELETE FROM envelope WHERE stream = ?", (stream,))
    execute("DELETE FROM stream WHERE id = ?", (stream,))


def streams_to_ask(query: Query, account: int, not_after: float) -> list[Stream]:
    """Streams with committed envelopes whose end is not known, and that nobody asked about since a time."""
    sql = (
        f"SELECT {_COLUMNS} FROM stream WHERE account = ? AND asked <= ? AND EXISTS (SELECT 1 FROM envelope e JOIN outbox o"  # noqa: S608
        " ON o.id = e.outbox WHERE e.stream = stream.id AND e.raw = x'' AND o.state = 'accepted') ORDER BY id LIMIT 16"
    )
    return [_stream(row) for row in query(sql, (account, not_after))]


def forget_old_streams(execute: Execute, now: float) -> None:
    """Forget streams whose outcomes are over, and passes that no homeserver takes any more."""
    execute(
        "DELETE FROM stream WHERE opened < ? AND NOT EXISTS (SELECT 1 FROM envelope WHERE stream = stream.id AND raw != x'')",
        (now - _OUTCOMES_KEPT,),
    )
    execute("DELETE FROM envelope WHERE NOT EXISTS (SELECT 1 FROM stream WHERE id = envelope.stream)")
    execute("DELETE FROM pass WHERE key < ?", (week_of(now) - 1,))

"""Mailboxes: the rows that wait for each device, deleted with their acknowledgement; a body that several devices share once for all of
them, deleted with the last (homeserver §3.7).

Functions over the tables `mailbox`, `body` and `mailbox_load`, for the writer's transactions; `page` reads what is committed. What goes
through here by the thousand goes in statements of many rows (homeserver §3.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from connexa.homeserver.tables import Query, first, marks
from connexa.identity import DeviceId
from connexa.store import Execute, Row
from connexa.wire import TokenEnvelope, body_field, stored_item
from connexa.wire.v1.link_pb2 import PushClass
from connexa.wire.v1.message_pb2 import Envelope

__all__ = [
    "Arrival",
    "Load",
    "ack_up_to",
    "arrivals_of",
    "arrivals_of_token",
    "clear_left",
    "delete",
    "drop_device",
    "expire",
    "insert",
    "load_of",
    "page",
    "put_loads",
]

T = TypeVar("T")
_CONTACT: Final = PushClass.PUSH_CONTACT
_REQUEST: Final = PushClass.PUSH_REQUEST
CHUNK: Final = 256  # rows that one step of upkeep deletes
_CHUNKS: Final = (256, 64, 16, 4, 1)  # rows in one statement: few different ones, which stay prepared
_COLUMNS: Final = "seq, device, class, expires, size, body, item"
_INSERT: Final = {n: f"INSERT INTO mailbox ({_COLUMNS}) VALUES {','.join(['(?,?,?,?,?,?,?)'] * n)}" for n in _CHUNKS}  # noqa: S608
_DELETE: Final = {n: f"DELETE FROM mailbox WHERE seq IN ({marks(n)}) RETURNING seq" for n in _CHUNKS}  # noqa: S608 - marks alone
_OLDEST: Final = "seq IN (SELECT seq FROM mailbox WHERE device = ? AND seq <= ? ORDER BY seq LIMIT ?)"


class Arrival(NamedTuple):
    """One row of one mailbox: its columns, and the body where that is kept beside."""

    seq: int
    device: bytes
    kind: PushClass
    expires: int
    size: int  # what it costs in a mailbox and in a window
    shared: int  # the row of its body, where several devices wait for it; 0 where the item holds it
    item: bytes  # what is pushed, but for the number
    body: bytes  # the field of a shared body


@dataclass(slots=True)
class Load:
    """What waits for one device, and how far it has come."""

    messages: int = 0
    bytes: int = 0
    requests: int = 0
    acked: int = 0

    def put_in(self, arrival: Arrival) -> None:
        """Count one row more."""
        self.messages += 1
        self.bytes += arrival.size
        self.requests += arrival.kind == _REQUEST

    def take_out(self, arrival: Arrival) -> None:
        """Count one row less, which the device has stored."""
        self.messages -= 1
        self.bytes -= arrival.size
        self.requests -= arrival.kind == _REQUEST
        self.acked = max(self.acked, arrival.seq)


def load_of(query: Query, device: bytes) -> Load:
    """How full a mailbox is."""
    row = first(query, "SELECT messages, bytes, requests, acked FROM mailbox_load WHERE device = ?", (device,))
    return Load(*row) if row else Load()


def arrivals_of(envelope: Envelope, kind: PushClass, seqs: Sequence[int], accepted_at: int) -> list[Arrival]:
    """The rows of an envelope, one for each of its packets."""
    packets, body, id, expires = envelope.packets, envelope.body, envelope.id, envelope.expires
    shared, field, inside = (seqs[0], body_field(body), b"") if len(packets) > 1 else (0, b"", body)
    made = []
    for seq, packet in zip(seqs, packets, strict=True):
        raw = packet.SerializeToString()
        item = stored_item(accepted_at, kind, id, raw, inside)
        made.append(Arrival(seq, packet.device, kind, expires, len(body) + len(raw) + 64, shared, item, field))
    return made


def arrivals_of_token(envelope: TokenEnvelope, seqs: Sequence[int], accepted_at: int) -> list[Arrival]:
    """The rows of an envelope of a contact, made of the bytes in which it came."""
    id, expires, _, _, body, packets = envelope
    shared, field, inside = (seqs[0], body_field(body), b"") if len(packets) > 1 else (0, b"", body)
    made = []
    for seq, (device, _, _, raw) in zip(seqs, packets, strict=True):
        item = stored_item(accepted_at, _CONTACT, id, raw, inside)
        made.append(Arrival(seq, device, _CONTACT, expires, len(body) + len(raw) + 64, shared, item, field))
    return made


def insert(execute: Execute, arrivals: Sequence[Arrival]) -> None:
    """Store rows, and the bodies that they share."""
    for chunk in _chunks(arrivals):
        execute(_INSERT[len(chunk)], [value for row in chunk for value in row[:7]])
    shared = [row for row in arrivals if row.shared]
    if shared:
        refs = Counter(row.shared for row in shared)
        bodies = {row.shared: row.body for row in shared}
        for body, count in refs.items():
            execute("INSERT INTO body (id, body, refs) VALUES (?, ?, ?)", (body, bodies[body], count))


def delete(execute: Execute, arrivals: Mapping[int, Arrival]) -> list[Arrival]:
    """Delete rows by their numbers; returns those that were still there."""
    gone = []
    for chunk in _chunks([*arrivals]):
        gone += [arrivals[seq] for (seq,) in execute(_DELETE[len(chunk)], chunk)]
    _unref(execute, Counter(row.shared for row in gone if row.shared))
    return gone


def put_loads(execute: Execute, loads: Iterable[tuple[bytes, Load]]) -> None:
    """Write down what waits for devices."""
    for device, load in loads:
        row = (device, load.messages, load.bytes, load.requests, load.acked)
        execute("INSERT OR REPLACE INTO mailbox_load (device, messages, bytes, requests, acked) VALUES (?, ?, ?, ?, ?)", row)


def page(query: Query, device: DeviceId, after: int, limit: int) -> list[Arrival]:
    """The rows behind a number, in order."""
    rows = query(
        "SELECT m.seq, m.device, m.class, m.expires, m.size, m.body, m.item, coalesce(b.body, x'')"
        " FROM mailbox m LEFT JOIN body b ON b.id = m.body WHERE m.device = ? AND m.seq > ? ORDER BY m.seq LIMIT ?",
        (device, after, limit),
    )
    return [Arrival(*row) for row in rows]


def ack_up_to(execute: Execute, device: DeviceId, last: int) -> int:
    """Delete what a device says it has stored when it comes back: a piece at once, the rest by upkeep."""
    gone = _delete(execute, _OLDEST, (device, last, CHUNK))
    if gone == CHUNK:
        _leave(execute, device, last)
    return gone


def drop_device(execute: Execute, device: DeviceId) -> None:
    """Delete the mailbox of a device that is no longer its person's: a piece at once, the rest by upkeep."""
    newest = first(execute, "SELECT max(seq) FROM mailbox WHERE device = ?", (device,))
    if newest is None or newest[0] is None or ack_up_to(execute, device, newest[0]) < CHUNK:
        execute("DELETE FROM mailbox_load WHERE device = ?", (device,))


def clear_left(execute: Execute, now: float, limit: int = CHUNK) -> int:
    """Delete some of the mail that nobody will fetch; returns how much."""
    row = first(execute, "SELECT device, last FROM mailbox_left LIMIT 1")
    if row is None:
        return 0
    gone = _delete(execute, _OLDEST, (*row, limit))
    if gone < limit:
        execute("DELETE FROM mailbox_left WHERE device = ?", (row[0],))
        execute(
            "DELETE FROM mailbox_load WHERE device = ? AND messages = 0 AND NOT EXISTS (SELECT 1 FROM device d WHERE d.device = ?)",
            (row[0], row[0]),
        )
    return gone


def _leave(execute: Execute, device: DeviceId, last: int) -> None:
    execute(
        "INSERT INTO mailbox_left (device, last) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET last = excluded.last"
        " WHERE mailbox_left.last < excluded.last",
        (device, last),
    )


def expire(execute: Execute, now: float, limit: int = CHUNK) -> int:
    """Delete some of the rows whose time is over; returns how many (homeserver §3.3 item 5)."""
    return _delete(execute, "seq IN (SELECT seq FROM mailbox WHERE expires <= ? LIMIT ?)", (int(now), limit))


def _delete(execute: Execute, where: str, bindings: Sequence[object]) -> int:
    sql = f"DELETE FROM mailbox WHERE {where} RETURNING device, size, class, body"  # noqa: S608 - `where` is from this module
    rows: list[Row] = execute(sql, bindings).fetchall()
    loads: dict[bytes, tuple[int, int, int]] = {}
    for device, size, kind, _ in rows:
        messages, held, requests = loads.get(device, (0, 0, 0))
        loads[device] = (messages + 1, held + size, requests + int(kind == _REQUEST))
    for device, (messages, held, requests) in loads.items():
        execute(
            "UPDATE mailbox_load SET messages = messages - ?, bytes = bytes - ?, requests = requests - ? WHERE device = ?",
            (messages, held, requests, device),
        )
    _unref(execute, Counter(row[3] for row in rows if row[3]))
    return len(rows)


def _unref(execute: Execute, bodies: Counter[int]) -> None:
    for body, count in bodies.items():
        if not execute("DELETE FROM body WHERE id = ? AND refs <= ? RETURNING id", (body, count)).fetchall():
            execute("UPDATE body SET refs = refs - ? WHERE id = ?", (count, body))


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    start = 0
    while start < len(items):
        size = next(size for size in _CHUNKS if size <= len(items) - start)
        yield items[start : start + size]
        start += size

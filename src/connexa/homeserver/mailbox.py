"""Mailboxes: the rows that wait for each device, one body for all of them, deleted with the last acknowledgement (homeserver §3.7).

Functions over the tables `mailbox`, `body` and `mailbox_load`, for operations of the writer; `page` reads what is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from connexa.homeserver.tables import Query, first, marks
from connexa.identity import DeviceId
from connexa.store import Execute, Row
from connexa.wire.v1.link_pb2 import PushClass, PushItem
from connexa.wire.v1.message_pb2 import Envelope, Packet

__all__ = ["Arrival", "Load", "ack", "ack_up_to", "arrivals", "clear_left", "drop_device", "expire", "load_of", "page", "put"]

CHUNK: Final = 256  # rows in one statement
_OLDEST: Final = "seq IN (SELECT seq FROM mailbox WHERE device = ? AND seq <= ? ORDER BY seq LIMIT ?)"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One row of one mailbox, ready to be pushed."""

    seq: int
    accepted_at: int
    kind: PushClass
    envelope: bytes
    body: bytes = field(repr=False)
    packet: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """What it costs in a window."""
        return len(self.body) + len(self.packet) + 64

    def item(self) -> PushItem:
        """As it is pushed."""
        push = PushItem(seq=self.seq, accepted_at=self.accepted_at, envelope=self.envelope, body=self.body)
        push.packet.ParseFromString(self.packet)
        setattr(push, "class", self.kind)
        return push


@dataclass(frozen=True, slots=True)
class Load:
    """What waits for one device."""

    messages: int = 0
    bytes: int = 0
    requests: int = 0


def load_of(query: Query, device: bytes) -> Load:
    """How full a mailbox is."""
    row = first(query, "SELECT messages, bytes, requests FROM mailbox_load WHERE device = ?", (device,))
    return Load(*row) if row else Load()


def put(execute: Execute, envelope: Envelope, kind: PushClass, seqs: Sequence[int], *, accepted_at: int) -> list[tuple[DeviceId, Arrival]]:
    """Store an envelope for the devices of its packets: the body once, a row for each."""
    body: int = next(execute("INSERT INTO body (body, refs) VALUES (?, ?) RETURNING id", (envelope.body, len(envelope.packets))))[0]
    put_down = []
    for seq, packet in zip(seqs, envelope.packets, strict=True):
        arrival = Arrival(seq, accepted_at, kind, envelope.id, envelope.body, packet.SerializeToString())
        _insert(execute, envelope, packet, body, arrival)
        put_down.append((DeviceId(packet.device), arrival))
    return put_down


def _insert(execute: Execute, envelope: Envelope, packet: Packet, body: int, arrival: Arrival) -> None:
    execute(
        "INSERT INTO mailbox (seq, device, user, body, envelope, class, accepted_at, expires, size, packet)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            arrival.seq,
            packet.device,
            envelope.user,
            body,
            envelope.id,
            int(arrival.kind),
            arrival.accepted_at,
            envelope.expires,
            arrival.size,
            arrival.packet,
        ),
    )
    execute(
        "INSERT INTO mailbox_load (device, messages, bytes, requests) VALUES (?, 1, ?, ?) ON CONFLICT (device) DO UPDATE"
        " SET messages = messages + 1, bytes = bytes + excluded.bytes, requests = requests + excluded.requests",
        (packet.device, arrival.size, int(arrival.kind == PushClass.PUSH_REQUEST)),
    )


def page(query: Query, device: DeviceId, after: int, limit: int) -> list[Arrival]:
    """The rows behind a number, in order."""
    rows = query(
        "SELECT m.seq, m.accepted_at, m.class, m.envelope, b.body, m.packet FROM mailbox m JOIN body b ON b.id = m.body"
        " WHERE m.device = ? AND m.seq > ? ORDER BY m.seq LIMIT ?",
        (device, after, limit),
    )
    return arrivals(rows)


def arrivals(rows: Iterable[Row]) -> list[Arrival]:
    """Rows as they are pushed."""
    return [Arrival(seq, accepted_at, kind, envelope, body, packet) for seq, accepted_at, kind, envelope, body, packet in rows]


def ack(execute: Execute, device: DeviceId, seqs: Sequence[int]) -> int:
    """Delete what a device has stored, and remember how far it has come; returns how many rows that were."""
    gone = 0
    for start in range(0, len(seqs), CHUNK):
        chunk = seqs[start : start + CHUNK]
        where = f"device = ? AND seq IN ({marks(len(chunk))})"
        gone += _delete(execute, where, (device, *chunk))
    execute("UPDATE device SET acked = max(acked, ?) WHERE device = ?", (max(seqs, default=0), device))
    return gone


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
        execute("DELETE FROM mailbox_load WHERE device = ? AND messages = 0", (row[0],))
    return gone


def _leave(execute: Execute, device: DeviceId, last: int) -> None:
    execute(
        "INSERT INTO mailbox_left (device, last) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET last = max(last, excluded.last)",
        (device, last),
    )


def expire(execute: Execute, now: float, limit: int = CHUNK) -> int:
    """Delete some of the rows whose time is over; returns how many (homeserver §3.3 item 5)."""
    return _delete(execute, "seq IN (SELECT seq FROM mailbox WHERE expires <= ? LIMIT ?)", (int(now), limit))


def _delete(execute: Execute, where: str, bindings: Sequence[object]) -> int:
    sql = f"DELETE FROM mailbox WHERE {where} RETURNING device, body, size, class"  # noqa: S608 - `where` is from this module
    rows: list[Row] = execute(sql, bindings).fetchall()
    loads: dict[bytes, tuple[int, int, int]] = {}
    for device, body, size, kind in rows:
        if not execute("DELETE FROM body WHERE id = ? AND refs <= 1 RETURNING id", (body,)).fetchall():
            execute("UPDATE body SET refs = refs - 1 WHERE id = ?", (body,))
        messages, held, requests = loads.get(device, (0, 0, 0))
        loads[device] = (messages + 1, held + size, requests + int(kind == PushClass.PUSH_REQUEST))
    for device, (messages, held, requests) in loads.items():
        execute(
            "UPDATE mailbox_load SET messages = messages - ?, bytes = bytes - ?, requests = requests - ? WHERE device = ?",
            (messages, held, requests, device),
        )
    return len(rows)

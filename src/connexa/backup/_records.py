"""The records inside a backup, in their order: the account, then what it knows, then the log."""

from __future__ import annotations

from typing import Final

from connexa.backup._container import MAX_RECORD, damaged
from connexa.wire import WireError, parse
from connexa.wire.v1.backup_pb2 import BackupRecord

__all__ = ["Order", "parse_record"]

_KINDS: Final = ("account", "domain", "device", "contact", "group", "choice", "conversation", "invite", "register", "entry")


def parse_record(raw: bytes) -> tuple[str, BackupRecord]:
    """One record with the name of its kind."""
    try:
        record = parse(BackupRecord, raw, MAX_RECORD)
    except WireError:
        raise damaged("A record in it does not read.") from None
    kind = record.WhichOneof("record")
    if kind is None:
        raise damaged("A record in it is empty.")
    return kind, record


class Order:
    """Holds the records of a file to their order: exactly one account, first; each kind in its turn."""

    def __init__(self) -> None:
        self._place = -1

    def take(self, kind: str) -> None:
        """Note the next record's kind, or refuse it."""
        place = _KINDS.index(kind)
        if place < self._place or (place == 0) != (self._place == -1):
            raise damaged("Its records are in another order.")
        self._place = place

    def end(self) -> None:
        """There are no more records."""
        if self._place == -1:
            raise damaged("It is empty.")

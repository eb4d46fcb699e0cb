"""The backup room: heads, fronts, whole files and records. Whatever is changed in a file of ours is refused, and nothing else happens."""

from __future__ import annotations

from connexa.backup import Head, key_of_words, parse_record, words_of_key
from connexa.wire.v1.backup_pb2 import BackupAccount, BackupContact, BackupEntry, BackupRecord
from tests.backup.files import Owner, read

from .target import Target

_owner = Owner.make(3)
_file = _owner.file(records=(b"account", b"x" * 3_000))
_words = " ".join(words_of_key(_owner.recovery)).encode()
_records = (
    BackupRecord(account=BackupAccount(address="alice@a.example", name="Alice", device=bytes(32))),
    BackupRecord(contact=BackupContact(id=1, address="bob@b.example", state="accepted", invite_until=1.5)),
    BackupRecord(entry=BackupEntry(cursor=7, conversation=1, message=bytes(16), text="hello", sent=1.25)),
)


def _read_head(raw: bytes) -> None:
    head = Head.read(raw)
    assert head.raw == raw[: len(head.raw)]


def _read_file(raw: bytes) -> None:
    read(raw, _owner.recovery)
    assert raw == _file, "a file that was changed was believed"


def _read_words(raw: bytes) -> None:
    key = key_of_words(raw.decode(errors="replace"))
    assert key_of_words(" ".join(words_of_key(key))).raw == key.raw


TARGETS = (
    Target("backup.head", (_file[:108],), _read_head, frozenset({"backup.malformed", "backup.newer"})),
    Target("backup.file", (_file,), _read_file, frozenset({"backup.malformed", "backup.newer", "backup.locked", "backup.damaged"})),
    Target("backup.record", tuple(record.SerializeToString() for record in _records), parse_record, frozenset({"backup.damaged"})),
    Target("backup.words", (_words,), _read_words, frozenset({"words.count", "words.unknown", "words.wrong"})),
)

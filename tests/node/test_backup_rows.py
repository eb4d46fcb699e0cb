"""Whoever adds a table or a column decides whether it belongs into a backup: this test fails until it stands in one of the two lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexa.node.backup_rows import columns
from connexa.node.schema import MIGRATIONS
from connexa.store import Database, open_database
from connexa.wire.v1 import backup_pb2

RECORDS = {
    "account": backup_pb2.BackupAccount,
    "remote": backup_pb2.BackupDomain,
    "own_device": backup_pb2.BackupDevice,
    "person": backup_pb2.BackupContact,
    "trust_note": backup_pb2.BackupTrustNote,
    "conversation": backup_pb2.BackupConversation,
    "invite": backup_pb2.BackupInvite,
    "register": backup_pb2.BackupRegister,
    "message": backup_pb2.BackupEntry,
    "mls_group": backup_pb2.BackupGroup,
    "group_choice": backup_pb2.BackupGroupChoice,
}
# Follows from the rest, belongs to the device, or is asked for anew.
LEFT_OUT = {
    "account": {
        *("id", "state", "user", "user_key", "seed", "dsk", "dik", "certificate", "sender", "sender_until", "token_until", "token_replace"),
        *("own_number", "resume_seq", "refused", "dropped", "rolled_back", "compare_from", "compare_wait", "prekeys_anew"),
    },
    "own_device": {"account", "listed", "seen"},
    "person": {"account", "waits", "looked_week"},
    "trust_note": {"id", "person"},
    "conversation": {"account", "counter"},
    "invite": {"account", "uploaded"},
    "register": {"account"},
    "message": {"account"},
    "group_choice": {"account"},
    "mls_group": {
        *("id", "account", "alias_put", "heard", "staged", "bundle", "staged_shared", "renewed", "said", "trouble", "waits"),
        *("admin_key", "disputed", "offender", "told", "began", "silent", "hurried", "took", "room_key_before", "lacks_term", "lacks_seq"),
        *("leaving", "unopened", "unheard"),
    },
}
# Told as counters of a conversation.
COUNTERS = {"counter_high", "counter_gap"}
# Keys of this device and everything that is under way or passing.
NEVER = {
    *("prekey", "prekey_number", "initial_seen", "person_device", "session", "message_time", "message_device", "ask", "resent", "outbox"),
    *("stream", "envelope", "own_copy", "own_message", "own_envelope", "history", "history_owed", "pass", "envelope_seen", "held"),
    *("receipt", "early_receipt", "event", "recovery", "backup", "backup_series", "backup_changed"),
    *("group_seen", "group_part", "group_arrival", "group_wish", "group_outbox", "group_said", "group_sent", "key_package", "gone_device"),
    *("media_staged", "media_send", "media_upload", "media_end", "media_sent", "media_here", "media_pass"),  # files are not in backups
    *("unindexed", "message_words", *(f"message_words_{part}" for part in ("data", "idx", "content", "docsize", "config"))),  # made anew
}


@pytest.fixture
def database(tmp_path: Path) -> Any:
    opened = open_database(tmp_path / "node.db", bytes(32), MIGRATIONS)
    yield opened
    opened.close()


def test_every_table_is_in_a_backup_or_left_out_on_purpose(database: Database) -> None:
    tables = {row[0] for row in database.read("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    assert tables == RECORDS.keys() | COUNTERS | NEVER


@pytest.mark.parametrize("table", RECORDS)
def test_every_column_is_in_its_record_or_left_out_on_purpose(database: Database, table: str) -> None:
    there = {row[0] for row in database.read("SELECT name FROM pragma_table_info(?)", (table,))}
    assert there == set(columns(RECORDS[table])) | LEFT_OUT.get(table, set())

"""The tables of media. They name nobody: a blob is a hash, and a spent pass cannot be tied to the account that fetched it."""

from __future__ import annotations

__all__ = ["MEDIA_TABLES"]

MEDIA_TABLES = """
-- `stored`: how many parts are durable, from the first on. `due`: when the row and its parts go, which for an upload that does not end
-- is sooner than what was asked for (`expires`).
CREATE TABLE media (
    id         BLOB PRIMARY KEY,
    write_hash BLOB NOT NULL,
    segments   INTEGER NOT NULL,
    stored     INTEGER NOT NULL DEFAULT 0,
    expires    INTEGER NOT NULL,
    due        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX media_by_due ON media (due);

CREATE TABLE spent_media_pass (
    hash BLOB PRIMARY KEY,
    week INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

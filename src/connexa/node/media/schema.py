"""The tables of files. The files themselves lie sealed in a folder beside the store, each under the name of its blob."""

from __future__ import annotations

__all__ = ["MEDIA_TABLES"]

MEDIA_TABLES = """
-- What a face has handed over and no message has taken yet: whole in the folder. `plain`: SHA-256 of the file, to know the same one again.
CREATE TABLE media_staged (
    account    INTEGER NOT NULL,
    blob       BLOB NOT NULL,
    attachment BLOB NOT NULL,
    plain      BLOB NOT NULL,
    created    REAL NOT NULL,
    PRIMARY KEY (account, blob)
) STRICT, WITHOUT ROWID;

-- A message that goes into the log once its files are at the homeserver. `failure`: why it does not.
CREATE TABLE media_send (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    account   INTEGER NOT NULL,
    message   BLOB NOT NULL,
    recipient TEXT NOT NULL,
    audience  BLOB NOT NULL,
    words     BLOB NOT NULL,
    failure   TEXT NOT NULL DEFAULT '',
    created   REAL NOT NULL,
    UNIQUE (account, message)
) STRICT;

-- Its files, in order. `writer` lets this device write and delete the blob; empty where the blob is there already.
CREATE TABLE media_upload (
    send       INTEGER NOT NULL,
    place      INTEGER NOT NULL,
    blob       BLOB NOT NULL,
    attachment BLOB NOT NULL,
    plain      BLOB NOT NULL,
    writer     BLOB NOT NULL DEFAULT x'',
    stored     INTEGER NOT NULL DEFAULT 0,
    done       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (send, place)
) STRICT, WITHOUT ROWID;

-- Blobs whose message was given up: the homeserver is told.
CREATE TABLE media_end (
    account INTEGER NOT NULL,
    blob    BLOB NOT NULL,
    writer  BLOB NOT NULL,
    PRIMARY KEY (account, blob)
) STRICT, WITHOUT ROWID;

-- What the homeserver of this account holds of a file for one audience (a person or a group), so that it is not uploaded again for it.
CREATE TABLE media_sent (
    account    INTEGER NOT NULL,
    audience   BLOB NOT NULL,
    plain      BLOB NOT NULL,
    attachment BLOB NOT NULL,
    expires    INTEGER NOT NULL,
    PRIMARY KEY (account, audience, plain)
) STRICT, WITHOUT ROWID;

-- What is here of the blob of a message: a bit for each segment. `wanted`: the owner wants all of it.
CREATE TABLE media_here (
    account INTEGER NOT NULL,
    blob    BLOB NOT NULL,
    message BLOB NOT NULL,
    sender  BLOB NOT NULL,
    place   INTEGER NOT NULL,
    bits    BLOB NOT NULL,
    wanted  INTEGER NOT NULL DEFAULT 0,
    failure TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, blob)
) STRICT, WITHOUT ROWID;

-- Media passes; those that an upload has shown belong to its blob until it is whole.
CREATE TABLE media_pass (
    account INTEGER NOT NULL,
    input   BLOB NOT NULL,
    key     INTEGER NOT NULL,
    output  BLOB NOT NULL,
    blob    BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (account, input)
) STRICT, WITHOUT ROWID;
"""

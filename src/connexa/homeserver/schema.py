"""The homeserver's tables, as numbered migrations. `setting` also holds the domain key: the whole file is encrypted.

Blobs named after a message of `proto/` hold that message's bytes. Times are unix seconds.
"""

from __future__ import annotations

from connexa.homeserver.groups.schema import GROUP_TABLES
from connexa.homeserver.media.schema import MEDIA_TABLES

__all__ = ["MIGRATIONS"]

FIRST = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- A localpart is never given to another person (I83): the row of a deleted account stays. `n` counts the keys that the address has had;
-- a further one needs an invite that an administrator made for this localpart, for the same person.
CREATE TABLE account (
    user         BLOB PRIMARY KEY,
    localpart    TEXT NOT NULL,
    n            INTEGER NOT NULL DEFAULT 0,
    user_key     BLOB NOT NULL,
    attestation  BLOB NOT NULL,
    discoverable INTEGER NOT NULL DEFAULT 1,
    admin        INTEGER NOT NULL DEFAULT 0,
    created      INTEGER NOT NULL,
    deleted      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (localpart, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_invite (
    hash      BLOB PRIMARY KEY,
    uses      INTEGER NOT NULL,
    admin     INTEGER NOT NULL DEFAULT 0,
    localpart TEXT NOT NULL DEFAULT '',
    expires   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device_list (
    user    BLOB NOT NULL,
    version INTEGER NOT NULL,
    list    BLOB NOT NULL,
    PRIMARY KEY (user, version)
) STRICT, WITHOUT ROWID;

-- Exactly the devices of the newest lists. `last_number`: highest committed number of what this device sent on its mailbox link.
CREATE TABLE device (
    device      BLOB PRIMARY KEY,
    user        BLOB NOT NULL,
    certificate BLOB NOT NULL,
    last_number INTEGER NOT NULL DEFAULT 0,
    last_seen   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX device_by_user ON device (user);

CREATE TABLE prekey (
    device  BLOB NOT NULL,
    type    TEXT NOT NULL,
    id      INTEGER NOT NULL,
    starts  INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL,
    prekey  BLOB NOT NULL,
    PRIMARY KEY (device, type, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX prekey_by_expiry ON prekey (expires);

CREATE TABLE token_key (
    user BLOB NOT NULL,
    week INTEGER NOT NULL,
    key  BLOB NOT NULL,
    PRIMARY KEY (user, week)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_invite (
    id      BLOB PRIMARY KEY,
    user    BLOB NOT NULL,
    secret  BLOB NOT NULL,
    uses    INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_invite_by_user ON contact_invite (user);

-- Ids of look-ups and claims under a token or invite, whose repeats are refused, and of requests, which are stored once.
CREATE TABLE used_right (
    id      BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_right_by_expiry ON used_right (expires);

CREATE TABLE pass_key (id INTEGER PRIMARY KEY, secret BLOB NOT NULL) STRICT;
CREATE TABLE pass_issue (
    user  BLOB NOT NULL,
    day   INTEGER NOT NULL,
    media INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (user, day, media)
) STRICT, WITHOUT ROWID;

-- A spent pass and what it opened: a stream (numbers) or a step (counted uses, one `target`). `stream` = hash[:16].
CREATE TABLE spent_pass (
    hash        BLOB PRIMARY KEY,
    stream      BLOB NOT NULL UNIQUE,
    use         INTEGER NOT NULL,
    opened      INTEGER NOT NULL,
    target      BLOB NOT NULL DEFAULT x'',
    last_number INTEGER NOT NULL DEFAULT 0,
    lookups     INTEGER NOT NULL DEFAULT 0,
    claims      INTEGER NOT NULL DEFAULT 0,
    requests    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_pass_by_opening ON spent_pass (opened);

-- What became of envelopes of a stream (a pass's, or a device's own) other than being accepted; told until acknowledged.
CREATE TABLE outcome (
    stream  BLOB NOT NULL,
    number  INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    status  INTEGER NOT NULL,
    told    INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL,
    PRIMARY KEY (stream, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcome_by_expiry ON outcome (expires);

-- A row for each message and device. `item` is what is pushed of it; the body is in it, or where several devices wait for the same one,
-- in `body`. Rowid tables: large blobs in WITHOUT ROWID are slow (homeserver.md 3.1).
CREATE TABLE mailbox (
    seq     INTEGER PRIMARY KEY,
    device  BLOB NOT NULL,
    class   INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    body    INTEGER NOT NULL,
    item    BLOB NOT NULL
) STRICT;
CREATE INDEX mailbox_by_device ON mailbox (device, seq);
CREATE INDEX mailbox_by_expiry ON mailbox (expires);

CREATE TABLE body (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL,
    refs INTEGER NOT NULL
) STRICT;

-- What waits in a device's mailbox, kept beside it because counting large mailboxes is slow. `acked`: the highest number that the device
-- has acknowledged.
CREATE TABLE mailbox_load (
    device   BLOB PRIMARY KEY,
    messages INTEGER NOT NULL DEFAULT 0,
    bytes    INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    acked    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Mail that nobody will fetch any more, up to a number: of a device that was removed, or that says it has stored more than one operation
-- deletes. Upkeep deletes it in pieces.
CREATE TABLE mailbox_left (
    device BLOB PRIMARY KEY,
    last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What one process alone may do, where several serve the domain.
CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder BLOB NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Pinned remotes: the discovery room's record, opaque here.
CREATE TABLE remote (
    domain TEXT PRIMARY KEY,
    record BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Outgoing, per remote domain; `stream` and `number` of the queue itself are what federation dedups by. A row that waits for another
-- try has the number -id until its time comes.
CREATE TABLE queue_stream (
    domain      TEXT PRIMARY KEY,
    stream      BLOB NOT NULL,
    next_number INTEGER NOT NULL,
    confirmed   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE queue (
    id            INTEGER PRIMARY KEY,
    domain        TEXT NOT NULL,
    number        INTEGER NOT NULL,
    origin        BLOB NOT NULL,
    origin_number INTEGER NOT NULL,
    accepted_at   INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    envelope      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX queue_by_domain ON queue (domain, number);
CREATE INDEX queue_by_expiry ON queue (expires);
CREATE INDEX queue_by_origin ON queue (origin, origin_number);

-- What waits for each domain, and under the empty name for all: a queue is a place where any account can leave bytes.
CREATE TABLE queue_load (
    domain TEXT PRIMARY KEY,
    bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER queue_filled AFTER INSERT ON queue BEGIN
    INSERT INTO queue_load (domain, bytes) VALUES (new.domain, length(new.envelope)), ('', length(new.envelope))
        ON CONFLICT (domain) DO UPDATE SET bytes = queue_load.bytes + excluded.bytes;
END;
CREATE TRIGGER queue_emptied AFTER DELETE ON queue BEGIN
    UPDATE queue_load SET bytes = bytes - length(old.envelope) WHERE domain IN (old.domain, '');
    DELETE FROM queue_load WHERE domain = old.domain AND bytes <= 0;
END;

-- What administrators did; rows are added and never changed.
CREATE TABLE audit (
    id    INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    who   TEXT NOT NULL,
    act   TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT ''
) STRICT;

-- Incoming: highest committed number per (remote, its stream), and the last refusals (a BatchAck), for batches that come again.
CREATE TABLE remote_stream (
    domain    TEXT NOT NULL,
    stream    BLOB NOT NULL,
    committed INTEGER NOT NULL,
    seen      INTEGER NOT NULL,
    refused   BLOB NOT NULL,
    PRIMARY KEY (domain, stream)
) STRICT, WITHOUT ROWID;
"""

MIGRATIONS = (FIRST + GROUP_TABLES + MEDIA_TABLES,)

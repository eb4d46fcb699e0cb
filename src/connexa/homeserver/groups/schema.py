"""The tables of groups: what a homeserver keeps for its own people's devices, and what it keeps as the hub or a fallback of a group.

The second half names nobody: a member is a domain, an alias that its homeserver alone can resolve, and the hash of a token (I88).
"""

from __future__ import annotations

__all__ = ["GROUP_TABLES"]

GROUP_TABLES = """
-- ---- of our own people's devices

-- Under which names hubs know a device; one lives for 90 days after it was last put.
CREATE TABLE group_alias (
    alias   BLOB PRIMARY KEY,
    device  BLOB NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX group_alias_by_device ON group_alias (device);
CREATE INDEX group_alias_by_expiry ON group_alias (expires);

-- `offered` is an OfferedKeyPackage; one-time packages are handed out in the order of their ids.
CREATE TABLE key_package (
    id          INTEGER PRIMARY KEY,
    device      BLOB NOT NULL,
    ref         BLOB NOT NULL,
    last_resort INTEGER NOT NULL DEFAULT 0,
    expires     INTEGER NOT NULL,
    alias       BLOB NOT NULL,
    offered     BLOB NOT NULL,
    UNIQUE (device, ref)
) STRICT;
CREATE INDEX key_package_by_expiry ON key_package (expires);

-- Welcomes wait until the device has joined, not only received them.
CREATE TABLE welcome (
    seq     INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    device  BLOB NOT NULL,
    size    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    kept    BLOB NOT NULL
) STRICT;
CREATE INDEX welcome_by_device ON welcome (device, seq);
CREATE INDEX welcome_by_expiry ON welcome (expires);

-- ---- as a hub

-- `began` is the entry that began the epoch; `admins` a SignedAdmins; `took` the record by which this hub has taken over, `moved` the one
-- by which another has.
CREATE TABLE mls_group (
    id        BLOB PRIMARY KEY,
    mode      INTEGER NOT NULL,
    term      INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    epoch_at  INTEGER NOT NULL,
    began     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    join_hash BLOB NOT NULL,
    admins    BLOB NOT NULL,
    took      BLOB NOT NULL DEFAULT x'',
    moved     BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- A GroupRecord: what is handed to joiners.
CREATE TABLE group_record (
    id     INTEGER PRIMARY KEY,
    mls    BLOB NOT NULL UNIQUE,
    record BLOB NOT NULL
) STRICT;

-- What a hub that assists follows: the group's public state.
CREATE TABLE group_public (
    id    INTEGER PRIMARY KEY,
    mls   BLOB NOT NULL UNIQUE,
    state BLOB NOT NULL
) STRICT;

-- `until`: the entry that has removed the device, up to which it may read the log, and when that was; 0: it is a member.
CREATE TABLE group_member (
    mls        BLOB NOT NULL,
    alias      BLOB NOT NULL,
    domain     TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    until      INTEGER NOT NULL DEFAULT 0,
    gone       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mls, alias),
    UNIQUE (mls, token_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_gone ON group_member (gone) WHERE until != 0;

-- `entry` makes what is sent again the same entry: SHA-256 of a commit, or the sender's id of a message.
CREATE TABLE group_entry (
    id      INTEGER PRIMARY KEY,
    mls     BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    entry   BLOB NOT NULL,
    message BLOB NOT NULL,
    UNIQUE (mls, seq),
    UNIQUE (mls, entry)
) STRICT;
CREATE INDEX group_entry_by_time ON group_entry (at);

-- Groups that have ended and whose entries are not all deleted yet.
CREATE TABLE group_gone (
    mls BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What a group's log holds, and under the empty id all of them with what joiners are given and hubs follow: kept beside them because
-- counting is slow.
CREATE TABLE group_load (
    mls   BLOB PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER group_entry_added AFTER INSERT ON group_entry BEGIN
    INSERT INTO group_load (mls, bytes) VALUES (new.mls, length(new.message)), (x'', length(new.message))
        ON CONFLICT (mls) DO UPDATE SET bytes = group_load.bytes + excluded.bytes;
END;
CREATE TRIGGER group_entry_gone AFTER DELETE ON group_entry BEGIN
    UPDATE group_load SET bytes = bytes - length(old.message) WHERE mls IN (old.mls, x'');
    DELETE FROM group_load WHERE mls IN (old.mls, x'') AND bytes <= 0;
END;
CREATE TRIGGER group_record_added AFTER INSERT ON group_record BEGIN
    INSERT INTO group_load (mls, bytes) VALUES (x'', length(new.record))
        ON CONFLICT (mls) DO UPDATE SET bytes = group_load.bytes + excluded.bytes;
END;
CREATE TRIGGER group_record_changed AFTER UPDATE OF record ON group_record BEGIN
    UPDATE group_load SET bytes = bytes + length(new.record) - length(old.record) WHERE mls = x'';
END;
CREATE TRIGGER group_record_gone AFTER DELETE ON group_record BEGIN
    UPDATE group_load SET bytes = bytes - length(old.record) WHERE mls = x'';
    DELETE FROM group_load WHERE mls = x'' AND bytes <= 0;
END;
CREATE TRIGGER group_public_added AFTER INSERT ON group_public BEGIN
    INSERT INTO group_load (mls, bytes) VALUES (x'', length(new.state))
        ON CONFLICT (mls) DO UPDATE SET bytes = group_load.bytes + excluded.bytes;
END;
CREATE TRIGGER group_public_changed AFTER UPDATE OF state ON group_public BEGIN
    UPDATE group_load SET bytes = bytes + length(new.state) - length(old.state) WHERE mls = x'';
END;
CREATE TRIGGER group_public_gone AFTER DELETE ON group_public BEGIN
    UPDATE group_load SET bytes = bytes - length(old.state) WHERE mls = x'';
    DELETE FROM group_load WHERE mls = x'' AND bytes <= 0;
END;

-- News for other homeservers (a GroupNews each) that must not be lost; hints are not kept. `parcel`: where the Welcome is of which this
-- is the part of one; `size`: with its share of that.
CREATE TABLE group_news (
    id      INTEGER PRIMARY KEY,
    domain  TEXT NOT NULL,
    expires INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    parcel  INTEGER,
    news    BLOB NOT NULL
) STRICT;
CREATE INDEX group_news_by_domain ON group_news (domain, id);
CREATE INDEX group_news_by_expiry ON group_news (expires);
CREATE INDEX group_news_by_parcel ON group_news (parcel) WHERE parcel IS NOT NULL;

CREATE TABLE group_parcel (
    id      INTEGER PRIMARY KEY,
    welcome BLOB NOT NULL
) STRICT;

-- What waits for each domain, and under the empty name for all of them.
CREATE TABLE group_news_load (
    domain TEXT PRIMARY KEY,
    bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER group_news_added AFTER INSERT ON group_news BEGIN
    INSERT INTO group_news_load (domain, bytes) VALUES (new.domain, new.size), ('', new.size)
        ON CONFLICT (domain) DO UPDATE SET bytes = group_news_load.bytes + excluded.bytes;
END;
CREATE TRIGGER group_news_gone AFTER DELETE ON group_news BEGIN
    UPDATE group_news_load SET bytes = bytes - old.size WHERE domain IN (old.domain, '');
    DELETE FROM group_news_load WHERE domain IN (old.domain, '') AND bytes <= 0;
    DELETE FROM group_parcel WHERE id = old.parcel AND NOT EXISTS (SELECT 1 FROM group_news WHERE parcel = old.parcel);
END;

CREATE TABLE group_fallback (
    mls    BLOB NOT NULL,
    domain TEXT NOT NULL,
    PRIMARY KEY (mls, domain)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_fallback_by_domain ON group_fallback (domain);

-- ---- as a fallback

-- One for each hub that says that the group is kept there: a domain that only says so takes nobody's place.
CREATE TABLE group_standby (
    mls    BLOB NOT NULL,
    hub    TEXT NOT NULL,
    term   INTEGER NOT NULL,
    admins BLOB NOT NULL,
    PRIMARY KEY (mls, hub)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_standby_by_hub ON group_standby (hub);

-- What admins' keys have signed for a take-over of a hub that is not done yet: of each key its last word.
CREATE TABLE group_offer (
    mls       BLOB NOT NULL,
    hub       TEXT NOT NULL,
    key       BLOB NOT NULL,
    body      BLOB NOT NULL,
    signature BLOB NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (mls, hub, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_offer_by_time ON group_offer (at);

-- When each hub of a standby had its last word.
CREATE TABLE hub_seen (
    hub TEXT PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hub_seen_by_time ON hub_seen (at);
"""

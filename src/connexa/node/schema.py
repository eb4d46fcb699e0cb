"""The node's tables, as numbered migrations. One encrypted file holds all accounts; every table names its account.

Blobs named after a message of `proto/` hold that message's bytes. Times are unix seconds. Ids are raw bytes here and hex in the views.
"""

from __future__ import annotations

from connexa.node.media.schema import MEDIA_TABLES
from connexa.node.search.schema import SEARCH

__all__ = ["MIGRATIONS"]

FIRST = """
-- `seed` is on the primary device alone; the attestation is empty until the homeserver has given it. `own_number` counts the
-- envelopes to own devices on this device's mailbox link, `resume_seq` is the highest push that is stored here. `refused` counts
-- arrivals that nobody whom we know has sent, `dropped` those of unknown domains for which there was no more room; `rolled_back` is when
-- this store was found to be older than what its homeserver remembers; `compare_from` when the own devices are next told what is here,
-- `compare_wait` for how long a difference is waited for; `prekeys_anew` is whether the homeserver still has to drop the one-time keys of
-- the newer store.
CREATE TABLE account (
    id             INTEGER PRIMARY KEY,
    address        TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL DEFAULT '',
    state          TEXT NOT NULL,
    user           BLOB NOT NULL DEFAULT x'',
    user_key       BLOB NOT NULL DEFAULT x'',
    seed           BLOB NOT NULL DEFAULT x'',
    device         BLOB NOT NULL,
    dsk            BLOB NOT NULL,
    dik            BLOB NOT NULL,
    certificate    BLOB NOT NULL DEFAULT x'',
    attestation    BLOB NOT NULL DEFAULT x'',
    device_list    BLOB NOT NULL DEFAULT x'',
    profile_key    BLOB NOT NULL DEFAULT x'',
    sender         BLOB NOT NULL DEFAULT x'',
    sender_until   REAL NOT NULL DEFAULT 0,
    token_until    INTEGER NOT NULL DEFAULT 0,
    token_replace  INTEGER NOT NULL DEFAULT 0,
    own_number     INTEGER NOT NULL DEFAULT 0,
    resume_seq     INTEGER NOT NULL DEFAULT 0,
    refused        INTEGER NOT NULL DEFAULT 0,
    dropped        INTEGER NOT NULL DEFAULT 0,
    rolled_back    REAL NOT NULL DEFAULT 0,
    prekeys_anew   INTEGER NOT NULL DEFAULT 0,
    compare_from   REAL NOT NULL DEFAULT 0,
    compare_wait   REAL NOT NULL DEFAULT 0,
    created        REAL NOT NULL
) STRICT;

CREATE TABLE own_device (
    account     INTEGER NOT NULL,
    device      BLOB NOT NULL,
    certificate BLOB NOT NULL DEFAULT x'',
    name        TEXT NOT NULL DEFAULT '',
    listed      INTEGER NOT NULL,
    added       REAL NOT NULL,
    seen        REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

-- Secrets behind what this device uploaded. `until`: when the private part is deleted; a one-time key goes with its use.
CREATE TABLE prekey (
    account  INTEGER NOT NULL,
    type     TEXT NOT NULL,
    id       INTEGER NOT NULL,
    secret   BLOB NOT NULL,
    prekey   BLOB NOT NULL,
    starts   INTEGER NOT NULL DEFAULT 0,
    expires  INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    uploaded INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, type, id)
) STRICT, WITHOUT ROWID;

-- The highest number of a prekey of each kind: none is given twice, though its row may be gone.
CREATE TABLE prekey_number (
    account INTEGER NOT NULL,
    type    TEXT NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (account, type)
) STRICT, WITHOUT ROWID;

-- An initial message is taken once: its ephemeral key is remembered as long as the private keys that it used live (P06).
CREATE TABLE initial_seen (
    account   INTEGER NOT NULL,
    spk       INTEGER NOT NULL,
    kem       INTEGER NOT NULL,
    ephemeral BLOB NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (account, spk, kem, ephemeral)
) STRICT, WITHOUT ROWID;

-- Everybody whom an account knows, from the first look-up on. `user` is empty until then, `state` is ContactState.
-- `invite` and `invite_secret` are an invite of theirs that opens their door. `stranger_from` is when a request may be sent (again);
-- `looked_week` the week of the last look-up; `waits` why mail to them waits. A row is one key: `replaces` is the user id of the key that
-- was this person's before, `rival` of another one that answers for the address while the owner has not decided (since `rival_at`).
-- `verified_at` and `verified_how`: when and how the owner compared the safety number of this key. `anew`: whatever key the address
-- has now is asked for, because the one that is known has no account there any more or was forgotten.
CREATE TABLE person (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL,
    user          BLOB NOT NULL DEFAULT x'',
    address       TEXT NOT NULL,
    user_key      BLOB NOT NULL DEFAULT x'',
    attestation   BLOB NOT NULL DEFAULT x'',
    device_list   BLOB NOT NULL DEFAULT x'',
    profile_key   BLOB NOT NULL DEFAULT x'',
    state         TEXT NOT NULL,
    name          TEXT NOT NULL DEFAULT '',
    verified_at   INTEGER NOT NULL DEFAULT 0,
    verified_how  TEXT NOT NULL DEFAULT '',
    rival         BLOB NOT NULL DEFAULT x'',
    rival_at      REAL NOT NULL DEFAULT 0,
    replaces      BLOB NOT NULL DEFAULT x'',
    anew          INTEGER NOT NULL DEFAULT 0,
    provisional   INTEGER NOT NULL DEFAULT 0,
    warning       TEXT NOT NULL DEFAULT '',
    invite        BLOB NOT NULL DEFAULT x'',
    invite_secret BLOB NOT NULL DEFAULT x'',
    invite_until  REAL NOT NULL DEFAULT 0,
    stranger_from REAL NOT NULL DEFAULT 0,
    waits         TEXT NOT NULL DEFAULT '',
    looked_week   INTEGER NOT NULL DEFAULT 0,
    created       REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_by_user ON person (account, user) WHERE user != x'';
CREATE INDEX person_by_address ON person (account, address);

-- What has happened to the trust in a person: lines of the timeline that no message carries.
CREATE TABLE trust_note (
    id     INTEGER PRIMARY KEY,
    person INTEGER NOT NULL,
    at     REAL NOT NULL,
    code   TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX trust_note_by_person ON trust_note (person, id);

-- Devices of the newest verified list of a person, our own other ones among them (person 0), with the sealing key of one week.
-- `met`: there was a session with it once, so where there is none now, our store has lost it.
CREATE TABLE person_device (
    account     INTEGER NOT NULL,
    person      INTEGER NOT NULL,
    device      BLOB NOT NULL,
    certificate BLOB NOT NULL,
    sek         BLOB NOT NULL DEFAULT x'',
    sek_week    INTEGER NOT NULL DEFAULT 0,
    met         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, person, device)
) STRICT, WITHOUT ROWID;

-- All ratchet sessions with one device (pairwise.SessionSet), of other people and of our own other devices.
CREATE TABLE session (
    account  INTEGER NOT NULL,
    user     BLOB NOT NULL,
    device   BLOB NOT NULL,
    sessions BLOB NOT NULL,
    PRIMARY KEY (account, user, device)
) STRICT, WITHOUT ROWID;

-- `read_message`: a read mark of another own device whose message is not here yet. Person 0: it is with a group, whose id is `public`.
-- `timer`: seconds after which what is said between two disappears, by the newest entry about it (`timer_message`, said at `timer_at`).
CREATE TABLE conversation (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL,
    public        BLOB NOT NULL,
    provisional   BLOB NOT NULL DEFAULT x'',
    person        INTEGER NOT NULL,
    counter       INTEGER NOT NULL DEFAULT 0,
    newest        BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000',
    read_cursor   INTEGER NOT NULL DEFAULT 0,
    read_message  BLOB NOT NULL DEFAULT x'',
    draft         TEXT NOT NULL DEFAULT '',
    draft_subject TEXT NOT NULL DEFAULT '',
    timer         INTEGER NOT NULL DEFAULT 0,
    timer_at      REAL NOT NULL DEFAULT 0,
    timer_message BLOB NOT NULL DEFAULT x'',
    muted         INTEGER NOT NULL DEFAULT 0,
    archived      INTEGER NOT NULL DEFAULT 0,
    pinned        INTEGER NOT NULL DEFAULT 0,
    favourite     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX conversation_by_public ON conversation (account, public);
CREATE UNIQUE INDEX conversation_by_person ON conversation (account, person) WHERE person != 0;

-- The log. `cursor` is an entry's place in it: the unix microsecond of its arrival, so that the history of another own device finds
-- its places between what is here. `hidden` rows are deleted and stay so that they are not shown again when a copy arrives. In a group,
-- `author` is the address of whoever said it; `vanishes` is when a message disappears, 0 for never. `target` and `target_user` name the
-- entry that this one is about (node.acts), which shows there and not by itself; `text` is that of the newest edit, which was made at
-- `edited`; `withdrawn`: whoever said it has taken it away from everybody, which shows in its place. `has`: words
-- for what one can search by beside the text (node.entry).
CREATE TABLE message (
    cursor       INTEGER PRIMARY KEY,
    account      INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    message      BLOB NOT NULL,
    sender       BLOB NOT NULL,
    device       BLOB NOT NULL,
    counter      INTEGER NOT NULL,
    mine         INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    text         TEXT NOT NULL DEFAULT '',
    subject      TEXT NOT NULL DEFAULT '',
    reply_to     BLOB NOT NULL DEFAULT x'',
    target       BLOB NOT NULL DEFAULT x'',
    target_user  BLOB NOT NULL DEFAULT x'',
    content      BLOB NOT NULL,
    sent         REAL NOT NULL,
    received     REAL NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT NOT NULL DEFAULT '',
    path         TEXT NOT NULL DEFAULT '',
    last_seen    BLOB NOT NULL DEFAULT x'',
    receipted    INTEGER NOT NULL DEFAULT 0,
    hidden       INTEGER NOT NULL DEFAULT 0,
    author       TEXT NOT NULL DEFAULT '',
    vanishes     REAL NOT NULL DEFAULT 0,
    edited       REAL NOT NULL DEFAULT 0,
    withdrawn    INTEGER NOT NULL DEFAULT 0,
    has          TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX message_by_end ON message (vanishes) WHERE vanishes != 0;
CREATE UNIQUE INDEX message_by_id ON message (account, message, sender);
CREATE INDEX message_by_reply ON message (account, reply_to) WHERE reply_to != x'';
CREATE INDEX message_by_conversation ON message (account, conversation, cursor);
CREATE INDEX message_by_target ON message (account, target, target_user, conversation) WHERE target != x'' AND hidden = 0;
CREATE INDEX message_by_withdrawal ON message (account, target, target_user) WHERE kind = 'withdrawal';
CREATE INDEX message_by_counter ON message (account, conversation, device, counter);

CREATE TABLE message_time (
    account INTEGER NOT NULL,
    message BLOB NOT NULL,
    state   TEXT NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (account, message, state)
) STRICT, WITHOUT ROWID;

-- `repeats`: how often it was sent again to a device that answers and has not confirmed it.
CREATE TABLE message_device (
    account INTEGER NOT NULL,
    message BLOB NOT NULL,
    device  BLOB NOT NULL,
    state   TEXT NOT NULL,
    at      REAL NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, message, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_device_by_device ON message_device (account, device, state, at);
CREATE INDEX message_device_open ON message_device (account, at) WHERE state = 'accepted';

-- Counters of each sending device in a conversation: the highest seen, and those that are missing below it.
CREATE TABLE counter_high (
    account      INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    device       BLOB NOT NULL,
    counter      INTEGER NOT NULL,
    PRIMARY KEY (account, conversation, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter_gap (
    account      INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    device       BLOB NOT NULL,
    counter      INTEGER NOT NULL,
    since        REAL NOT NULL,
    PRIMARY KEY (account, conversation, device, counter)
) STRICT, WITHOUT ROWID;

-- What should come from a device of a contact and does not: messages of it that came and did not open (`unopened`), a reason to ask
-- beside the gaps ('session': a header opened and its message did not; 'store': our own store has lost something), and the requests:
-- how many, the last one at `asked`, the next one not before `due`. Person 0 is ourselves: never asked, our devices compare their logs.
CREATE TABLE ask (
    account  INTEGER NOT NULL,
    person   INTEGER NOT NULL,
    device   BLOB NOT NULL,
    reason   TEXT NOT NULL DEFAULT '',
    unopened INTEGER NOT NULL DEFAULT 0,
    since    REAL NOT NULL,
    due      REAL NOT NULL,
    asked    REAL NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, person, device)
) STRICT, WITHOUT ROWID;

-- What a device of a contact was sent again within the hour that began at `since`.
CREATE TABLE resent (
    account  INTEGER NOT NULL,
    person   INTEGER NOT NULL,
    device   BLOB NOT NULL,
    since    REAL NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0,
    entries  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, person, device)
) STRICT, WITHOUT ROWID;

-- What still has to reach somebody. `state`: waiting (to be encrypted), sealed (in `envelope`), accepted (kept in case the
-- recipient's homeserver finds the devices stale).
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL,
    person     INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    message    BLOB NOT NULL,
    counter    INTEGER NOT NULL DEFAULT 0,
    last_seen  BLOB NOT NULL,
    content    BLOB NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting',
    created    REAL NOT NULL,
    expires    REAL NOT NULL
) STRICT;
CREATE INDEX outbox_by_person ON outbox (account, state, person, id);
CREATE INDEX outbox_by_message ON outbox (account, message);
CREATE INDEX outbox_by_expiry ON outbox (expires);

-- A pass that was shown: a stream of envelopes, or one step towards a stranger (`person`). `opened` is when it was taken, `entered`
-- whether this store has seen it open.
CREATE TABLE stream (
    id        INTEGER PRIMARY KEY,
    account   INTEGER NOT NULL,
    use       INTEGER NOT NULL,
    key       INTEGER NOT NULL,
    input     BLOB NOT NULL,
    output    BLOB NOT NULL,
    person    INTEGER NOT NULL DEFAULT 0,
    next      INTEGER NOT NULL DEFAULT 1,
    committed INTEGER NOT NULL DEFAULT 0,
    asked     REAL NOT NULL DEFAULT 0,
    entered   INTEGER NOT NULL DEFAULT 0,
    opened    REAL NOT NULL
) STRICT;
CREATE INDEX stream_by_account ON stream (account, opened);

-- Numbered envelopes. `door` is the right that was shown, `profile` the key behind a token. The bytes stay until they are
-- committed, and the row until its outcome cannot matter any more.
CREATE TABLE envelope (
    stream  INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    account INTEGER NOT NULL,
    outbox  INTEGER NOT NULL,
    door    TEXT NOT NULL,
    profile BLOB NOT NULL DEFAULT x'',
    sealed  REAL NOT NULL,
    raw     BLOB NOT NULL,
    PRIMARY KEY (stream, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_by_outbox ON envelope (outbox);
CREATE INDEX envelope_unsent ON envelope (account) WHERE raw != x'';

-- For own devices: copies, which leave on a clock of their own (of one register only the newest), and messages, which leave at once,
-- to one device (`device`) or all; both become numbered envelopes of the mailbox link.
CREATE TABLE own_copy (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL,
    register BLOB NOT NULL DEFAULT x'',
    copy     BLOB NOT NULL
) STRICT;
CREATE INDEX own_copy_by_account ON own_copy (account, id);
CREATE TABLE own_message (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    device  BLOB NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX own_message_by_account ON own_message (account, id);
CREATE TABLE own_envelope (
    account INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    content BLOB NOT NULL,
    sealed  REAL NOT NULL,
    raw     BLOB NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;

-- When and on which device the owner last decided something; the values stand where they are used.
CREATE TABLE register (
    account INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    key     BLOB NOT NULL,
    at      INTEGER NOT NULL,
    device  BLOB NOT NULL,
    PRIMARY KEY (account, kind, key)
) STRICT, WITHOUT ROWID;

-- The history that this device takes over from another own one (`source`): everything from `place` on is here. `asked`: when it was
-- last asked for or came; `waiting` is 0 once all of it has come.
CREATE TABLE history (
    account   INTEGER PRIMARY KEY,
    source    BLOB NOT NULL,
    place     INTEGER NOT NULL DEFAULT 0,
    done      INTEGER NOT NULL DEFAULT 0,
    remaining INTEGER NOT NULL DEFAULT 0,
    asked     REAL NOT NULL DEFAULT 0,
    waiting   INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What this device was asked for by a new one: so many chunks of what stands before `place`.
CREATE TABLE history_owed (
    account   INTEGER NOT NULL,
    device    BLOB NOT NULL,
    place     INTEGER NOT NULL,
    chunks    INTEGER NOT NULL,
    remaining INTEGER NOT NULL,
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE pass (
    account INTEGER NOT NULL,
    input   BLOB NOT NULL,
    key     INTEGER NOT NULL,
    output  BLOB NOT NULL,
    PRIMARY KEY (account, input)
) STRICT, WITHOUT ROWID;

CREATE TABLE envelope_seen (
    account  INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (account, envelope)
) STRICT, WITHOUT ROWID;

-- Pushes whose sender's domain is not found yet: stored, acknowledged, opened later.
CREATE TABLE held (
    id       INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL,
    domain   TEXT NOT NULL,
    item     BLOB NOT NULL,
    since    REAL NOT NULL,
    next_try REAL NOT NULL
) STRICT;
CREATE INDEX held_by_domain ON held (account, domain);

-- Receipts that are to go out. `among`: of a message in a group, how many devices are in it.
CREATE TABLE receipt (
    account INTEGER NOT NULL,
    person  INTEGER NOT NULL,
    message BLOB NOT NULL,
    state   INTEGER NOT NULL,
    among   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, person, message, state)
) STRICT, WITHOUT ROWID;

-- Receipts for messages that are not here yet (another device of ours sent them and its copy is on its way).
CREATE TABLE early_receipt (
    account INTEGER NOT NULL,
    message BLOB NOT NULL,
    device  BLOB NOT NULL,
    state   TEXT NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (account, message, device, state)
) STRICT, WITHOUT ROWID;
CREATE INDEX early_receipt_by_device ON early_receipt (account, device);

CREATE TABLE invite (
    account  INTEGER NOT NULL,
    id       BLOB NOT NULL,
    secret   BLOB NOT NULL,
    uses     INTEGER NOT NULL,
    used     INTEGER NOT NULL DEFAULT 0,
    expires  REAL NOT NULL,
    text     TEXT NOT NULL,
    uploaded INTEGER NOT NULL DEFAULT 0,
    revoked  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    cursor  INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    kind    TEXT NOT NULL,
    at      REAL NOT NULL,
    fields  TEXT NOT NULL
) STRICT;

-- The key behind the recovery words and the key of the content of backups: on the primary device alone. `confirmed` is when the
-- owner last showed that the words are written down.
CREATE TABLE recovery (
    account    INTEGER PRIMARY KEY,
    key        BLOB NOT NULL,
    backup_key BLOB NOT NULL,
    confirmed  REAL NOT NULL DEFAULT 0
) STRICT;

-- How far the backups are: the newest file of the current series (none: the next one is a base), its SHA-256, and `up_to`, the last
-- place of the log that it holds; below `watched`, changes are noted. `counter` counts every attempt; `newest` is that of the newest one
-- that was made here.
CREATE TABLE backup (
    account  INTEGER PRIMARY KEY,
    counter  INTEGER NOT NULL DEFAULT 0,
    newest   INTEGER NOT NULL DEFAULT 0,
    series   BLOB NOT NULL DEFAULT x'',
    place    INTEGER NOT NULL DEFAULT 0,
    previous BLOB NOT NULL DEFAULT x'',
    up_to    INTEGER NOT NULL DEFAULT 0,
    watched  INTEGER NOT NULL DEFAULT 0,
    made     REAL NOT NULL DEFAULT 0,
    failed   REAL NOT NULL DEFAULT 0,
    failure  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE backup_series (
    account INTEGER NOT NULL,
    series  BLOB NOT NULL,
    counter INTEGER NOT NULL,
    PRIMARY KEY (account, series)
) STRICT, WITHOUT ROWID;

-- Entries below `watched` that have changed or come in since, history of another own device for one. `taken` by the backup that is being
-- made.
CREATE TABLE backup_changed (
    account INTEGER NOT NULL,
    cursor  INTEGER NOT NULL,
    taken   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, cursor)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER message_changed AFTER UPDATE ON message
WHEN NEW.cursor <= (SELECT watched FROM backup WHERE account = NEW.account) BEGIN
    INSERT OR REPLACE INTO backup_changed (account, cursor) VALUES (NEW.account, NEW.cursor);
END;
CREATE TRIGGER message_came AFTER INSERT ON message
WHEN NEW.cursor <= (SELECT watched FROM backup WHERE account = NEW.account) BEGIN
    INSERT OR REPLACE INTO backup_changed (account, cursor) VALUES (NEW.account, NEW.cursor);
END;

-- Groups. `state` is GroupStanding. `shared` is what the members know together (SharedState), of the epoch that `group_part` holds. `seq`:
-- entries of the hub's log up to it are taken; `heard`: the newest that a hint has told of. `alias` and `token` are this device's place at
-- the hub, `alias_put` whether its own homeserver knows the alias. `staged`: a commit of ours whose answer is not here (StagedCommit), with
-- everything that went with it (`bundle`) and the state behind it (`staged_shared`). `renewed` is when this device last gave itself new
-- keys, `said` what it has said since. `trouble`: code of what the group cannot go on from, until it is repaired; `waits`: of what the last
-- try to work for it has failed with. `admin_key`: where the owner leads the group, this device's key for saying where it is. `name`: what
-- another own device calls it, until `shared` is here. `disputed`: the newest commit of the log where that does not hold here, else 0;
-- `offender`: the user id of whoever made one that nobody can take. `told`: the inviter has told what was said before this device came.
-- `unopened`: entries of this epoch that did not open.
-- `began`: the entry that began the epoch; `silent`: since when the hub does not answer, 0 where it does; `hurried`: the owner does not
-- want to wait; `took`: the proof by which the hub has taken another's place. `room_key_before`: the room key before this one, for a device
-- whose epoch became void. `lacks_…`: behind which place of the log (a hub's term, a number) this device has read nothing whole; -1: none.
-- `leaving`: since when this device tries to go. `unheard`: the version of a set of admins that the hub does not take.
CREATE TABLE mls_group (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL,
    public        BLOB NOT NULL,
    hub           TEXT NOT NULL,
    term          INTEGER NOT NULL DEFAULT 0,
    alias         BLOB NOT NULL,
    token         BLOB NOT NULL,
    alias_put     INTEGER NOT NULL DEFAULT 0,
    state         TEXT NOT NULL,
    shared        BLOB NOT NULL DEFAULT x'',
    inviter       BLOB NOT NULL DEFAULT x'',
    seq           INTEGER NOT NULL DEFAULT 0,
    heard         INTEGER NOT NULL DEFAULT 0,
    staged        BLOB NOT NULL DEFAULT x'',
    bundle        BLOB NOT NULL DEFAULT x'',
    staged_shared BLOB NOT NULL DEFAULT x'',
    renewed       REAL NOT NULL DEFAULT 0,
    said          INTEGER NOT NULL DEFAULT 0,
    trouble       TEXT NOT NULL DEFAULT '',
    waits         TEXT NOT NULL DEFAULT '',
    admin_key     BLOB NOT NULL DEFAULT x'',
    name          TEXT NOT NULL DEFAULT '',
    disputed      INTEGER NOT NULL DEFAULT 0,
    offender      BLOB NOT NULL DEFAULT x'',
    told          INTEGER NOT NULL DEFAULT 0,
    unopened      INTEGER NOT NULL DEFAULT 0,
    began         INTEGER NOT NULL DEFAULT 0,
    silent        REAL NOT NULL DEFAULT 0,
    hurried       INTEGER NOT NULL DEFAULT 0,
    took          BLOB NOT NULL DEFAULT x'',
    room_key_before BLOB NOT NULL DEFAULT x'',
    lacks_term    INTEGER NOT NULL DEFAULT 0,
    lacks_seq     INTEGER NOT NULL DEFAULT -1,
    leaving       REAL NOT NULL DEFAULT 0,
    unheard       INTEGER NOT NULL DEFAULT 0,
    created       REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX mls_group_by_public ON mls_group (account, public);
CREATE INDEX mls_group_by_alias ON mls_group (account, alias);

-- Whether the owner wants to be in a group, on whichever device; also of a group that this one is not in yet.
CREATE TABLE group_choice (
    account  INTEGER NOT NULL,
    public   BLOB NOT NULL,
    accepted INTEGER NOT NULL,
    PRIMARY KEY (account, public)
) STRICT, WITHOUT ROWID;

-- What members say of our messages in groups: delivered or read.
CREATE TABLE group_seen (
    account INTEGER NOT NULL,
    message BLOB NOT NULL,
    user    BLOB NOT NULL,
    state   TEXT NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (account, message, user)
) STRICT, WITHOUT ROWID;

-- The parts of a group's MLS state (mls.Store); `staged` ones go with the row above.
CREATE TABLE group_part (
    account INTEGER NOT NULL,
    public  BLOB NOT NULL,
    name    TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (account, public, name)
) STRICT, WITHOUT ROWID;

-- A commit of ours from outside whose answer is not here: what goes to the hub, and what this device has once it is taken: the MLS state
-- (Group.dump) and the SharedState.
CREATE TABLE group_arrival (
    mls_group INTEGER PRIMARY KEY,
    bundle    BLOB NOT NULL,
    mls       BLOB NOT NULL,
    shared    BLOB NOT NULL
) STRICT;

-- What this device wants of a group and no commit has done yet, in order: `kind` and its value (groups.wishes). `staged`: it is in the
-- commit whose answer is awaited.
CREATE TABLE group_wish (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    mls_group INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    subject   BLOB NOT NULL,
    content   BLOB NOT NULL,
    staged    INTEGER NOT NULL DEFAULT 0,
    created   REAL NOT NULL
) STRICT;
CREATE INDEX group_wish_by_group ON group_wish (mls_group, id);

-- What is to be appended to a group's log: what is said, encrypted for `epoch` once it is (`sealed`). A proposal is sealed when it is made.
-- `entry` is the hub's id for it: that of the message, and another one where it is said once more.
CREATE TABLE group_outbox (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    mls_group INTEGER NOT NULL,
    message   BLOB NOT NULL,
    said      BLOB NOT NULL,
    epoch     INTEGER NOT NULL DEFAULT 0,
    sealed    BLOB NOT NULL DEFAULT x'',
    entry     BLOB NOT NULL,
    created   REAL NOT NULL
) STRICT;
CREATE INDEX group_outbox_by_group ON group_outbox (mls_group, id);

-- Own messages that the hub has, by the SHA-256 of their entry, until the log shows their place.
CREATE TABLE group_said (
    mls_group INTEGER NOT NULL,
    digest    BLOB NOT NULL,
    message   BLOB NOT NULL,
    PRIMARY KEY (mls_group, digest)
) STRICT, WITHOUT ROWID;

-- What this device has said in a group, where it stands in the log (the hub's term, and a number), and for which epoch it is encrypted: for
-- those who lack it later. `again`: so often it was said once more.
CREATE TABLE group_sent (
    mls_group INTEGER NOT NULL,
    message   BLOB NOT NULL,
    term      INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    again     INTEGER NOT NULL DEFAULT 0,
    at        REAL NOT NULL,
    PRIMARY KEY (mls_group, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_sent_by_place ON group_sent (mls_group, term, seq);

-- Key packages with their private halves (KeyPackageBundle). `used`: a last-resort package stays after its first use until it is replaced.
CREATE TABLE key_package (
    account     INTEGER NOT NULL,
    ref         BLOB NOT NULL,
    bundle      BLOB NOT NULL,
    proof       BLOB NOT NULL,
    alias       BLOB NOT NULL,
    last_resort INTEGER NOT NULL DEFAULT 0,
    expires     INTEGER NOT NULL,
    uploaded    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, ref)
) STRICT, WITHOUT ROWID;

-- Devices that their owners have taken out of their lists: they go from the groups too.
CREATE TABLE gone_device (
    account INTEGER NOT NULL,
    user    BLOB NOT NULL,
    device  BLOB NOT NULL,
    PRIMARY KEY (account, user, device)
) STRICT, WITHOUT ROWID;

-- Pinned domains: the discovery room's record, opaque here.
CREATE TABLE remote (domain TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""

MIGRATIONS = (FIRST + MEDIA_TABLES + SEARCH,)

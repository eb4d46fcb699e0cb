"""Sending entries again: to a device of a contact that asks, that has begun anew, or that answers and has not confirmed them (P41).

An entry goes as it went before, with its message id, counter and last seen, sealed anew for the devices of today; those that have it drop
it. Nothing goes to anybody but accepted contacts, nothing that has expired, was deleted here or is older than 30 days, and of each
device's wishes only so many an hour. Everything here runs inside an operation of the writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

from connexa.content import Missing, Resend, ResendAnswer
from connexa.node.account import Account
from connexa.node.asks import OLDEST, take_answer
from connexa.node.home import Home, Query, first, returned, rows
from connexa.node.log import conversation_of, count_from, highest_counter
from connexa.node.outbox import enqueue, say
from connexa.node.people import Person
from connexa.node.sealing import Outgoing
from connexa.store import Execute, Row

__all__ = ["repeat_silent", "repeat_unconfirmed", "take_resend"]

HOUR = 3_600.0
REQUESTS = 4  # of a device within an hour: an honest one asks once
ENTRIES = 512  # that a device is sent again within an hour
UNCONFIRMED = 128  # that go at once to a device that lost its session: the newest
YOUNG = 10.0  # seconds in which an entry may simply be under way yet
REPEAT_AFTER = 3_600.0  # seconds after which an entry that is not confirmed may be lost
CALM = 600.0  # seconds between a sign of life and the conclusion that a confirmation will not come
REPEATS = 2

_SENT = (
    "SELECT m.message, m.counter, m.last_seen, m.content, m.sent FROM message m WHERE m.account = ? AND m.conversation = ? AND m.device = ?"
    " AND m.sender = ? AND m.counter > 0 AND m.hidden = 0 AND m.state IN ('accepted', 'delivered', 'read') AND m.sent > ?"
    " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.account = m.account AND o.message = m.message AND o.state != 'accepted')"
)
_NOT_CONFIRMED = (
    " AND NOT EXISTS (SELECT 1 FROM message_device d WHERE d.account = m.account AND d.message = m.message AND d.device = ?"
    " AND d.state IN ('delivered', 'read'))"
)


def take_resend(execute: Execute, home: Home, account: Account, person: Person, device: bytes, resend: Resend) -> bool:
    """Take what a device of a contact asks of us and answers to us; True where something goes out."""
    for answer in resend.answers:
        if answer.device == account.device:
            take_answer(execute, home, account, person, device, answer)
    for missing in resend.missing:
        if missing.device == account.device and _allows(execute, home, account.id, person.id, device):
            _answer(execute, home, account, person, device, missing)
            return True
    return False


def _allows(execute: Execute, home: Home, account: int, person: int, device: bytes) -> bool:
    """Count a request; False where there were too many within the hour."""
    now = home.clock()
    requests = returned(
        execute,
        "INSERT INTO resent (account, person, device, since, requests) VALUES (?, ?, ?, ?, 1) ON CONFLICT (account, person, device)"
        " DO UPDATE SET requests = CASE WHEN since > ? THEN requests + 1 ELSE 1 END, entries = CASE WHEN since > ? THEN entries ELSE 0 END,"
        " since = CASE WHEN since > ? THEN since ELSE excluded.since END RETURNING requests",
        (account, person, device, now, now - HOUR, now - HOUR, now - HOUR),
    )
    return int(requests) <= REQUESTS


def _answer(execute: Execute, home: Home, account: Account, person: Person, device: bytes, missing: Missing) -> None:
    """Send what can be sent again, then say what cannot."""
    now = home.clock()
    log = _OwnEntries(account, conversation_of(execute, account, person), now)
    count_from(execute, log.conversation, missing.after)
    _send_again(execute, home, account, person, device, log.wanted(execute, device, missing))
    told = ResendAnswer(
        device,
        first=log.first(execute),
        highest=log.highest(execute),
        gone=tuple(gap for gap in missing.counters if log.is_gone(execute, gap)),
        seen=highest_counter(execute, account.id, log.conversation, device),
    )
    say(execute, account.id, person.id, "control", Resend(answers=(told,)), now, home.rng)


@dataclass(frozen=True, slots=True)
class _OwnEntries:
    """What this device has said in a conversation, as it can be sent again now."""

    account: Account
    conversation: int
    now: float

    def wanted(self, query: Query, device: bytes, missing: Missing) -> list[Row]:
        """The entries that a device lacks, in order."""
        found = [row for gap in missing.counters for row in self._sent(query, " AND m.counter = ?", gap)]
        found += self._sent(query, " AND m.counter > ? AND m.sent < ? ORDER BY m.counter LIMIT ?", missing.after, self.now - YOUNG, ENTRIES)
        if missing.unconfirmed:
            found += self.unconfirmed(query, device)
        return list({row[1]: row for row in sorted(found, key=itemgetter(1))}.values())

    def unconfirmed(self, query: Query, device: bytes) -> list[Row]:
        """The newest entries that a device has not confirmed, in order."""
        newest = self._sent(query, f"{_NOT_CONFIRMED} ORDER BY m.counter DESC LIMIT ?", device, UNCONFIRMED)
        return newest[::-1]

    def _sent(self, query: Query, condition: str, *bindings: object) -> list[Row]:
        account = self.account
        where = (account.id, self.conversation, account.device, account.user_id, self.now - OLDEST)
        return rows(query, f"{_SENT}{condition}", (*where, *bindings))

    def first(self, query: Query) -> int:
        """The lowest counter that may still come: every older entry is over."""
        sql = (
            "SELECT counter FROM message WHERE account = ? AND conversation = ? AND device = ? AND counter > 0 AND sent > ?"
            " ORDER BY counter LIMIT 1"
        )
        row = first(query, sql, (self.account.id, self.conversation, self.account.device, self.now - OLDEST))
        return int(row[0]) if row else self.highest(query) + 1

    def highest(self, query: Query) -> int:
        """The highest counter that has left this device."""
        sql = (
            "SELECT counter FROM message WHERE account = ? AND conversation = ? AND device = ? AND state != 'queued'"
            " ORDER BY counter DESC LIMIT 1"
        )
        row = first(query, sql, (self.account.id, self.conversation, self.account.device))
        return int(row[0]) if row else 0

    def is_gone(self, query: Query, counter: int) -> bool:
        """Whether an entry that was asked for will never come: deleted here, refused, too old, or lost with an older store."""
        row = first(
            query,
            "SELECT (SELECT hidden = 0 AND state IN ('queued', 'accepted', 'delivered', 'read') AND sent > ? FROM message"
            "  WHERE account = c.account AND conversation = c.id AND device = ? AND counter = ?)"
            " FROM conversation c WHERE c.id = ? AND c.counter >= ?",
            (self.now - OLDEST, self.account.device, counter, self.conversation, counter),
        )
        return row is not None and not row[0]


def _send_again(execute: Execute, home: Home, account: Account, person: Person, device: bytes, entries: list[Row]) -> None:
    """Put entries into the outbox once more, as many as the device may have within the hour."""
    where = (account.id, person.id, device)
    spent = first(execute, "SELECT entries FROM resent WHERE account = ? AND person = ? AND device = ?", where)
    granted = entries[: max(0, ENTRIES - int(spent[0] if spent else 0))]
    for entry in granted:
        _again(execute, home, account, person.id, entry)
    execute("UPDATE resent SET entries = entries + ? WHERE account = ? AND person = ? AND device = ?", (len(granted), *where))


def _again(execute: Execute, home: Home, account: Account, person: int, entry: Row) -> None:
    message, counter, last_seen, content, sent = entry
    now, expires = home.clock(), sent + home.settings.limits.message_life
    if expires > now:
        enqueue(execute, account.id, person, "again", Outgoing(message, counter, last_seen, content, expires), now)


def repeat_unconfirmed(execute: Execute, home: Home, account: Account, person: Person, device: bytes) -> bool:
    """A device has begun anew, so it has lost its keys: send what it has not confirmed. Nothing to one that confirms nothing."""
    row = first(execute, "SELECT id FROM conversation WHERE account = ? AND person = ?", (account.id, person.id))
    if row is None or not person.answers or not _confirms(execute, account.id, device):
        return False
    if not _allows(execute, home, account.id, person.id, device):
        return False
    entries = _OwnEntries(account, row[0], home.clock()).unconfirmed(execute, device)
    _send_again(execute, home, account, person, device, entries)
    return bool(entries)


def _confirms(query: Query, account: int, device: bytes) -> bool:
    """Whether a device sends receipts at all; its owner may have switched them off."""
    sql = "SELECT 1 FROM message_device WHERE account = ? AND device = ? AND state IN ('delivered', 'read') LIMIT 1"
    return first(query, sql, (account, device)) is not None


def repeat_silent(execute: Execute, home: Home, account: Account) -> set[int]:
    """Send again, twice at most, what a device has not confirmed although it confirms others and has shown signs of life since."""
    now = home.clock()
    where = {
        "account": account.id,
        "due": now - REPEAT_AFTER,
        "oldest": now - OLDEST,
        "repeats": REPEATS,
        "calm": now - CALM,
        "most": UNCONFIRMED,
    }
    people: set[int] = set()
    for person, device, *entry in list(execute(_SILENT, where)):  # all of them before the first is changed
        _again(execute, home, account, person, tuple(entry))
        execute(
            "UPDATE message_device SET repeats = repeats + 1, at = ? WHERE account = ? AND message = ? AND device = ?",
            (now, account.id, entry[0], device),
        )
        people.add(person)
    return people


_SILENT = (
    # When each device that owes a confirmation last showed life: it confirmed something, or wrote (its newest entry that is old enough).
    "WITH life(device, confirmed, wrote) AS MATERIALIZED (SELECT l.device,"
    " max(coalesce((SELECT max(o.at) FROM message_device o WHERE o.account = l.account AND o.device = l.device"
    "  AND o.state = 'delivered' AND o.at < :calm), 0),"
    "  coalesce((SELECT max(o.at) FROM message_device o WHERE o.account = l.account AND o.device = l.device"
    "  AND o.state = 'read' AND o.at < :calm), 0)),"
    " coalesce((SELECT r.received FROM message r WHERE r.account = l.account AND r.conversation = c.id AND r.device = l.device"
    "  AND r.received < :calm ORDER BY r.counter DESC LIMIT 1), 0)"
    " FROM person_device l JOIN person p ON p.id = l.person AND p.state = 'accepted'"
    " JOIN conversation c ON c.account = l.account AND c.person = p.id WHERE l.account = :account AND l.device IN"
    "  (SELECT device FROM message_device WHERE account = :account AND state = 'accepted' AND at < :due))"
    " SELECT c.person, d.device, m.message, m.counter, m.last_seen, m.content, m.sent FROM account a"
    # CROSS keeps the query on what is not confirmed; else it reads the whole log for each of them.
    " CROSS JOIN message_device d ON d.account = a.id"
    " CROSS JOIN message m ON m.account = d.account AND m.sender = a.user AND m.message = d.message AND m.device = a.device"
    " JOIN conversation c ON c.id = m.conversation JOIN life ON life.device = d.device"
    " JOIN person_device l ON l.account = d.account AND l.person = c.person AND l.device = d.device"
    " WHERE d.account = :account AND d.state = 'accepted' AND d.at < :due AND m.sent > :oldest AND m.hidden = 0 AND d.repeats < :repeats"
    " AND life.confirmed > 0 AND max(life.confirmed, life.wrote) > d.at"
    " AND NOT EXISTS (SELECT 1 FROM outbox w WHERE w.account = m.account AND w.message = m.message AND w.state != 'accepted')"
    " ORDER BY m.cursor LIMIT :most"
)

"""What should come from a contact's device and does not, and the requests for it (pairwise §5, P41).

We ask on evidence alone: a counter that stays missing for a while, a message whose header opened on a session while the rest did not, or
our own store that has lost something. What anybody else can cause (a good certificate around garbage, a repetition) is counted at most.
A device is asked once soon after the evidence, then after an hour, and ever more seldom. `mender` does what is due, at times that
follow no arrival closely; everything here runs inside an operation of the writer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from connexa.content import MAX_GAPS, Missing, Resend, ResendAnswer
from connexa.identity import DeviceId, UserId
from connexa.node.account import Account
from connexa.node.home import Home, Query, first, rows
from connexa.node.log import close_gaps, conversation_of, count_from, highest_counter, note_highest
from connexa.node.outbox import say
from connexa.node.people import Person, person_of
from connexa.node.retry import fraction
from connexa.node.sessions import retire_sessions
from connexa.node.views import WaitingView
from connexa.store import Execute

__all__ = [
    "OLDEST",
    "ask_all",
    "next_ask",
    "note_opened",
    "note_stale_list",
    "note_unopened",
    "send_asks",
    "take_answer",
    "waiting_for_devices",
]

HOUR = 3_600.0
LONGEST_WAIT = 86_400.0
OLDEST = 30 * 86_400.0  # older entries are not sent again by anybody
KIND = "resend"


class Why(StrEnum):
    """Why to ask a device even without a gap."""

    GAPS = ""  # there is no other reason
    SESSION = "session"  # a header opened and its message did not: perhaps what else that session carried is lost too
    LIST = "list"  # a newer list of its person names it, of which we lack the ones before: the request looks up the lists on its way
    STORE = "store"  # our own store is older than it should be, or new


def note_unopened(execute: Execute, home: Home, account: Account, person: int, device: bytes, *, evidence: bool) -> None:
    """A message of a device that we know did not open."""
    _note(execute, home, account.id, person, device, Why.SESSION if evidence and person else Why.GAPS, unopened=1)
    home.events.record(execute, str(account.address), "message.undecryptable", home.clock(), device=device.hex())


def note_stale_list(execute: Execute, home: Home, account: Account, person: Person, device: bytes) -> None:
    """A device of a contact stands in a list that we cannot follow: look it up with the next message, which is a request of our own."""
    execute("UPDATE person SET looked_week = 0 WHERE id = ?", (person.id,))
    _note(execute, home, account.id, person.id, device, Why.LIST, unopened=1)


def note_opened(execute: Execute, account: int, person: int, device: bytes) -> None:
    """A message of a device opened: from here on the counters say what is missing, but for what its session has lost."""
    execute(
        "UPDATE ask SET unopened = 0 WHERE account = ? AND person = ? AND device = ? AND reason != ?",
        (account, person, device, Why.SESSION),
    )


def ask_all(execute: Execute, home: Home, account: Account) -> None:
    """Our store was restored or has lost something: ask every device of every contact for what came after it."""
    sql = "SELECT d.person, d.device FROM person_device d JOIN person p ON p.id = d.person WHERE d.account = ? AND p.state = 'accepted'"
    for person, device in rows(execute, sql, (account.id,)):
        _note(execute, home, account.id, person, device, Why.STORE)


def _note(execute: Execute, home: Home, account: int, person: int, device: bytes, reason: Why, unopened: int = 0) -> None:
    """Note evidence; a reason that is known already is not forgotten for a lesser one, and asked for at most once an hour."""
    now = home.clock()
    execute(
        "INSERT INTO ask (account, person, device, reason, unopened, since, due) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, person, device) DO UPDATE SET since = CASE WHEN unopened = 0 AND reason = '' THEN excluded.since"
        " ELSE since END, unopened = unopened + excluded.unopened, reason = CASE excluded.reason WHEN '' THEN reason ELSE excluded.reason"
        " END, due = CASE WHEN reason = '' AND excluded.reason != '' THEN max(excluded.due, asked + ?) ELSE due END",
        (account, person, device, reason, unopened, now, now + _soon(home), HOUR),
    )


def _soon(home: Home) -> float:
    return home.settings.repair.ask_after * (0.5 + fraction(home.rng))


def next_ask(query: Query, account: int, now: float) -> float | None:
    """When there is something to do: a time, 0 for at once, None for not at all as things are. Cheap: asked at every arrival."""
    if first(query, f"{_NEW_GAPS} LIMIT 1", (account, now - OLDEST)):
        return 0.0
    row = first(query, "SELECT min(due) FROM ask WHERE account = ? AND person != 0", (account,))
    return None if row is None or row[0] is None else float(row[0])


_NEW_GAPS = (
    "SELECT DISTINCT c.person, g.device FROM counter_gap g JOIN conversation c ON c.id = g.conversation JOIN person p ON p.id = c.person"
    " JOIN person_device d ON d.account = g.account AND d.person = c.person AND d.device = g.device"
    " WHERE g.account = ? AND g.since > ? AND p.state = 'accepted'"  # what nobody sends again any more is shown, not asked for
    " AND NOT EXISTS (SELECT 1 FROM ask a WHERE a.account = g.account AND a.person = c.person AND a.device = g.device)"
)
_LOST_SESSIONS = (
    "SELECT d.person, d.device FROM person_device d JOIN person p ON p.id = d.person"
    " WHERE d.account = ? AND d.met = 1 AND p.state = 'accepted'"
    " AND NOT EXISTS (SELECT 1 FROM session s WHERE s.account = d.account AND s.user = p.user AND s.device = d.device)"
)


def send_asks(execute: Execute, home: Home, account: Account) -> set[int]:
    """Note what is missing now and ask for what is due; returns the people to whom something goes out."""
    for person, device in rows(execute, _NEW_GAPS, (account.id, home.clock() - OLDEST)):
        _note(execute, home, account.id, person, device, Why.GAPS)
    for person, device in rows(execute, _LOST_SESSIONS, (account.id,)):
        _note(execute, home, account.id, person, device, Why.STORE)
        execute("UPDATE person_device SET met = 0 WHERE account = ? AND person = ? AND device = ?", (account.id, person, device))
    due: dict[int, list[_Due]] = {}
    for one in _due(execute, account.id, home.clock()):
        due.setdefault(one.person, []).append(one)
    return {person for person, asks in due.items() if _ask(execute, home, account, person_of(execute, person), asks)}


@dataclass(frozen=True, slots=True)
class _Due:
    """One device that may be asked now."""

    person: int
    device: bytes
    reason: str
    asked: float
    tries: int


def _due(execute: Execute, account: int, now: float) -> Iterator[_Due]:
    sql = "SELECT person, device, reason, asked, tries FROM ask WHERE account = ? AND person != 0 AND due <= ? ORDER BY person, device"
    for row in rows(execute, sql, (account, now)):
        yield _Due(*row)


def _ask(execute: Execute, home: Home, account: Account, person: Person, asks: list[_Due]) -> bool:
    """Ask somebody's devices in one message; forget those of which nothing is missing."""
    now, listed = home.clock(), person.devices.device_ids() if person.devices and person.answers else ()
    missing = []
    for one in asks:
        may_ask = one.device in listed or (one.reason == Why.LIST and not one.tries)
        found = _missing(execute, account.id, one, now) if may_ask else None
        if found is None:
            _forget(execute, account.id, one, now)
            continue
        if one.reason == Why.SESSION:
            # The request itself goes by a session that works.
            retire_sessions(execute, account.id, UserId(person.user), DeviceId(one.device))
        wait = min(HOUR * 2**one.tries, LONGEST_WAIT) * (1 + fraction(home.rng) / 4)
        execute(
            "UPDATE ask SET asked = ?, tries = tries + 1, due = ? WHERE account = ? AND person = ? AND device = ?",
            (now, now + wait, account.id, one.person, one.device),
        )
        missing.append(found)
    if not missing or _is_under_way(execute, account.id, person.id):
        return False
    say(execute, account.id, person.id, KIND, Resend(missing=tuple(missing)), now, home.rng)
    conversation = first(execute, "SELECT public FROM conversation WHERE account = ? AND person = ?", (account.id, person.id))
    for part in missing:
        home.events.record(
            execute,
            str(account.address),
            "message.missing",
            now,
            conversation=conversation[0].hex() if conversation else "",
            address=str(person.address),
            device=part.device.hex(),
            missing=len(part.counters),
        )
    return True


def _is_under_way(query: Query, account: int, person: int) -> bool:
    """Whether a request still waits in the outbox: their homeserver cannot be reached, and one is enough."""
    sql = "SELECT 1 FROM outbox WHERE account = ? AND state = 'waiting' AND person = ? AND kind = ? LIMIT 1"
    return first(query, sql, (account, person, KIND)) is not None


def _missing(query: Query, account: int, one: _Due, now: float) -> Missing | None:
    row = first(query, "SELECT id FROM conversation WHERE account = ? AND person = ?", (account, one.person))
    conversation = int(row[0]) if row else 0
    sql = "SELECT counter FROM counter_gap WHERE account = ? AND conversation = ? AND device = ? AND since > ? ORDER BY counter LIMIT ?"
    gaps = tuple(gap for (gap,) in query(sql, (account, conversation, one.device, now - OLDEST, MAX_GAPS)))
    if not gaps and one.reason == Why.GAPS:
        return None
    after = highest_counter(query, account, conversation, one.device)
    return Missing(one.device, gaps, after, unconfirmed=one.reason == Why.SESSION)


def waiting_for_devices(query: Query, conversation: int) -> list[WaitingView]:
    """The devices of which something is missing in a conversation, and what was done about it."""
    sql = (
        "SELECT d.device,"
        " (SELECT count(*) FROM counter_gap g WHERE g.account = c.account AND g.conversation = c.id AND g.device = d.device),"
        " coalesce(a.unopened, 0), coalesce(a.asked, 0), coalesce(a.tries, 0) FROM conversation c JOIN person_device d"
        " ON d.account = c.account AND d.person = c.person LEFT JOIN ask a ON a.account = c.account AND a.person = c.person"
        " AND a.device = d.device WHERE c.id = ? ORDER BY d.device"
    )
    return [
        WaitingView(device=device.hex(), missing=missing, unopened=unopened, asked=asked, tries=tries)
        for device, missing, unopened, asked, tries in query(sql, (conversation,))
        if missing or unopened
    ]


def _forget(execute: Execute, account: int, one: _Due, now: float) -> None:
    """Nothing is missing any more; a row that still shows unopened messages stays for its count."""
    where = (account, one.person, one.device)
    execute("DELETE FROM ask WHERE account = ? AND person = ? AND device = ? AND unopened = 0", where)
    execute("UPDATE ask SET due = ? WHERE account = ? AND person = ? AND device = ?", (now + HOUR, *where))


def take_answer(execute: Execute, home: Home, account: Account, person: Person, device: bytes, answer: ResendAnswer) -> None:
    """What a device says of its own entries: from here on the gaps say all that is missing of it."""
    conversation = conversation_of(execute, account, person)
    note_highest(execute, account.id, conversation, device, answer.highest, home.clock())
    close_gaps(execute, account.id, conversation, device, answer.first, answer.gone)
    execute(
        "UPDATE ask SET reason = '', unopened = 0, tries = 0, due = max(asked + ?, ?) WHERE account = ? AND person = ? AND device = ?",
        (HOUR, home.clock() + _soon(home), account.id, person.id, device),
    )
    count_from(execute, conversation, answer.seen)

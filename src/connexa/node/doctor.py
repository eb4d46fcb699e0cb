"""What a person is told when they ask whether all is well: a list of checks, each with its cause and the next step (product §5, screen 27).

What stands here may be copied into a public report: counts, ages and codes, no address, name or id. A check is a function in one of the
two lists; it looks and changes nothing.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from connexa.errors import ConnexaError
from connexa.node.account import own_device_list
from connexa.node.groups.book import NO_PLACE, UNPROVED, all_groups
from connexa.node.groups.moving import has_say, outlives_its_hub
from connexa.node.home import Home, first, rows
from connexa.node.recovery import backup_warning
from connexa.node.running import RunningAccount
from connexa.node.status import CLOCK_WARNING
from connexa.node.streams import count_passes
from connexa.node.views import CheckView, DoctorView, Verdict
from connexa.pairwise import ONE_TIME_REFILL, SessionSet

__all__ = ["ACCOUNT_CHECKS", "NODE_CHECKS", "Finding", "examine"]

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
LOW_DISK, NO_DISK = 500_000_000, 50_000_000  # bytes
STUBBORN = 4  # requests that nobody has answered: half a day


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has seen."""

    verdict: Verdict
    text: str
    hint: str = ""


def _ok(text: str) -> Finding:
    return Finding(Verdict.OK, text)


def _warning(text: str, hint: str = "") -> Finding:
    return Finding(Verdict.WARNING, text, hint)


def _error(text: str, hint: str) -> Finding:
    return Finding(Verdict.ERROR, text, hint)


async def examine(home: Home, running: Iterable[RunningAccount]) -> DoctorView:
    """Do all checks: those of the node once, those of an account for each."""
    checks = [_view(name, 0, check(home)) for name, check in NODE_CHECKS.items()]
    checks.append(_view("database", 0, await _database(home)))
    for number, one in enumerate(running, 1):
        checks += [_view(name, number, check(home, one)) for name, check in ACCOUNT_CHECKS.items()]
    worst = max((check.verdict for check in checks), key=list(Verdict).index)
    return DoctorView(verdict=worst, checks=checks)


def _view(name: str, account: int, finding: Finding) -> CheckView:
    return CheckView(name=name, account=account, verdict=finding.verdict, text=finding.text, hint=finding.hint)


# The node as a whole


async def _database(home: Home) -> Finding:
    """Read the whole file, on a thread and a connection of its own."""
    try:
        faults = await asyncio.to_thread(home.database.faults)
    except ConnexaError as error:
        return _error(f"The database cannot be checked ({error.code}).", error.hint or "Restore it from a backup.")
    if faults:
        return _error(f"The database file is damaged in {len(faults)} places.", "Restore it from a backup: connexa backup restore")
    return _ok(f"The database is whole ({home.database.size() / 1e6:.1f} MB).")


def _writes(home: Home) -> Finding:
    failure = home.writer.failure
    if failure is not None:
        return _error(f"The database takes no writes ({failure.code}).", failure.hint)
    return _ok("The database takes writes.")


def _disk(home: Home) -> Finding:
    free = shutil.disk_usage(home.database.path.parent).free
    text = f"{free / 1e9:.1f} GB are free on the disk."
    if free < NO_DISK:
        return _error(text, "Free some space: nothing can be received or sent without it.")
    return _warning(text, "Free some space soon.") if free < LOW_DISK else _ok(text)


def _accounts(home: Home) -> Finding:
    revoked = len(rows(home.database.read, "SELECT 1 FROM account WHERE state = 'revoked'"))
    if revoked:
        return _error(f"This device was taken out of {revoked} accounts.", "To be a device of one again: connexa device link")
    if first(home.database.read, "SELECT 1 FROM account WHERE state = 'restoring'") is not None:
        return _error("An account out of a backup is not back yet.", "Go on once its homeserver can be reached: connexa backup restore")
    return _ok("This device was taken out of no account.")


NODE_CHECKS: Final[dict[str, Callable[[Home], Finding]]] = {"disk": _disk, "writes": _writes, "accounts": _accounts}


# An account


def _link(home: Home, running: RunningAccount) -> Finding:
    mailbox = running.mailbox
    if mailbox.state == "up":
        delay = f"; the newest message came {_span(mailbox.delay)} after its homeserver had it" if mailbox.delay is not None else ""
        return _ok(f"The link to the homeserver is up for {_span(home.clock() - mailbox.since)}{delay}.")
    reason = f" ({mailbox.failure})" if mailbox.failure else ""
    return _warning(f"The link to the homeserver is {mailbox.state}{reason}.", "Check the network; it is tried again by itself.")


def _clock(home: Home, running: RunningAccount) -> Finding:
    skew = running.mailbox.clock_skew
    text = f"This machine's clock and the homeserver's differ by {abs(skew):.0f} s."
    return _ok(text) if abs(skew) < CLOCK_WARNING else _error(text, "Set the clock of this machine, or messages may be refused.")


def _messages(home: Home, running: RunningAccount) -> Finding:
    """U1: what did not open, and what was sent and is not here."""
    unopened, since, tries = first(
        home.database.read,
        "SELECT coalesce(sum(unopened), 0), min(CASE WHEN unopened > 0 THEN since END), coalesce(max(tries), 0) FROM ask WHERE account = ?",
        (running.account.id,),
    ) or (0, None, 0)
    missing = _count(home, "SELECT count(*) FROM counter_gap WHERE account = ?", running)
    if not unopened and not missing:
        return _ok("Every message opened, and none is missing.")
    age = f" since {_span(home.clock() - since)} ago" if since else ""
    text = f"{unopened} messages did not open{age}; {missing} were sent and are not here. They are asked for."
    if tries < STUBBORN:
        return _warning(text)
    return _error(text, "Their devices do not answer; ask those people whether they are at work, or to send the messages again.")


def _sessions(home: Home, running: RunningAccount) -> Finding:
    now, account = home.clock(), running.account.id
    found = [SessionSet.load(row[0]) for row in rows(home.database.read, "SELECT sessions FROM session WHERE account = ?", (account,))]
    due = sum(one.for_sending(now) is None for one in found)
    return _ok(f"{len(found)} sessions with other devices" + (f"; {due} begin anew with the next message." if due else "."))


def _store(home: Home, running: RunningAccount) -> Finding:
    row = first(home.database.read, "SELECT rolled_back FROM account WHERE id = ?", (running.account.id,))
    if row is None or not row[0]:
        return _ok("The database is as new as its homeserver remembers it.")
    age = home.clock() - row[0]
    text = f"An old copy of the database was put back; seen {_span(age)} ago. Contacts were asked for what came since."
    return _warning(text, "Next time restore from a backup: connexa backup restore") if age < DAY else _ok(text)


def _keys(home: Home, running: RunningAccount) -> Finding:
    account, now = running.account, home.clock()
    one_time = _count(home, "SELECT count(*) FROM prekey WHERE account = ? AND type = 'otp' AND uploaded = 1", running)
    row = first(home.database.read, "SELECT sender_until FROM account WHERE id = ?", (account.id,))
    text = f"{one_time} one-time keys, {count_passes(home.database.read, account.id, now)} passes"
    if row is None or row[0] < now:
        return _warning(f"{text}; the homeserver has not certified this device for today.", "It is asked for when the link is up.")
    if one_time < ONE_TIME_REFILL:
        return _warning(f"{text}; few one-time keys are left.", "More are made when the link is up.")
    return _ok(f"{text}; certified for {_span(row[0] - now)} more.")


def _lists(home: Home, running: RunningAccount) -> Finding:
    """Signed device lists: our own, which the primary device renews, and those of contacts."""
    now, own = home.clock(), own_device_list(home.database.read, running.account)
    if own is None:
        return _warning("This person's list of devices is not here yet.", "It comes when the link is up.")
    left = own[1].not_after - now
    if left < 0:
        return _error("This person's list of devices has expired: nobody can begin to write.", "Start the primary device.")
    text = f"{len(own[1].devices)} own devices; their list is good for {_span(left)}."
    return _warning(text, "Start the primary device: it renews the list.") if left < 7 * DAY else _ok(text)


def _outbox(home: Home, running: RunningAccount) -> Finding:
    row = first(
        home.database.read,
        "SELECT count(*), min(created) FROM outbox WHERE account = ? AND state != 'accepted'",
        (running.account.id,),
    )
    waiting, oldest = row or (0, None)
    if not waiting or oldest is None:
        return _ok("Nothing waits to be sent.")
    age = home.clock() - oldest
    text = f"{waiting} messages wait to be sent, the oldest for {_span(age)}."
    return _warning(text, "connexa msg info says why one waits.") if age > HOUR else _ok(text)


def _strangers(home: Home, running: RunningAccount) -> Finding:
    """Arrivals of nobody known: those whose domain is not found yet, and those that were refused."""
    held = _count(home, "SELECT count(*) FROM held WHERE account = ?", running)
    dropped = _count(home, "SELECT dropped FROM account WHERE id = ?", running)
    refused = _count(home, "SELECT refused FROM account WHERE id = ?", running)
    text = f"{held} arrivals wait until their sender's domain is found; {refused} were refused, as nobody known sent them."
    if dropped:
        return _warning(f"{text} {dropped} were too many to keep.", "Somebody sends in the name of domains that cannot be found.")
    return _ok(text)


def _backup(home: Home, running: RunningAccount) -> Finding:
    if not running.account.is_primary:
        return _ok("The primary device makes the backups.")
    row = first(home.database.read, "SELECT made, failed, failure FROM backup WHERE account = ?", (running.account.id,)) or (0.0, 0.0, "")
    made, failed, failure = row
    last = f"Backup: last ok {_span(home.clock() - made)} ago." if made else "There is no backup yet."
    if backup_warning(home.database.read, running.account.id) == "recovery.unconfirmed":
        return _warning(f"{last} The recovery words are not confirmed.", "Write them down: connexa account recovery show")
    if failed:
        return _error(f"{last} The last one failed {_span(home.clock() - failed)} ago ({failure}).", "See connexa backup schedule.")
    late = home.settings.backup.every and home.clock() > made + 2 * home.settings.backup.every
    return _warning(last, "Make one: connexa backup create") if late else _ok(last)


def _groups(home: Home, running: RunningAccount) -> Finding:
    """Groups whose homeserver is silent, those that cannot go on here, and those that this person leads and that would end with it."""
    found = [one for one in all_groups(home.database.read, running.account.id) if one.is_live]
    silent = [home.clock() - one.silent for one in found if one.silent]
    alone = sum(has_say(one) and not outlives_its_hub(one) for one in found)
    if silent:
        text = f"The homeservers of {len(silent)} groups do not answer, one since {_span(max(silent))} ago."
        return _warning(text, "Others take their place by themselves where they can: connexa group show")
    stuck = sum(bool(one.trouble) or one.waits in (NO_PLACE, UNPROVED) for one in found)
    if stuck:
        return _warning(f"{stuck} groups cannot go on here.", "connexa group list, then connexa group show GROUP")
    if alone:
        return _warning(f"{alone} groups end with their homeserver.", "Make somebody at another one an admin: connexa group role")
    return _ok(f"{len(found)} groups; their homeservers answer.")


ACCOUNT_CHECKS: Final[dict[str, Callable[[Home, RunningAccount], Finding]]] = {
    "link": _link,
    "clock": _clock,
    "messages": _messages,
    "sessions": _sessions,
    "store": _store,
    "keys": _keys,
    "lists": _lists,
    "outbox": _outbox,
    "strangers": _strangers,
    "backup": _backup,
    "groups": _groups,
}


def _count(home: Home, sql: str, running: RunningAccount) -> int:
    row = first(home.database.read, sql, (running.account.id,))
    return int(row[0]) if row else 0


def _span(seconds: float) -> str:
    """A duration as people say it."""
    seconds = max(seconds, 0.0)
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"

"""How the node is: accounts and links as facts, for `status`, `doctor` and the start of every face."""

from __future__ import annotations

from connexa import __version__
from connexa.identity import UserPublic, fingerprint_text
from connexa.node.history import history_view
from connexa.node.home import Home, first
from connexa.node.recovery import backup_warning
from connexa.node.running import RunningAccount
from connexa.node.streams import count_passes
from connexa.node.views import AccountView, LinkStatusView, StatusView

__all__ = ["CLOCK_WARNING", "account_view", "link_view", "status_view"]

CLOCK_WARNING = 60.0  # seconds; more than this and statements of others may look expired


def account_view(home: Home, number: int, running: RunningAccount | None) -> AccountView:
    """One account."""
    row = first(
        home.database.read,
        "SELECT address, name, state, user_key, device, seed != x'',"
        " (SELECT coalesce(sum(unopened), 0) FROM ask WHERE account = a.id),"
        " (SELECT count(*) FROM own_device WHERE account = a.id AND listed = 1),"
        " (SELECT count(*) FROM outbox WHERE account = a.id AND kind = 'text' AND state != 'accepted'),"
        " (SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation JOIN person p ON p.id = c.person"
        "  WHERE m.account = a.id AND m.mine = 0 AND m.hidden = 0 AND m.target = x''"
        "  AND m.cursor > c.read_cursor AND p.state NOT IN ('pending', 'rejected'))"
        " FROM account a WHERE a.id = ?",
        (number,),
    )
    if row is None:
        raise LookupError("an account that was just listed")
    address, name, state, user_key, device, primary, undecryptable, devices, waiting, unread = row
    user = UserPublic.from_packet(user_key)
    return AccountView(
        address=address,
        name=name,
        state=state,
        user=user.id.hex(),
        fingerprint=fingerprint_text(user.id),
        device=device.hex(),
        primary=bool(primary),
        link=running.mailbox.state if running else "down",
        devices=devices,
        unread=unread,
        waiting=waiting,
        undecryptable=undecryptable,
        history=history_view(home.database.read, number),
    )


def link_view(home: Home, running: RunningAccount) -> LinkStatusView:
    """The links of one account."""
    account, query = running.account, home.database.read
    row = first(
        query,
        "SELECT (SELECT coalesce(sum(unopened), 0) FROM ask WHERE account = a.id), sender_until,"
        " (SELECT count(*) FROM held WHERE account = a.id),"
        " (SELECT count(*) FROM prekey WHERE account = a.id AND type = 'otp') FROM account a WHERE id = ?",
        (account.id,),
    )
    undecryptable, sender_until, held, one_time = row or (0, 0.0, 0, 0)
    return LinkStatusView(
        account=str(account.address),
        mailbox=running.mailbox.state,
        since=running.mailbox.since,
        reason=running.mailbox.failure or running.delivery.submitter.failure,
        submit="open" if running.delivery.submitter.is_open else "closed",
        passes=count_passes(query, account.id, home.clock()),
        one_time_keys=one_time,
        undecryptable=undecryptable,
        held=held,
        sender_certificate=sender_until,
    )


def status_view(home: Home, started: float, running: dict[int, RunningAccount]) -> StatusView:
    """Everything."""
    numbers = [row[0] for row in home.database.read("SELECT id FROM account ORDER BY id")]
    links = [link_view(home, running[number]) for number in numbers if number in running]
    warnings = [code for number in numbers if number in running for code in _warnings(running[number])]
    warnings += [f"account.{row[0]}" for row in home.database.read("SELECT state FROM account WHERE state IN ('restoring', 'revoked')")]
    warnings += [code for number in running if (code := backup_warning(home.database.read, number))]
    if home.writer.failure is not None:
        warnings.append(home.writer.failure.code)
    return StatusView(
        version=__version__,
        started=started,
        time=home.clock(),
        database_bytes=home.database.size(),
        accounts=[account_view(home, number, running.get(number)) for number in numbers],
        links=links,
        event_cursor=home.events.cursor(),
        warnings=sorted(set(warnings)),
    )


def _warnings(running: RunningAccount) -> list[str]:
    found = [] if abs(running.mailbox.clock_skew) < CLOCK_WARNING else ["clock.skewed"]
    return [*found, running.mailbox.failure] if running.mailbox.failure else found

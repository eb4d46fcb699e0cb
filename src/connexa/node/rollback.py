"""A store that is older than what its homeserver remembers: an old copy of the file was put back (pairwise §9, P18, P44); and the other
way round, a homeserver that came back from a backup.

The homeserver tells at each login how far this device has acknowledged its pushes and numbered its own envelopes. A store that knows of
less has been rolled back: its sessions, prekeys and numbers were used beyond what stands in it. They are used no more, every device of
every contact is asked for what came meanwhile, and the own devices compare their logs. A homeserver that says so falsely causes that
once an hour at most; a person who puts two copies back within an hour waits for it.
"""

from __future__ import annotations

from connexa.identity import DeviceId, UserId
from connexa.node.account import Account
from connexa.node.asks import ask_all
from connexa.node.groups.pool import forget_key_packages
from connexa.node.home import Home, first, rows
from connexa.node.prekeys import renew_prekeys
from connexa.node.sessions import retire_sessions
from connexa.node.streams import retire_all
from connexa.store import Execute

__all__ = ["agree"]

HOUR = 3_600.0


def agree(execute: Execute, home: Home, account: Account, acked: int, sent: int) -> None:
    """Agree with the homeserver on the numbers of the mailbox link: pushes that it knows to be stored, own envelopes that it has.

    Where it knows of fewer pushes than this store, it sends them once more and they are known by their ids.
    """
    row = first(execute, "SELECT resume_seq, own_number, rolled_back FROM account WHERE id = ?", (account.id,))
    if row is None:
        return
    stored, numbered, before = row
    if (acked > stored or sent > numbered) and before + HOUR < home.clock():
        _begin_anew(execute, home, account)
    execute("UPDATE account SET resume_seq = ?, own_number = max(own_number, ?) WHERE id = ?", (acked, sent, account.id))
    _number_anew(execute, account, sent)


def _number_anew(execute: Execute, account: Account, sent: int) -> None:
    """A homeserver that came back from a backup lacks numbers that it had: what waits for it takes those that it expects."""
    waiting = rows(execute, "SELECT number FROM own_envelope WHERE account = ? AND number > ? ORDER BY number", (account.id, sent))
    for place, (number,) in enumerate(waiting, sent + 1):
        if number != place:
            execute("UPDATE own_envelope SET number = ? WHERE account = ? AND number = ?", (place, account.id, number))
    execute("UPDATE account SET own_number = ? WHERE id = ?", (sent + len(waiting), account.id))


def _begin_anew(execute: Execute, home: Home, account: Account) -> None:
    now = home.clock()
    execute("UPDATE account SET rolled_back = ?, token_until = 0, compare_from = 0 WHERE id = ?", (now, account.id))
    execute("UPDATE person SET looked_week = 0 WHERE account = ?", (account.id,))
    for user, device in rows(execute, "SELECT user, device FROM session WHERE account = ?", (account.id,)):
        retire_sessions(execute, account.id, UserId(user), DeviceId(device))
    retire_all(execute, account.id, now)
    renew_prekeys(execute, account, home.rng, now)
    # Message keys of groups were used beyond what stands here: this device comes in once more, with new ones.
    forget_key_packages(execute, account)
    execute(
        "UPDATE mls_group SET trouble = 'mls.rolled_back' WHERE account = ? AND state IN ('invited', 'member', 'leaving')", (account.id,)
    )
    ask_all(execute, home, account)
    home.events.record(execute, str(account.address), "store.rolled_back", now)

"""The recovery words of an account: made when they are first shown, confirmed by a check, replaced when they are rotated.

The key behind them lies on the primary device alone, beside the user seed that it wraps in every backup. It comes out as words and in no
other form; a linked device has none (pairwise P36).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connexa.backup import WORD_COUNT, RecoveryKey, words_of_key
from connexa.crypto import equal
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.identity import UserSecret
from connexa.node.account import Account
from connexa.node.home import Home, Query, first
from connexa.node.views import RecoveryView
from connexa.store import Execute

__all__ = [
    "Recovery",
    "backup_warning",
    "begin_recovery",
    "check_words",
    "confirm",
    "keep_recovery",
    "recovery_of",
    "recovery_view",
    "require_primary",
    "rotate",
]

LEAST_WORDS = 3  # product §1, U3: what proves that somebody has written them down


@dataclass(frozen=True, slots=True)
class Recovery:
    """An account's keys for backups."""

    key: RecoveryKey = field(repr=False)
    backup_key: bytes = field(repr=False)
    confirmed: float


def recovery_of(query: Query, account: int) -> Recovery | None:
    """The keys, where there are any yet."""
    row = first(query, "SELECT key, backup_key, confirmed FROM recovery WHERE account = ?", (account,))
    return Recovery(RecoveryKey(row[0]), row[1], row[2]) if row else None


def recovery_view(query: Query, account: Account) -> RecoveryView:
    """How it stands with the words, without the words."""
    found = recovery_of(query, account.id)
    return RecoveryView(account=str(account.address), shown=found is not None, confirmed=found.confirmed if found else 0.0)


def begin_recovery(execute: Execute, home: Home, account: Account) -> Recovery:
    """The keys; made at the first call."""
    require_primary(account)
    found = recovery_of(execute, account.id)
    if found is not None:
        return found
    made = Recovery(RecoveryKey.generate(home.rng), home.rng(32), 0.0)
    keep_recovery(execute, account.id, made)
    return made


def keep_recovery(execute: Execute, account: int, recovery: Recovery) -> None:
    """Store the keys."""
    sql = "INSERT OR REPLACE INTO recovery (account, key, backup_key, confirmed) VALUES (?, ?, ?, ?)"
    execute(sql, (account, recovery.key.raw, recovery.backup_key, recovery.confirmed))


def rotate(execute: Execute, home: Home, account: Account) -> Recovery:
    """New words and a new key for the content: the next backup is a whole one, and the old words open none that follows."""
    require_primary(account)
    made = Recovery(RecoveryKey.generate(home.rng), home.rng(32), 0.0)
    keep_recovery(execute, account.id, made)
    execute("UPDATE backup SET series = x'', up_to = 0 WHERE account = ?", (account.id,))
    return made


def check_words(query: Query, account: Account, answers: Mapping[int, str]) -> None:
    """Check words by their places (1 to 24); `words.wrong` names the first place that does not hold."""
    require_primary(account)
    found = recovery_of(query, account.id)
    if found is None:
        raise NotFoundError("recovery.none", "This account has no recovery words yet.", "Make them: connexa account recovery show")
    if len(answers) < LEAST_WORDS or not answers.keys() <= set(range(1, WORD_COUNT + 1)):
        raise UsageError("words.count", f"It takes {LEAST_WORDS} words at least, by their numbers 1 to {WORD_COUNT}.")
    words = words_of_key(found.key)
    for place, answer in sorted(answers.items()):
        if not equal(answer.strip().lower().encode(), words[place - 1].encode()):
            raise RefusedError("words.wrong", f"Word {place} is another one.", "Compare it with what you wrote down.")


def confirm(execute: Execute, home: Home, account: Account) -> None:
    """The words are written down: from now on backups are made by themselves."""
    now = home.clock()
    execute("UPDATE recovery SET confirmed = ? WHERE account = ?", (now, account.id))
    home.events.record(execute, str(account.address), "recovery.confirmed", now)


def backup_warning(query: Query, account: int) -> str:
    """The code of what stands between an account and its backups, or nothing; a linked device makes none."""
    row = first(
        query,
        "SELECT a.seed != x'', coalesce(r.confirmed, 0), coalesce(b.failure, '') FROM account a LEFT JOIN recovery r ON r.account = a.id"
        " LEFT JOIN backup b ON b.account = a.id WHERE a.id = ?",
        (account,),
    )
    if row is None or not row[0]:
        return ""
    return "recovery.unconfirmed" if not row[1] else "backup.failed" if row[2] else ""


def require_primary(account: Account) -> UserSecret:
    """The user key, or a refusal where this device does not hold it."""
    if account.secret is None:
        raise RefusedError(
            "device.not_primary", "This device does not hold the user key, so it has no recovery words.", "Do this on the primary device."
        )
    return account.secret

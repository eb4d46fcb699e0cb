"""What a person's node sets about who may write: weekly token keys, contact invites, and whether strangers may ask (first-message §7)."""

from __future__ import annotations

from typing import Final

from connexa.errors import ConflictError, RefusedError
from connexa.homeserver.tables import first
from connexa.identity import UserId
from connexa.pairwise import week_of
from connexa.store import Execute
from connexa.wire import ID_SIZE, malformed
from connexa.wire.v1.link_pb2 import PutInvite, PutTokenKeys

__all__ = ["prune_doors", "put_invite", "put_token_keys", "set_door"]

KEY_SIZE: Final = 32
WEEKS_AHEAD: Final = 10
WEEKS_KEPT: Final = 6  # mail may be on its way for thirty days
MAX_KEYS: Final = 16
MAX_USES: Final = 1_000
MAX_INVITE_LIFE: Final = 366 * 86_400


def put_token_keys(execute: Execute, user: UserId, asked: PutTokenKeys, now: float) -> None:
    """Store weekly keys; `replace` drops all others in the same operation, so that a blocked contact is out at once."""
    week = week_of(now)
    if len(asked.keys) > MAX_KEYS or any(len(k.key) != KEY_SIZE or not week - 1 <= k.week <= week + WEEKS_AHEAD for k in asked.keys):
        raise malformed("its token keys are too many, of the wrong size or for other weeks")
    if asked.replace:
        execute("DELETE FROM token_key WHERE user = ?", (user,))
    for key in asked.keys:
        execute(
            "INSERT INTO token_key (user, week, key) VALUES (?, ?, ?) ON CONFLICT (user, week) DO UPDATE SET key = excluded.key",
            (user, key.week, key.key),
        )


def put_invite(execute: Execute, user: UserId, asked: PutInvite, now: float, most: int) -> None:
    """Store an invite, or revoke it where the secret is empty."""
    if len(asked.id) != ID_SIZE or len(asked.secret) not in (0, KEY_SIZE):
        raise malformed("its invite has the wrong size")
    row = first(execute, "SELECT user FROM contact_invite WHERE id = ?", (asked.id,))
    if row is not None and row[0] != user:
        raise ConflictError("invite.taken", "That invite id is in use.", "Make a new one.")
    if not asked.secret:
        execute("DELETE FROM contact_invite WHERE id = ?", (asked.id,))
        return
    if not 1 <= asked.uses <= MAX_USES or not now < asked.expires <= now + MAX_INVITE_LIFE:
        raise malformed("its invite has too many uses or lasts for too long")
    if row is not None:
        return  # it came again; a re-upload must not give spent uses back
    good = first(execute, "SELECT count(*) FROM contact_invite WHERE user = ? AND uses > 0 AND expires > ?", (user, int(now)))
    if good is not None and good[0] >= most:
        raise RefusedError("invite.too_many", f"This homeserver keeps {most} invites for one person.", "Revoke one.")
    execute(
        "INSERT INTO contact_invite (id, user, secret, uses, expires) VALUES (?, ?, ?, ?, ?)",
        (asked.id, user, asked.secret, asked.uses, asked.expires),
    )


def set_door(execute: Execute, user: UserId, discoverable: bool) -> None:
    """Let strangers ask, or holders of an invite alone."""
    execute("UPDATE account SET discoverable = ? WHERE user = ?", (int(discoverable), user))


def prune_doors(execute: Execute, now: float) -> None:
    """Delete keys of weeks long past and invites that expired while mail under them may still have come."""
    execute("DELETE FROM token_key WHERE week < ? AND user IN (SELECT user FROM account WHERE deleted = 0)", (week_of(now) - WEEKS_KEPT,))
    execute("DELETE FROM contact_invite WHERE expires <= ?", (int(now) - 31 * 86_400,))

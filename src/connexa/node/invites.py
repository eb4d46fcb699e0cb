"""Invites: a text that one hands over by another way; whoever holds it writes without a stranger's step (first-message §6, §8)."""

from __future__ import annotations

from connexa.content import ContactState
from connexa.errors import ConflictError, NotFoundError, UsageError
from connexa.identity import ContactInvite, Endpoints, format_contact_invite, parse_contact_invite
from connexa.node.account import Account
from connexa.node.contacts import accept, changed
from connexa.node.home import Home, Query, rows
from connexa.node.log import conversation_of, settle_conversation
from connexa.node.people import add_person, person_at, person_by_user, person_of
from connexa.node.sending import parse_id
from connexa.node.trust import replace
from connexa.node.views import InviteView
from connexa.store import Execute, Row

__all__ = ["accept_invite", "list_invites", "make_invite", "open_invite", "revoke"]

MAX_USES = 1_000
MAX_DAYS = 365
_COLUMNS = "id, text, uses, used, expires, revoked"


async def make_invite(home: Home, account: Account, uses: int, days: int) -> InviteView:
    """Make an invite; the homeserver learns its secret from the next upkeep, which the caller wakes."""
    if not 1 <= uses <= MAX_USES or not 1 <= days <= MAX_DAYS:
        raise UsageError("invite.bad_limits", f"An invite has 1 to {MAX_USES} uses and 1 to {MAX_DAYS} days.")
    remote = await home.domains.book().require(account.address.domain)
    expires = int(home.clock()) + days * 86_400
    invite = ContactInvite(
        address=account.address,
        user=account.user_id,
        id=home.rng(16),
        secret=home.rng(32),
        expires=expires,
        domain_key=remote.key,
        endpoints=Endpoints(remote.federation, remote.link, remote.https),
    )
    text = format_contact_invite(invite)
    await home.change(
        lambda execute: execute(
            "INSERT INTO invite (account, id, secret, uses, expires, text) VALUES (?, ?, ?, ?, ?, ?)",
            (account.id, invite.id, invite.secret, uses, expires, text),
        )
    )
    return InviteView(id=invite.id.hex(), text=text, uses=uses, left=uses, expires=expires, revoked=False)


def list_invites(query: Query, account: int) -> list[InviteView]:
    """All invites that were made, the newest first."""
    sql = f"SELECT {_COLUMNS} FROM invite WHERE account = ? ORDER BY expires DESC, id"  # noqa: S608 - no outside text
    return [_view(row) for row in query(sql, (account,))]


def _view(row: Row) -> InviteView:
    number, text, uses, used, expires, revoked = row
    return InviteView(id=number.hex(), text=text, uses=uses, left=uses - used, expires=expires, revoked=bool(revoked))


def revoke(execute: Execute, account: int, invite: str) -> None:
    """Take an invite back."""
    raw = parse_id(invite, 16, "invite")
    revoked = rows(execute, "UPDATE invite SET revoked = 1 WHERE account = ? AND id = ? RETURNING 1", (account, raw))
    if not revoked:
        raise NotFoundError("invite.not_found", "There is no such invite.")


async def open_invite(home: Home, account: Account, text: str) -> ContactInvite:
    """Read somebody's invite and pin their domain by it."""
    invite = parse_contact_invite(text)
    if invite.expires < home.clock():
        raise UsageError("invite.expired", "That invite has expired.", "Ask for a new one.")
    if invite.user == account.user_id:
        raise UsageError("contact.self", "That is your own invite.")
    await home.domains.book().pin_by_invite(invite.address.domain, invite.domain_key, invite.endpoints)
    return invite


def accept_invite(execute: Execute, home: Home, account: Account, invite: ContactInvite) -> int:
    """Add whoever made the invite; the first message shows it and is accepted by itself."""
    known = person_by_user(execute, account.id, invite.user) or person_at(execute, account.id, invite.address)
    other = known if known is not None and known.user and known.user != invite.user else None
    if other is not None and (other.verified_at or other.rival):
        raise ConflictError(
            "identity.changed", "You know another key of that address.", "Compare with them; remove the contact, then take the invite."
        )
    number = known.id if known and not other else add_person(execute, account.id, invite.address, ContactState.REQUESTED, home.clock())
    execute(
        "UPDATE person SET user = ?, invite = ?, invite_secret = ?, invite_until = ?, stranger_from = 0 WHERE id = ?",
        (invite.user, invite.id, invite.secret, invite.expires, number),
    )
    person = person_of(execute, number)
    settle_conversation(execute, account, number, invite.user)
    if person.state is ContactState.PENDING:
        accept(execute, home, account, person, answer=True)
    elif person.state is ContactState.REJECTED:
        execute("UPDATE person SET state = ? WHERE id = ?", (ContactState.REQUESTED.value, number))
    if other is not None and other.state is not ContactState.REJECTED:  # the person themselves gave us another key
        replace(execute, home, account, other, person_of(execute, number), ours=True)
    conversation_of(execute, account, person)
    changed(execute, home, account, number)
    return number

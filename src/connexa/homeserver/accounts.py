"""Accounts of the domain: made with an invite or where registration is open, attested by the domain key, never given to somebody else.

Implements first-message §1 and identity §5. A deleted account's row stays, so that its localpart is never used again (I83) and so that
rights that were valid before the deletion can be told so for a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connexa.crypto import Kind, Rng, sha256
from connexa.errors import ConflictError, NotFoundError, RefusedError, UsageError
from connexa.homeserver.devices import certificates_of, keep_first_list, keep_next_list, newest_list, remove_devices
from connexa.homeserver.domain_key import DomainKeys
from connexa.homeserver.prekeys import signed_of
from connexa.homeserver.rights import DELETED_KEPT, resident, resident_at
from connexa.homeserver.tables import Query, first
from connexa.identity import (
    Address,
    Attestation,
    DeviceId,
    DeviceList,
    UserPublic,
    check_localpart,
    issue_attestation,
    read_device_list,
)
from connexa.store import Execute
from connexa.wire import account_statement
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Register, Registered

__all__ = [
    "RESET_DAYS",
    "AccountInvite",
    "AccountView",
    "Application",
    "Registration",
    "all_accounts",
    "create_account_invite",
    "delete_account",
    "forget_deleted",
    "list_account_invites",
    "list_accounts",
    "read_application",
    "register",
    "reset_account",
]

SECRET_SIZE: Final = 32
MAX_USES: Final = 10_000
RESET_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as an administrator sees it."""

    localpart: str
    user: bytes
    created: int
    admin: bool
    devices: int
    waiting: int


@dataclass(frozen=True, slots=True)
class AccountInvite:
    """An invite to register, without its secret."""

    id: str
    uses: int
    admin: bool
    expires: int


@dataclass(frozen=True, slots=True)
class Application:
    """Somebody who asks for an account and has proved to hold the user key."""

    user: UserPublic
    localpart: str
    invite: bytes
    certificate: Signed
    device_list: Signed


def read_application(asked: Register, *, domain: str, nonce: bytes, certificate_hash: bytes) -> Application:
    """Check the signature over exactly this request on exactly this connection; the rest needs the database."""
    localpart = check_localpart(asked.localpart)
    user = UserPublic.from_packet(asked.user_key)
    statement = account_statement(
        domain=domain,
        localpart=localpart,
        nonce=nonce,
        user=user.id,
        certificate_body=sha256(asked.certificate.body),
        list_body=sha256(asked.device_list.body),
        certificate=certificate_hash,
    )
    user.key.verify(Kind.ACCOUNT, statement, asked.signature)
    return Application(user, localpart, asked.invite, asked.certificate, asked.device_list)


@dataclass(frozen=True, slots=True)
class Registration:
    """What became of an application: the account as it stands now, and the devices that a returning one has shut out."""

    answer: Registered
    devices: DeviceList
    gone: Sequence[DeviceId]


def register(execute: Execute, asked: Application, keys: DomainKeys, *, invite_only: bool, now: float, most_devices: int) -> Registration:
    """Make the account; asking again with the same key gives the same answer, and its next list lets a restored device in."""
    known = resident(execute, asked.user.id)
    if known is not None and known.localpart == asked.localpart and not known.deleted:
        return _return(execute, asked, now, most_devices)
    admin, kept_for = _spend_invite(execute, asked.invite, now) if invite_only or asked.invite else (False, "")
    if known is not None:
        raise ConflictError("account.exists", "This key has an account here already.")
    if kept_for and kept_for != asked.localpart:
        raise RefusedError("invite.refused", "This invite is for another address.")
    before = resident_at(execute, asked.localpart)
    if before is not None and not (before.deleted and kept_for):
        raise ConflictError("address.taken", "This address was given to somebody else.", "Choose another one.")
    n = _keys_of(execute, asked.localpart)
    attestation = issue_attestation(Attestation(Address(asked.localpart, keys.domain), asked.user.id, n), keys.current)
    execute(
        "INSERT INTO account (user, localpart, n, user_key, attestation, admin, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (asked.user.id, asked.localpart, n, asked.user.packet, attestation.SerializeToString(), int(admin), int(now)),
    )
    keep_first_list(execute, asked.user, asked.device_list, [asked.certificate], now, most_devices)
    return _registration(execute, asked.user)


def _return(execute: Execute, asked: Application, now: float, most_devices: int) -> Registration:
    """Whoever holds the user key of an account may ask for its newest list, and sign the next one: no device of it need be left."""
    gone: list[DeviceId] = []
    if asked.device_list.body:
        _, gone = keep_next_list(execute, asked.user, asked.device_list, [asked.certificate], now, most_devices)
    return _registration(execute, asked.user, gone)


def _registration(execute: Execute, user: UserPublic, gone: Sequence[DeviceId] = ()) -> Registration:
    known, newest = resident(execute, user.id), newest_list(execute, user.id)
    if known is None or newest is None:
        raise LookupError("an account that is here has a list")
    certificates = certificates_of(execute, user.id)
    answer = Registered(attestation=signed_of(known.attestation), device_list=newest, certificates=certificates)
    return Registration(answer, read_device_list(newest, user), gone)


def _keys_of(query: Query, localpart: str) -> int:
    row = first(query, "SELECT count(*) FROM account WHERE localpart = ?", (localpart,))
    return int(row[0]) if row else 0


def _spend_invite(execute: Execute, secret: bytes, now: float) -> tuple[bool, str]:
    """Whether the invite makes an administrator, and the only localpart that it is good for, if it is for one."""
    row = first(
        execute,
        "UPDATE account_invite SET uses = uses - 1 WHERE hash = ? AND uses > 0 AND expires > ? RETURNING admin, localpart",
        (sha256(secret), int(now)),
    )
    if row is None:
        raise RefusedError("invite.refused", "This invite is not good, or not any more.", "Ask the administrator for another one.")
    return bool(row[0]), str(row[1])


def create_account_invite(execute: Execute, rng: Rng, *, uses: int, days: float, admin: bool, now: float, localpart: str = "") -> str:
    """Make an invite and return its secret as text (hex); only its hash is kept."""
    if not 1 <= uses <= MAX_USES or not 0 < days <= 3_650:
        raise UsageError("invite.malformed", f"An invite has 1 to {MAX_USES} uses and lasts for at most ten years.")
    secret = rng(SECRET_SIZE)
    execute(
        "INSERT INTO account_invite (hash, uses, admin, localpart, expires) VALUES (?, ?, ?, ?, ?)",
        (sha256(secret), uses, int(admin), localpart, int(now + days * 86_400)),
    )
    return secret.hex()


def list_account_invites(query: Query, now: float) -> list[AccountInvite]:
    """The invites that are good now."""
    rows = query("SELECT hash, uses, admin, expires FROM account_invite WHERE uses > 0 AND expires > ? ORDER BY expires", (int(now),))
    return [AccountInvite(row[0].hex()[:16], row[1], bool(row[2]), row[3]) for row in rows]


def list_accounts(query: Query, *, after: str = "", limit: int = 1_000) -> list[AccountView]:
    """Accounts in the order of their localparts."""
    rows = query(
        "SELECT a.localpart, a.user, a.created, a.admin, count(d.device), coalesce(sum(l.messages), 0) FROM account a"
        " LEFT JOIN device d ON d.user = a.user LEFT JOIN mailbox_load l ON l.device = d.device"
        " WHERE a.deleted = 0 AND a.localpart > ? GROUP BY a.user ORDER BY a.localpart LIMIT ?",
        (after, limit),
    )
    return [AccountView(row[0], row[1], row[2], bool(row[3]), row[4], row[5]) for row in rows]


def all_accounts(query: Query) -> Iterator[AccountView]:
    """Every account, read in pages."""
    after = ""
    while page := list_accounts(query, after=after):
        yield from page
        after = page[-1].localpart


def delete_account(execute: Execute, localpart: str, now: float) -> tuple[bytes, Sequence[DeviceId]]:
    """Delete an account with its mail; returns the user id and its devices, whose links are to be closed."""
    found = resident_at(execute, localpart)
    if found is None or found.deleted:
        raise NotFoundError("user.not_found", "There is no such account.")
    devices = [DeviceId(row[0]) for row in execute("SELECT device FROM device WHERE user = ?", (found.user,))]
    remove_devices(execute, devices)
    execute("DELETE FROM device_list WHERE user = ?", (found.user,))
    execute("UPDATE account SET deleted = ?, discoverable = 0, admin = 0 WHERE user = ?", (max(1, int(now)), found.user))
    return found.user, devices


def reset_account(execute: Execute, rng: Rng, localpart: str, now: float) -> tuple[str, Sequence[DeviceId]]:
    """Let a person who lost their key begin anew at their address: the invite for it, and the old devices, whose links are to be closed.

    Their contacts see another key, and who had verified the old one decides about it (P26).
    """
    found = resident_at(execute, localpart)
    if found is None:
        raise NotFoundError("user.not_found", "There is no such account.")
    devices: Sequence[DeviceId] = () if found.deleted else delete_account(execute, localpart, now)[1]
    invite = create_account_invite(execute, rng, uses=1, days=RESET_DAYS, admin=False, now=now, localpart=localpart)
    return invite, devices


def forget_deleted(execute: Execute, now: float) -> None:
    """Drop the rights of accounts that were deleted long ago (first-message §5)."""
    gone = [row[0] for row in execute("SELECT user FROM account WHERE deleted BETWEEN 1 AND ?", (int(now) - DELETED_KEPT,))]
    for user in gone:
        execute("DELETE FROM token_key WHERE user = ?", (user,))
        execute("DELETE FROM contact_invite WHERE user = ?", (user,))

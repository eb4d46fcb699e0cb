"""An account as this node holds it: the address, this device's keys, and on the primary device the user key.

What changes often (device list, sender certificate, profile key, counters) stays in the table and is read where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from connexa.crypto import Ed25519Secret, X25519Secret
from connexa.errors import NotFoundError, UsageError
from connexa.identity import SUITE, Address, DeviceCertificate, DeviceId, DeviceList, UserId, UserPublic, UserSecret
from connexa.node.home import Query, first
from connexa.node.stored import stored_list, stored_user
from connexa.pairwise import LocalDevice
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "Account",
    "AccountState",
    "all_accounts",
    "find_account",
    "load_account",
    "newest_backup",
    "own_device_list",
    "profile_key",
    "sender_certificate",
]


class AccountState(StrEnum):
    """What an account is waiting for."""

    CREATING = "creating"  # keys are made, the homeserver has not attested them yet
    RESTORING = "restoring"  # everything of a backup is here, the homeserver has not taken this device in yet
    ACTIVE = "active"
    REVOKED = "revoked"  # the person removed this device; the log stays readable


@dataclass(frozen=True, slots=True)
class Account:
    """One account and its keys."""

    id: int
    address: Address
    state: AccountState
    user: UserPublic
    secret: UserSecret | None
    device: DeviceId
    dsk: Ed25519Secret
    dik: X25519Secret
    certificate: Signed
    attestation: Signed

    @property
    def is_primary(self) -> bool:
        """Whether this device holds the user key."""
        return self.secret is not None

    @property
    def user_id(self) -> UserId:
        """The person's id."""
        return self.user.id

    @property
    def local_device(self) -> LocalDevice:
        """This device as key agreement needs it."""
        return LocalDevice(self.user, self.certificate, self._own_certificate(), self.dik)

    def _own_certificate(self) -> DeviceCertificate:
        body = keys_pb2.DeviceCertificate.FromString(self.certificate.body)  # our own, checked when it was stored
        return DeviceCertificate(
            self.user.id, self.device, self.dsk.public, self.dik.public, body.not_after, tuple(body.suites) or (SUITE,)
        )


_COLUMNS = "id, address, state, user_key, seed, device, dsk, dik, certificate, attestation"


def load_account(query: Query, account: int) -> Account:
    """Read an account with its keys."""
    row = first(query, f"SELECT {_COLUMNS} FROM account WHERE id = ?", (account,))  # noqa: S608 - no outside text
    if row is None:
        raise NotFoundError("account.not_found", "This node has no such account.")
    number, address, state, user_key, seed, device, dsk, dik, certificate, attestation = row
    user = stored_user(user_key)
    return Account(
        id=number,
        address=Address.parse(address),
        state=AccountState(state),
        user=user,
        secret=UserSecret(seed, user.created) if seed else None,
        device=DeviceId(device),
        dsk=Ed25519Secret.from_seed(dsk),
        dik=X25519Secret.from_bytes(dik),
        certificate=Signed.FromString(certificate),
        attestation=Signed.FromString(attestation),
    )


def all_accounts(query: Query) -> Iterator[tuple[int, str, AccountState]]:
    """Every account of the node: its number, address and state."""
    for number, address, state in query("SELECT id, address, state FROM account ORDER BY id", ()):
        yield number, address, AccountState(state)


def find_account(query: Query, named: str) -> int:
    """The number of the account with this address, or of the only one where none is named."""
    accounts = list(all_accounts(query))
    if not named:
        if len(accounts) == 1:
            return accounts[0][0]
        if not accounts:
            raise NotFoundError("account.none", "There is no account yet.", "Create one, or link this device to one.")
        raise UsageError("account.ambiguous", "There are several accounts.", "Name one of them by its address.")
    address = str(Address.parse(named))
    for number, known, _ in accounts:
        if known == address:
            return number
    raise NotFoundError("account.not_found", "This node has no such account.")


def own_device_list(query: Query, account: Account) -> tuple[Signed, DeviceList] | None:
    """The newest list of the person's own devices."""
    row = first(query, "SELECT device_list FROM account WHERE id = ?", (account.id,))
    if row is None or not row[0]:
        return None
    return Signed.FromString(row[0]), stored_list(row[0], account.user.packet)


def profile_key(query: Query, account: int) -> bytes:
    """The key from which the person's delivery tokens follow."""
    row = first(query, "SELECT profile_key FROM account WHERE id = ?", (account,))
    return bytes(row[0]) if row else b""


def newest_backup(query: Query, account: int) -> int:
    """The counter of the newest backup that was made here, for the next device list to carry (P27, P37); 0 without one."""
    row = first(query, "SELECT newest FROM backup WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def sender_certificate(query: Query, account: int, now: float) -> Signed | None:
    """The certificate that names this device inside sealed envelopes, while it is good for some hours yet."""
    row = first(query, "SELECT sender FROM account WHERE id = ? AND sender_until > ?", (account, now))
    return Signed.FromString(row[0]) if row else None

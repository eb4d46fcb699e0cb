"""How a new account is made at a homeserver. A device that joins an account which another one has is the matter of `linking`.

The keys of a new account are stored before the homeserver hears of them, so that a lost answer leaves nobody without keys.
"""

from __future__ import annotations

from connexa.crypto import Ed25519Secret, X25519Secret
from connexa.errors import ConflictError, ConnexaError, UsageError
from connexa.identity import (
    Address,
    DeviceCertificate,
    DeviceId,
    UserSecret,
    issue_device_certificate,
    next_device_list,
    verify_attestation,
)
from connexa.node.account import Account, AccountState, load_account
from connexa.node.home import Home, first, returned
from connexa.node.link_doors import register
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["CERTIFICATE_LIFE", "account_invite", "create", "keep_device"]

CERTIFICATE_LIFE = 10 * 365 * 86_400  # the list, renewed monthly, says which certificates count


def account_invite(text: str | None) -> bytes:
    """The secret in a homeserver's invite; empty where registration is open."""
    if not text:
        return b""
    try:
        secret = bytes.fromhex("".join(text.split()))
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise UsageError("invite.malformed", "That is not the invite of a homeserver.", "Paste the whole of it.")
    return secret


async def create(home: Home, address: Address, invite: bytes, name: str) -> int:
    """Make an account at the address's homeserver and return its number."""
    remote = await home.domains.book().require(address.domain)
    number = await home.change(lambda execute: _prepare(execute, home, address, name))
    account = load_account(home.database.read, number)
    if account.secret is None:
        raise ConflictError("account.exists", "This node has that account already.")
    signed = first(home.database.read, "SELECT device_list FROM account WHERE id = ?", (number,))
    try:
        channel = await home.dialer.dial(address.domain, str(remote.link), remote.keys)
        answer = await register(
            channel,
            domain=address.domain,
            localpart=address.localpart,
            invite=invite,
            user=account.secret,
            certificate=account.certificate,
            device_list=Signed.FromString(signed[0] if signed else b""),
        )
        attestation = answer.attestation
        verify_attestation(attestation, remote.keys, address=address, user=account.user_id)
    except ConnexaError as error:
        if not error.retryable:  # refused: no account came of it. After a lost answer the same keys are shown again.
            await home.change(lambda execute: _forget(execute, number))
        raise
    await home.change(lambda execute: _activate(execute, home, account, attestation))
    return number


def _prepare(execute: Execute, home: Home, address: Address, name: str) -> int:
    row = first(execute, "SELECT id, state FROM account WHERE address = ?", (str(address),))
    if row is not None:
        if row[1] != AccountState.CREATING:
            raise ConflictError("account.exists", "This node has that account already.")
        return int(row[0])
    now, user = home.clock(), UserSecret.generate(home.rng, home.clock())
    device = DeviceId(home.rng(32))
    dsk, dik = Ed25519Secret.generate(home.rng), X25519Secret.generate(home.rng)
    certificate = issue_device_certificate(DeviceCertificate(user.id, device, dsk.public, dik.public, int(now) + CERTIFICATE_LIFE), user)
    signed = next_device_list(None, user, [certificate], now)
    return int(
        returned(
            execute,
            "INSERT INTO account (address, name, state, user, user_key, seed, device, dsk, dik, certificate, device_list, profile_key,"
            " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                str(address),
                name,
                AccountState.CREATING.value,
                user.id,
                user.public.packet,
                user.seed,
                device,
                dsk.seed,
                dik.raw,
                certificate.SerializeToString(),
                signed.SerializeToString(),
                home.rng(32),
                now,
            ),
        )
    )


def _forget(execute: Execute, account: int) -> None:
    execute("DELETE FROM account WHERE id = ?", (account,))


def _activate(execute: Execute, home: Home, account: Account, attestation: Signed) -> None:
    execute(
        "UPDATE account SET state = ?, attestation = ? WHERE id = ?",
        (AccountState.ACTIVE.value, attestation.SerializeToString(), account.id),
    )
    keep_device(execute, home, account.id, account.device, account.certificate, home.device_name)
    home.events.record(execute, str(account.address), "account.new", home.clock(), user=account.user_id.hex())


def keep_device(execute: Execute, home: Home, account: int, device: bytes, certificate: Signed, name: str, *, listed: bool = True) -> None:
    """Store one of the own devices; `listed` unless it is still to come into the list."""
    execute(
        "INSERT INTO own_device (account, device, certificate, name, listed, added) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, device) DO UPDATE SET certificate = excluded.certificate, name = excluded.name",
        (account, device, certificate.SerializeToString(), name, listed, home.clock()),
    )

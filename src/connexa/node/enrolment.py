"""How an account comes to this node: made anew at a homeserver, or linked to a device that holds the user key (first-message §9).

The keys of a new account are stored before the homeserver hears of them, so that a lost answer leaves nobody without keys. A device that
is being linked keeps its keys in memory until the primary has answered; nothing is stored before that answer was checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.content import DeviceName
from connexa.crypto import Ed25519Public, Ed25519Secret, X25519Public, X25519Secret
from connexa.errors import ConflictError, ConnexaError, IntegrityError, RefusedError, UsageError
from connexa.identity import (
    Address,
    DeviceCertificate,
    DeviceId,
    UserPublic,
    UserSecret,
    follow_device_lists,
    issue_device_certificate,
    next_device_list,
    read_device_list,
    verify_attestation,
    verify_device_certificate,
)
from connexa.node.account import Account, AccountState, load_account
from connexa.node.history import begin_history
from connexa.node.home import Home, first, returned
from connexa.node.link_doors import PairLink, register
from connexa.node.own_devices import keep_own_list
from connexa.node.registers import decide
from connexa.pairwise import PairingCode, format_pairing_code, open_grant, pairing_code, seal_grant, slot_id
from connexa.store import Execute
from connexa.wire import MAX_PAIR_PAYLOAD, parse
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import PairGrant, PairRequest

__all__ = ["LinkingDevice", "NewDevice", "account_invite", "answer_device", "create", "keep_device", "receive_device"]

LINGER_SECONDS = 5.0
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
        attestation = await register(
            channel,
            domain=address.domain,
            localpart=address.localpart,
            invite=invite,
            user=account.secret,
            certificate=account.certificate,
            device_list=Signed.FromString(signed[0] if signed else b""),
        )
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
    keep_device(execute, home, account.id, account.device, account.certificate, home.settings.device_name)
    home.events.record(execute, str(account.address), "account.new", home.clock(), user=account.user_id.hex())


def keep_device(execute: Execute, home: Home, account: int, device: bytes, certificate: Signed, name: str, *, listed: bool = True) -> None:
    """Store one of the own devices; `listed` unless it is still to come into the list."""
    execute(
        "INSERT INTO own_device (account, device, certificate, name, listed, added) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, device) DO UPDATE SET certificate = excluded.certificate, name = excluded.name",
        (account, device, certificate.SerializeToString(), name, listed, home.clock()),
    )


@dataclass(slots=True)
class LinkingDevice:
    """This device while it waits for the primary; `code` is what it shows."""

    address: Address
    name: str
    device: DeviceId
    dsk: Ed25519Secret = field(repr=False)
    dik: X25519Secret = field(repr=False)
    key: X25519Secret = field(repr=False)
    secret: bytes = field(repr=False)

    @classmethod
    def begin(cls, home: Home, address: Address, name: str) -> LinkingDevice:
        """Make the keys of a new device."""
        return cls(
            address,
            name,
            DeviceId(home.rng(32)),
            Ed25519Secret.generate(home.rng),
            X25519Secret.generate(home.rng),
            X25519Secret.generate(home.rng),
            home.rng(32),
        )

    @property
    def code(self) -> str:
        """What a person takes to the primary device; it holds a secret."""
        return format_pairing_code(pairing_code(self.key.public, self.secret, self.dsk.public, self.dik.public))

    async def open(self, home: Home) -> PairLink:
        """Take a place in the slot and leave the request there."""
        link = await _open_slot(home, self.address, self.secret)
        request = PairRequest(device=self.device, dsk=self.dsk.public.raw, dik=self.dik.public.raw)
        link.send(request.SerializeToString())
        return link


async def _open_slot(home: Home, address: Address, secret: bytes) -> PairLink:
    remote = await home.domains.book().require(address.domain)
    channel = await home.dialer.dial(address.domain, str(remote.link), remote.keys)
    return await PairLink.open(channel, domain=address.domain, slot=slot_id(secret))


async def receive_device(home: Home, linking: LinkingDevice, link: PairLink, seconds: float) -> int:
    """Wait for the primary's grant, check all of it, and store the account; returns its number."""
    try:
        payload = await link.receive(seconds)
    finally:
        link.close()
    _, raw = open_grant(linking.key, linking.secret, payload, linking.device)
    grant = parse(PairGrant, raw, MAX_PAIR_PAYLOAD)
    remote = await home.domains.book().require(linking.address.domain)
    now, user = home.clock(), UserPublic.from_packet(grant.user_key)
    if grant.address != str(linking.address):
        raise IntegrityError("pairing.invalid", "The other device answered for another account.")
    verify_attestation(grant.attestation, remote.keys, address=linking.address, user=user.id)
    certificate = verify_device_certificate(grant.certificate, user, now)
    newest = follow_device_lists(None, list(grant.device_lists), user, now)
    ours = (linking.device, linking.dsk.public, linking.dik.public)
    if (certificate.device, certificate.dsk, certificate.dik) != ours or linking.device not in read_device_list(newest, user).device_ids():
        raise IntegrityError("pairing.invalid", "The other device certified other keys than ours.")
    if len(grant.profile_key) != 32:
        raise IntegrityError("pairing.invalid", "The other device's answer is incomplete.")
    return await home.change(lambda execute: _store_linked(execute, home, linking, grant, user, newest))


def _store_linked(execute: Execute, home: Home, linking: LinkingDevice, grant: PairGrant, user: UserPublic, newest: Signed) -> int:
    if first(execute, "SELECT 1 FROM account WHERE address = ?", (str(linking.address),)) is not None:
        raise ConflictError("account.exists", "This node has that account already.")
    now = home.clock()
    number = int(
        returned(
            execute,
            "INSERT INTO account (address, name, state, user, user_key, device, dsk, dik, certificate, attestation, profile_key, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                str(linking.address),
                linking.name,
                AccountState.ACTIVE.value,
                user.id,
                user.packet,
                linking.device,
                linking.dsk.seed,
                linking.dik.raw,
                grant.certificate.SerializeToString(),
                grant.attestation.SerializeToString(),
                grant.profile_key,
                now,
            ),
        )
    )
    keep_device(execute, home, number, linking.device, grant.certificate, home.settings.device_name)
    account = load_account(execute, number)
    keep_own_list(execute, home, account, newest)
    if home.settings.device_name:
        decide(execute, home, account, DeviceName(account.device, home.settings.device_name))
    begin_history(execute, number, read_device_list(newest, user).devices[0].device)  # the primary stands first
    home.events.record(execute, str(linking.address), "account.new", now, user=user.id.hex())
    return number


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A new device at the other end of the slot, certified and waiting for its grant."""

    link: PairLink
    device: DeviceId
    certificate: Signed

    def grant(self, home: Home, account: Account, code: PairingCode, device_list: Signed, profile_key: bytes) -> None:
        """Hand over everything but the user key."""
        grant = PairGrant(
            address=str(account.address),
            user_key=account.user.packet,
            certificate=self.certificate,
            device_lists=[device_list],
            attestation=account.attestation,
            profile_key=profile_key,
        )
        self.link.send(seal_grant(code, grant.SerializeToString(), account.device, self.device))

    async def linger(self) -> None:
        """Keep the place for a moment: closing a connection may lose what was written last."""
        try:
            await self.link.receive(LINGER_SECONDS)
        except ConnexaError:
            pass  # nothing comes any more: the new device has its grant, or it begins again
        finally:
            self.link.close()


async def answer_device(home: Home, account: Account, code: PairingCode) -> NewDevice:
    """Meet the new device at its slot, check that its keys are those of the code, and certify them."""
    if account.secret is None:
        raise RefusedError("device.not_primary", "This device does not hold the user key.", "Approve the new device on the primary one.")
    link = await _open_slot(home, account.address, code.secret)
    try:
        request = parse(PairRequest, await link.receive(), MAX_PAIR_PAYLOAD)
        dsk, dik = Ed25519Public.from_bytes(request.dsk), X25519Public.from_bytes(request.dik)
        if not code.matches(dsk, dik) or len(request.device) != 32:
            raise IntegrityError("pairing.invalid", "Another device than the one with this code has answered.")
    except ConnexaError:
        link.close()
        raise
    device = DeviceId(request.device)
    certificate = DeviceCertificate(account.user_id, device, dsk, dik, int(home.clock()) + CERTIFICATE_LIFE)
    return NewDevice(link, device, issue_device_certificate(certificate, account.secret))

"""This device becomes another one of an account: it shows a code, then six digits, and takes what the primary grants (pairwise §8, P28).

Its keys stay in memory until the grant was checked as a whole; then everything is stored in one operation. A code is good for a minute.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from connexa.content import DeviceName
from connexa.crypto import Ed25519Secret, X25519Secret, sha256
from connexa.errors import ConflictError, ConnexaError, IntegrityError, NotFoundError
from connexa.identity import (
    Address,
    DeviceId,
    UserPublic,
    fingerprint_text,
    follow_device_lists,
    read_device_list,
    verify_attestation,
    verify_device_certificate,
)
from connexa.node.account import Account, AccountState, load_account
from connexa.node.enrolment import keep_device
from connexa.node.history import begin_history
from connexa.node.home import Home, Query, Spawn, first, returned
from connexa.node.link_doors import PAIR_SECONDS, PairLink
from connexa.node.own_list import keep_own_list
from connexa.node.registers import decide
from connexa.node.revocation import forget_device
from connexa.node.views import LinkCodeView, LinkingView
from connexa.pairwise import (
    PairingCode,
    PairingTalk,
    format_pairing_code,
    open_pairing_answer,
    open_pairing_grant,
    pairing_digits,
    pairing_done,
    seal_pairing_request,
    slot_id,
)
from connexa.store import Execute
from connexa.wire import MAX_PAIR_PAYLOAD, parse
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import PairAnswer, PairGrant, PairRequest

__all__ = ["Linkings", "open_slot"]

MAX_LINKINGS = 4
LINGER_SECONDS = 5.0


async def open_slot(home: Home, address: Address, secret: bytes) -> PairLink:
    """Take a place in the slot of a code at the account's homeserver."""
    remote = await home.domains.book().require(address.domain)
    channel = await home.dialer.dial(address.domain, str(remote.link), remote.keys)
    return await PairLink.open(channel, domain=address.domain, slot=slot_id(secret))


@dataclass(frozen=True, slots=True)
class Met:
    """Who has answered, and what was said."""

    user: UserPublic
    attestation: Signed
    talk: PairingTalk


@dataclass(slots=True)
class Newcomer:
    """This device while it is being linked."""

    address: Address
    name: str  # of this device, for the person's other ones
    device: DeviceId
    dsk: Ed25519Secret = field(repr=False)
    dik: X25519Secret = field(repr=False)
    key: X25519Secret = field(repr=False)
    reveal: bytes = field(repr=False)
    code: PairingCode
    expires: float = 0.0
    met: Met | None = None

    @classmethod
    def make(cls, home: Home, address: Address, name: str) -> Newcomer:
        """Make the keys of a new device, and the code that binds them."""
        dsk, dik, key = Ed25519Secret.generate(home.rng), X25519Secret.generate(home.rng), X25519Secret.generate(home.rng)
        secret, reveal = home.rng(32), home.rng(32)
        code = PairingCode(key.public, secret, sha256(dsk.public.raw, dik.public.raw), sha256(reveal))
        return cls(address, name, DeviceId(home.rng(32)), dsk, dik, key, reveal, code)

    @property
    def view(self) -> LinkingView:
        """How far it is."""
        return LinkingView(
            account=str(self.address),
            state="comparing" if self.met else "waiting",
            digits=pairing_digits(self.met.talk) if self.met else "",
            fingerprint=fingerprint_text(self.met.user.id) if self.met else "",
            expires=self.expires,
        )


class Linkings:
    """The accounts that this node is being linked to now; `linked` takes the number of a new one."""

    def __init__(self, home: Home, spawn: Spawn, linked: Callable[[int], Awaitable[None]]) -> None:
        self._home = home
        self._spawn = spawn
        self._linked = linked
        self._now: dict[str, tuple[Newcomer, PairLink]] = {}

    async def begin(self, address: Address, name: str) -> LinkCodeView:
        """Show a code; what becomes of it is told by the events `account.linking`, then `account.new` or `account.link_failed`."""
        home, key = self._home, str(address)
        _check_free(home.database.read, key)
        if key in self._now:
            self._now.pop(key)[1].close()  # its owner asks for another code: the newest counts
        if len(self._now) >= MAX_LINKINGS:
            raise ConflictError("account.linking", "This device is being linked to too many accounts.", "Wait a minute, then start again.")
        new = Newcomer.make(home, address, name)
        link = await open_slot(home, address, new.code.secret)
        new.expires = home.clock() + PAIR_SECONDS
        self._now[key] = new, link
        await self._spawn(lambda: self._run(new, link))
        return LinkCodeView(account=key, code=format_pairing_code(new.code), expires=new.expires)

    def view(self, address: Address) -> LinkingView:
        """How far a linking is."""
        found = self._now.get(str(address))
        if found is None:
            raise NotFoundError("account.not_linking", "This node is not being linked to that account.", "Start: connexa device link")
        return found[0].view

    async def _run(self, new: Newcomer, link: PairLink) -> None:
        try:
            number = await self._exchange(new, link)
        except ConnexaError as error:
            if self._is_newest(new):  # whoever asked for another code waits for that one
                await self._tell(new, "account.link_failed", code=error.code, message=error.message)
            return
        finally:
            link.close()
            if self._is_newest(new):
                del self._now[str(new.address)]
        await self._linked(number)

    def _is_newest(self, new: Newcomer) -> bool:
        return self._now.get(str(new.address), (None,))[0] is new

    async def _exchange(self, new: Newcomer, link: PairLink) -> int:
        home = self._home
        request = PairRequest(device=new.device, dsk=new.dsk.public.raw, dik=new.dik.public.raw, name=new.name)
        payload = seal_pairing_request(new.code, request.SerializeToString())
        link.send(payload)
        answer = await link.receive(PAIR_SECONDS)
        primary, raw = open_pairing_answer(new.key, new.code, answer, new.device)
        attestation, user = await self._check_answer(new, raw)
        link.send(new.reveal)
        met = Met(user, attestation, PairingTalk(new.code, primary, new.device, payload, answer, new.reveal))
        new.met, new.expires = met, home.clock() + PAIR_SECONDS
        await self._tell(new, "account.linking")
        grant = parse(PairGrant, open_pairing_grant(new.key, met.talk, await link.receive(PAIR_SECONDS)), MAX_PAIR_PAYLOAD)
        newest = _check_grant(new, user, grant, home.clock())
        number = await home.change(lambda execute: _store(execute, home, new, met, grant, newest))
        link.send(pairing_done(met.talk))
        await _linger(link)
        return number

    async def _check_answer(self, new: Newcomer, raw: bytes) -> tuple[Signed, UserPublic]:
        """Whose device has answered: the person whom the domain attests at the address that was asked for."""
        answer = parse(PairAnswer, raw, MAX_PAIR_PAYLOAD)
        remote, user = await self._home.domains.book().require(new.address.domain), UserPublic.from_packet(answer.user_key)
        if answer.address != str(new.address):
            raise IntegrityError("pairing.invalid", "The other device answered for another account.")
        verify_attestation(answer.attestation, remote.keys, address=new.address, user=user.id)
        before = _check_free(self._home.database.read, str(new.address))
        if before is not None and before.user_id != user.id:
            raise IntegrityError("identity.changed", "Another person answers for that address than the one whose log is here.")
        return answer.attestation, user

    async def _tell(self, new: Newcomer, kind: str, **fields: str) -> None:
        now = self._home.clock()
        await self._home.change(lambda execute: self._home.events.record(execute, str(new.address), kind, now, **fields))


async def _linger(link: PairLink) -> None:
    """Keep the place until the other device has left: closing a connection may lose what was written last."""
    with contextlib.suppress(ConnexaError):
        await link.receive(LINGER_SECONDS)


def _check_free(query: Query, address: str) -> Account | None:
    """The account of a device that was revoked, which a new one may take the place of; None where there is none of that address."""
    row = first(query, "SELECT id FROM account WHERE address = ?", (address,))
    if row is None:
        return None
    account = load_account(query, row[0])
    if account.state is not AccountState.REVOKED:
        raise ConflictError("account.exists", "This node has that account already.")
    return account


def _check_grant(new: Newcomer, user: UserPublic, grant: PairGrant, now: float) -> Signed:
    """The newest list of devices; it and the certificate must name this device with the keys that it made."""
    certificate = verify_device_certificate(grant.certificate, user, now)
    newest = follow_device_lists(None, [grant.device_list], user, now)
    ours = (new.device, new.dsk.public, new.dik.public)
    if (certificate.device, certificate.dsk, certificate.dik) != ours or new.device not in read_device_list(newest, user).device_ids():
        raise IntegrityError("pairing.invalid", "The other device certified other keys than ours.")
    if len(grant.profile_key) != 32:
        raise IntegrityError("pairing.invalid", "The other device's answer is incomplete.")
    return newest


def _store(execute: Execute, home: Home, new: Newcomer, met: Met, grant: PairGrant, newest: Signed) -> int:
    before, now = _check_free(execute, str(new.address)), home.clock()
    if before is not None:
        forget_device(execute, before.id)
    number = int(
        returned(
            execute,
            "INSERT INTO account (address, state, user, user_key, device, dsk, dik, certificate, attestation, profile_key, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET state = excluded.state,"
            " device = excluded.device, dsk = excluded.dsk, dik = excluded.dik, certificate = excluded.certificate,"
            " attestation = excluded.attestation, profile_key = excluded.profile_key RETURNING id",
            (
                str(new.address),
                AccountState.ACTIVE.value,
                met.user.id,
                met.user.packet,
                new.device,
                new.dsk.seed,
                new.dik.raw,
                grant.certificate.SerializeToString(),
                met.attestation.SerializeToString(),
                grant.profile_key,
                now,
            ),
        )
    )
    keep_device(execute, home, number, new.device, grant.certificate, new.name)
    account = load_account(execute, number)
    keep_own_list(execute, home, account, newest)
    if new.name:
        decide(execute, home, account, DeviceName(account.device, new.name))
    begin_history(execute, number, met.talk.primary)
    home.events.record(execute, str(new.address), "account.new", now, user=met.user.id.hex())
    return number

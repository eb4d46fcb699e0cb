"""The primary lets a new device in: by its code, then by the six digits that it shows, which a person types here (pairwise §8, P28, P48).

Nothing is signed and nothing stored before the digits were right. There is one try: a wrong digit ends the code on both sides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from connexa.crypto import Ed25519Public, X25519Public, equal
from connexa.errors import ConnexaError, IntegrityError, NotFoundError, RefusedError
from connexa.identity import DeviceCertificate, DeviceId, UserSecret, issue_device_certificate
from connexa.node.account import Account, own_device_list, profile_key
from connexa.node.device_book import not_primary, publish, shown_name
from connexa.node.enrolment import CERTIFICATE_LIFE, keep_device
from connexa.node.home import Home, Spawn, first
from connexa.node.link_doors import PAIR_SECONDS, PairLink
from connexa.node.linking import open_slot
from connexa.node.own_list import note_seen
from connexa.node.sending import parse_id
from connexa.node.upkeep import Upkeep, own_certificates
from connexa.node.views import ApprovalView
from connexa.pairwise import (
    PairingTalk,
    check_reveal,
    open_pairing_request,
    pairing_digits,
    pairing_done,
    parse_pairing_code,
    seal_pairing_answer,
    seal_pairing_grant,
)
from connexa.wire import MAX_DEVICES, MAX_PAIR_PAYLOAD, parse
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import PairAnswer, PairGrant, PairRequest

__all__ = ["Approvals"]

MAX_APPROVALS = 4
ANSWER_SECONDS = 10.0  # for what the new device's node says by itself


@dataclass(slots=True)
class Approval:
    """A new device that waits for its digits."""

    id: bytes
    account: int
    link: PairLink
    talk: PairingTalk
    dsk: Ed25519Public
    dik: X25519Public
    name: str
    expires: float
    last_word: asyncio.Future[bytes] = field(repr=False)

    @property
    def view(self) -> ApprovalView:
        """What its owner is shown before the digits are typed."""
        return ApprovalView(id=self.id.hex(), device=self.talk.new.hex(), name=self.name, expires=self.expires)


class Approvals:
    """The devices that were met by their code and are not let in yet."""

    def __init__(self, home: Home, spawn: Spawn) -> None:
        self._home = home
        self._spawn = spawn
        self._now: dict[bytes, Approval] = {}

    async def begin(self, account: Account, code: str) -> ApprovalView:
        """Meet the device that shows this code and hear it out; the digits have to follow within a minute."""
        _secret(account)
        if len(self._now) >= MAX_APPROVALS:
            raise RefusedError("device.approving", "Too many devices wait for their digits.", "Wait a minute.", retryable=True)
        parsed, home = parse_pairing_code(code), self._home
        link = await open_slot(home, account.address, parsed.secret)
        try:
            request = await link.receive(ANSWER_SECONDS)
            asked = parse(PairRequest, open_pairing_request(parsed, request), MAX_PAIR_PAYLOAD)
            dsk, dik, new = Ed25519Public.from_bytes(asked.dsk), X25519Public.from_bytes(asked.dik), DeviceId(asked.device)
            if not parsed.matches(dsk, dik):
                raise IntegrityError("pairing.invalid", "Another device than the one with this code has answered.")
            self._check_room(account, new)
            said = PairAnswer(address=str(account.address), user_key=account.user.packet, attestation=account.attestation)
            answer = seal_pairing_answer(parsed, said.SerializeToString(), account.device, new)
            link.send(answer)
            reveal = await link.receive(ANSWER_SECONDS)
            check_reveal(parsed, reveal)
        except ConnexaError:
            link.close()
            raise
        talk = PairingTalk(parsed, account.device, new, request, answer, reveal)
        last_word: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        expires = home.clock() + PAIR_SECONDS
        approval = Approval(home.rng(16), account.id, link, talk, dsk, dik, shown_name(asked.name), expires, last_word)
        self._now[approval.id] = approval
        await self._spawn(lambda: self._listen(approval))
        return approval.view

    def _check_room(self, account: Account, new: DeviceId) -> None:
        own = own_device_list(self._home.database.read, account)
        if own is not None and len(own[1].devices) >= MAX_DEVICES:
            raise RefusedError("devices.too_many", f"A person has at most {MAX_DEVICES} devices.", "Revoke one: connexa device revoke")
        sql = "SELECT 1 FROM own_device WHERE account = ? AND device = ?"
        if len(new) != 32 or first(self._home.database.read, sql, (account.id, new)) is not None:
            raise IntegrityError("pairing.invalid", "The new device calls itself by the id of another one.")

    async def _listen(self, approval: Approval) -> None:
        """Read the link to its end: the new device's last word, or that it has left."""
        try:
            approval.last_word.set_result(await approval.link.receive(PAIR_SECONDS + ANSWER_SECONDS))
        except ConnexaError as error:
            approval.last_word.set_exception(error)
            approval.last_word.exception()  # it may be that nobody asks
        finally:
            approval.link.close()
            self._now.pop(approval.id, None)

    async def confirm(self, account: Account, upkeep: Upkeep, approval: str, digits: str) -> DeviceId:
        """Let the device in whose digits these are; the one try is over with this call. No digits: it stays out."""
        met = self._now.pop(parse_id(approval, 16, "device"), None)
        if met is None or met.account != account.id:
            raise NotFoundError("device.not_waiting", "No device waits for these digits any more.", "Start again: connexa device link")
        try:
            self._check(met, digits)
            certificate = await self._certify(account, met, upkeep)
            await self._grant(account, met, certificate)
        finally:
            met.link.close()
        return met.talk.new

    def _check(self, approval: Approval, digits: str) -> None:
        typed = "".join(digits.split())
        if not typed:
            raise RefusedError("pairing.declined", "The new device stays out. Nothing was linked.")
        if self._home.clock() > approval.expires:
            raise RefusedError("pairing.expired", "The digits came too late. Nothing was linked.", "Start again: connexa device link")
        if not equal(typed.encode(), pairing_digits(approval.talk).encode()):
            raise RefusedError(
                "pairing.digits",
                "Those are not the digits of the new device. Nothing was linked.",
                "Start again with a new code. If it happens twice, somebody stands between the devices.",
            )

    async def _certify(self, account: Account, approval: Approval, upkeep: Upkeep) -> Signed:
        """Sign the device's certificate and the list that names it."""
        home, new, name = self._home, approval.talk.new, approval.name
        body = DeviceCertificate(account.user_id, new, approval.dsk, approval.dik, int(home.clock()) + CERTIFICATE_LIFE)
        certificate = issue_device_certificate(body, _secret(account))
        # It is stored before the list names it: every later list is made of what is stored.
        await home.change(lambda execute: keep_device(execute, home, account.id, new, certificate, name, listed=False))
        await publish(home, account, upkeep, [*own_certificates(home, account), certificate], [certificate])
        return certificate

    async def _grant(self, account: Account, approval: Approval, certificate: Signed) -> None:
        """Hand over everything but the user key, and hear whether it was taken; a device that never says so is shown as such."""
        home, query = self._home, self._home.database.read
        own = own_device_list(query, account)
        grant = PairGrant(
            certificate=certificate,
            device_list=own[0] if own else None,
            profile_key=profile_key(query, account.id),
        )
        approval.link.send(seal_pairing_grant(approval.talk, grant.SerializeToString()))
        heard, _ = await asyncio.wait({approval.last_word}, timeout=ANSWER_SECONDS)
        if heard and approval.last_word.exception() is None and equal(approval.last_word.result(), pairing_done(approval.talk)):
            await home.change(lambda execute: note_seen(execute, account.id, approval.talk.new, home.clock()))


def _secret(account: Account) -> UserSecret:
    if account.secret is None:
        raise not_primary()
    return account.secret

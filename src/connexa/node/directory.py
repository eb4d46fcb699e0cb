"""Look-ups and claims: who somebody is, which devices they have, and the keys to begin sessions with them (first-message §6).

Asked on a submit link, with the right that will also carry the mail. Every answer is checked before any of it is stored: the attestation
under the pinned key of the domain, the list by its chain, certificates by the list, prekeys by the certificates.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from connexa.content import ContactState
from connexa.crypto import Ed25519Public
from connexa.errors import IntegrityError, RefusedError
from connexa.identity import (
    DeviceId,
    DeviceList,
    UserPublic,
    follow_device_lists,
    match_certificates,
    read_device_list,
    verify_attestation,
    verify_device_certificate,
)
from connexa.node.account import Account
from connexa.node.devices import keep_certificates, keep_list, keep_seal_keys
from connexa.node.home import Home
from connexa.node.log import settle_conversation
from connexa.node.people import Person, add_person, person_by_user, person_of
from connexa.node.sealing import Door
from connexa.node.sessions import begin_session
from connexa.node.trust import DEVICES_ADDED, IDENTITY_CHANGED, meet_other_key, warn
from connexa.pairwise import Bundle, SealKey, call_proof, verify_bundle, verify_seal_key, week_of
from connexa.store import Execute
from connexa.wire import is_retried, status_code
from connexa.wire.v1.keys_pb2 import PrekeyBundle, Signed
from connexa.wire.v1.link_pb2 import Claim, ClaimReply, ClaimRequest, Lookup, LookupReply, LookupRequest, Right, Status
from connexa.wire.v1.message_pb2 import InviteProof, Step

__all__ = ["Asker", "DirectoryRefused", "claim", "look_up", "right_for", "verified_bundles"]

R = TypeVar("R", bound=Message)


class Asker(Protocol):
    """A submit link, the account's own or a step's."""

    def call(self, request: Message, answer: type[R]) -> Awaitable[R]: ...


class DirectoryRefused(RefusedError):
    """The recipient's homeserver does not answer; for a stranger that is all that can be known."""

    def __init__(self, status: int, door: Door) -> None:
        super().__init__(status_code(status), "That person cannot be reached there.", retryable=is_retried(status))
        self.status = status
        self.door = door


@dataclass(frozen=True, slots=True)
class _Found:
    """A checked answer to a look-up."""

    user: UserPublic
    attestation: Signed
    signed: Signed
    devices: DeviceList
    certificates: dict[DeviceId, Signed]
    seal_keys: tuple[SealKey, ...]


async def look_up(home: Home, account: Account, person: Person, door: Door, ask: Asker, keys: Sequence[Ed25519Public]) -> None:
    """Find out who somebody is and which devices they have now, and store it.

    Raises `identity.changed` where another key answers than the one that is known; who has the place of that one then is stored too.
    """
    known = person.devices
    lookup = Lookup(domain=person.address.domain, known_version=known.version if known else 0)
    if person.user and not person.anew:
        lookup.user = person.user
    else:
        lookup.localpart = person.address.localpart
    query = lookup.SerializeToString()
    call_id = home.rng(16)
    request = LookupRequest(id=call_id, query=query, right=right_for(door, call_id, query, lookup.user))
    reply = await ask.call(request, LookupReply)
    if reply.status != Status.STATUS_ACCEPTED:
        raise DirectoryRefused(reply.status, door)
    found = _check(person, reply, keys, home.clock())
    if not await home.change(lambda execute: _keep(execute, home, account, person.id, found)):
        raise IntegrityError(IDENTITY_CHANGED, "Another key answers for this person.", "Compare the safety number with them.")


def right_for(door: Door, call_id: bytes, query: bytes, user: bytes) -> Right:
    """The right of a door, over a question and its id."""
    match door.kind:
        case "stranger":
            return Right(stranger=Step(id=door.id))
        case "invite":
            return Right(invite=InviteProof(id=door.id, proof=call_proof(door.key, call_id, query, user)))
    return Right(token=call_proof(door.key, call_id, query, user))


def _check(person: Person, reply: LookupReply, keys: Sequence[Ed25519Public], now: float) -> _Found:
    user = UserPublic.from_packet(reply.user_key)
    verify_attestation(reply.attestation, keys, address=person.address, user=user.id)
    known = Signed.FromString(person.device_list) if person.device_list and user.id == person.user else None
    newest = follow_device_lists(known, list(reply.device_lists), user, now)
    devices = read_device_list(newest, user)
    certificates = match_certificates(devices, list(reply.certificates), user, now)
    signed = {verify_device_certificate(c, user, now).device: c for c in reply.certificates}
    return _Found(user, reply.attestation, newest, devices, signed, tuple(_seal_keys(reply.seks, certificates.values(), now)))


def _seal_keys(seks: Iterable[Signed], certificates: Iterable[object], now: float) -> Iterable[SealKey]:
    """This week's key of each device; a device without one has been away for too long and is no target (P47)."""
    certificates = list(certificates)
    for signed in seks:
        for certificate in certificates:
            try:
                yield verify_seal_key(signed, certificate, now)  # type: ignore[arg-type]
            except IntegrityError:
                continue
            break


def _keep(execute: Execute, home: Home, account: Account, number: int, found: _Found) -> bool:
    """Store who was found; False where it is another key than the one that was asked about."""
    person = person_of(execute, number)
    other = person_by_user(execute, account.id, found.user.id)
    if other is not None and other.id != number and (other.address != person.address or not person.user):
        raise IntegrityError("identity.double", "This person is among the contacts under another address already.")
    if person.user and found.user.id != person.user:
        if other is None:
            other = person_of(execute, add_person(execute, account.id, person.address, ContactState.PENDING, home.clock()))
            _store(execute, home, account, other, found)
        if other.state is ContactState.PENDING:  # not one that the owner has turned away
            meet_other_key(execute, home, account, person, person_of(execute, other.id))
        return False
    _store(execute, home, account, person, found)
    return True


def _store(execute: Execute, home: Home, account: Account, person: Person, found: _Found) -> None:
    number = person.id
    new = keep_list(execute, account.id, number, found.devices)
    keep_certificates(execute, account.id, number, found.certificates.items())
    keep_seal_keys(execute, account.id, number, found.seal_keys)
    if new and person.device_list and person.answers:
        warn(execute, home, account, person, DEVICES_ADDED)  # P23
    execute(
        "UPDATE person SET user = ?, user_key = ?, attestation = ?, device_list = ?, looked_week = ?, anew = 0 WHERE id = ?",
        (
            found.user.id,
            found.user.packet,
            found.attestation.SerializeToString(),
            found.signed.SerializeToString(),
            week_of(home.clock()),
            number,
        ),
    )
    if not person.user:
        settle_conversation(execute, account, number, found.user.id)
        home.events.record(
            execute,
            str(account.address),
            "contact.changed",
            home.clock(),
            user=found.user.id.hex(),
            address=str(person.address),
            state=person.state.value,
        )


async def claim(home: Home, account: Account, person: Person, devices: Sequence[DeviceId], door: Door, ask: Asker) -> None:
    """Fetch a prekey bundle of each of these devices and begin sessions."""
    query = Claim(domain=person.address.domain, user=person.user, devices=devices).SerializeToString()
    call_id = home.rng(16)
    request = ClaimRequest(id=call_id, query=query, right=right_for(door, call_id, query, person.user))
    reply = await ask.call(request, ClaimReply)
    if reply.status != Status.STATUS_ACCEPTED:
        raise DirectoryRefused(reply.status, door)
    listed = person.devices
    if listed is None:
        raise IntegrityError("devices.invalid", "The list of this person's devices is not known.")
    bundles = verified_bundles(reply.bundles, person.public, listed, home.clock())
    await home.change(lambda execute: _begin(execute, home, account, person.id, bundles))


def verified_bundles(raw: Iterable[PrekeyBundle], user: UserPublic, listed: DeviceList, now: float) -> list[tuple[Bundle, Signed]]:
    """Check bundles against the verified list of their person; one that does not hold refuses all of them."""
    by_device = {d.device: d for d in listed.devices}
    checked = []
    for bundle in raw:
        device = verify_device_certificate(bundle.certificate, user, now).device
        if device not in by_device:
            raise IntegrityError("devices.invalid", "Keys came for a device that is not in the list.")
        checked.append((verify_bundle(bundle, user, by_device[device], now), bundle.certificate))
    return checked


def _begin(execute: Execute, home: Home, account: Account, person: int, bundles: Iterable[tuple[Bundle, Signed]]) -> None:
    for bundle, certificate in bundles:
        begin_session(execute, account, bundle, home.clock(), home.rng)
        keep_certificates(execute, account.id, person, [(bundle.party.device, certificate)])
        keep_seal_keys(execute, account.id, person, [bundle.seal_key])

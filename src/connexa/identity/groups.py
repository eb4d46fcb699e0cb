"""What devices and admins sign about groups: whose a key package is, who the admins are, who takes a hub's place (groups §5).

A key package comes from the homeserver of its person, so the device signs that it is its own (I87), with the alias under which a hub
will know it. Admins sign with keys made for one group alone, which name nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidKey, InvalidSignature, Kind, Rng, sha256
from connexa.errors import IntegrityError, UsageError
from connexa.identity.address import ID_SIZE, DeviceId, Domain, UserId, check_domain
from connexa.identity.devices import DeviceCertificate
from connexa.identity.statement import CLOCK_SKEW, open_statement, seal_statement
from connexa.wire import MAX_STATEMENT, malformed, parse
from connexa.wire.v1 import groups_pb2
from connexa.wire.v1.groups_pb2 import AdminSignature, GroupTakeOver, SignedAdmins, TakeOver
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "KEY_PACKAGE_LIFE",
    "MAX_ADMIN_KEYS",
    "MAX_FALLBACK_HUBS",
    "GroupAdmins",
    "KeyPackageProof",
    "beats",
    "issue_admins",
    "issue_heartbeat",
    "issue_key_package_proof",
    "read_admins",
    "read_take_over",
    "signed_offer",
    "signed_record",
    "sign_take_over",
    "verify_admins",
    "verify_first_admins",
    "verify_heartbeat",
    "verify_key_package_proof",
    "verify_take_over",
]

KEY_PACKAGE_LIFE: Final = 60 * 86_400
MAX_ADMIN_KEYS: Final = 64
MAX_FALLBACK_HUBS: Final = 8
MAX_TAG: Final = 64
GROUP_ID_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class KeyPackageProof:
    """A device says: this key package is mine, and hubs reach me for it under this alias."""

    user: UserId
    device: DeviceId
    ref: bytes
    alias: bytes
    expires: int


def issue_key_package_proof(proof: KeyPackageProof, dsk: Ed25519Secret) -> Signed:
    """Sign with the device's key."""
    message = groups_pb2.KeyPackageProof(user=proof.user, device=proof.device, ref=proof.ref, alias=proof.alias, expires=proof.expires)
    return seal_statement(Kind.KEY_PACKAGE, message, dsk)


def verify_key_package_proof(signed: Signed, certificate: DeviceCertificate, now: float) -> KeyPackageProof:
    """Check a proof under the keys of its device; IntegrityError `key_package.invalid` or `key_package.expired`."""
    message = open_statement(Kind.KEY_PACKAGE, signed, [certificate.dsk], groups_pb2.KeyPackageProof)
    if (message.user, message.device) != (certificate.user, certificate.device):
        raise _bad_proof("It names another device.")
    if not 1 <= len(message.ref) <= 64 or len(message.alias) != ID_SIZE:
        raise _bad_proof("It is malformed.")
    if message.expires > now + KEY_PACKAGE_LIFE + CLOCK_SKEW:
        raise _bad_proof("It lives for longer than 60 days.")
    if message.expires < now:
        raise IntegrityError("key_package.expired", "A key package has expired.")
    return KeyPackageProof(certificate.user, certificate.device, message.ref, message.alias, message.expires)


def _bad_proof(why: str) -> IntegrityError:
    return IntegrityError("key_package.invalid", f"The proof of a key package does not hold. {why}")


@dataclass(frozen=True, slots=True)
class GroupAdmins:
    """The admins' keys of one group, by number of the set, and the hubs that may take over, in order."""

    group: bytes
    version: int
    keys: tuple[bytes, ...]
    fallback_hubs: tuple[Domain, ...]

    @property
    def needed(self) -> int:
        """How many of them sign a take-over: half, rounded up."""
        return (len(self.keys) + 1) // 2


def issue_admins(admins: GroupAdmins, key: Ed25519Secret) -> SignedAdmins:
    """Sign a set with a key of the set before it; the first with one of its own."""
    body = groups_pb2.GroupAdmins(
        group=admins.group, version=admins.version, keys=admins.keys, fallback_hubs=admins.fallback_hubs
    ).SerializeToString(deterministic=True)
    return SignedAdmins(body=body, key=key.public.raw, signature=key.sign(Kind.GROUP_ADMINS, body))


def verify_admins(signed: SignedAdmins, group: bytes, before: GroupAdmins | None = None) -> GroupAdmins:
    """Check a set: it follows `before`, signed by one of its keys; without one it is signed by one of its own.

    IntegrityError `group.bad_admins`; a set that is `before` itself is taken again.
    """
    admins = read_admins(signed, group)
    if before is not None and admins == before:
        return before
    signers = admins.keys if before is None else before.keys
    if signed.key not in signers or (before is not None and admins.version != before.version + 1):
        raise _bad_admins("It does not follow the set before it.")
    Ed25519Public.from_bytes(signed.key).verify(Kind.GROUP_ADMINS, signed.body, signed.signature)
    return admins


def verify_first_admins(signed: SignedAdmins, group: bytes) -> GroupAdmins:
    """Check a set whose forerunner is not known here: a hub vouches for it, and the signature has to be one."""
    admins = read_admins(signed, group)
    try:
        Ed25519Public.from_bytes(signed.key).verify(Kind.GROUP_ADMINS, signed.body, signed.signature)
    except InvalidKey:
        raise _bad_admins("The key that signed it is malformed.") from None
    return admins


def read_admins(signed: SignedAdmins, group: bytes) -> GroupAdmins:
    """Read a set whose signature was checked when it came."""
    message = parse(groups_pb2.GroupAdmins, signed.body, MAX_STATEMENT)
    keys, hubs = tuple(message.keys), tuple(message.fallback_hubs)
    if message.group != group or message.version < 1:
        raise _bad_admins("It is of another group.")
    if not 1 <= len(keys) <= MAX_ADMIN_KEYS or len(set(keys)) != len(keys):
        raise _bad_admins("It names nobody, too many, or one twice.")
    if len(hubs) > MAX_FALLBACK_HUBS or len(set(hubs)) != len(hubs):
        raise _bad_admins("It names too many hubs, or one twice.")
    try:
        for key in keys:
            Ed25519Public.from_bytes(key)
        return GroupAdmins(group, message.version, keys, tuple(check_domain(hub) for hub in hubs))
    except (InvalidKey, UsageError):
        raise _bad_admins("A key or a domain in it is malformed.") from None


def _bad_admins(why: str) -> IntegrityError:
    return IntegrityError("group.bad_admins", f"A group's set of admins does not hold. {why}")


def sign_take_over(body: bytes, key: Ed25519Secret, now: float) -> AdminSignature:
    """One admin device's word that this hub goes on; `body` is a TakeOver as it will be carried."""
    at = int(now)
    return AdminSignature(key=key.public.raw, signature=key.sign(Kind.GROUP_TAKE_OVER, body + at.to_bytes(8, "big")), at=at)


def read_take_over(record: GroupTakeOver) -> TakeOver:
    """Read a record before its signatures are checked; WireError `frame.malformed`."""
    read = parse(TakeOver, record.body, MAX_STATEMENT)
    try:
        hubs = {check_domain(read.hub), check_domain(read.old_hub)}
    except UsageError:
        raise malformed("a take-over names no domain") from None
    if len(read.group) != GROUP_ID_SIZE or len(read.state) != 32 or len(read.tag) > MAX_TAG or len(hubs) != 2 or read.term < 1:
        raise malformed("a take-over has fields that do not fit")
    return read


def verify_take_over(record: GroupTakeOver, admins: GroupAdmins) -> TakeOver:
    """Check that at least half of the admins' keys signed; IntegrityError `group.bad_take_over`."""
    signed_record(record, admins)
    return read_take_over(record)


def signed_record(record: GroupTakeOver, admins: GroupAdmins) -> GroupTakeOver:
    """Check a record, and return it as it is kept and shown: without the state, with one good signature of each admin and nothing else.

    Anybody may bring a record, so what they have put beside the signatures goes no further.
    """
    signed = signed_offer(record, admins)
    if len(signed.signatures) < admins.needed:
        raise _bad_take_over("Too few admins signed it.")
    return signed


def signed_offer(record: GroupTakeOver, admins: GroupAdmins) -> GroupTakeOver:
    """Check a take-over that may lack signatures yet, and return what holds of it: one good signature at least."""
    read = read_take_over(record)
    if read.group != admins.group or read.hub not in admins.fallback_hubs:
        raise _bad_take_over("It is of another group, or names a hub that is no fallback.")
    if len(record.signatures) > MAX_ADMIN_KEYS:
        raise _bad_take_over("It has too many signatures.")
    if record.state and sha256(record.state) != read.state:
        raise _bad_take_over("The state beside it is not the one that was signed.")
    signed = {one.key: one for one in record.signatures if one.key in admins.keys and _holds(record.body, one)}
    if not signed:
        raise _bad_take_over("No admin signed it.")
    return GroupTakeOver(body=record.body, signatures=[signed[key] for key in sorted(signed)])


def _holds(body: bytes, one: AdminSignature) -> bool:
    try:
        Ed25519Public.from_bytes(one.key).verify(Kind.GROUP_TAKE_OVER, body + one.at.to_bytes(8, "big"), one.signature)
    except (InvalidKey, InvalidSignature):
        return False
    return True


def _bad_take_over(why: str) -> IntegrityError:
    return IntegrityError("group.bad_take_over", f"A take-over does not hold. {why}")


def beats(one: TakeOver, other: TakeOver) -> bool:
    """Which of two branches is the group: the higher term, then the longer epoch, then the smaller confirmation tag (groups §5.12)."""
    return (-one.term, -one.epoch, one.tag, one.hub) < (-other.term, -other.epoch, other.tag, other.hub)


def issue_heartbeat(hub: Domain, fallback: Domain, now: float, domain_key: Ed25519Secret, rng: Rng) -> Signed:
    """A hub says to one of its fallbacks that it is there."""
    message = groups_pb2.HubHeartbeat(hub=hub, fallback=fallback, at=int(now), nonce=rng(32))
    return seal_statement(Kind.HUB_HEARTBEAT, message, domain_key)


def verify_heartbeat(signed: Signed, keys: Iterable[Ed25519Public], *, hub: Domain, fallback: Domain, now: float) -> int:
    """Check a heartbeat under the pinned keys of its domain; returns when it was made, at most 10 minutes ahead of `now`."""
    message = open_statement(Kind.HUB_HEARTBEAT, signed, keys, groups_pb2.HubHeartbeat)
    if (message.hub, message.fallback) != (hub, fallback) or message.at > now + CLOCK_SKEW:
        raise IntegrityError("group.bad_heartbeat", "A heartbeat is of another hub, for another, or of a time to come.")
    return message.at

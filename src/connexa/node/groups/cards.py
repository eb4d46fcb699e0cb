"""Whose leaf is whose (I87): the card that a device brings into a group, and its checks at every member.

A leaf names nobody: its credential is the alias, its keys are made for one group. The card beside it binds the key package by which it came
to a device, the device to a user key, and the user key to an address. `device_of` and `alias_of` read cards that were checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from connexa.content import GroupPerson, MemberCard
from connexa.crypto import Ed25519Public, X25519Public
from connexa.errors import IntegrityError
from connexa.identity import (
    DeviceId,
    UserId,
    UserPublic,
    verify_attestation,
    verify_device_certificate,
    verify_key_package_proof,
)
from connexa.mls.codec import decode
from connexa.mls.key_package import KeyPackage
from connexa.mls.suite import get_suite
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1 import groups_pb2
from connexa.wire.v1.keys_pb2 import DeviceCertificate, Signed

__all__ = ["Checked", "alias_of", "by_signature_key", "check_card", "check_person", "device_of", "identity_key_of"]

TrustedKeys = Callable[[str], tuple[Ed25519Public, ...] | None]
"""The keys that are pinned for a domain, or None where it was never met."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a card that holds says."""

    user: UserId
    device: DeviceId
    alias: bytes
    ref: bytes
    signature_key: bytes


def check_card(card: MemberCard, person: GroupPerson, now: float) -> Checked:
    """Check a card of this person; `now` 0 for one that has been in the group, whose package may have expired."""
    user = UserPublic.from_packet(person.user_key)
    if user.id != person.user or card.user != person.user:
        raise _bad("It names another person.")
    certificate = verify_device_certificate(card.certificate, user, now)
    claimed = _proof(card.proof)
    proof = verify_key_package_proof(card.proof, certificate, now or claimed.expires)
    package = decode(KeyPackage.read, card.key_package)
    if package.ref(get_suite(package.cipher_suite)) != proof.ref or package.leaf_node.credential.identity != proof.alias:
        raise _bad("It is for another key package.")
    return Checked(user.id, certificate.device, proof.alias, proof.ref, package.leaf_node.signature_key)


def check_person(person: GroupPerson, trusted: TrustedKeys) -> bool:
    """Check that the domain says so; False where it was never met, so that nobody can tell yet."""
    keys = trusted(person.address.domain)
    if keys is None:
        return False
    verify_attestation(person.attestation, keys, address=person.address, user=person.user)
    return True


def device_of(card: MemberCard) -> DeviceId:
    """The device of a checked card."""
    return DeviceId(_proof(card.proof).device)


def alias_of(card: MemberCard) -> bytes:
    """The alias under which the hub knows the device of a checked card."""
    return _proof(card.proof).alias


def identity_key_of(card: MemberCard) -> X25519Public:
    """The key that the device of a checked card has for as long as it is one."""
    return X25519Public.from_bytes(parse(DeviceCertificate, card.certificate.body, MAX_STATEMENT).dik)


@lru_cache(maxsize=4096)
def _signature_key(key_package: bytes) -> bytes:
    """The key that the leaf of a checked card signs with, as long as the device stays in the group; each message asks for its sender."""
    return decode(KeyPackage.read, key_package).leaf_node.signature_key


def _proof(signed: Signed) -> groups_pb2.KeyPackageProof:
    return parse(groups_pb2.KeyPackageProof, signed.body, MAX_STATEMENT)


def _bad(why: str) -> IntegrityError:
    return IntegrityError("group.bad_card", f"The proof of whose device is in the group does not hold. {why}")


def by_signature_key(cards: Iterable[MemberCard]) -> dict[bytes, MemberCard]:
    """Checked cards by the key that their leaves sign with."""
    return {_signature_key(card.key_package): card for card in cards}

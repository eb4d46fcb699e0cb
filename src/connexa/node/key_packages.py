"""Key packages between a node and homeservers: its own pool and Welcomes on the mailbox link, claims of other people's on a submit link.

A key package is taken only with the proof of its device that it is its own (I87). What a key package or a Welcome means is for others;
nothing here is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from connexa.crypto import Rng
from connexa.errors import IntegrityError
from connexa.identity import (
    DeviceCertificate,
    DeviceId,
    DeviceList,
    KeyPackageProof,
    UserPublic,
    body_hash,
    verify_device_certificate,
    verify_key_package_proof,
)
from connexa.node.directory import Asker, DirectoryRefused, right_for
from connexa.node.people import Person
from connexa.node.sealing import Door
from connexa.wire.v1.groups_pb2 import (
    GetWelcomes,
    KeptWelcome,
    KeyPackageStatus,
    KeyPackageStatusReply,
    OwnKeyPackages,
    PutAliases,
    PutKeyPackages,
    WelcomesDone,
    WelcomesReply,
)
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Claim, ClaimedKeyPackage, ClaimKeyPackages, Empty, KeyPackagesReply, Status

__all__ = [
    "ALIASES_AT_ONCE",
    "Claimed",
    "checked_key_packages",
    "claim_key_packages",
    "fetch_welcomes",
    "key_package_status",
    "own_key_packages",
    "put_aliases",
    "put_key_packages",
    "welcomes_done",
]

ALIASES_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody's key package, of a device that has proved it is its own."""

    certificate: DeviceCertificate
    signed_certificate: Signed
    key_package: bytes
    proof: KeyPackageProof
    signed_proof: Signed


# ---- other people's, on a submit link


async def claim_key_packages(ask: Asker, person: Person, devices: Sequence[DeviceId], door: Door, *, now: float, rng: Rng) -> list[Claimed]:
    """Claim one key package of each of these devices (none named: all) of somebody whose device list is known.

    Devices that have none are left out. DirectoryRefused where the door does not open (a stranger's never does), IntegrityError where a
    package is not its device's.
    """
    query = Claim(domain=person.address.domain, user=person.user, devices=devices).SerializeToString()
    call_id = rng(16)
    request = ClaimKeyPackages(id=call_id, query=query, right=right_for(door, call_id, query, person.user))
    reply = await ask.call(request, KeyPackagesReply)
    if reply.status != Status.STATUS_ACCEPTED:
        raise DirectoryRefused(reply.status, door)
    if person.devices is None:
        raise IntegrityError("devices.invalid", "The list of this person's devices is not known.")
    return checked_key_packages(reply.packages, person.public, person.devices, now)


def checked_key_packages(packages: Iterable[ClaimedKeyPackage], user: UserPublic, listed: DeviceList, now: float) -> list[Claimed]:
    """Check key packages against the verified list of their person; one that does not hold refuses all of them."""
    certificates = {d.device: d.certificate for d in listed.devices}
    checked: list[Claimed] = []
    for package in packages:
        certificate = verify_device_certificate(package.certificate, user, now)
        if certificates.pop(certificate.device, None) != body_hash(package.certificate):
            raise IntegrityError("devices.invalid", "A key package came for a device that is not in the list, or a second one.")
        proof = verify_key_package_proof(package.offered.proof, certificate, now)
        checked.append(Claimed(certificate, package.certificate, package.offered.key_package, proof, package.offered.proof))
    return checked


# ---- our own, on the mailbox link


async def put_key_packages(link: Asker, upload: PutKeyPackages) -> None:
    """Add to this device's pool; a last-resort package takes the place of the one before it."""
    await link.call(upload, Empty)


async def key_package_status(link: Asker) -> KeyPackageStatusReply:
    """What is left of the pool."""
    return await link.call(KeyPackageStatus(), KeyPackageStatusReply)


async def own_key_packages(link: Asker, devices: Sequence[DeviceId], user: UserPublic, listed: DeviceList, now: float) -> list[Claimed]:
    """Claim a key package of each of these other devices of this person (none named: all)."""
    reply = await link.call(OwnKeyPackages(devices=devices), KeyPackagesReply)
    return checked_key_packages(reply.packages, user, listed, now)


async def put_aliases(link: Asker, aliases: Sequence[bytes], drop: Sequence[bytes] = ()) -> None:
    """Register aliases, or renew them for another 90 days; forget others. At most 1,000 of each at once."""
    await link.call(PutAliases(aliases=aliases, drop=drop), Empty)


async def fetch_welcomes(link: Asker) -> tuple[list[KeptWelcome], bool]:
    """The oldest Welcomes that wait for this device, and whether there are more; they stay until `welcomes_done`."""
    reply = await link.call(GetWelcomes(), WelcomesReply)
    return list(reply.welcomes), reply.more


async def welcomes_done(link: Asker, ids: Sequence[bytes]) -> None:
    """Welcomes that were joined, or are of no use: they need not be kept any longer."""
    await link.call(WelcomesDone(ids=ids), Empty)

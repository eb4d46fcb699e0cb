"""Device certificates and device lists: which devices speak for a person, and in which order lists follow each other.

Implements identity §5 and first-message §9. A list holds 1 to 8 devices, lives at most 30 days, and names the hash of the
one before it. An expired list is still the newest one: sessions go on, new ones wait (`DeviceList.expired`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connexa.crypto import Ed25519Public, Kind, X25519Public, sha256
from connexa.errors import IntegrityError
from connexa.identity.address import ID_SIZE, DeviceId, UserId
from connexa.identity.statement import CLOCK_SKEW, body_hash, open_statement, seal_statement
from connexa.identity.user import UserPublic, UserSecret
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import Signed

SUITE = 0x0001
MAX_DEVICES = 8
MAX_LIST_LIFE = 30 * 86_400


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """The user key says: these are the keys of one of my devices."""

    user: UserId
    device: DeviceId
    dsk: Ed25519Public
    dik: X25519Public
    not_after: int
    suites: tuple[int, ...] = (SUITE,)


def issue_device_certificate(certificate: DeviceCertificate, user: UserSecret) -> Signed:
    """Sign a device's keys with the user key."""
    if certificate.user != user.id:
        raise _bad_certificate("It would name another person.")
    message = keys_pb2.DeviceCertificate(
        user=certificate.user,
        device=certificate.device,
        dsk=certificate.dsk.raw,
        dik=certificate.dik.raw,
        not_after=certificate.not_after,
        suites=certificate.suites,
    )
    return seal_statement(Kind.DEVICE, message, user.key)


def verify_device_certificate(signed: Signed, user: UserPublic, now: float) -> DeviceCertificate:
    """Check a device certificate of this person at this time."""
    message = open_statement(Kind.DEVICE, signed, [user.key], keys_pb2.DeviceCertificate)
    if message.user != user.id or len(message.device) != ID_SIZE:
        raise _bad_certificate("It names another person or no device.")
    if SUITE not in message.suites or len(message.suites) > 16:
        raise _bad_certificate("The device speaks no suite of ours.")
    if message.not_after < now:
        raise IntegrityError("certificate.expired", "A device certificate has expired.")
    dsk, dik = Ed25519Public.from_bytes(message.dsk), X25519Public.from_bytes(message.dik)
    return DeviceCertificate(UserId(message.user), DeviceId(message.device), dsk, dik, message.not_after, tuple(message.suites))


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device and the hash of its certificate's body."""

    device: DeviceId
    certificate: bytes


@dataclass(frozen=True, slots=True)
class DeviceList:
    """All devices of a person, as of one version."""

    user: UserId
    version: int
    previous: bytes
    devices: tuple[ListedDevice, ...]
    not_after: int
    backup: int = 0  # counter of the newest backup when the list was made (P27)

    def expired(self, now: float) -> bool:
        """Tell whether this list may no longer start sessions."""
        return self.not_after < now

    def device_ids(self) -> frozenset[DeviceId]:
        """The ids of all listed devices."""
        return frozenset(listed.device for listed in self.devices)


def issue_device_list(devices: DeviceList, user: UserSecret) -> Signed:
    """Sign a list with the user key."""
    _check_shape(devices, user.id)
    message = keys_pb2.DeviceList(
        user=devices.user,
        version=devices.version,
        previous=devices.previous,
        devices=[keys_pb2.ListedDevice(device=d.device, certificate=d.certificate) for d in devices.devices],
        not_after=devices.not_after,
        backup=devices.backup,
    )
    return seal_statement(Kind.DEVICE_LIST, message, user.key)


def next_device_list(previous: Signed | None, user: UserSecret, certificates: Sequence[Signed], now: float, *, backup: int = 0) -> Signed:
    """Sign the list that follows `previous` (None: the first) and holds exactly these certificates, for 30 days.

    `backup` counts the backups that were made; no list names a lower number than the one before it.
    """
    known = read_device_list(previous, user.public) if previous else None
    listed = (_listed(certificate, user.public, now) for certificate in certificates)
    following = DeviceList(
        user=user.id,
        version=known.version + 1 if known else 1,
        previous=body_hash(previous) if previous else b"",
        devices=tuple(listed),
        not_after=int(now) + MAX_LIST_LIFE,
        backup=max(backup, known.backup if known else 0),
    )
    return issue_device_list(following, user)


def read_device_list(signed: Signed, user: UserPublic) -> DeviceList:
    """Check signature and shape of a list, whatever its age: for links of a chain and for lists that are already stored."""
    message = open_statement(Kind.DEVICE_LIST, signed, [user.key], keys_pb2.DeviceList)
    listed = tuple(ListedDevice(DeviceId(d.device), d.certificate) for d in message.devices)
    devices = DeviceList(UserId(message.user), message.version, message.previous, listed, message.not_after, message.backup)
    _check_shape(devices, user.id)
    return devices


def verify_device_list(signed: Signed, user: UserPublic, now: float) -> DeviceList:
    """Check a list that is to be used now: signed, well-formed, not expired, and not dated further ahead than 30 days."""
    devices = read_device_list(signed, user)
    if devices.expired(now):
        raise IntegrityError(
            "devices.expired", "The list of this person's devices has expired.", "It is renewed when their primary device is on."
        )
    if devices.not_after > now + MAX_LIST_LIFE + CLOCK_SKEW:
        raise _bad_list("It is valid for longer than 30 days.")
    return devices


def check_successor(previous_body: bytes, following: DeviceList) -> None:
    """Check that a list is the very next one after the one with this body (first-message §9)."""
    previous = keys_pb2.DeviceList.FromString(previous_body)  # already verified and stored by the caller
    if following.user != previous.user:
        raise _bad_list("It is another person's list.")
    if following.version <= previous.version:
        raise IntegrityError("devices.rollback", "A list of devices is older than the known one.")
    if following.version > previous.version + 1:
        raise IntegrityError("devices.gap", "Lists of devices are missing in between.")
    if following.previous != sha256(previous_body):
        raise _fork("A list of devices does not follow the known one.")


def follow_device_lists(known: Signed | None, lists: Sequence[Signed], user: UserPublic, now: float) -> Signed:
    """Walk from the known list (None: trust the first) along `lists` and return the newest one, checked for use now.

    Lists up to the known version may be repeated; the one of the known version must then be the known one.
    """
    if not lists:
        raise _bad_list("There is none.")
    newest = known or lists[0]
    following = read_device_list(newest, user)
    version = following.version
    for signed in lists:
        following = read_device_list(signed, user)
        if following.version == version and signed.body != newest.body:
            raise _fork("Two different lists of devices carry the same version.")
        if following.version > version:
            check_successor(newest.body, following)
            newest, version = signed, following.version
    if following.version < version:
        raise IntegrityError("devices.rollback", "A list of devices is older than the known one.")
    verify_device_list(newest, user, now)
    return newest


def match_certificates(
    devices: DeviceList, certificates: Sequence[Signed], user: UserPublic, now: float
) -> dict[DeviceId, DeviceCertificate]:
    """Check that these are exactly the certificates that the list names, and read them."""
    if len(certificates) != len(devices.devices):
        raise _bad_list("Its certificates are not all there.")
    found = {_listed(signed, user, now): verify_device_certificate(signed, user, now) for signed in certificates}
    if found.keys() != set(devices.devices):
        raise _bad_list("It names other certificates.")
    return {listed.device: found[listed] for listed in devices.devices}


def _listed(certificate: Signed, user: UserPublic, now: float) -> ListedDevice:
    return ListedDevice(verify_device_certificate(certificate, user, now).device, body_hash(certificate))


def _check_shape(devices: DeviceList, user: UserId) -> None:
    if devices.user != user:
        raise _bad_list("It is another person's list.")
    if not 1 <= len(devices.devices) <= MAX_DEVICES:
        raise _bad_list("It names no device, or more than eight.")
    if any(len(d.device) != ID_SIZE or len(d.certificate) != 32 for d in devices.devices):
        raise _bad_list("It is malformed.")
    if len(devices.device_ids()) != len(devices.devices):
        raise _bad_list("It names a device twice.")
    if devices.version < 1 or len(devices.previous) != (0 if devices.version == 1 else 32):
        raise _bad_list("Its version and its predecessor do not fit.")


def _fork(what: str) -> IntegrityError:
    return IntegrityError("devices.fork", what, "Somebody may be showing you another list; compare safety numbers.")


def _bad_list(why: str) -> IntegrityError:
    return IntegrityError("devices.invalid", f"A list of devices is not valid. {why}")


def _bad_certificate(why: str) -> IntegrityError:
    return IntegrityError("certificate.invalid", f"A device certificate is not valid. {why}")

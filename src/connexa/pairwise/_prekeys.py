"""Prekeys: the keys that a device leaves at its homeserver so that others can begin a session while it is away.

Each is signed by the device signing key under its own kind, over id, user, device and expiry (P02). One-time and last-resort
ids come from disjoint ranges; an initial message looks the same for both. A sealed-sender key belongs to one week, and its id
is that week, so that nobody can be tagged by a key of their own (P47).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.crypto import (
    Ed25519Secret,
    HybridPublic,
    HybridSecret,
    InvalidSignature,
    Kind,
    MlKemPublic,
    MlKemSecret,
    Rng,
    X25519Public,
    X25519Secret,
)
from connexa.errors import IntegrityError
from connexa.identity import DeviceCertificate, DeviceId, ListedDevice, UserId, UserPublic, body_hash, verify_device_certificate
from connexa.identity.statement import CLOCK_SKEW, open_statement, seal_statement
from connexa.pairwise._parties import Party
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.keys_pb2 import Prekey as PrekeyMessage
from connexa.wire.v1.keys_pb2 import PrekeyBundle, Signed

__all__ = [
    "KEEP_OLD",
    "ONE_TIME_POOL",
    "ONE_TIME_REFILL",
    "PREKEY_LIFE",
    "ROTATE_AFTER",
    "SEAL_KEY_WEEKS",
    "Bundle",
    "Prekey",
    "PrekeyOwner",
    "SealKey",
    "is_last_resort",
    "make_last_resort",
    "make_one_time",
    "make_seal_key",
    "make_signed_prekey",
    "read_prekey",
    "verify_bundle",
    "verify_seal_key",
    "week_of",
]

ROTATE_AFTER = 7 * 86_400  # signed prekey and last-resort key
PREKEY_LIFE = 30 * 86_400  # signed expiry: a device that was away for longer is no target of new sessions
KEEP_OLD = 30 * 86_400  # private keys, after they were replaced or have expired (P29, P51)
ONE_TIME_POOL = 50
ONE_TIME_REFILL = 20
SEAL_KEY_WEEKS = 8  # uploaded ahead

_LAST_RESORT = 1 << 31
_SHAPES = {Kind.SPK: (True, False), Kind.KEM_LR: (False, True), Kind.OTP: (True, True), Kind.SEK: (True, True)}


def week_of(now: float) -> int:
    """Number of the UTC week, unix seconds // 604,800."""
    return int(now) // WEEK_SECONDS


def is_last_resort(kem_id: int) -> bool:
    """Whether the id of a KEM key is from the range of last-resort keys."""
    return bool(kem_id & _LAST_RESORT)


@dataclass(frozen=True, slots=True)
class PrekeyOwner:
    """The device that signs prekeys."""

    user: UserId
    device: DeviceId
    dsk: Ed25519Secret = field(repr=False)


def make_signed_prekey(owner: PrekeyOwner, number: int, now: float, rng: Rng) -> tuple[Signed, X25519Secret]:
    """A signed prekey; number from 1, never used twice by a device."""
    secret = X25519Secret.generate(rng)
    return _sign(owner, Kind.SPK, number, now, x25519=secret.public), secret


def make_last_resort(owner: PrekeyOwner, number: int, now: float, rng: Rng) -> tuple[Signed, MlKemSecret]:
    """A last-resort KEM key; its id is the number in the upper half of the range."""
    secret = MlKemSecret.generate(rng)
    return _sign(owner, Kind.KEM_LR, _LAST_RESORT | number, now, mlkem=secret.public), secret


def make_one_time(owner: PrekeyOwner, number: int, now: float, rng: Rng) -> tuple[Signed, HybridSecret]:
    """A one-time pair under one id and one signature."""
    secret = HybridSecret.generate(rng)
    return _sign(owner, Kind.OTP, number, now, x25519=secret.x25519.public, mlkem=secret.mlkem.public), secret


def make_seal_key(owner: PrekeyOwner, week: int, rng: Rng) -> tuple[Signed, HybridSecret]:
    """The sealed-sender key of one week."""
    secret = HybridSecret.generate(rng)
    message = PrekeyMessage(
        type=Kind.SEK,
        id=week,
        user=owner.user,
        device=owner.device,
        starts=week * WEEK_SECONDS,
        expires=(week + 1) * WEEK_SECONDS,
        x25519=secret.x25519.public.raw,
        mlkem768=secret.mlkem.public.raw,
    )
    return seal_statement(Kind.SEK, message, owner.dsk), secret


@dataclass(frozen=True, slots=True)
class Prekey:
    """A prekey whose signature, fields and keys hold."""

    kind: Kind
    id: int
    expires: int
    x25519: X25519Public | None
    mlkem: MlKemPublic | None


def read_prekey(kind: Kind, signed: Signed, certificate: DeviceCertificate, now: float) -> Prekey:
    """Check a prekey of that kind and device; a sealed-sender key may be for a later week. Homeservers use this on upload."""
    message = open_statement(kind, signed, [certificate.dsk], PrekeyMessage)
    if (message.type, message.user, message.device) != (kind, certificate.user, certificate.device):
        raise _invalid("It is of another kind or device.")
    if (bool(message.x25519), bool(message.mlkem768)) != _SHAPES[kind]:
        raise _invalid("It has not the keys of its kind.")
    if not message.id or (kind is not Kind.SEK and (is_last_resort(message.id) != (kind is Kind.KEM_LR))):
        raise _invalid("Its number is not of its kind.")
    _check_time(kind, message, now)
    x25519 = X25519Public(message.x25519) if message.x25519 else None
    mlkem = MlKemPublic(message.mlkem768) if message.mlkem768 else None
    return Prekey(kind, message.id, message.expires, x25519, mlkem)


@dataclass(frozen=True, slots=True)
class SealKey:
    """A device's sealed-sender key of this week."""

    device: DeviceId
    id: int
    key: HybridPublic


def verify_seal_key(signed: Signed, certificate: DeviceCertificate, now: float) -> SealKey:
    """Check a sealed-sender key for use now."""
    prekey = read_prekey(Kind.SEK, signed, certificate, now)
    if not prekey.id * WEEK_SECONDS - CLOCK_SKEW <= now < prekey.expires + CLOCK_SKEW:
        raise _invalid("It is for another week.")
    x25519, mlkem = _both(prekey)
    return SealKey(certificate.device, prekey.id, HybridPublic(mlkem, x25519))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified prekey bundle: everything that is needed to begin a session with one device."""

    party: Party
    spk_id: int
    spk: X25519Public
    kem_id: int
    kem: MlKemPublic
    one_time: X25519Public | None
    seal_key: SealKey


def verify_bundle(bundle: PrekeyBundle, user: UserPublic, listed: ListedDevice, now: float) -> Bundle:
    """Check a bundle of a device that stands in the user's verified list."""
    certificate = verify_device_certificate(bundle.certificate, user, now)
    if certificate.device != listed.device or body_hash(bundle.certificate) != listed.certificate:
        raise _invalid("Its device is not the one in the list.")
    spk = read_prekey(Kind.SPK, bundle.spk, certificate, now)
    one_time = _read_one_time(bundle.one_time, certificate, now)
    if spk.x25519 is None or one_time.mlkem is None:
        raise _invalid("A key is missing.")
    return Bundle(
        Party.of(user, certificate),
        spk.id,
        spk.x25519,
        one_time.id,
        one_time.mlkem,
        one_time.x25519,
        verify_seal_key(bundle.sek, certificate, now),
    )


def _read_one_time(signed: Signed, certificate: DeviceCertificate, now: float) -> Prekey:
    # The field holds either kind; their signatures have different labels, so at most one of the two holds.
    try:
        return read_prekey(Kind.OTP, signed, certificate, now)
    except InvalidSignature:
        return read_prekey(Kind.KEM_LR, signed, certificate, now)


def _sign(
    owner: PrekeyOwner, kind: Kind, number: int, now: float, *, x25519: X25519Public | None = None, mlkem: MlKemPublic | None = None
) -> Signed:
    message = PrekeyMessage(
        type=kind,
        id=number,
        user=owner.user,
        device=owner.device,
        expires=int(now) + PREKEY_LIFE,
        x25519=x25519.raw if x25519 else b"",
        mlkem768=mlkem.raw if mlkem else b"",
    )
    return seal_statement(kind, message, owner.dsk)


def _check_time(kind: Kind, message: PrekeyMessage, now: float) -> None:
    if message.expires + CLOCK_SKEW < now:
        raise IntegrityError("prekey.expired", "A prekey has expired.")
    if kind is Kind.SEK:
        if (message.starts, message.expires) != (message.id * WEEK_SECONDS, (message.id + 1) * WEEK_SECONDS):
            raise _invalid("It is not for one week.")
    elif message.starts or message.expires > now + PREKEY_LIFE + CLOCK_SKEW:
        raise _invalid("It is valid for too long.")


def _both(prekey: Prekey) -> tuple[X25519Public, MlKemPublic]:
    if prekey.x25519 is None or prekey.mlkem is None:
        raise _invalid("A key is missing.")
    return prekey.x25519, prekey.mlkem


def _invalid(why: str) -> IntegrityError:
    return IntegrityError("prekey.invalid", f"A prekey is not valid. {why}")

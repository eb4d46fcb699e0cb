"""The OpenPGP form of a person: a v6 certificate and its v4 twin, made of the same keys (identity §4).

The primary key certifies only; one subkey encrypts; this device's signing key stands beside them if it is given. Certificates are
built by `_openpgp_packets` and read back by Sequoia before they leave, so that nothing is given out that others would refuse.
This is the one module that imports pysequoia.
"""

from __future__ import annotations

import pysequoia

from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidKey, Rng
from connexa.errors import IntegrityError
from connexa.identity import _openpgp_packets as packets
from connexa.identity._openpgp_packets import KeyFlags, KeyPacket, SignatureType, Tag, Version
from connexa.identity.address import Address
from connexa.identity.user import UserPublic, UserSecret

MAX_CERTIFICATE = 65_536

_NO_SALT = b""


def export_v4(user: UserSecret, address: Address, device: Ed25519Secret | None = None) -> bytes:
    """Build the v4 certificate, for gpg and other programs of before RFC 9580; the same bytes each time."""
    return _checked(_build(Version.V4, user, address, device, _no_salt, secret=False))


def export_v6(user: UserSecret, address: Address, rng: Rng, device: Ed25519Secret | None = None) -> bytes:
    """Build the v6 certificate, whose fingerprint is the user id; its signatures are salted."""
    return _checked(_build(Version.V6, user, address, device, rng, secret=False))


def export_v4_secret(user: UserSecret, address: Address, device: Ed25519Secret | None = None) -> bytes:
    """Build the v4 key with its secrets in the clear, for its owner to carry into gpg; the caller guards the bytes."""
    return _checked(_build(Version.V4, user, address, device, _no_salt, secret=True))


def export_v6_secret(user: UserSecret, address: Address, rng: Rng, device: Ed25519Secret | None = None) -> bytes:
    """Build the v6 key with its secrets in the clear; the caller guards the bytes."""
    return _checked(_build(Version.V6, user, address, device, rng, secret=True))


def v4_fingerprint(user: UserPublic) -> bytes:
    """SHA-1 fingerprint of the v4 twin: what gpg shows, never an id of ours."""
    return packets.ed25519_packet(Version.V4, user.created, user.key.raw).fingerprint


def user_of_certificate(certificate: bytes) -> UserPublic:
    """Read whose certificate this is, v4 or v6; any primary key but Ed25519 is refused (I22)."""
    _checked(certificate)
    try:
        tag, body = packets.first_packet(certificate)
        if tag != Tag.PUBLIC_KEY:
            raise ValueError("not a public key")
        created, raw = packets.read_ed25519(body)
        return UserPublic(Ed25519Public.from_bytes(raw), created)
    except (ValueError, KeyError, IndexError, InvalidKey):
        raise _refused("Its primary key is not an Ed25519 key.") from None


def _build(version: Version, user: UserSecret, address: Address, device: Ed25519Secret | None, rng: Rng, *, secret: bool) -> bytes:
    created = user.created
    encryption = user.encryption_key()
    primary = packets.ed25519_packet(version, created, user.public.key.raw)
    subkey = packets.x25519_packet(version, created, encryption.public.raw)
    parts = [
        _key(Tag.SECRET_KEY, primary, packets.secret_tail_ed25519(version, user.key.seed)) if secret else _key(Tag.PUBLIC_KEY, primary),
        *_user_id(primary, user, str(address).encode(), rng),
        _key(Tag.SECRET_SUBKEY, subkey, packets.secret_tail_x25519(version, encryption.raw)) if secret else _key(Tag.PUBLIC_SUBKEY, subkey),
        _binding(primary, user, subkey, rng, packets.key_flags(KeyFlags.ENCRYPT)),
    ]
    if device:
        signing = packets.ed25519_packet(version, created, device.public.raw)
        tail = packets.secret_tail_ed25519(version, device.seed)
        parts.append(_key(Tag.SECRET_SUBKEY, signing, tail) if secret else _key(Tag.PUBLIC_SUBKEY, signing))
        parts.append(_signing_binding(primary, user, signing, device, rng))
    return b"".join(parts)


def _key(tag: Tag, key: KeyPacket, secret_tail: bytes = b"") -> bytes:
    return packets.packet(tag, key.body + secret_tail)


def _user_id(primary: KeyPacket, user: UserSecret, user_id: bytes, rng: Rng) -> tuple[bytes, bytes]:
    says = packets.key_flags(KeyFlags.CERTIFY) + packets.preferences(primary.version)
    covered = [primary.framed, packets.certified_user_id(user_id)]
    return packets.user_id_packet(user_id), _sign(primary, user.key, SignatureType.POSITIVE_CERTIFICATION, covered, user.created, says, rng)


def _binding(primary: KeyPacket, user: UserSecret, subkey: KeyPacket, rng: Rng, says: bytes) -> bytes:
    return _sign(primary, user.key, SignatureType.SUBKEY_BINDING, [primary.framed, subkey.framed], user.created, says, rng)


def _signing_binding(primary: KeyPacket, user: UserSecret, signing: KeyPacket, device: Ed25519Secret, rng: Rng) -> bytes:
    """Bind a signing subkey, with its own signature back over the primary (RFC 9580 §5.2.1.9)."""
    covered, hashed = [primary.framed, signing.framed], packets.hashed_subpackets(signing, user.created)
    back = packets.signature_body(signing, device, SignatureType.PRIMARY_KEY_BINDING, covered, hashed, rng(32))
    return _binding(primary, user, signing, rng, packets.key_flags(KeyFlags.SIGN) + packets.subpacket(32, back))


def _sign(
    signer: KeyPacket, secret: Ed25519Secret, kind: SignatureType, covered: list[bytes], created: int, says: bytes, rng: Rng
) -> bytes:
    hashed = packets.hashed_subpackets(signer, created, says)
    return packets.packet(Tag.SIGNATURE, packets.signature_body(signer, secret, kind, covered, hashed, rng(32)))


def _no_salt(_size: int) -> bytes:
    return _NO_SALT  # v4 signatures have none


def _checked(certificate: bytes) -> bytes:
    if len(certificate) > MAX_CERTIFICATE:
        raise _refused("It is larger than 64 KiB.")
    try:
        _ = pysequoia.Cert.from_bytes(certificate).user_ids  # raises where no self-signature holds
    except RuntimeError:  # all that pysequoia raises; its texts may carry a backtrace (I33)
        raise _refused("It cannot be read, or its own signatures do not hold.") from None
    return certificate


def _refused(why: str) -> IntegrityError:
    return IntegrityError("openpgp.invalid", f"An OpenPGP certificate is not valid. {why}")

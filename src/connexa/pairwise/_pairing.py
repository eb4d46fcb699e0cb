"""Linking a device by a pasted code (pairwise §8, first-message §9).

The new device shows the code; the primary answers with a grant that only that device can open. The homeserver relays both payloads
and learns nothing. The secret in the code binds the answer, so an X25519 key suffices. A code is a secret: never in argv.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from connexa.crypto import Ed25519Public, X25519Public, X25519Secret, equal, hpke_x25519_open, hpke_x25519_seal, sha256
from connexa.errors import IntegrityError, UsageError
from connexa.identity import DeviceId

__all__ = ["PairingCode", "format_pairing_code", "open_grant", "pairing_code", "parse_pairing_code", "seal_grant", "slot_id"]

_VERSION = 1
_SIZE = 1 + 32 + 32 + 32
_CHECK = 4
_LABEL = b"connexa/pair-code/v1\0"
_GROUP = 6


@dataclass(frozen=True, slots=True)
class PairingCode:
    """What the new device shows."""

    key: X25519Public
    secret: bytes = field(repr=False)
    keys_digest: bytes  # SHA-256(DSK | DIK) of the new device

    def matches(self, dsk: Ed25519Public, dik: X25519Public) -> bool:
        """Whether the keys that came over the slot are those of the device that showed the code."""
        return equal(self.keys_digest, sha256(dsk.raw, dik.raw))


def pairing_code(key: X25519Public, secret: bytes, dsk: Ed25519Public, dik: X25519Public) -> PairingCode:
    """The code of a new device with a fresh HPKE key and a fresh 32-byte secret."""
    if len(secret) != 32:
        raise ValueError("a pairing secret has 32 bytes")
    return PairingCode(key, secret, sha256(dsk.raw, dik.raw))


def format_pairing_code(code: PairingCode) -> str:
    """The code as 27 groups of six letters and digits."""
    raw = bytes([_VERSION]) + code.key.raw + code.secret + code.keys_digest
    text = base64.b32encode(raw + _checksum(raw)).decode().rstrip("=")
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def parse_pairing_code(typed: str) -> PairingCode:
    """Read a pasted code; spaces, line breaks, hyphens and lower case do not matter."""
    text = "".join(typed.split()).replace("-", "").upper()
    if len(text) != 162:
        raise _wrong()
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise _wrong() from None
    body, check = raw[:_SIZE], raw[_SIZE:]
    # Comparing the text too refuses a second spelling of the last, partly used letter.
    if not equal(check, _checksum(body)) or base64.b32encode(raw).decode().rstrip("=") != text:
        raise _wrong()
    if body[0] != _VERSION:
        raise UsageError("pairing.version", "That pairing code is of another version.", "Upgrade the older device.")
    return PairingCode(X25519Public(body[1:33]), body[33:65], body[65:])


def slot_id(secret: bytes) -> bytes:
    """Where the two devices meet at the homeserver."""
    return sha256(b"connexa/pair/v1\0", secret)[:16]


def seal_grant(code: PairingCode, grant: bytes, primary: DeviceId, new: DeviceId) -> bytes:
    """The primary's answer: its device id in the clear, then the grant sealed to the new device."""
    return primary + hpke_x25519_seal(code.key, grant, _info(code.secret, primary, new))


def open_grant(key: X25519Secret, secret: bytes, payload: bytes, new: DeviceId) -> tuple[DeviceId, bytes]:
    """The primary's device id and its grant, or `IntegrityError`: then nobody who saw the code made it."""
    if len(payload) < 32 + 48:
        raise IntegrityError("pairing.invalid", "The answer to the pairing code is malformed.")
    primary = DeviceId(payload[:32])
    return primary, hpke_x25519_open(key, payload[32:], _info(secret, primary, new))


def _info(secret: bytes, primary: DeviceId, new: DeviceId) -> bytes:
    return b"Connexa/1 link" + secret + primary + new


def _checksum(raw: bytes) -> bytes:
    return sha256(_LABEL, raw)[:_CHECK]


def _wrong() -> UsageError:
    return UsageError("pairing.malformed", "That is not a whole pairing code.", "Copy it again from the new device.")

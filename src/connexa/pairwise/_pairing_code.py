"""The code that a new device shows, as a QR code or as text to paste (pairwise §8, P28, P48).

It carries what nobody between the two devices may replace: the key for the primary's answer, a secret, and the hashes of the device's keys
and of the number that it reveals later. It is a secret of one minute: never in argv, never in an address on the web, good for one use.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from connexa.crypto import Ed25519Public, X25519Public, equal, sha256
from connexa.errors import UsageError

__all__ = ["PairingCode", "format_pairing_code", "parse_pairing_code", "slot_id"]

PREFIX = "CXPAIR"
_VERSION = 2
_SIZE = 1 + 4 * 32
_CHECK = 4
_MAX_TEXT = 4_096
_LABEL = b"connexa/pair-code/v2\0"


@dataclass(frozen=True, slots=True)
class PairingCode:
    """What the new device shows."""

    key: X25519Public
    secret: bytes = field(repr=False)
    keys_digest: bytes  # SHA-256(DSK | DIK) of the new device
    reveal_digest: bytes  # SHA-256(r)

    def matches(self, dsk: Ed25519Public, dik: X25519Public) -> bool:
        """Whether the keys that came over the slot are those of the device that showed the code."""
        return equal(self.keys_digest, sha256(dsk.raw, dik.raw))

    @property
    def raw(self) -> bytes:
        """The code's 129 bytes."""
        return bytes([_VERSION]) + self.key.raw + self.secret + self.keys_digest + self.reveal_digest


def format_pairing_code(code: PairingCode) -> str:
    """The code as one word of capitals and digits, which a QR code holds in its densest mode for text."""
    raw = code.raw
    return PREFIX + base64.b32encode(raw + _checksum(raw)).decode().rstrip("=")


def parse_pairing_code(typed: str) -> PairingCode:
    """Read a scanned or pasted code; spaces, line breaks, hyphens and lower case do not matter."""
    text = "".join(typed[:_MAX_TEXT].split()).replace("-", "").upper()
    if not text.startswith(PREFIX):
        raise _other(text)
    encoded = text.removeprefix(PREFIX)
    try:
        raw = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    except (binascii.Error, ValueError):
        raise _wrong() from None
    body, check = raw[:-_CHECK], raw[-_CHECK:]
    # Comparing the text too refuses a second spelling of the last, partly used letter.
    if not body or not equal(check, _checksum(body)) or base64.b32encode(raw).decode().rstrip("=") != encoded:
        raise _wrong()
    if body[0] != _VERSION or len(body) != _SIZE:
        raise UsageError("pairing.version", "That pairing code is of another version.", "Upgrade the older device.")
    return PairingCode(X25519Public(body[1:33]), body[33:65], body[65:97], body[97:])


def slot_id(secret: bytes) -> bytes:
    """Where the two devices meet at the homeserver."""
    return sha256(b"connexa/pair/v1\0", secret)[:16]


def _checksum(raw: bytes) -> bytes:
    return sha256(_LABEL, raw)[:_CHECK]


def _wrong() -> UsageError:
    return UsageError("pairing.malformed", "That is not a whole pairing code.", "Copy it again from the new device.")


def _other(text: str) -> UsageError:
    """What was pasted instead: people are led to approve a stranger's device by links and by codes of another kind (P48)."""
    if PREFIX in text or "//" in text:
        return UsageError(
            "pairing.in_address",
            "A pairing code is never part of an address on the web.",
            "Whoever sent you this may want to read along. Take the code from the screen of your own new device.",
        )
    if text.startswith("CX"):
        return UsageError("pairing.other_code", "That is a code for something else.", "The new device shows one: connexa device link")
    return _wrong()

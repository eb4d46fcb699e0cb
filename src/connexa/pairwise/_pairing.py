"""What two devices of a person say to each other while one of them is linked (pairwise §8, P28, P48).

    new device                                 primary
    shows the code                      →      reads it
    request, sealed under its secret    →
                                        ←      answer: who takes the device in
    reveals r                           →      its hash stands in the code
    shows six digits                    →      a person types them; one try
                                        ←      grant
    done                                →

The homeserver carries the payloads and can read none of them. The digits follow from all that was said: who stands between the two
devices, and even knows the code, has to fix the answer before r is known, so that the digits of the two sides differ. The secret binds
every payload, which also is the margin against a quantum computer that X25519 alone does not give.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from connexa.crypto import (
    ZERO_SALT,
    InvalidTag,
    X25519Secret,
    aead_open,
    aead_seal,
    equal,
    hkdf,
    hpke_x25519_open,
    hpke_x25519_seal,
    sha256,
)
from connexa.errors import IntegrityError
from connexa.identity import DeviceId
from connexa.pairwise._pairing_code import PairingCode, slot_id

__all__ = [
    "PairingTalk",
    "check_reveal",
    "open_pairing_answer",
    "open_pairing_grant",
    "open_pairing_request",
    "pairing_digits",
    "pairing_done",
    "seal_pairing_answer",
    "seal_pairing_grant",
    "seal_pairing_request",
]

_DIGITS = 1_000_000
_FIELD = struct.Struct(">HI")
_NONCE = bytes(12)  # a code's secret seals one request


@dataclass(frozen=True, slots=True)
class PairingTalk:
    """All that was said before the digits, as it was carried."""

    code: PairingCode
    primary: DeviceId
    new: DeviceId
    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    reveal: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        """SHA-256 over f(1, code), f(2, request), f(3, answer), f(4, r)."""
        said = (self.code.raw, self.request, self.answer, self.reveal)
        return sha256(*(_FIELD.pack(tag, len(part)) + part for tag, part in enumerate(said, 1)))


def seal_pairing_request(code: PairingCode, request: bytes) -> bytes:
    """The new device's first word; only who has seen the code can read it or could have made it."""
    return aead_seal(_request_key(code), _NONCE, request, slot_id(code.secret))


def open_pairing_request(code: PairingCode, payload: bytes) -> bytes:
    """The request, or `IntegrityError` `pairing.invalid`."""
    try:
        return aead_open(_request_key(code), _NONCE, payload, slot_id(code.secret))
    except InvalidTag:
        raise _foreign() from None


def seal_pairing_answer(code: PairingCode, answer: bytes, primary: DeviceId, new: DeviceId) -> bytes:
    """The primary's device id in the clear, then its answer sealed to the new device."""
    return primary + hpke_x25519_seal(code.key, answer, b"Connexa/1 link" + code.secret + primary + new)


def open_pairing_answer(key: X25519Secret, code: PairingCode, payload: bytes, new: DeviceId) -> tuple[DeviceId, bytes]:
    """The primary's device id and its answer, or `IntegrityError` `pairing.invalid`: nobody who saw the code made it."""
    primary = DeviceId(payload[:32])
    return primary, _open(key, payload[32:], b"Connexa/1 link" + code.secret + primary + new)


def check_reveal(code: PairingCode, reveal: bytes) -> None:
    """Check that r is the number to which the code was bound before the answer was known, or raise `pairing.invalid`."""
    if len(reveal) != 32 or not equal(sha256(reveal), code.reveal_digest):
        raise _foreign()


def pairing_digits(talk: PairingTalk) -> str:
    """The six digits that both devices come to if both have heard the same."""
    raw = hkdf(talk.code.secret, salt=ZERO_SALT, info=b"Connexa/1 link sas" + talk.digest, length=8)
    return f"{int.from_bytes(raw, 'big') % _DIGITS:06d}"


def seal_pairing_grant(talk: PairingTalk, grant: bytes) -> bytes:
    """The grant, sealed to the new device and to what was said."""
    return hpke_x25519_seal(talk.code.key, grant, _grant_info(talk))


def open_pairing_grant(key: X25519Secret, talk: PairingTalk, payload: bytes) -> bytes:
    """The grant, or `IntegrityError` `pairing.invalid`."""
    return _open(key, payload, _grant_info(talk))


def pairing_done(talk: PairingTalk) -> bytes:
    """What the new device says when it has stored the grant."""
    return hkdf(talk.code.secret, salt=ZERO_SALT, info=b"Connexa/1 link done" + talk.digest, length=32)


def _request_key(code: PairingCode) -> bytes:
    return hkdf(code.secret, salt=ZERO_SALT, info=b"Connexa/1 link request", length=32)


def _grant_info(talk: PairingTalk) -> bytes:
    return b"Connexa/1 link grant" + talk.code.secret + talk.primary + talk.new + talk.digest


def _open(key: X25519Secret, sealed: bytes, info: bytes) -> bytes:
    try:
        return hpke_x25519_open(key, sealed, info)
    except InvalidTag:
        raise _foreign() from None


def _foreign() -> IntegrityError:
    return IntegrityError("pairing.invalid", "Another device than the one with this code has answered.", "Start again on the new device.")

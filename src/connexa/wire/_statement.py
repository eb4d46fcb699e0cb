"""The bodies of the statements that links and federation sign, byte for byte.

Every body is a row of fields `u16 tag | u32 length | bytes`, big-endian, in the order given here with tags 1, 2, 3…; a version range is
`u32 min | u32 max`, a mode `u32`. Lengths make the rows unambiguous, and the signer puts `connexa/<kind>/v1\\0` before them, so no
statement can be read as another. Node first, then homeserver; dialler first, then answerer.
"""

from __future__ import annotations

import struct

from ._error import malformed
from ._limits import DEVICE_SIZE, HASH_SIZE, MAX_DOMAIN, NONCE_SIZE, USER_SIZE
from ._version import VersionRange

_HEAD = struct.Struct(">HI")
_PAIR = struct.Struct(">II")
_NUMBER = struct.Struct(">I")
_MAX_NUMBER = 0xFFFFFFFF


def login_statement(
    *, node: VersionRange, server: VersionRange, mode: int, domain: str, nonce: bytes, user: bytes, device: bytes, certificate: bytes
) -> bytes:
    """Body that the device signing key signs as `login` (first-message §4, I89).

    1 node's range · 2 homeserver's range · 3 mode · 4 domain · 5 nonce 32 · 6 user 32 · 7 device 32 · 8 SHA-256 of the server's
    TLS certificate (DER) as the node saw it, 32.
    """
    return _rows(
        _range(node),
        _range(server),
        _number(mode),
        _domain(domain),
        _exact(nonce, NONCE_SIZE, "nonce"),
        _exact(user, USER_SIZE, "user id"),
        _exact(device, DEVICE_SIZE, "device id"),
        _exact(certificate, HASH_SIZE, "certificate hash"),
    )


def account_statement(
    *, domain: str, localpart: str, nonce: bytes, user: bytes, certificate_body: bytes, list_body: bytes, certificate: bytes
) -> bytes:
    """Body that the user identity key signs as `account` when it registers.

    1 domain · 2 localpart (canonical, UTF-8) · 3 nonce 32 · 4 user 32 · 5 SHA-256 of the device certificate's body, 32 · 6 SHA-256 of
    the device list's body, 32 · 7 SHA-256 of the server's TLS certificate (DER) as the node saw it, 32.
    """
    return _rows(
        _domain(domain),
        _text(localpart),
        _exact(nonce, NONCE_SIZE, "nonce"),
        _exact(user, USER_SIZE, "user id"),
        _exact(certificate_body, HASH_SIZE, "device certificate hash"),
        _exact(list_body, HASH_SIZE, "device list hash"),
        _exact(certificate, HASH_SIZE, "certificate hash"),
    )


def federation_statement(
    *,
    dialler: str,
    answerer: str,
    dialler_nonce: bytes,
    answerer_nonce: bytes,
    dialler_range: VersionRange,
    answerer_range: VersionRange,
    dialler_leaf: bytes,
    answerer_leaf: bytes,
) -> bytes:
    """Body that both domain keys sign as `federation` (first-message §5): the two sign the same bytes, told apart by their keys.

    1 dialler's domain · 2 answerer's domain · 3, 4 their nonces, 32 each · 5, 6 their ranges · 7, 8 SHA-256 of their TLS leaves (DER),
    32 each.
    """
    return _rows(
        _domain(dialler),
        _domain(answerer),
        _exact(dialler_nonce, NONCE_SIZE, "nonce"),
        _exact(answerer_nonce, NONCE_SIZE, "nonce"),
        _range(dialler_range),
        _range(answerer_range),
        _exact(dialler_leaf, HASH_SIZE, "leaf hash"),
        _exact(answerer_leaf, HASH_SIZE, "leaf hash"),
    )


def pass_statement(*, node: VersionRange, server: VersionRange, nonce: bytes) -> bytes:
    """What a pass is shown over, as HMAC-SHA256(its output, `connexa/pass/v1\\0` | this) (first-message §1).

    1 node's range · 2 homeserver's range · 3 nonce 32.
    """
    return _rows(_range(node), _range(server), _exact(nonce, NONCE_SIZE, "nonce"))


def _rows(*fields: bytes) -> bytes:
    return b"".join(_HEAD.pack(tag, len(field)) + field for tag, field in enumerate(fields, 1))


def _range(value: VersionRange) -> bytes:
    if not 0 <= value.min <= value.max <= _MAX_NUMBER:
        raise malformed("its version range is empty")
    return _PAIR.pack(value.min, value.max)


def _number(value: int) -> bytes:
    if not 0 <= value <= _MAX_NUMBER:
        raise malformed("a number in it is out of range")
    return _NUMBER.pack(value)


def _exact(value: bytes, size: int, what: str) -> bytes:
    if len(value) != size:
        raise malformed(f"its {what} is not {size} bytes long")
    return value


def _domain(value: str) -> bytes:
    encoded = _text(value)
    if not 1 <= len(encoded) <= MAX_DOMAIN:
        raise malformed(f"a domain in it is empty or longer than {MAX_DOMAIN} bytes")
    return encoded


def _text(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise malformed("a text in it is not Unicode") from None

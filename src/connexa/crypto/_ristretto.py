"""ristretto255 by libsodium with the checks that its binding leaves out (identity §7), and hashing to group and scalar.

The binding raises RuntimeError on a zero scalar or the identity, takes the identity for valid, and adds invalid points to
zero bytes; here every element from outside is checked once, and what remains comes as `InvalidProof`.
"""

from __future__ import annotations

import importlib
import tempfile
from hashlib import sha512
from types import ModuleType

from connexa.crypto._errors import InvalidProof
from connexa.errors import ConnexaError

__all__ = ["ORDER", "add", "base_times", "hash_to_group", "hash_to_scalar", "invert", "is_element", "is_scalar", "times"]

ORDER = 2**252 + 27742317777372353535851937790883648493
_IDENTITY = bytes(32)
_BLOCK = 128
_UNIFORM = 64


def _load_binding() -> ModuleType:
    """Import the binding, which unpacks libsodium into a temporary file and leaves it there: here the file goes with its folder."""
    before = tempfile.tempdir
    try:
        with tempfile.TemporaryDirectory(prefix="connexa-") as folder:
            tempfile.tempdir = folder
            return importlib.import_module("rbcl")
    except OSError as error:
        hint = "Free some space in the temporary directory, or name another one in TMPDIR."
        raise ConnexaError("library.unpacked", "A library could not be unpacked into the temporary directory.", hint) from error
    finally:
        tempfile.tempdir = before


rbcl = _load_binding()


def is_element(raw: bytes) -> bool:
    """Whether these bytes are a canonical element other than the identity."""
    return len(raw) == 32 and raw != _IDENTITY and bool(rbcl.crypto_core_ristretto255_is_valid_point(raw))


def is_scalar(raw: bytes) -> bool:
    """Whether these bytes are a canonical scalar other than zero."""
    return len(raw) == 32 and 0 < int.from_bytes(raw, "little") < ORDER


def times(scalar: bytes, element: bytes) -> bytes:
    """The element times the scalar; neither may be zero."""
    try:
        return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element))
    except RuntimeError:
        raise InvalidProof from None


def base_times(scalar: bytes) -> bytes:
    """The generator times the scalar."""
    try:
        return bytes(rbcl.crypto_scalarmult_ristretto255_base(scalar))
    except RuntimeError:
        raise InvalidProof from None


def add(a: bytes, b: bytes) -> bytes:
    """The sum of two elements that were checked or computed here."""
    return bytes(rbcl.crypto_core_ristretto255_add(a, b))


def invert(scalar: bytes) -> bytes:
    """The scalar's inverse."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar))


def hash_to_group(message: bytes, dst: bytes) -> bytes:
    """RFC 9497 §4.1 HashToGroup."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(_expand(message, dst)))


def hash_to_scalar(message: bytes, dst: bytes) -> bytes:
    """RFC 9497 §4.1 HashToScalar."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(_expand(message, dst)))


def _expand(message: bytes, dst: bytes) -> bytes:
    # RFC 9380 §5.3.1 expand_message_xmd with SHA-512 for 64 bytes, that is one block.
    dst_prime = dst + bytes([len(dst)])
    b0 = sha512(bytes(_BLOCK) + message + _UNIFORM.to_bytes(2, "big") + b"\0" + dst_prime).digest()
    return sha512(b0 + b"\x01" + dst_prime).digest()

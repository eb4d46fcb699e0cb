"""Signed statements: a protobuf body that is carried, signed and hashed as the same bytes (identity §2).

A body is never serialised again to check it, and never parsed before its signature holds, but for the two statements that
name their own signers (a server info found in the open, a rotation).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from google.protobuf.message import Message

from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidSignature, Kind, sha256
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1.keys_pb2 import Signed

M = TypeVar("M", bound=Message)

CLOCK_SKEW = 600  # first-message §2: ten minutes


def seal_statement(kind: Kind, message: Message, secret: Ed25519Secret) -> Signed:
    """Serialise and sign a statement; from here on its body is only copied."""
    body = message.SerializeToString(deterministic=True)
    return Signed(body=body, signature=secret.sign(kind, body))


def open_statement(kind: Kind, signed: Signed, keys: Iterable[Ed25519Public], shape: type[M]) -> M:
    """Check that one of `keys` signed the body, then read it."""
    for key in keys:
        try:
            key.verify(kind, signed.body, signed.signature)
        except InvalidSignature:
            continue
        return parse(shape, signed.body, MAX_STATEMENT)
    raise InvalidSignature


def body_hash(signed: Signed) -> bytes:
    """SHA-256 of a statement's body, as lists and logins refer to it."""
    return sha256(signed.body)

"""Credentials (RFC 9420 §5.3): what binds a member's signature key to somebody; whether it does is the application's to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connexa.mls.codec import V, rv, u16
from connexa.mls.registry import CredentialType

__all__ = ["Credential"]


@dataclass(frozen=True, slots=True)
class Credential:
    """A type and its content: the identity of a basic one, the certificates of an X.509 one, opaque bytes of any other."""

    credential_type: int
    content: bytes

    @classmethod
    def basic(cls, identity: bytes) -> Credential:
        """An identity that the application looks up by itself."""
        return cls(CredentialType.BASIC, identity)

    @classmethod
    def x509(cls, certificates: Sequence[bytes]) -> Credential:
        """A chain of DER certificates, the member's own first."""
        return cls(CredentialType.X509, b"".join(V(one) for one in certificates))

    @property
    def identity(self) -> bytes:
        """The identity of a basic credential; of another, its content."""
        return self.content

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The chain of an X.509 credential; empty for another."""
        return _read_chain(self.content) if self.credential_type == CredentialType.X509 else ()

    def encode(self) -> bytes:
        """Its type, and its content behind a length: so it is for every type."""
        return self.credential_type.to_bytes(2, "big") + V(self.content)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Credential, int]:
        """A credential of any type; `DecodeError` if a chain is no list of certificates."""
        kind, pos = u16(buf, pos)
        content, pos = rv(buf, pos)
        if kind == CredentialType.X509:
            _read_chain(content)
        return cls(kind, content), pos


def _read_chain(content: bytes) -> tuple[bytes, ...]:
    found, pos = [], 0
    while pos < len(content):
        one, pos = rv(content, pos)
        found.append(one)
    return tuple(found)

"""Who is calling: the strict check of a client's leaf against the pin, on every call and every batch (homeserver §7.2).

The chain check of TLS alone admits leaves for subdomains and addresses, and an open connection outlives a forgotten pin; so the leaf is
held against what is pinned now, each time.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from connexa.crypto import sha256
from connexa.crypto.x509 import InvalidCertificate, claimed_domain, leaf_domain
from connexa.discovery import PinBook, Remote
from connexa.errors import ConnexaError, RefusedError
from connexa.identity import Domain

__all__ = ["Caller", "Callers"]

MAX_REMEMBERED = 4_096
REMEMBER_SECONDS = 60  # how long a verified signature is not verified again; the pin is compared every time


@dataclass(frozen=True, slots=True)
class Caller:
    """A remote that proved a pinned domain; `leaf` is the SHA-256 of the certificate that it showed."""

    remote: Remote
    leaf: bytes

    @property
    def domain(self) -> Domain:
        """The domain that it proved."""
        return self.remote.domain


class Callers:
    """Checks leaves of incoming connections."""

    def __init__(self, book: PinBook, clock: Callable[[], float]) -> None:
        self._book = book
        self._clock = clock
        self._verified: OrderedDict[tuple[bytes, bytes], float] = OrderedDict()  # (leaf, key) → when

    async def identify(self, auth_context: Mapping[str, Iterable[bytes]]) -> Caller:
        """Return who shows this certificate, or raise `certificate.invalid`, `domain.unknown`, `domain.quarantined`."""
        der = _peer_certificate(auth_context)
        domain = Domain(claimed_domain(der))
        try:
            remote = await self._book.known(domain)
        except ConnexaError as error:
            raise RefusedError("domain.unknown", "That domain's key cannot be used now.") from error
        if remote is None:
            raise RefusedError("domain.unknown", "That domain is not known here.", "Introduce it first.")
        leaf = sha256(der)
        self._verify(der, leaf, remote)
        return Caller(remote, leaf)

    def _verify(self, der: bytes, leaf: bytes, remote: Remote) -> None:
        now = self._clock()
        for key in remote.keys:
            if 0 <= now - self._verified.get((leaf, key.raw), -REMEMBER_SECONDS) < REMEMBER_SECONDS:
                return
            try:
                if leaf_domain(der, key, now) != remote.domain:
                    continue
            except InvalidCertificate:
                continue
            self._verified[leaf, key.raw] = now
            if len(self._verified) > MAX_REMEMBERED:
                self._verified.popitem(last=False)
            return
        raise InvalidCertificate


def _peer_certificate(auth_context: Mapping[str, Iterable[bytes]]) -> bytes:
    shown = list(auth_context.get("x509_pem_cert", ()))
    if len(shown) != 1:
        raise InvalidCertificate
    try:
        return ssl.PEM_cert_to_DER_cert(shown[0].decode("ascii"))
    except ValueError:
        raise InvalidCertificate from None

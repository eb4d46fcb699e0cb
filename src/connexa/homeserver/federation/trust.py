"""Which domains may open a TLS connection: trust anchors made from pinned keys, handed to gRPC as one prepared object.

Implements homeserver §7.2 and I86. gRPC asks in a thread of its own at every handshake and keeps the OLD credentials when the answer
raises, so the answer is an attribute that is replaced whole, never computed there. At most a thousand anchors are hot, because their
number is paid at each handshake after a change; a pinned domain that was evicted comes back by Introduce, without a look-up.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc

from connexa.crypto import Ed25519Public
from connexa.crypto.x509 import Leaf, anchor_pem
from connexa.homeserver.limits import registrable
from connexa.identity import Domain

__all__ = ["MAX_HOT", "MAX_HOT_UNUSED", "Trust"]

MAX_HOT = 1_000
MAX_HOT_UNUSED = 64  # anchors without accepted traffic below one registrable domain


@dataclass(slots=True)
class _Anchor:
    keys: tuple[Ed25519Public, ...]
    pem: bytes
    used: bool = False


class Trust:
    """The hot anchors and the own leaf; methods run on the loop's thread, `fetch` on gRPC's."""

    def __init__(self, leaf: Leaf, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._leaf = leaf
        self._hot: OrderedDict[Domain, _Anchor] = OrderedDict()  # the least recently used first
        self._unused: Counter[str] = Counter()  # hot anchors without accepted traffic, by registrable domain
        self._prepared = self._prepare()
        self._served: grpc.ServerCertificateConfiguration | None = None

    def __contains__(self, domain: Domain) -> bool:
        return domain in self._hot

    def __len__(self) -> int:
        return len(self._hot)

    def learn(self, domain: Domain, keys: Iterable[Ed25519Public]) -> None:
        """Let a pinned domain in, with the keys that are good now."""
        self.learn_many([(domain, tuple(keys))])

    def learn_many(self, pins: Iterable[tuple[Domain, tuple[Ed25519Public, ...]]]) -> None:
        """Let pinned domains in and prepare once."""
        changed = False
        for domain, keys in pins:
            known = self._hot.get(domain)
            if known and known.keys == keys:
                self._hot.move_to_end(domain)
                continue
            changed = True
            self._drop(domain)
            pem = b"".join(anchor_pem(domain, key, self._clock()) for key in keys)
            self._hot[domain] = _Anchor(keys, pem, used=known is not None and known.used)
            self._unused[registrable(domain)] += not self._hot[domain].used
            self._evict(domain)
        if changed:
            self._prepared = self._prepare()

    def forget(self, domain: Domain) -> None:
        """Refuse a domain from the next handshake on; open connections are checked by `callers`."""
        if self._drop(domain):
            self._prepared = self._prepare()

    def accepted(self, domain: Domain) -> None:
        """Remember that traffic of a domain was accepted: it is evicted last."""
        if anchor := self._hot.get(domain):
            self._unused[registrable(domain)] -= not anchor.used
            anchor.used = True
            self._hot.move_to_end(domain)

    def renew(self, leaf: Leaf) -> None:
        """Show another leaf from the next handshake on."""
        self._leaf = leaf
        self._prepared = self._prepare()

    def credentials(self) -> grpc.ServerCredentials:
        """Server credentials that follow every change."""
        self._served = self._prepared
        return grpc.dynamic_ssl_server_credentials(self._prepared, self.fetch, require_client_authentication=True)  # type: ignore[arg-type]  # None: unchanged

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Answer gRPC's question at a handshake: what has changed, or None. Must never raise, wait, or walk over shared state."""
        prepared = self._prepared
        if prepared is self._served:
            return None
        self._served = prepared
        return prepared

    @property
    def stale(self) -> bool:
        """True until a handshake has taken the newest credentials."""
        return self._served is not self._prepared

    def _prepare(self) -> grpc.ServerCertificateConfiguration:
        anchors = b"".join(anchor.pem for anchor in self._hot.values()) or None  # none: nobody gets in (F12)
        return grpc.ssl_server_certificate_configuration([(self._leaf.key_pem, self._leaf.chain_pem)], anchors)

    def _drop(self, domain: Domain) -> bool:
        anchor = self._hot.pop(domain, None)
        if anchor is not None and not anchor.used:
            self._unused[registrable(domain)] -= 1
        return anchor is not None

    def _evict(self, newest: Domain) -> None:
        """Make room: within a crowded registrable domain first, then among the unused of the most crowded one, then the oldest."""
        group = registrable(newest)
        if self._unused[group] > MAX_HOT_UNUSED:
            self._drop(next(d for d, anchor in self._hot.items() if not anchor.used and registrable(d) == group))
        if len(self._hot) > MAX_HOT:
            unused = (d for d, anchor in self._hot.items() if not anchor.used and d != newest)
            self._drop(max(unused, key=lambda d: self._unused[registrable(d)], default=next(iter(self._hot))))

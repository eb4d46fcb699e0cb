"""The TLS leaf that all listeners show: issued by the domain key, renewed at half of its seven days (homeserver §7.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connexa.crypto import Ed25519Secret, Rng, sha256
from connexa.crypto.x509 import Leaf, issue_leaf
from connexa.identity import Domain

__all__ = ["Certificates"]

LEAF_SECONDS: Final = 7 * 86_400
JUST_RENEWED: Final = 120.0  # a link may have seen the leaf before


class Certificates:
    """The current leaf, and who must be told of the next one."""

    def __init__(self, domain: Domain, clock: Callable[[], float], rng: Rng) -> None:
        self._domain = domain
        self._clock = clock
        self._rng = rng
        self._watchers: list[Callable[[Leaf], None]] = []
        self._renewed_at = 0.0
        self._leaf: Leaf | None = None
        self._hash = b""

    @property
    def leaf(self) -> Leaf:
        """What listeners show now."""
        if self._leaf is None:
            raise RuntimeError("no leaf was issued yet")
        return self._leaf

    @property
    def hash(self) -> bytes:
        """SHA-256 of the leaf (DER)."""
        return self._hash

    @property
    def just_renewed(self) -> bool:
        """Whether a link that is opening may have been shown the leaf before this one."""
        return len(self._watchers) > 0 and self._clock() - self._renewed_at < JUST_RENEWED

    def watch(self, renewed: Callable[[Leaf], None]) -> None:
        """Call `renewed` with every leaf from now on."""
        self._watchers.append(renewed)

    def renew_if_due(self, key: Ed25519Secret, *, force: bool = False) -> bool:
        """Issue the next leaf at half of this one's life, or when the clock was set back before it."""
        now = self._clock()
        if self._leaf is not None and not force:
            left = self._leaf.not_after - now
            if LEAF_SECONDS / 2 < left <= LEAF_SECONDS + 86_400:
                return False
        first_one = self._leaf is None
        self._leaf = issue_leaf(key, self._domain, now=now, rng=self._rng)
        self._hash = sha256(self._leaf.der)
        self._renewed_at = 0.0 if first_one else now
        for renewed in self._watchers:
            renewed(self._leaf)
        return True

"""A network in memory between nodes and homeservers: the same frames and the same checks as on sockets, without sockets.

Ends have names: a domain for a homeserver, any word for a node. Cuts and delays hold between two names; everything is deterministic as
far as the event loop is. `dialer(name)` is what a node gets, `MemoryRemotes` (in `remotes`) what a homeserver gets.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Sequence
from typing import Protocol

from connexa.crypto import Ed25519Public, sha256
from connexa.crypto.x509 import InvalidCertificate
from connexa.errors import NetworkError
from connexa.wire.transport import FrameChannel, LinkAcceptor

from .pipe import Pipe

__all__ = ["Fate", "MemoryDialer", "MemoryNetwork"]


class Fate(enum.Enum):
    """What becomes of one call between homeservers."""

    PASSES = "passes"
    LOST = "lost"  # before it was heard
    UNANSWERED = "unanswered"  # it was heard, and the caller cannot know
    TWICE = "twice"  # it is heard once more


class Connection(Protocol):
    """What a network can lose."""

    def lose(self) -> None:
        """Break: both ends learn it, what was under way is lost."""


class MemoryNetwork:
    """Who is there, who reaches whom, and every open connection; `fate` decides about each call between two homeservers."""

    def __init__(self) -> None:
        self.fate: Callable[[str, str], Fate] = lambda _caller, _called: Fate.PASSES
        self._doors: dict[str, tuple[LinkAcceptor, Ed25519Public]] = {}
        self._cuts: set[frozenset[str]] = set()
        self._delays: dict[frozenset[str], float] = {}
        self._open: dict[frozenset[str], set[Connection]] = {}
        self._dials = 0

    def attach(self, domain: str, door: LinkAcceptor, key: Ed25519Public) -> None:
        """Put a homeserver on the network; `key` is the domain key that its certificate follows from."""
        self._doors[domain] = (door, key)

    def detach(self, domain: str) -> None:
        """Take a homeserver away; its connections are lost."""
        self._doors.pop(domain, None)
        self.drop(domain)

    def attached(self, domain: str) -> bool:
        """Whether a homeserver of that domain is there."""
        return domain in self._doors

    def cut(self, a: str, b: str) -> None:
        """Nothing passes between the two any more; open connections between them are lost."""
        self._cuts.add(frozenset((a, b)))
        self.drop(a, b)

    def heal(self, a: str, b: str) -> None:
        """Undo a cut."""
        self._cuts.discard(frozenset((a, b)))

    def delay(self, a: str, b: str, seconds: float) -> None:
        """Every frame between the two takes that long from now on."""
        self._delays[frozenset((a, b))] = seconds

    def drop(self, a: str, b: str | None = None) -> int:
        """Lose the open connections of `a` (to `b` alone, where given), once; return how many."""
        lost = [one for pair, found in self._open.items() if a in pair and (b is None or b in pair) for one in found]
        for connection in lost:
            connection.lose()
        return len(lost)

    def connections(self, a: str, b: str) -> set[Connection]:
        """The open connections between two ends: who opens one puts it in, who ends it takes it out."""
        return self._open.setdefault(frozenset((a, b)), set())

    def reaches(self, a: str, b: str) -> bool:
        """Whether frames pass between two ends."""
        return frozenset((a, b)) not in self._cuts

    def delay_between(self, a: str, b: str) -> float:
        """Seconds that one way takes."""
        return self._delays.get(frozenset((a, b)), 0.0)

    def dialer(self, name: str) -> MemoryDialer:
        """The way out for the node of that name."""
        return MemoryDialer(self, name)

    async def open(self, name: str, domain: str, keys: Sequence[Ed25519Public]) -> FrameChannel:
        """Open a connection from a node to a homeserver."""
        await asyncio.sleep(self.delay_between(name, domain))
        if domain not in self._doors or not self.reaches(name, domain):
            raise NetworkError("link.unreachable", f"The homeserver of {domain} cannot be reached.")
        door, key = self._doors[domain]
        if key not in keys:
            raise InvalidCertificate
        self._dials += 1
        found = self.connections(name, domain)
        certificate = sha256(b"certificate of ", domain.encode(), key.raw)
        pipe = Pipe(f"memory:{name}", certificate, lambda: self.delay_between(name, domain), found.discard)
        found.add(pipe)
        pipe.connect(door.accept(pipe.sink))
        return pipe.channel


class MemoryDialer:
    """A `LinkDialer` of the memory network; `dialled` counts, for tests that ask who opened what."""

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self._network = network
        self.name = name
        self.dialled: list[str] = []

    async def dial(self, domain: str, endpoint: str, domain_keys: Sequence[Ed25519Public]) -> FrameChannel:
        """Connect to the homeserver of `domain`, wherever its endpoint says it is."""
        self.dialled.append(domain)
        return await self._network.open(self.name, domain, domain_keys)

"""What federation and the rest of a homeserver need of each other: the way out to remotes, and the house that answers them.

The gRPC adapter and the memory network of the test kit both implement the way out; the handshake and the numbering run above it, so
that they are the same code in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from connexa.crypto import Ed25519Public, Ed25519Secret
from connexa.crypto.x509 import Leaf
from connexa.identity import Domain
from connexa.wire.v1.federation_pb2 import BatchAck, DeliverDown, DeliverUp, Item
from connexa.wire.v1.groups_pb2 import GroupNews, GroupNewsReply, GroupReply, GroupRequest
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import ClaimKeyPackages, ClaimReply, ClaimRequest, KeyPackagesReply, LookupReply, LookupRequest

__all__ = ["DeliverStream", "House", "RemoteCaller"]


class DeliverStream(Protocol):
    """The dialler's end of one stream of envelopes to a remote."""

    @property
    def leaf(self) -> bytes:
        """SHA-256 of the TLS leaf (DER) that this side showed."""

    @property
    def keys(self) -> tuple[Ed25519Public, ...]:
        """The pinned keys that the remote is held to."""

    async def send(self, frame: DeliverUp) -> None:
        """Send one frame, waiting while the remote does not read; NetworkError when the stream has ended."""

    async def receive(self) -> DeliverDown:
        """Return the next frame; NetworkError when the stream has ended."""


class RemoteCaller(Protocol):
    """The way out to other homeservers; every call raises NetworkError `remote.unreachable` where there is none."""

    def deliver(self, domain: Domain) -> AbstractAsyncContextManager[DeliverStream]:
        """Open a stream to a pinned remote; the caller makes the handshake."""

    async def lookup(self, domain: Domain, request: LookupRequest) -> LookupReply:
        """Ask a remote for one of its users."""

    async def claim(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        """Ask a remote for prekey bundles of one of its users."""

    async def claim_packages(self, domain: Domain, request: ClaimKeyPackages) -> KeyPackagesReply:
        """Ask a remote for key packages of one of its users."""

    async def group(self, domain: Domain, request: GroupRequest) -> GroupReply:
        """Ask a remote as the hub of a group."""

    async def news(self, domain: Domain, news: GroupNews) -> GroupNewsReply:
        """Tell a remote what is new in groups that are kept here."""


class House(Protocol):
    """What federation needs of the homeserver; `domain` arguments were authenticated by their pin."""

    @property
    def domain(self) -> Domain:
        """The domain of this homeserver."""

    @property
    def domain_key(self) -> Ed25519Secret:
        """Its current key."""

    @property
    def leaf(self) -> Leaf:
        """The TLS leaf that all listeners show now."""

    def server_info(self) -> Signed:
        """The domain's word about itself, fresh."""

    def committed(self, domain: Domain, stream: bytes) -> int:
        """The highest committed number of a remote's stream."""

    async def take_batch(self, domain: Domain, stream: bytes, first: int, items: Sequence[Item]) -> BatchAck:
        """Store a batch; returns when it is durable."""

    async def lookup_from(self, domain: Domain, request: LookupRequest) -> LookupReply:
        """Answer a remote's look-up."""

    async def claim_from(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        """Answer a remote's claim."""

    async def claim_packages_from(self, domain: Domain, request: ClaimKeyPackages) -> KeyPackagesReply:
        """Answer a remote's claim of key packages."""

    async def group_from(self, domain: Domain, request: GroupRequest) -> GroupReply:
        """Answer a remote as the hub of a group."""

    async def news_from(self, domain: Domain, news: GroupNews) -> GroupNewsReply:
        """Take what a remote hub tells."""

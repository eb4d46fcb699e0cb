"""A post that keeps what every server on the way can see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connexa.identity import DeviceId
from connexa.node.link_frames import Refusal
from connexa.testing import Post
from connexa.wire.v1.message_pb2 import Envelope

__all__ = ["Tap"]


@dataclass
class Tap(Post):
    """`raws` are all envelopes that were handed over, in order."""

    raws: list[bytes] = field(default_factory=list)

    @property
    def envelopes(self) -> list[Envelope]:
        """The same, read."""
        return [Envelope.FromString(raw) for raw in self.raws]

    def accept(self, stream: bytes, batch: Iterable[tuple[int, bytes]], sender: DeviceId | None) -> list[Refusal]:
        """Note them, then go on as usual."""
        handed = list(batch)
        self.raws += [raw for _, raw in handed]
        return super().accept(stream, handed, sender)

"""Pre-shared keys (RFC 9420 §8.4): how a commit and a Welcome name them, and how several become one secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connexa.mls.codec import V, rv, u8, u64
from connexa.mls.errors import DecodeError
from connexa.mls.registry import PSKType, ResumptionUsage
from connexa.mls.suite import Suite

__all__ = ["ExternalPSK", "PreSharedKeyID", "ResumptionPSK", "psk_secret"]


@dataclass(frozen=True, slots=True)
class ExternalPSK:
    """A key that the application gave to the members, under a name of its own."""

    psk_id: bytes

    def encode(self) -> bytes:
        return bytes((PSKType.EXTERNAL,)) + V(self.psk_id)


@dataclass(frozen=True, slots=True)
class ResumptionPSK:
    """The resumption PSK of an epoch of a group: of this one, or of the one that it continues (§11.2, §11.3)."""

    usage: ResumptionUsage
    group_id: bytes
    epoch: int

    def encode(self) -> bytes:
        return bytes((PSKType.RESUMPTION, self.usage)) + V(self.group_id) + self.epoch.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class PreSharedKeyID:
    """Which key, and `nonce`, fresh for each proposal, that makes its use unique."""

    psk: ExternalPSK | ResumptionPSK
    nonce: bytes

    def encode(self) -> bytes:
        return self.psk.encode() + V(self.nonce)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[PreSharedKeyID, int]:
        psk, pos = _read_psk(buf, pos)
        nonce, pos = rv(buf, pos)
        return cls(psk, nonce), pos


def _read_psk(buf: bytes, pos: int) -> tuple[ExternalPSK | ResumptionPSK, int]:
    kind, pos = u8(buf, pos)
    if kind == PSKType.EXTERNAL:
        psk_id, pos = rv(buf, pos)
        return ExternalPSK(psk_id), pos
    if kind != PSKType.RESUMPTION:
        raise DecodeError("A pre-shared key is of no known type.", "V02")
    number, pos = u8(buf, pos)
    try:
        usage = ResumptionUsage(number)
    except ValueError:
        raise DecodeError("A resumption key has no known usage.", "V02") from None
    group_id, pos = rv(buf, pos)
    epoch, pos = u64(buf, pos)
    return ResumptionPSK(usage, group_id, epoch), pos


def psk_secret(suite: Suite, psks: Sequence[tuple[PreSharedKeyID, bytes]]) -> bytes:
    """All keys of a commit in one, in the order of its proposals; zeros if there are none."""
    zero = bytes(suite.nh)
    secret = zero
    for index, (name, psk) in enumerate(psks):
        label = name.encode() + index.to_bytes(2, "big") + len(psks).to_bytes(2, "big")
        secret = suite.extract(suite.expand_with_label(suite.extract(zero, psk), "derived psk", label, suite.nh), secret)
    return secret

"""Who takes part in a session: our own device, the other device, and what binds the two."""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.crypto import Ed25519Public, X25519Public, X25519Secret, sha256
from connexa.identity import DeviceCertificate, DeviceId, UserId, UserPublic
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["Binding", "LocalDevice", "Party"]


@dataclass(frozen=True, slots=True)
class Party:
    """A device with all keys that the transcript binds (P01)."""

    user: UserId
    device: DeviceId
    uik: Ed25519Public
    dsk: Ed25519Public
    dik: X25519Public

    @classmethod
    def of(cls, user: UserPublic, certificate: DeviceCertificate) -> Party:
        """From a verified certificate of that user's device."""
        return cls(user.id, certificate.device, user.key, certificate.dsk, certificate.dik)

    @property
    def keys_hash(self) -> bytes:
        """SHA-256(UIK | DSK), as sender certificates carry it."""
        return sha256(self.uik.raw, self.dsk.raw)


@dataclass(frozen=True, slots=True)
class LocalDevice:
    """Our own device: what key agreement needs of it."""

    user: UserPublic
    signed_certificate: Signed
    certificate: DeviceCertificate
    dik: X25519Secret = field(repr=False)

    @property
    def party(self) -> Party:
        return Party.of(self.user, self.certificate)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a session is bound to for its whole life; both AD strings begin with the transcript (pairwise §2)."""

    transcript: bytes
    local_user: UserId
    local_device: DeviceId
    remote_user: UserId
    remote_device: DeviceId
    remote_keys: bytes  # SHA-256(UIK | DSK) of the other device
    ephemeral: bytes
    initiator: bool
    created: int
    ad_out: bytes = field(init=False, repr=False)
    ad_in: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        local, remote = self.local_user + self.local_device, self.remote_user + self.remote_device
        object.__setattr__(self, "ad_out", self.transcript + local + remote)
        object.__setattr__(self, "ad_in", self.transcript + remote + local)

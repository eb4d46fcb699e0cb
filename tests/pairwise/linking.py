"""The two ends of a linking as the pairwise room sees them: a new device with its code, and a primary that was shown it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connexa.crypto import Rng, X25519Secret, sha256
from connexa.pairwise import (
    PairingCode,
    PairingTalk,
    open_pairing_answer,
    open_pairing_request,
    seal_pairing_answer,
    seal_pairing_request,
)
from tests.pairwise.world import Device


@dataclass(frozen=True)
class NewDevice:
    """What a device keeps to itself while it shows its code."""

    device: Device
    key: X25519Secret
    reveal: bytes
    code: PairingCode

    @classmethod
    def make(cls, device: Device, rng: Rng) -> NewDevice:
        key, reveal = X25519Secret.generate(rng), rng(32)
        keys = sha256(device.dsk.public.raw, device.dik.public.raw)
        return cls(device, key, reveal, PairingCode(key.public, rng(32), keys, sha256(reveal)))

    @property
    def request(self) -> bytes:
        return seal_pairing_request(self.code, b"device, keys and name")

    def hear(self, answer: bytes) -> PairingTalk:
        """What this device has heard and said once it has revealed r."""
        primary, _ = open_pairing_answer(self.key, self.code, answer, self.device.id)
        return PairingTalk(self.code, primary, self.device.id, self.request, answer, self.reveal)


def approve(primary: Device, new: NewDevice, request: bytes) -> PairingTalk:
    """What a primary has heard and said once r was revealed to it."""
    open_pairing_request(new.code, request)
    answer = seal_pairing_answer(new.code, b"who takes it in", primary.id, new.device.id)
    return PairingTalk(new.code, primary.id, new.device.id, request, answer, new.reveal)


def with_secret(code: PairingCode, secret: bytes) -> PairingCode:
    """The same code under another secret, as somebody would have it who saw all of the network and not the screen."""
    return replace(code, secret=secret)

"""Our own objects with the randomness of the frozen vectors."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from connexa.crypto import Ed25519Secret, HybridSecret, MlKemSecret, X25519Secret
from connexa.identity import DeviceCertificate, DeviceId, Domain, UserSecret, issue_device_certificate
from connexa.pairwise import Bundle, LocalDevice, Party, ResponderSecrets, SealKey, Sender
from tests.pairwise.naive import mlkem

Json = dict[str, Any]


class Draws:
    """Randomness for one step, each value once: which one is meant follows from the length that is asked for."""

    def __init__(self, *values: bytes) -> None:
        self.left = {len(value): value for value in values}
        assert len(self.left) == len(values)

    def __call__(self, length: int) -> bytes:
        return self.left.pop(length)


class Encapsulating:
    """Stands in for the library's ML-KEM key, which takes no randomness: encapsulates to each key with the `m` that is given for it."""

    given: dict[bytes, bytes]

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @classmethod
    def from_public_bytes(cls, raw: bytes) -> Encapsulating:
        return cls(raw)

    def encapsulate(self) -> tuple[bytes, bytes]:
        ciphertext, secret = mlkem.encapsulate(self.raw, self.given.pop(self.raw))
        return secret, ciphertext


def encapsulating(given: dict[bytes, bytes]) -> AbstractContextManager[object]:
    """Encapsulate with this randomness: ML-KEM key → m."""
    stand_in = type("GivenEncapsulating", (Encapsulating,), {"given": dict(given)})
    return patch("connexa.crypto._mlkem.MLKEM768PublicKey", stand_in)


def local_device(secrets: Json) -> LocalDevice:
    """A device of the vectors."""
    user = UserSecret(secrets["user_seed"], secrets["created"])
    dsk, dik = Ed25519Secret(secrets["dsk"]), X25519Secret(secrets["dik"])
    certificate = DeviceCertificate(user.id, DeviceId(secrets["device"]), dsk.public, dik.public, secrets["not_after"])
    return LocalDevice(user.public, issue_device_certificate(certificate, user), certificate, dik)


def sender(device: LocalDevice) -> Sender:
    """What a sender certificate says of it."""
    return Sender(device.user.id, device.certificate.device, device.party.keys_hash, Domain("a.example"))


def responder_secrets(keys: Json) -> ResponderSecrets:
    """B's private prekeys."""
    otp = X25519Secret(keys["otp"]) if keys["otp"] else None
    return ResponderSecrets(X25519Secret(keys["spk"]), MlKemSecret(keys["kem"]), otp)


def bundle(party: Party, keys: Json) -> Bundle:
    """What A got of B."""
    secrets = responder_secrets(keys)
    seal_key = SealKey(party.device, 1, HybridSecret.from_seed(bytes(95) + b"\1").public)
    one_time = secrets.one_time.public if secrets.one_time else None
    return Bundle(party, keys["spk_id"], secrets.spk.public, keys["kem_id"], secrets.kem.public, one_time, seal_key)

"""HPKE in base mode (RFC 9180 §5) over the KEMs of `connexa.crypto.mls`: single-shot seal and open, and the exporter.

Our own because the library below it has no contexts, no exporter and no say over randomness, and because it hashes `info` anew
for each recipient: one `Sealer` does it once for all, without which a Welcome costs the square of its newcomers.
"""

from __future__ import annotations

from connexa.crypto import Rng
from connexa.crypto.mls import Aead, Hash, Kem, KemSecret, labeled_expand, labeled_extract

__all__ = ["Hpke", "Sealer"]

_BASE = b"\0"


class Hpke:
    """One HPKE suite. What does not hold raises `InvalidKey` or `InvalidTag` of `connexa.crypto`."""

    __slots__ = ("_aead", "_hash", "_psk_id_hash", "_suite_id", "kem")

    def __init__(self, kem: Kem, hash: Hash, aead: Aead) -> None:
        self.kem = kem
        self._hash = hash
        self._aead = aead
        self._suite_id = b"HPKE" + b"".join(i.to_bytes(2, "big") for i in (kem.id, hash.kdf_id, aead.id))
        self._psk_id_hash = self._extract(b"", b"psk_id_hash", b"")

    def sealer(self, info: bytes) -> Sealer:
        """Seals to any number of recipients under one `info`."""
        return Sealer(self, self._context(info))

    def open(self, secret: KemSecret, enc: bytes, sealed: bytes, info: bytes) -> bytes:
        """The plaintext that was sealed to this key under that `info`."""
        key, nonce = self._key_and_nonce(self.kem.decapsulate(enc, secret), self._context(info))
        return self._aead.open(key, nonce, b"", sealed)

    def send_export(self, public: bytes, info: bytes, exporter_context: bytes, length: int, rng: Rng) -> tuple[bytes, bytes]:
        """An encapsulation to that key, and the secret that its owner will export from it."""
        shared, enc = self.kem.encapsulate(public, rng)
        return enc, self._export(shared, info, exporter_context, length)

    def receive_export(self, secret: KemSecret, enc: bytes, info: bytes, exporter_context: bytes, length: int) -> bytes:
        """The secret that the sender of this encapsulation exported."""
        return self._export(self.kem.decapsulate(enc, secret), info, exporter_context, length)

    def _context(self, info: bytes) -> bytes:
        return _BASE + self._psk_id_hash + self._extract(b"", b"info_hash", info)

    def _seal(self, public: bytes, plaintext: bytes, context: bytes, rng: Rng) -> tuple[bytes, bytes]:
        shared, enc = self.kem.encapsulate(public, rng)
        key, nonce = self._key_and_nonce(shared, context)
        return enc, self._aead.seal(key, nonce, b"", plaintext)

    def _key_and_nonce(self, shared: bytes, context: bytes) -> tuple[bytes, bytes]:
        secret = self._extract(shared, b"secret", b"")
        return self._expand(secret, b"key", context, self._aead.nk), self._expand(secret, b"base_nonce", context, self._aead.nn)

    def _export(self, shared: bytes, info: bytes, exporter_context: bytes, length: int) -> bytes:
        exporter = self._expand(self._extract(shared, b"secret", b""), b"exp", self._context(info), self._hash.size)
        return self._expand(exporter, b"sec", exporter_context, length)

    def _extract(self, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return labeled_extract(self._hash, self._suite_id, salt, label, ikm)

    def _expand(self, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        return labeled_expand(self._hash, self._suite_id, prk, label, info, length)


class Sealer:
    """Seals single messages to many keys under one `info`, which was hashed once."""

    __slots__ = ("_context", "_hpke")

    def __init__(self, hpke: Hpke, context: bytes) -> None:
        self._hpke = hpke
        self._context = context

    def seal(self, public: bytes, plaintext: bytes, rng: Rng) -> tuple[bytes, bytes]:
        """Encapsulation and ciphertext."""
        return self._hpke._seal(public, plaintext, self._context, rng)

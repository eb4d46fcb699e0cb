"""Typed keys and the few primitives that Connexa uses; no other room imports a cryptographic library.

Public keys exist only if they passed their admission check; secret keys show nothing and are not compared. `voprf` holds the
blind tokens, `x509` the certificates of a domain.
"""

from __future__ import annotations

from connexa.crypto import voprf, x509
from connexa.crypto._aead import TAG_BYTES, aead_open, aead_seal
from connexa.crypto._ed25519 import Ed25519Public, Ed25519Secret, Kind
from connexa.crypto._errors import InvalidKey, InvalidProof, InvalidSignature, InvalidTag
from connexa.crypto._hash import ZERO_SALT, HmacKey, Rng, equal, hkdf, hmac_sha256, hmac_sha256_pair, sha256, sha512, system_random
from connexa.crypto._hpke import (
    HYBRID_OVERHEAD,
    HybridPublic,
    HybridSecret,
    hpke_open,
    hpke_seal,
    hpke_x25519_open,
    hpke_x25519_seal,
)
from connexa.crypto._mlkem import MLKEM_CIPHERTEXT_BYTES, MLKEM_PUBLIC_BYTES, MlKemPublic, MlKemSecret
from connexa.crypto._password import PASSWORD_SALT_BYTES, stretch_password
from connexa.crypto._secret import Secret
from connexa.crypto._x25519 import X25519Public, X25519Secret

__all__ = [
    "HYBRID_OVERHEAD",
    "MLKEM_CIPHERTEXT_BYTES",
    "MLKEM_PUBLIC_BYTES",
    "PASSWORD_SALT_BYTES",
    "TAG_BYTES",
    "ZERO_SALT",
    "Ed25519Public",
    "Ed25519Secret",
    "HybridPublic",
    "HybridSecret",
    "InvalidKey",
    "InvalidProof",
    "InvalidSignature",
    "InvalidTag",
    "HmacKey",
    "Kind",
    "MlKemPublic",
    "MlKemSecret",
    "Rng",
    "Secret",
    "X25519Public",
    "X25519Secret",
    "aead_open",
    "aead_seal",
    "equal",
    "hkdf",
    "hmac_sha256",
    "hmac_sha256_pair",
    "hpke_open",
    "hpke_seal",
    "hpke_x25519_open",
    "hpke_x25519_seal",
    "sha256",
    "sha512",
    "stretch_password",
    "system_random",
    "voprf",
    "x509",
]

"""The primitives of RFC 9420's cipher suites: hash, KEM, AEAD and signature, each an object with its sizes.

Everything else of the package has one algorithm per task; MLS negotiates. What the wire brings is admitted here (V45): one
encoding for each key, no compressed or low-order point. All of it raises `InvalidKey`, `InvalidTag` or `InvalidSignature`.
"""

from __future__ import annotations

from connexa.crypto.mls._aead import AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, Aead
from connexa.crypto.mls._certificates import CertificateLeaf, check_chain, read_leaf
from connexa.crypto.mls._hash import SHA256, SHA384, SHA512, Hash
from connexa.crypto.mls._kem import DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X25519, XWING, Kem, KemPublic, KemSecret
from connexa.crypto.mls._labels import labeled_expand, labeled_extract
from connexa.crypto.mls._signature import (
    ECDSA_P256,
    ECDSA_P384,
    ECDSA_P521,
    ED25519,
    SignatureScheme,
    SignatureSecret,
)

__all__ = [
    "AES_128_GCM",
    "AES_256_GCM",
    "CHACHA20_POLY1305",
    "DHKEM_P256",
    "DHKEM_P384",
    "DHKEM_P521",
    "DHKEM_X25519",
    "ECDSA_P256",
    "ECDSA_P384",
    "ECDSA_P521",
    "ED25519",
    "SHA256",
    "SHA384",
    "SHA512",
    "XWING",
    "Aead",
    "CertificateLeaf",
    "Hash",
    "Kem",
    "KemPublic",
    "KemSecret",
    "SignatureScheme",
    "SignatureSecret",
    "check_chain",
    "labeled_expand",
    "labeled_extract",
    "read_leaf",
]

"""HPKE's labelled extraction and expansion (RFC 9180 §4), shared by the KEMs and the key schedule above them."""

from __future__ import annotations

from connexa.crypto.mls._hash import Hash

__all__ = ["labeled_expand", "labeled_extract"]


def labeled_extract(hash: Hash, suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """`LabeledExtract` of a KEM (`KEM | id`) or of a whole suite (`HPKE | ids`)."""
    return hash.extract(salt, b"HPKE-v1" + suite_id + label + ikm)


def labeled_expand(hash: Hash, suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """`LabeledExpand` to `length` bytes."""
    return hash.expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + info, length)

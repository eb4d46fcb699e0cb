"""A second, literal implementation of pairwise §2-4 for the receiving side of a first message: straight from the formulas, with
other building blocks (HMAC written out instead of a KDF class), no classes, no state. It shares no code with the room that it checks.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def hkdf(salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    block, out, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out, i = out + block, i + 1
    return out[:length]


def f(tag: int, part: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(part).to_bytes(4, "big") + part


def dh(secret: bytes, public: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def transcript(fields: list[bytes]) -> bytes:
    """The 18 fields of T, in order."""
    assert len(fields) == 18
    return hashlib.sha512(b"Connexa/1 PQXDH transcript" + b"".join(f(i, part) for i, part in enumerate(fields, 1))).digest()


def open_first(
    fields: list[bytes], *, dik_a: bytes, dik_b: bytes, spk_b: bytes, otp_b: bytes, kem_seed: bytes, ids: bytes, message: bytes
) -> tuple[bytes, bytes]:
    """B's plaintext and the header of A's first message; secrets of B, public `dik_a`, AD ids in the order sender, recipient."""
    ek, ct = fields[16], fields[17]
    t = transcript(fields)
    shared = dh(spk_b, dik_a) + dh(dik_b, ek) + dh(spk_b, ek) + (dh(otp_b, ek) if otp_b else b"")
    ss = MLKEM768PrivateKey.from_seed_bytes(kem_seed).decapsulate(ct)
    sk = hkdf(bytes(32), b"\xff" * 32 + shared + ss, b"Connexa/1 PQXDH" + t, 96)
    root, header_seed, pq_seed = sk[:32], sk[32:64], sk[64:]
    hk_a = hkdf(bytes(32), header_seed, b"Connexa/1 DR header", 64)[:32]
    ad = t + ids

    eh, commit_m, body = message[:238], message[238:270], message[270:]
    n12, commit_h = eh[:12], eh[12:44]
    keys = hkdf(n12, hk_a, b"Connexa/1 header", 64)
    assert keys[32:] == commit_h
    header = ChaCha20Poly1305(keys[:32]).decrypt(n12, eh[44:], ad)

    chain = hkdf(root, dh(spk_b, header[:32]), b"Connexa/1 DR root", 96)[32:64]
    pq_chain = hkdf(bytes(32), pq_seed, b"Connexa/1 PQ start", 160)[32:64]
    ec_mk = pq_mk = b""
    for n in range(int.from_bytes(header[36:40], "big") + 1):
        ec_mk = hmac.new(chain, b"\x01", hashlib.sha256).digest()
        chain = hmac.new(chain, b"\x02", hashlib.sha256).digest()
        step = hkdf(bytes(32), pq_chain, n.to_bytes(4, "big") + b"Connexa/1 PQ next", 64)
        pq_chain, pq_mk = step[:32], step[32:]
    out = hkdf(pq_mk, ec_mk, b"Connexa/1 msg" + n12, 76)
    assert out[44:] == commit_m
    return ChaCha20Poly1305(out[:32]).decrypt(out[32:44], body, ad + eh + commit_m), header

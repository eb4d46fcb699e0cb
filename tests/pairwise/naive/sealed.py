"""Sealed sender, wraps and bodies: docs/protocol.md sections 11 and 12. HPKE (RFC 9180, draft-ietf-hpke-pq) is written out here."""

from __future__ import annotations

import hashlib

from tests.pairwise.naive import mlkem
from tests.pairwise.naive.pqxdh import field, signed
from tests.pairwise.naive.primitives import (
    Refused,
    dh,
    dh_public,
    kem_open,
    kem_public,
    mac,
    open_,
    pad,
    seal,
    sha256,
    u16,
    u32,
    u64,
    unpad,
)

SUITE = b"HPKE" + u16(0x647A) + u16(1) + u16(3)  # MLKEM768-X25519, HKDF-SHA256, ChaCha20-Poly1305
ZERO_NONCE = bytes(12)


def labelled_extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return mac(salt or bytes(32), b"HPKE-v1" + SUITE + label + ikm)


def labelled_expand(prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return mac(prk, u16(length) + b"HPKE-v1" + SUITE + label + info + b"\x01")[:length]


def schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    context = b"\0" + labelled_extract(b"", b"psk_id_hash", b"") + labelled_extract(b"", b"info_hash", info)
    secret = labelled_extract(shared, b"secret", b"")
    return labelled_expand(secret, b"key", context, 32), labelled_expand(secret, b"base_nonce", context, 12)


def combine(ss_m: bytes, ss_x: bytes, enc_x: bytes, pk_x: bytes) -> bytes:
    return hashlib.sha3_256(ss_m + ss_x + enc_x + pk_x + bytes.fromhex("5c2e2f2f5e5c")).digest()


def hpke_seal(public: bytes, info: bytes, plaintext: bytes, m: bytes, ephemeral: bytes) -> bytes:
    """To ML-KEM key | X25519 key, with the randomness of the encapsulation given."""
    enc_m, ss_m = mlkem.encapsulate(public[:1184], m)
    enc_x, pk_x = dh_public(ephemeral), public[1184:]
    key, nonce = schedule(combine(ss_m, dh(ephemeral, pk_x), enc_x, pk_x), info)
    return enc_m + enc_x + seal(key, nonce, plaintext, b"")


def hpke_open(seed: bytes, info: bytes, sealed: bytes) -> bytes:
    """With the ML-KEM seed 64 | X25519 secret 32."""
    enc_x = sealed[1088:1120]
    shared = combine(kem_open(seed[:64], sealed[:1088]), dh(seed[64:], enc_x), enc_x, dh_public(seed[64:]))
    key, nonce = schedule(shared, info)
    return open_(key, nonce, sealed[1120:], b"")


def seal_key_public(seed: bytes) -> bytes:
    return kem_public(seed[:64]) + dh_public(seed[64:])


def info_for(device: bytes, seal_key: int) -> bytes:
    return b"Connexa/1 sealed" + device + u32(seal_key) + u16(1)


def sender_certificate(domain_seed: bytes, sender: dict, domain: str, expires: int) -> bytes:
    """`sender` is a public half from `pqxdh.device`."""
    keys = sha256(sender["uik"] + sender["dsk"])
    body = field(1, sender["user"]) + field(2, sender["device"]) + field(3, keys) + field(4, domain.encode()) + field(5, expires)
    return signed(domain_seed, "sender", body)


def seal_packet(public: bytes, device: bytes, seal_key: int, certificate: bytes, initial: bytes, message: bytes, draws: dict) -> bytes:
    """Takes the draws `m` and `hpke`."""
    plain = bytes(32) + u16(len(certificate)) + certificate + u16(len(initial)) + initial + message
    padded = pad(plain, 4_096 if initial else 1_024)
    return hpke_seal(public, info_for(device, seal_key), padded, draws.pop("m"), draws.pop("hpke"))


def open_packet(seed: bytes, device: bytes, seal_key: int, packet: bytes) -> tuple[bytes, bytes, bytes]:
    """(sender certificate, initial part, message)."""
    plain = hpke_open(seed, info_for(device, seal_key), packet)
    if plain[:32] != bytes(32):
        raise Refused("the key is another")
    rest, parts = plain[32:], []
    for _ in range(2):
        length = int.from_bytes(rest[:2], "big")
        parts.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    return parts[0], parts[1], unpad(rest)


def seal_body(content: bytes, size: int, cek: bytes) -> bytes:
    return seal(cek, ZERO_NONCE, pad(bytes(32) + content, size), b"Connexa/1 body")


def open_body(cek: bytes, ciphertext: bytes) -> bytes:
    plain = unpad(open_(cek, ZERO_NONCE, ciphertext, b"Connexa/1 body"))
    if plain[:32] != bytes(32):
        raise Refused("the key is another")
    return plain[32:]


def wrap(cek: bytes, ciphertext: bytes, place: dict) -> bytes:
    """`place` names body, message, conversation, counter, last_seen, list_version and list_digest."""
    fields = cek + sha256(ciphertext) + place["body"] + place["message"] + place["conversation"] + u64(place["counter"])
    return pad(fields + place["last_seen"] + u64(place["list_version"]) + place["list_digest"], 256)


def open_wrap(raw: bytes, ciphertext: bytes) -> tuple[bytes, dict]:
    """The body's key and the place."""
    packed = unpad(raw)
    sizes = {"cek": 32, "digest": 32, "body": 16, "message": 16, "conversation": 32, "counter": 8, "last_seen": 32}
    sizes |= {"list_version": 8, "list_digest": 32}
    place: dict = {}
    for name, size in sizes.items():
        place[name], packed = packed[:size], packed[size:]
    for name in ("counter", "list_version"):
        place[name] = int.from_bytes(place[name], "big")
    cek = place.pop("cek")
    if packed or place.pop("digest") != sha256(ciphertext):
        raise Refused("the body is another")
    return cek, place

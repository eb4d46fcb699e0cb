"""Devices and key agreement: docs/protocol.md sections 2, 3 and 10. A device is a dict of its secrets; its public half is computed."""

from __future__ import annotations

import hashlib

from tests.pairwise.naive import mlkem
from tests.pairwise.naive.primitives import (
    ZEROS,
    Refused,
    dh,
    dh_public,
    f,
    hkdf,
    kem_open,
    kem_public,
    sha256,
    sign,
    signing_public,
    u16,
    u32,
)

SUITE = 1


def varint(number: int) -> bytes:
    out = b""
    while number >= 128:
        out, number = out + bytes([number % 128 + 128]), number // 128
    return out + bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    """One field of a protobuf message; zero and empty ones are left out."""
    if not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def signed(seed: bytes, kind: str, body: bytes) -> bytes:
    return field(1, body) + field(2, sign(seed, kind, body))


def device(secrets: dict) -> dict:
    """All that follows from a device's secrets: {user_seed, created, device, dsk, dik, not_after}."""
    uik = hkdf(ZEROS, secrets["user_seed"], b"connexa/user/v1\0id", 32)
    packet = b"\x06" + u32(secrets["created"]) + b"\x1b" + u32(32) + signing_public(uik)
    user = sha256(b"\x9b" + u32(42) + packet)
    dsk, dik = signing_public(secrets["dsk"]), dh_public(secrets["dik"])
    body = field(1, user) + field(2, secrets["device"]) + field(3, dsk) + field(4, dik)
    body += field(5, secrets["not_after"]) + field(6, varint(SUITE))  # a packed list of one
    return {
        "user": user,
        "packet": packet,
        "device": secrets["device"],
        "uik": signing_public(uik),
        "dsk": dsk,
        "dik": dik,
        "certificate": signed(uik, "device", body),
    }


def identity(public: dict) -> list[bytes]:
    return [public["user"], public["device"], public["uik"], public["dsk"], public["dik"]]


def transcript(a: dict, b: dict, prekeys: list[bytes], ephemeral: bytes, ciphertext: bytes) -> bytes:
    """T; `prekeys` are SPK id, SPK, KEM id, KEM key, OTP X25519 or empty."""
    fields = [u16(SUITE), *identity(a), *identity(b), *prekeys, ephemeral, ciphertext]
    assert len(fields) == 18
    return hashlib.sha512(b"Connexa/1 PQXDH transcript" + b"".join(f(i, part) for i, part in enumerate(fields, 1))).digest()


def derive(t: bytes, shared: list[bytes], ss: bytes) -> dict:
    sk = hkdf(ZEROS, b"\xff" * 32 + b"".join(shared) + ss, b"Connexa/1 PQXDH" + t, 96)
    header = hkdf(ZEROS, sk[32:64], b"Connexa/1 DR header", 64)
    return {"T": t, "root": sk[:32], "hk_a": header[:32], "nhk_b": header[32:], "pq": sk[64:]}


def prekey_fields(prekeys: dict) -> list[bytes]:
    """The public half of B's prekeys {spk_id, spk, kem_id, kem, otp}, as T holds it."""
    otp = dh_public(prekeys["otp"]) if prekeys["otp"] else b""
    return [u32(prekeys["spk_id"]), dh_public(prekeys["spk"]), u32(prekeys["kem_id"]), kem_public(prekeys["kem"]), otp]


def initiate(a_secrets: dict, b: dict, bundle: list[bytes], ek: bytes, m: bytes) -> dict:
    """A's side, from B's public half and bundle; the keys and the initial part."""
    a = device(a_secrets)
    _, spk, _, kem, otp = bundle
    ciphertext, ss = mlkem.encapsulate(kem, m)
    shared = [dh(a_secrets["dik"], spk), dh(ek, b["dik"]), dh(ek, spk)] + ([dh(ek, otp)] if otp else [])
    keys = derive(transcript(a, b, bundle, dh_public(ek), ciphertext), shared, ss)
    part = field(1, SUITE) + field(2, a["packet"]) + field(3, a["certificate"])
    part += field(4, int.from_bytes(bundle[0], "big")) + field(5, int.from_bytes(bundle[2], "big"))
    part += field(6, 1 if otp else 0) + field(7, dh_public(ek)) + field(8, ciphertext)
    return {**keys, "initial": part, "ephemeral": dh_public(ek), "ciphertext": ciphertext}


def respond(b_secrets: dict, prekeys: dict, a: dict, ephemeral: bytes, ciphertext: bytes) -> dict:
    """B's side; `a` is the public half of A, checked elsewhere."""
    if not ciphertext:
        raise Refused("no KEM part")
    shared = [dh(prekeys["spk"], a["dik"]), dh(b_secrets["dik"], ephemeral), dh(prekeys["spk"], ephemeral)]
    if prekeys["otp"]:
        shared.append(dh(prekeys["otp"], ephemeral))
    t = transcript(a, device(b_secrets), prekey_fields(prekeys), ephemeral, ciphertext)
    return derive(t, shared, kem_open(prekeys["kem"], ciphertext))

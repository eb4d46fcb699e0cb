"""Ed25519: Wycheproof, the one signing function, the registry of kinds (identity §2)."""

from __future__ import annotations

import json
from hashlib import sha512
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidKey, InvalidSignature, Kind, X25519Secret, equal

SECRET = Ed25519Secret.from_seed(bytes(range(32)))
BODY = b"a body that is long enough for a signed statement of ours"


def _holds(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519Public.from_bytes(key)._verify(message, signature)
    except (InvalidKey, InvalidSignature):
        return False
    return True


def test_wycheproof(vectors: Path) -> None:
    groups = json.loads((vectors / "e2ee/wycheproof/ed25519_test.json").read_text())["testGroups"]
    for group in groups:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            held = _holds(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert held == (case["result"] == "valid"), case["tcId"]
    assert sum(len(group["tests"]) for group in groups) == 151


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_have_32_bytes(length: int) -> None:
    with pytest.raises(InvalidKey):
        Ed25519Public.from_bytes(bytes(length))
    with pytest.raises(InvalidKey):
        Ed25519Secret.from_seed(bytes(length))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_signature_holds_for_its_kind_alone(kind: Kind) -> None:
    signature = SECRET.sign(kind, BODY)
    SECRET.public.verify(kind, BODY, signature)
    for other in set(Kind) - {kind}:
        with pytest.raises(InvalidSignature):
            SECRET.public.verify(other, BODY, signature)
    with pytest.raises(InvalidSignature):
        SECRET.public.verify(kind, BODY + b"\0", signature)


def test_an_unknown_kind_fails() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        SECRET.sign("anything", BODY)
    with pytest.raises(ValueError, match="unknown kind"):
        SECRET.public.verify("anything", BODY, bytes(64))


def test_i23_statements_and_openpgp_digests_never_interchange() -> None:
    with pytest.raises(ValueError, match="longer"):
        SECRET.sign(Kind.OTP, bytes(64 - len(b"connexa/otp/v1\0")))
    short = bytes(64 - len(b"connexa/otp/v1\0"))
    as_openpgp = SECRET.sign_openpgp(b"connexa/otp/v1\0" + short)
    with pytest.raises(InvalidSignature):
        SECRET.public.verify(Kind.OTP, short, as_openpgp)
    digest = sha512(b"x").digest()
    SECRET.public.verify_openpgp(digest, SECRET.sign_openpgp(digest))
    with pytest.raises(ValueError, match="64-byte"):
        SECRET.sign_openpgp(digest + b"x")
    with pytest.raises(InvalidSignature):
        SECRET.public.verify_openpgp(b"connexa/otp/v1\0" + BODY, SECRET.sign(Kind.OTP, BODY))


def test_secrets_show_nothing_and_are_not_compared() -> None:
    for secret in (SECRET, X25519Secret.from_bytes(bytes(range(32)))):
        assert bytes(range(32)).hex() not in repr(secret)
        with pytest.raises(TypeError):
            _ = secret == secret
        with pytest.raises(TypeError):
            hash(secret)
        with pytest.raises(TypeError):
            secret.__reduce__()
    assert equal(SECRET.seed, bytes(range(32)))

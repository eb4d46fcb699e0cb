from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pysequoia
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import Ed25519Secret, InvalidSignature, Kind, sha512
from connexa.errors import IntegrityError
from connexa.identity import UserPublic, UserSecret
from connexa.identity import _openpgp_packets as packets
from connexa.identity._openpgp_packets import Tag, Version
from connexa.identity.openpgp import (
    MAX_CERTIFICATE,
    export_v4,
    export_v4_secret,
    export_v6,
    export_v6_secret,
    user_of_certificate,
    v4_fingerprint,
)
from connexa.testing import SeededRandom

from .people import ALICE_ADDRESS, NOW, person, secret

ALICE = UserSecret(person("alice").seed, 1_700_000_000)  # gpg refuses keys from the future of the machine's clock
DEVICE = secret("dsk phone")


def test_i20_both_fingerprints_are_as_sequoia_has_them():
    v4, v6 = (
        pysequoia.Cert.from_bytes(export_v4(ALICE, ALICE_ADDRESS)),
        pysequoia.Cert.from_bytes(export_v6(ALICE, ALICE_ADDRESS, SeededRandom())),
    )
    assert v6.fingerprint == ALICE.id.hex()
    assert v4.fingerprint == v4_fingerprint(ALICE.public).hex()
    for certificate in (v4, v6):  # Sequoia lists a user id only under a valid self-signature
        assert [str(user_id) for user_id in certificate.user_ids] == [str(ALICE_ADDRESS)]


def test_i20_the_v4_certificate_is_rebuilt_byte_by_byte_and_v6_is_not():
    again = UserSecret(ALICE.seed, ALICE.created)
    assert export_v4(ALICE, ALICE_ADDRESS, DEVICE) == export_v4(again, ALICE_ADDRESS, DEVICE)
    assert export_v6(ALICE, ALICE_ADDRESS, SeededRandom(1)) != export_v6(ALICE, ALICE_ADDRESS, SeededRandom(2))


def test_the_fingerprint_is_of_the_framed_body():
    body = packets.ed25519_packet(Version.V4, ALICE.created, ALICE.public.key.raw).body
    assert len(body) == 51
    assert v4_fingerprint(ALICE.public) == hashlib.sha1(b"\x99\x00\x33" + body).digest()
    assert len(packets.x25519_packet(Version.V4, ALICE.created, bytes(32)).body) == 56


@pytest.mark.parametrize("number", range(24))
def test_i21_leading_zeros_of_seed_r_and_s(number):
    """Numbers lose their leading zeros in v4: among these keys are seeds and signatures that have some."""
    seed = bytes(number % 3) + bytes([number + 1]) * (32 - number % 3)
    for created in range(ALICE.created, ALICE.created + 24):
        user = UserSecret(seed, created)
        user.key = Ed25519Secret.from_seed(seed)
        user.public = UserPublic(user.key.public, created)
        public = pysequoia.Cert.from_bytes(export_v4(user, ALICE_ADDRESS, DEVICE))
        assert len(public.user_ids) == 1
        assert _opens(pysequoia.Tsk.from_bytes(export_v4_secret(user, ALICE_ADDRESS, DEVICE)), public)


def test_i21_numbers_are_written_without_leading_zeros():
    assert packets.mpi(bytes(30) + b"\x01\x00") == b"\x00\x09\x01\x00"
    assert packets.mpi(b"\x80" + bytes(31)) == b"\x01\x00\x80" + bytes(31)
    assert packets.mpi(bytes(32)) == b"\x00\x00"


def test_i22_the_extracted_key_is_the_identity_key():
    for certificate in (export_v4(ALICE, ALICE_ADDRESS, DEVICE), export_v6(ALICE, ALICE_ADDRESS, SeededRandom(), DEVICE)):
        assert user_of_certificate(certificate) == ALICE.public


def test_i22_other_algorithms_are_refused():
    for suite in (pysequoia.Profile.RFC4880, pysequoia.Profile.RFC9580):
        generated = bytes(pysequoia.Tsk.generate("mallory@a.example", profile=suite).extract_certificate())
        tag, body = packets.first_packet(generated)
        if tag == 6 and body[5] in (22, 27):
            continue  # it is an Ed25519 key
        with pytest.raises(IntegrityError):
            user_of_certificate(generated)
    swapped = export_v4(ALICE, ALICE_ADDRESS).replace(bytes.fromhex("092B06010401DA470F01"), bytes.fromhex("092B06010401DA470F02"), 1)
    with pytest.raises(IntegrityError):
        user_of_certificate(swapped)
    for body in (
        b"",
        bytes(51),
        bytes(42),
        packets.x25519_packet(Version.V6, 1, bytes(32)).body,
        packets.x25519_packet(Version.V4, 1, bytes(32)).body,
    ):
        with pytest.raises(ValueError, match="not an Ed25519 key"):
            packets.read_ed25519(body)


def test_a_secret_key_is_no_certificate():
    for key in (export_v4_secret(ALICE, ALICE_ADDRESS), export_v6_secret(ALICE, ALICE_ADDRESS, SeededRandom())):
        with pytest.raises(IntegrityError):
            user_of_certificate(key)


def test_i23_raw_and_openpgp_signatures_never_interchange():
    body = bytes(64)
    with pytest.raises(InvalidSignature):
        ALICE.public.key.verify_openpgp(sha512(body), ALICE.key.sign(Kind.ATTESTATION, body))
    with pytest.raises(InvalidSignature):
        ALICE.public.key.verify(Kind.ATTESTATION, body, ALICE.key.sign_openpgp(sha512(body)))
    with pytest.raises(ValueError, match="longer"):
        ALICE.key.sign(Kind.SPK, b"short")
    with pytest.raises(ValueError, match="64-byte"):
        ALICE.key.sign_openpgp(bytes(65))


def test_i25_a_name_that_the_key_did_not_sign_is_refused():
    renamed = export_v4(ALICE, ALICE_ADDRESS).replace(b"alice@", b"alicf@")
    with pytest.raises(IntegrityError, check=lambda error: error.code == "openpgp.invalid"):
        user_of_certificate(renamed)
    nameless = packets.packet(Tag.PUBLIC_KEY, packets.ed25519_packet(Version.V4, ALICE.created, ALICE.public.key.raw).body)
    with pytest.raises(IntegrityError, check=lambda error: error.code == "openpgp.invalid"):
        user_of_certificate(nameless)


def test_secrets_open_what_is_sealed_to_the_certificate():
    for certificate, key in (
        (export_v4(ALICE, ALICE_ADDRESS), export_v4_secret(ALICE, ALICE_ADDRESS)),
        (export_v6(ALICE, ALICE_ADDRESS, SeededRandom()), export_v6_secret(ALICE, ALICE_ADDRESS, SeededRandom())),
    ):
        assert _opens(pysequoia.Tsk.from_bytes(key), pysequoia.Cert.from_bytes(certificate))


def _opens(key: pysequoia.Tsk, certificate: pysequoia.Cert) -> bool:
    sealed = pysequoia.encrypt(b"hello", [certificate])
    return pysequoia.decrypt(sealed, decryptor=key.decryptor()).bytes == b"hello"


def test_i33_errors_carry_no_backtrace_and_oversized_certificates_are_refused():
    for wrong in (b"", b"\xc6", b"hello", bytes(100), bytes(MAX_CERTIFICATE + 1), export_v4(ALICE, ALICE_ADDRESS)[:60]):
        with pytest.raises(IntegrityError) as refusal:
            user_of_certificate(wrong)
        assert refusal.value.code == "openpgp.invalid"
        assert "\n" not in str(refusal.value)
        assert refusal.value.__context__ is None or refusal.value.__suppress_context__


@given(st.binary(max_size=120), st.integers(0, 600))
def test_i35_fuzzed_certificates_are_read_or_refused(noise, place):
    certificate = export_v4(ALICE, ALICE_ADDRESS)
    place %= len(certificate)
    try:
        user_of_certificate(certificate[:place] + noise + certificate[place + len(noise) :])
    except IntegrityError as error:
        assert error.code == "openpgp.invalid"


# ---- gpg ------------------------------------------------------------------------------------------------------------------


class Gpg:
    """gpg with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, given: bytes = b"", asked: str = "--batch") -> subprocess.CompletedProcess[bytes]:
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            asked,
            "--no-tty",
            "--status-fd",
            "2",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]
        return subprocess.run(
            [*command, *arguments], input=given, capture_output=True, timeout=60, env={**os.environ, "LC_ALL": "C"}, check=False
        )


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    with tempfile.TemporaryDirectory(prefix="cx-gpg-", ignore_cleanup_errors=True) as home:  # short: the agent's socket lies in it
        yield Gpg(Path(home))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, timeout=30)


def test_i24_gpg_imports_the_v4_certificate_and_checks_its_signatures(gpg):
    imported = gpg("--import", given=export_v4(ALICE, ALICE_ADDRESS, DEVICE))
    assert imported.returncode == 0, imported.stderr
    assert v4_fingerprint(ALICE.public).hex().upper().encode() in imported.stderr
    listed = gpg("--with-colons", "--check-sigs").stdout.decode().splitlines()
    signatures = [line.split(":") for line in listed if line.startswith("sig:")]
    assert [fields[1] for fields in signatures] == ["!", "!", "!"]
    capabilities = [line.split(":")[11] for line in listed if line.startswith(("pub:", "sub:"))]
    assert [c.strip("ESCA") for c in capabilities] == ["c", "e", "s"]


def test_i24_gpg_encrypts_and_the_owner_decrypts(gpg, tmp_path):
    gpg("--import", given=export_v4(ALICE, ALICE_ADDRESS))
    sealed = gpg("--trust-model", "always", "-r", str(ALICE_ADDRESS), "--encrypt", given=b"to alice")
    assert sealed.returncode == 0, sealed.stderr
    key = pysequoia.Tsk.from_bytes(export_v4_secret(ALICE, ALICE_ADDRESS))
    assert pysequoia.decrypt(sealed.stdout, decryptor=key.decryptor()).bytes == b"to alice"


def test_i24_gpg_verifies_what_the_device_signs(gpg, tmp_path):
    gpg("--import", given=export_v4(ALICE, ALICE_ADDRESS, DEVICE))
    key = pysequoia.Tsk.from_bytes(export_v4_secret(ALICE, ALICE_ADDRESS, DEVICE))
    verified = gpg("--verify", given=pysequoia.sign(key.signer(), b"from alice"))
    assert b"GOODSIG" in verified.stderr, verified.stderr
    assert packets.ed25519_packet(Version.V4, ALICE.created, DEVICE.public.raw).fingerprint.hex().upper().encode() in verified.stderr


def test_i24_gpg_takes_the_secret_key_decrypts_signs_and_revokes(gpg):
    imported = gpg("--import", given=export_v4_secret(ALICE, ALICE_ADDRESS, DEVICE))
    assert b"IMPORT_OK 17" in imported.stderr, imported.stderr
    certificate = pysequoia.Cert.from_bytes(export_v4(ALICE, ALICE_ADDRESS, DEVICE))
    opened = gpg("--decrypt", given=pysequoia.encrypt(b"hello", [certificate]))
    assert opened.stdout == b"hello", opened.stderr
    signed = gpg("--sign", given=b"by gpg").stdout
    checked = pysequoia.verify(signed, lambda _ids: [certificate])
    assert [s.certificate for s in checked.valid_sigs] == [certificate.fingerprint]
    fingerprint = v4_fingerprint(ALICE.public).hex()
    revocation = gpg("--command-fd", "0", "--gen-revoke", fingerprint, given=b"y\n1\n\ny\n", asked="--yes")
    assert revocation.returncode == 0, revocation.stderr
    gpg("--import", given=revocation.stdout)
    revoked = pysequoia.Cert.from_bytes(gpg("--export", fingerprint).stdout)
    assert revoked.is_revoked
    assert not certificate.is_revoked


def test_people_of_the_tests_are_as_old_as_their_certificates():
    assert person("alice").created == NOW - 3600

"""What a suite's functions refuse (V45); their official values are in `conformance`."""

from __future__ import annotations

import pytest

from connexa.crypto import system_random
from connexa.mls.errors import CryptoError, UnsupportedSuite
from connexa.mls.suite import EXPERIMENTAL_SUITES, SUITES, Suite, get_suite

EVERY_SUITE = [*SUITES.values(), *EXPERIMENTAL_SUITES.values()]
every_suite = pytest.mark.parametrize("suite", EVERY_SUITE, ids=lambda s: str(int(s.number)))


@every_suite
def test_a_signature_holds_for_its_label_and_content(suite: Suite) -> None:
    secret = suite.generate_signature_key(system_random)
    signature = suite.sign_with_label(secret, "label", b"content")
    suite.verify_with_label(secret.public, "label", b"content", signature)
    for wrong in (("labelx", b"content", signature), ("label", b"contentx", signature), ("label", b"content", signature[:-1])):
        with pytest.raises(CryptoError) as refused:
            suite.verify_with_label(secret.public, *wrong, rule="V03")
        assert refused.value.rule == "V03"


@every_suite
def test_a_sealed_secret_opens_in_its_context_and_whole(suite: Suite) -> None:
    secret = suite.generate_key_pair(system_random)
    enc, sealed = suite.encrypt_with_label(secret.public, "label", b"context", b"plaintext", system_random)
    assert suite.decrypt_with_label(secret, "label", b"context", enc, sealed) == b"plaintext"
    for wrong in ((b"contextx", enc, sealed), (b"context", enc[:-1], sealed), (b"context", enc, sealed[:-1]), (b"context", b"", b"")):
        with pytest.raises(CryptoError):
            suite.decrypt_with_label(secret, "label", *wrong)


@every_suite
def test_one_sealer_seals_to_many(suite: Suite) -> None:
    members = [suite.generate_key_pair(system_random) for _ in range(3)]
    sealer = suite.sealer("Welcome", b"context")
    sealed = [sealer.seal(member.public, b"secret", system_random) for member in members]
    assert len(set(sealed)) == 3
    for member, (enc, ciphertext) in zip(members, sealed, strict=True):
        assert suite.decrypt_with_label(member, "Welcome", b"context", enc, ciphertext) == b"secret"
    with pytest.raises(CryptoError):
        suite.decrypt_with_label(members[0], "Welcome", b"context", *sealed[1])


@every_suite
def test_both_ends_of_an_external_init_have_one_secret(suite: Suite) -> None:
    external = suite.derive_key_pair(bytes(suite.nh))
    kem_output, secret = suite.seal_init_secret(external.public, system_random)
    assert len(secret) == suite.nh
    assert suite.open_init_secret(external, kem_output) == secret
    assert suite.open_init_secret(suite.derive_key_pair(b"\1" * suite.nh), kem_output) != secret
    with pytest.raises(CryptoError):
        suite.open_init_secret(external, kem_output[1:])
    with pytest.raises(CryptoError):
        suite.seal_init_secret(b"", system_random)


@every_suite
def test_stored_keys_come_back_and_show_nothing(suite: Suite) -> None:
    pair, signer = suite.generate_key_pair(system_random), suite.generate_signature_key(system_random)
    assert suite.load_key_pair(pair.raw).public == pair.public
    assert suite.load_signature_key(signer.raw).public == signer.public
    assert suite.derive_key_pair(b"ikm").public == suite.derive_key_pair(b"ikm").public != suite.derive_key_pair(b"ikn").public
    for secret in (pair, signer):
        assert "redacted" in repr(secret)
        assert secret.raw.hex() not in repr(secret)
    for raw in (b"", bytes(200)):
        with pytest.raises(CryptoError):
            suite.load_key_pair(raw)
        with pytest.raises(CryptoError):
            suite.load_signature_key(raw)


@every_suite
def test_keys_of_another_form_are_refused(suite: Suite) -> None:
    public = suite.generate_key_pair(system_random).public
    signature_key = suite.generate_signature_key(system_random).public
    suite.check_encryption_key(public)
    suite.check_signature_key(signature_key)
    for wrong in (b"", public[:-1], public + b"\0", bytes(len(public)), b"\xff" * len(public)):
        with pytest.raises(CryptoError) as refused:
            suite.check_encryption_key(wrong)
        assert refused.value.rule == "V45"
        with pytest.raises(CryptoError):
            suite.encrypt_with_label(wrong, "Welcome", b"", b"x", system_random)
    for wrong in (b"", signature_key[:-1], signature_key + b"\0", bytes(len(signature_key)), b"\xff" * len(signature_key)):
        with pytest.raises(CryptoError):
            suite.check_signature_key(wrong)
        with pytest.raises(CryptoError) as refused:
            suite.verify_with_label(wrong, "LeafNodeTBS", b"", bytes(64), rule="V03")
        assert refused.value.rule == "V45"


def test_a_key_of_another_suite_signs_and_opens_nothing() -> None:
    pairs = [suite.generate_key_pair(system_random) for suite in SUITES.values()]
    signers = [suite.generate_signature_key(system_random) for suite in SUITES.values()]
    for suite in SUITES.values():
        own = suite.generate_key_pair(system_random).public
        for pair in pairs:
            if len(pair.public) != len(own):
                with pytest.raises(CryptoError):
                    suite.decrypt_with_label(pair, "l", b"", *suite.encrypt_with_label(own, "l", b"", b"x", system_random))
        for signer in signers:
            if len(signer.public) != len(suite.generate_signature_key(system_random).public):
                with pytest.raises(CryptoError):
                    suite.sign_with_label(signer, "l", b"")


@pytest.mark.parametrize("number", [0, 4, 6, 8, 0xF647, 0xFFFF])
def test_suites_that_are_not_built_or_not_switched_on(number: int) -> None:
    with pytest.raises(UnsupportedSuite) as refused:
        get_suite(number)
    assert refused.value.number == number
    if number == 0xF647:
        assert get_suite(number, experimental=True).number == number


@every_suite
def test_a_seal_breaks_with_any_of_its_parts(suite: Suite) -> None:
    key, nonce = bytes(suite.nk), bytes(suite.nn)
    sealed = suite.aead_seal(key, nonce, b"aad", b"plaintext")
    assert suite.aead_open(key, nonce, b"aad", sealed) == b"plaintext"
    for wrong in (
        (key, nonce, b"", sealed),
        (key, b"\1" * suite.nn, b"aad", sealed),
        (key, nonce, b"aad", sealed[1:]),
        (key, nonce, b"aad", b""),
    ):
        with pytest.raises(CryptoError):
            suite.aead_open(*wrong)
    tag = suite.mac(key, b"content")
    suite.verify_mac(key, b"content", tag, rule="V21")
    with pytest.raises(CryptoError) as refused:
        suite.verify_mac(key, b"content", tag[:-1], rule="V21")
    assert refused.value.rule == "V21"

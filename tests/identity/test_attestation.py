from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.crypto import InvalidSignature, sha256
from connexa.errors import IntegrityError
from connexa.identity import (
    Address,
    Attestation,
    DeviceId,
    SenderCertificate,
    issue_attestation,
    issue_sender_certificate,
    sender_keys_hash,
    verify_attestation,
    verify_sender_certificate,
)

from .people import ALICE_ADDRESS, DAY, NOW, A, B, person, secret

ALICE, BOB = person("alice"), person("bob")
KEY, OTHER = secret("a"), secret("b")
ATTESTATION = Attestation(ALICE_ADDRESS, ALICE.id, 3)


def test_an_attestation_says_what_was_issued():
    signed = issue_attestation(ATTESTATION, KEY)
    assert verify_attestation(signed, [KEY.public], address=ALICE_ADDRESS, user=ALICE.id) == ATTESTATION
    assert verify_attestation(signed, [OTHER.public, KEY.public], address=ALICE_ADDRESS, user=ALICE.id, n=3) == ATTESTATION


@pytest.mark.parametrize(
    "wanted",
    [
        {"address": Address("alice", B)},
        {"address": Address("alicia", A)},
        {"user": BOB.id},
        {"n": 2},
        {"n": 4},
    ],
)
def test_i38_another_domain_localpart_user_or_number_is_refused(wanted):
    signed = issue_attestation(ATTESTATION, KEY)
    with pytest.raises(IntegrityError, check=lambda error: error.code == "attestation.invalid"):
        verify_attestation(signed, [KEY.public], **{"address": ALICE_ADDRESS, "user": ALICE.id, **wanted})


def test_i38_another_domains_key_is_refused():
    with pytest.raises(InvalidSignature):
        verify_attestation(issue_attestation(ATTESTATION, OTHER), [KEY.public], address=ALICE_ADDRESS, user=ALICE.id)
    with pytest.raises(InvalidSignature):
        verify_attestation(issue_attestation(ATTESTATION, KEY), [], address=ALICE_ADDRESS, user=ALICE.id)


SENDER = SenderCertificate(ALICE.id, DeviceId(sha256(b"phone")), sender_keys_hash(ALICE.public.key, KEY.public), A, NOW + DAY)


def test_a_sender_certificate_holds_on_the_day_it_was_made_for():
    signed = issue_sender_certificate(SENDER, KEY, NOW)
    for accepted_at in (NOW, NOW + DAY):
        assert verify_sender_certificate(signed, [KEY.public], domain=A, accepted_at=accepted_at) == SENDER
    with pytest.raises(IntegrityError, check=lambda error: error.code == "sender.expired"):
        verify_sender_certificate(signed, [KEY.public], domain=A, accepted_at=NOW + DAY + 1)


def test_a_sender_certificate_lives_for_a_day():
    with pytest.raises(IntegrityError, check=lambda error: error.code == "sender.invalid"):
        issue_sender_certificate(replace(SENDER, expires=NOW + DAY + 1), KEY, NOW)
    week = issue_sender_certificate(replace(SENDER, expires=NOW + 7 * DAY), KEY, NOW + 6 * DAY)
    with pytest.raises(IntegrityError, check=lambda error: error.code == "sender.invalid"):
        verify_sender_certificate(week, [KEY.public], domain=A, accepted_at=NOW)


def test_a_sender_certificate_of_another_domain_is_refused():
    signed = issue_sender_certificate(SENDER, KEY, NOW)
    with pytest.raises(IntegrityError, check=lambda error: error.code == "sender.invalid"):
        verify_sender_certificate(signed, [KEY.public], domain=B, accepted_at=NOW)
    with pytest.raises(InvalidSignature):
        verify_sender_certificate(signed, [OTHER.public], domain=A, accepted_at=NOW)


@pytest.mark.parametrize("change", [{"user": b"x"}, {"device": b""}, {"keys": bytes(31)}])
def test_malformed_sender_certificates_are_refused(change):
    signed = issue_sender_certificate(replace(SENDER, **change), KEY, NOW)
    with pytest.raises(IntegrityError, check=lambda error: error.code == "sender.invalid"):
        verify_sender_certificate(signed, [KEY.public], domain=A, accepted_at=NOW)


def test_the_keys_hash_binds_both_keys_in_order():
    assert SENDER.keys == sha256(ALICE.public.key.raw + KEY.public.raw)
    assert SENDER.keys != sender_keys_hash(KEY.public, ALICE.public.key)

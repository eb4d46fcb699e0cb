"""The key schedule: the official epochs, and what each secret depends on (§8)."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from connexa.mls.codec import decode
from connexa.mls.content import AuthenticatedContent
from connexa.mls.extensions import Extensions
from connexa.mls.key_schedule import (
    EpochSecrets,
    GroupContext,
    confirmation_tag,
    confirmed_transcript_hash,
    derive_epoch,
    derive_joiner_secret,
    derive_welcome_secret,
    export,
    interim_transcript_hash,
)
from connexa.mls.suite import SUITES
from tests.mls.official import cases

SUITE = SUITES[1]


def test_the_official_epochs(vectors: Path) -> None:
    found = cases(vectors, "key-schedule")
    assert len(found) == 5
    for suite, case in found:
        init_secret = bytes.fromhex(case["initial_init_secret"])
        assert len(case["epochs"]) == 5
        for number, epoch in enumerate(case["epochs"]):
            context = GroupContext(
                suite.number,
                bytes.fromhex(case["group_id"]),
                number,
                bytes.fromhex(epoch["tree_hash"]),
                bytes.fromhex(epoch["confirmed_transcript_hash"]),
                Extensions(()),
            )
            encoded = context.encode()
            assert encoded.hex() == epoch["group_context"]
            assert decode(GroupContext.read, encoded) == context
            joiner = derive_joiner_secret(suite, init_secret, bytes.fromhex(epoch["commit_secret"]), encoded)
            assert joiner.hex() == epoch["joiner_secret"]
            psk_secret = bytes.fromhex(epoch["psk_secret"])
            new = derive_epoch(suite, joiner, psk_secret, encoded)
            assert derive_welcome_secret(suite, joiner, psk_secret) == new.welcome_secret
            assert new.welcome_secret.hex() == epoch["welcome_secret"]
            assert new.encryption_secret.hex() == epoch["encryption_secret"]
            for secret in fields(EpochSecrets):
                assert getattr(new.secrets, secret.name).hex() == epoch[secret.name]
            assert suite.derive_key_pair(new.secrets.external_secret).public.hex() == epoch["external_pub"]
            e = epoch["exporter"]
            exported = export(suite, new.secrets.exporter_secret, e["label"], bytes.fromhex(e["context"]), e["length"])
            assert exported.hex() == e["secret"]
            init_secret = new.secrets.init_secret


def test_the_official_transcript_hashes(vectors: Path) -> None:
    found = cases(vectors, "transcript-hashes")
    assert len(found) == 5
    for suite, case in found:
        content = decode(AuthenticatedContent.read, bytes.fromhex(case["authenticated_content"]))
        assert content.confirmation_tag is not None
        confirmed = confirmed_transcript_hash(suite, bytes.fromhex(case["interim_transcript_hash_before"]), content.confirmed_input)
        assert confirmed.hex() == case["confirmed_transcript_hash_after"]
        assert interim_transcript_hash(suite, confirmed, content.confirmation_tag).hex() == case["interim_transcript_hash_after"]
        assert confirmation_tag(suite, bytes.fromhex(case["confirmation_key"]), confirmed) == content.confirmation_tag


def test_every_secret_of_an_epoch_is_another() -> None:
    new = derive_epoch(SUITE, b"j" * 32, bytes(32), b"context")
    secrets = [getattr(new.secrets, secret.name) for secret in fields(EpochSecrets)] + [new.welcome_secret, new.encryption_secret]
    assert len(set(secrets)) == len(secrets)


def test_an_export_depends_on_label_context_and_length() -> None:
    exports = {
        export(SUITE, b"e" * 32, *arguments)[:16] for arguments in (("a", b"x", 32), ("b", b"x", 32), ("a", b"y", 32), ("a", b"x", 16))
    }
    assert len(exports) == 4


def test_no_secret_shows_itself() -> None:
    new = derive_epoch(SUITE, b"j" * 32, bytes(32), b"context")
    assert repr(new) == "<NewEpoch redacted>"
    assert repr(new.secrets) == "<EpochSecrets redacted>"

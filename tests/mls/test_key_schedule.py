"""What the secrets of an epoch depend on (§8); the official epochs are in `conformance`."""

from __future__ import annotations

from dataclasses import fields

from connexa.mls.key_schedule import (
    EpochSecrets,
    derive_epoch,
    export,
)
from connexa.mls.suite import SUITES

SUITE = SUITES[1]


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

"""The object store of media as far as it goes without one: settings, credentials, and a store that is not there."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from connexa.errors import NetworkError, UsageError
from connexa.homeserver.media import LocalBlobs, open_blobs
from connexa.homeserver.settings import S3Settings

from .village import settings_with


async def test_a_store_that_does_not_answer_is_a_typed_error_that_names_nothing(tmp_path: Path) -> None:
    credentials = tmp_path / "s3"
    credentials.write_text("the-key-id\nthe-secret\n")
    s3 = S3Settings(endpoint="http://127.0.0.1:1", credentials_file=credentials, allow_http=True)
    store = open_blobs(msgspec.structs.replace(settings_with(), media="s3://bucket/prefix", s3=s3), tmp_path)
    for asked in (store.put("ab/cd/ef-0000", b"part"), store.get("ab/cd/ef-0000", 0, 4), store.delete(["ab/cd/ef-0000"])):
        with pytest.raises(NetworkError) as failed:
            await asked
        assert (failed.value.code, failed.value.retryable) == ("media.unavailable", True)
        assert "127.0.0.1" not in str(failed.value)
        assert "secret" not in str(failed.value)


def test_settings_that_name_no_store_are_refused(tmp_path: Path) -> None:
    assert isinstance(open_blobs(settings_with(), tmp_path), LocalBlobs)
    credentials = tmp_path / "s3"
    credentials.write_text("one line")
    for media, s3 in (
        ("ftp://bucket", S3Settings()),
        ("s3://bucket", S3Settings()),
        ("s3://", S3Settings(endpoint="http://127.0.0.1:1", credentials_file=credentials)),
        ("s3://bucket", S3Settings(endpoint="http://127.0.0.1:1", credentials_file=tmp_path / "none")),
        ("s3://bucket", S3Settings(endpoint="http://127.0.0.1:1", credentials_file=credentials)),
    ):
        with pytest.raises(UsageError):
            open_blobs(msgspec.structs.replace(settings_with(), media=media, s3=s3), tmp_path)

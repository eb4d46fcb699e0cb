"""Parts in an object store that speaks S3. The bucket has to be there; the store's own durability is what `put` promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from connexa.errors import NetworkError, UsageError
from connexa.homeserver.settings import S3Settings

from .blobs import no_blob

__all__ = ["S3Blobs", "open_s3"]

CALL_SECONDS: Final = 20


class S3Blobs:
    """Parts as objects below a prefix of one bucket."""

    def __init__(self, store: S3Store, prefix: str) -> None:
        self._store = store
        self._prefix = f"{prefix}/" if prefix else ""

    async def put(self, path: str, part: bytes) -> None:
        """Store a part."""
        with _answered():
            await obstore.put_async(self._store, self._prefix + path, part, use_multipart=False)

    async def get(self, path: str, start: int, end: int) -> bytes:
        """Read a part, or some of it."""
        with _answered():
            return bytes(await obstore.get_range_async(self._store, self._prefix + path, start=start, end=end))

    async def delete(self, paths: Iterable[str]) -> None:
        """Delete parts."""
        for path in paths:
            try:
                with _answered():
                    await obstore.delete_async(self._store, self._prefix + path)
            except FileNotFoundError:
                continue


@contextmanager
def _answered() -> Iterator[None]:
    """What the library raises, in our words; its texts name addresses and are left out."""
    try:
        yield
    except FileNotFoundError:
        raise no_blob() from None
    except (BaseError, OSError) as error:
        raise NetworkError("media.unavailable", f"The object store does not answer as it should ({type(error).__name__}).") from None


def open_s3(place: str, settings: S3Settings) -> S3Blobs:
    """Open `BUCKET[/PREFIX]` with the two lines of the credentials file: access key id, secret access key."""
    bucket, _, prefix = place.partition("/")
    if not bucket or not settings.endpoint or settings.credentials_file is None:
        raise UsageError("settings.bad_value", "server.media with s3:// needs a bucket, server.s3.endpoint and server.s3.credentials_file.")
    try:
        lines = [line.strip() for line in settings.credentials_file.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise UsageError("settings.unreadable", f"The credentials of S3 cannot be read from {settings.credentials_file}.") from None
    if len(lines) != 2:
        raise UsageError("settings.bad_value", "The credentials file of S3 has two lines: access key id, secret access key.")
    store = S3Store(
        bucket,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key_id=lines[0],
        secret_access_key=lines[1],
        virtual_hosted_style_request=False,
        client_options={"allow_http": settings.allow_http, "timeout": timedelta(seconds=CALL_SECONDS)},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=CALL_SECONDS)},
    )
    return S3Blobs(store, prefix.strip("/"))

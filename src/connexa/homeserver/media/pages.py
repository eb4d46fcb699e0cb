"""Media over HTTPS: begin, put, ask, read by range, delete. What lets somebody do it is in a header, never in the address."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from connexa.errors import RefusedError, UsageError
from connexa.wire import BLOB_PART, HASH_SIZE, parse
from connexa.wire.v1.media_pb2 import MediaBegin, MediaState

from .blobs import no_blob
from .service import MediaService

__all__ = ["MEDIA_PAGES", "GivenMedia", "GivenSource"]

MAX_BEGIN: Final = 16_384
PROTOBUF: Final = "application/x-protobuf"
BYTES: Final = "application/octet-stream"
_BLOB: Final = re.compile(r"[0-9a-f]{32}")
_RIGHT: Final = re.compile(r"Bearer ([0-9a-f]{64})", re.IGNORECASE)
_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{1,12})")

_Request = Request[Any, Any, Any]
GivenMedia: TypeAlias = NamedDependency[SkipValidation[MediaService]]
GivenSource: TypeAlias = NamedDependency[str]  # the address block of whoever asks, for limits


@post("/v1/media/{blob:str}", status_code=200, request_max_body_size=MAX_BEGIN)
async def begin_upload(request: _Request, media: GivenMedia, source: GivenSource, blob: FromPath[str]) -> Response[bytes]:
    """Begin an upload, or find it again."""
    async with media.turn(source):
        _check_type(request, PROTOBUF)
        asked = parse(MediaBegin, await request.body(), MAX_BEGIN)
        return _told(await media.begin(_blob(blob), asked))


@get("/v1/media/{blob:str}/state")
async def show_upload(request: _Request, media: GivenMedia, source: GivenSource, blob: FromPath[str]) -> Response[bytes]:
    """How far an upload is."""
    async with media.turn(source):
        return _told(media.state(_blob(blob), _right(request)))


@put("/v1/media/{blob:str}/{number:int}", request_max_body_size=BLOB_PART)
async def put_part(
    request: _Request, media: GivenMedia, source: GivenSource, blob: FromPath[str], number: FromPath[int]
) -> Response[bytes]:
    """Store the next part."""
    async with media.turn(source):
        _check_type(request, BYTES)
        media.state(_blob(blob), _right(request))  # whoever may not write is refused before anything is read
        return _told(await media.put_part(_blob(blob), _right(request), number, await request.body()))


@get("/v1/media/{blob:str}")
async def read_range(request: _Request, media: GivenMedia, source: GivenSource, blob: FromPath[str]) -> Response[bytes]:
    """A range of a blob."""
    async with media.turn(source):
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        if asked is None:
            raise UsageError("media.range", "A blob is read by one range, like bytes=0-1048575.")
        start, last = int(asked[1]), int(asked[2])
        piece, size = await media.read(_blob(blob), _right(request), start, last + 1)
        headers = {"content-range": f"bytes {start}-{start + len(piece) - 1}/{size}", "cache-control": "no-store"}
        return Response(piece, status_code=206, media_type=BYTES, headers=headers)


@delete("/v1/media/{blob:str}", status_code=200)
async def delete_blob(request: _Request, media: GivenMedia, source: GivenSource, blob: FromPath[str]) -> dict[str, int]:
    """End a blob."""
    async with media.turn(source):
        await media.delete(_blob(blob), _right(request))
        return {"v": 1}


def _blob(text: str) -> bytes:
    if not _BLOB.fullmatch(text):
        raise no_blob()
    return bytes.fromhex(text)


def _right(request: _Request) -> bytes:
    shown = _RIGHT.fullmatch(request.headers.get("authorization", ""))
    if shown is None or len(shown[1]) != 2 * HASH_SIZE:
        raise no_blob()
    return bytes.fromhex(shown[1])


def _check_type(request: _Request, wanted: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise RefusedError("request.media_type", f"The body is {wanted}.")


def _told(state: MediaState) -> Response[bytes]:
    return Response(state.SerializeToString(), media_type=PROTOBUF)


MEDIA_PAGES: Final = [begin_upload, show_upload, put_part, read_range, delete_blob]

"""What the API takes about files."""

from __future__ import annotations

from typing import Annotated

import msgspec

from connexa.content import MAX_ATTACHMENTS, MAX_THUMBNAIL
from connexa.node.media.desk import GivenFile

from .bodies import Hex16, Line, WithMessage
from .message_bodies import SendMessage

__all__ = ["SendFiles", "WithFile", "given_files"]

Side = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class NamedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that was handed over, and what it is; `thumbnail` (base64; JPEG or PNG) and `blur` are made by the face."""

    file: Hex16
    name: Line
    type: Line = "application/octet-stream"
    width: Side = 0
    height: Side = 0
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=4_294_967_295)] = 0
    blur: Annotated[str, msgspec.Meta(max_length=64)] = ""
    thumbnail: Annotated[bytes, msgspec.Meta(max_length=MAX_THUMBNAIL)] | None = None
    voice: bool = False


class SendFiles(SendMessage, frozen=True, kw_only=True):
    """A message with files; its text may be empty."""

    files: Annotated[list[NamedFile], msgspec.Meta(min_length=1, max_length=MAX_ATTACHMENTS)]


class WithFile(WithMessage, frozen=True):
    """A file of a message, by its place there."""

    place: Annotated[int, msgspec.Meta(ge=0, lt=MAX_ATTACHMENTS)] = 0


def given_files(files: list[NamedFile]) -> list[GivenFile]:
    """As the node takes them."""
    return [
        GivenFile(one.file, one.name, one.type, one.width, one.height, one.duration_ms, one.blur, one.thumbnail or b"", one.voice)
        for one in files
    ]

"""What faces are shown of files; `connexa.node.views` has the rest. Times are unix seconds, sizes bytes."""

from __future__ import annotations

import msgspec

__all__ = ["AttachmentView", "FetchView", "FileSentView", "FileView", "MediaLimitsView", "SendingView"]


class AttachmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a message."""

    name: str
    type: str  # as its sender says
    size: int
    expires: int  # until when its homeserver keeps it
    width: int
    height: int
    duration_ms: int
    blur: str
    thumbnail: bytes  # in base64: JPEG or PNG, or nothing
    voice: bool


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was handed over and that a message may take."""

    id: str
    size: int


class FileSentView(msgspec.Struct, frozen=True, kw_only=True):
    """A file on its way to the homeserver."""

    name: str
    type: str
    size: int
    share: float  # of it that is there, from 0 to 1


class SendingView(msgspec.Struct, frozen=True, kw_only=True):
    """A message that goes into the log once its files are at the homeserver."""

    id: str  # of the message
    to: str
    text: str
    subject: str
    failure: str  # code of why it does not go; empty while it does
    files: list[FileSentView]


class FetchView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a message's file is on this device."""

    share: float  # from 0 to 1
    wanted: bool  # the rest is being fetched
    failure: str  # code of why not; empty while it is


class MediaLimitsView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be attached, known before anything is picked."""

    file_bytes: int  # 0: the homeserver takes no files, or is not known yet
    files: int
    thumbnail_bytes: int
    seconds: int  # for which a file is kept

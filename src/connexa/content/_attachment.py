"""A file that goes with a text: what it is called, how it is opened, and a look at it that its sender made (docs/protocol.md section 25).

Everything here comes from somebody else: a name must lead nowhere and look like what it is, and an image must not swell when it is opened.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from connexa.content._fields import need
from connexa.wire import HASH_SIZE, MAX_SEGMENTS, SEGMENT
from connexa.wire.v1 import message_pb2 as pb

__all__ = ["MAX_ATTACHMENTS", "MAX_FILE", "MAX_NAME", "MAX_THUMBNAIL", "Attachment", "read_attachment", "write_attachment"]

SUITE = 1  # ChaCha20-Poly1305
MAX_ATTACHMENTS = 16
MAX_FILE = MAX_SEGMENTS * SEGMENT
MAX_NAME = 255
MAX_TYPE = 127
MAX_THUMBNAIL = 8_192
MAX_SIDE = 512  # pixels of a thumbnail: a face opens it without asking
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_BLUR = re.compile(r"(?:[0-9A-Za-z#$%*+,\-.:;=?@\[\]^_{|}~]{6,64})?")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a message; its blob is at the homeserver of whoever says the message."""

    name: str = field(repr=False)
    type: str
    size: int
    key: bytes = field(repr=False)
    digest: bytes
    expires: int  # unix seconds
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    blur: str = field(default="", repr=False)
    thumbnail: bytes = field(default=b"", repr=False)
    voice: bool = False


def read_attachment(message: pb.Attachment) -> Attachment:
    """Admit an attachment from outside."""
    need(is_file_name(message.name) and len(message.type) <= MAX_TYPE and _TYPE.fullmatch(message.type) is not None)
    need(message.suite == SUITE and len(message.key) == HASH_SIZE and len(message.digest) == HASH_SIZE)
    need(message.size <= MAX_FILE and message.width <= 0xFFFF and message.height <= 0xFFFF and message.duration_ms <= 0xFFFFFFFF)
    need(message.expires < 1 << 40 and _BLUR.fullmatch(message.blur) is not None)
    need(not message.thumbnail or is_small_image(message.thumbnail))
    return Attachment(
        name=message.name,
        type=message.type,
        size=message.size,
        key=message.key,
        digest=message.digest,
        expires=message.expires,
        width=message.width,
        height=message.height,
        duration_ms=message.duration_ms,
        blur=message.blur,
        thumbnail=message.thumbnail,
        voice=message.voice,
    )


def write_attachment(attachment: Attachment) -> pb.Attachment:
    """The wire form."""
    return pb.Attachment(
        name=attachment.name,
        type=attachment.type,
        size=attachment.size,
        suite=SUITE,
        key=attachment.key,
        digest=attachment.digest,
        expires=attachment.expires,
        width=attachment.width,
        height=attachment.height,
        duration_ms=attachment.duration_ms,
        blur=attachment.blur,
        thumbnail=attachment.thumbnail,
        voice=attachment.voice,
    )


def is_file_name(name: str) -> bool:
    """Whether a name is plain: it leads nowhere, and nothing in it is invisible or turns the order of what is shown."""
    if not 1 <= len(name.encode(errors="surrogatepass")) <= MAX_NAME or name in (".", "..") or name != name.strip():
        return False
    return not any(letter in "/\\" or unicodedata.category(letter).startswith(("C", "Zl", "Zp")) for letter in name)


def is_small_image(raw: bytes) -> bool:
    """Whether a thumbnail is a JPEG or PNG whose header says that it stays small."""
    size = _size_of_png(raw) or _size_of_jpeg(raw)
    return len(raw) <= MAX_THUMBNAIL and size is not None and all(1 <= side <= MAX_SIDE for side in size)


def _size_of_png(raw: bytes) -> tuple[int, int] | None:
    if raw[:16] != b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" or len(raw) < 33:
        return None
    return int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")


def _size_of_jpeg(raw: bytes) -> tuple[int, int] | None:
    """The size in the first frame header; segments before it are passed over by their lengths (ITU-T T.81, annex B)."""
    place = 2
    while raw[:2] == b"\xff\xd8" and place + 9 <= len(raw) and raw[place] == 0xFF:
        marker, length = raw[place + 1], int.from_bytes(raw[place + 2 : place + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(raw[place + 7 : place + 9], "big"), int.from_bytes(raw[place + 5 : place + 7], "big")
        if length < 2 or not (marker in (0xC4, 0xDB, 0xDD, 0xFE) or 0xE0 <= marker <= 0xEF):
            return None  # others have no length, and would let two readers see two headers
        place += 2 + length
    return None

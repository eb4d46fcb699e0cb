"""Files of messages, as operations of the API: handed over as a stream, fetched and played by ranges.

What a file is called is never in an address. What comes back is what somebody sent, so it has a harmless type unless a browser
shows that kind of thing without running anything of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import quote

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from connexa.content import Attachment, Text
from connexa.errors import UsageError
from connexa.node.media.desk import OpenedFile
from connexa.node.media.views import FetchView, FileView, MediaLimitsView, SendingView

from .answers import Done, Listing
from .bodies import WithMessage
from .file_bodies import SendFiles, WithFile, given_files
from .given import GivenNode
from .guard import FILES_PATH
from .message_bodies import ForwardMessage, spans_of

__all__ = ["HANDLERS"]

_RANGE: Final = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
# Shown as what they are; all others are to be saved, whatever their sender calls them.
_SHOWN: Final = frozenset(
    {
        *("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"),
        *("audio/mpeg", "audio/ogg", "audio/mp4", "audio/aac", "audio/wav", "audio/webm", "audio/flac"),
        *("video/mp4", "video/webm", "video/ogg"),
    }
)
_Raw = Request[Any, Any, Any]


@get(f"{FILES_PATH}/limits")
async def show_limits(node: GivenNode, account: FromQuery[str] = "") -> MediaLimitsView:
    """What may be attached, before anything is picked."""
    return await node.media(account).limits()


@post(FILES_PATH, status_code=200, request_max_body_size=None)
async def hand_over(request: _Raw, node: GivenNode, account: FromQuery[str] = "") -> FileView:
    """Take a file (application/octet-stream, with its length), for a message within a day; it is sealed as it comes."""
    length = request.headers.get("content-length", "")
    if not re.fullmatch(r"[0-9]{1,15}", length):
        raise UsageError("attachment.no_size", "A file is handed over with its length.")
    return await node.media(account).hand_over(int(length), request.stream())


@post(f"{FILES_PATH}/send", status_code=200)
async def send_files(node: GivenNode, data: JSONBody[SendFiles]) -> SendingView:
    """Send a message with files: it goes into the log once they are at the homeserver. Events tell how far it is."""
    words, spans = spans_of(node, data.account, data.text, data.spans, markup=data.markup)
    text = Text(words, data.subject, bytes.fromhex(data.reply_to or ""), spans)
    return await node.media(data.account).send(data.to, text, given_files(data.files), node.message_id(data.message_id))


@post(f"{FILES_PATH}/forward", status_code=200)
async def forward_files(node: GivenNode, data: JSONBody[ForwardMessage]) -> SendingView:
    """Say a message with files to somebody else; not who has said it. Its files are fetched, and sealed anew."""
    return await node.forward_files(data.account, data.message, data.to, data.message_id)


@get(f"{FILES_PATH}/sending")
async def list_sending(node: GivenNode, account: FromQuery[str] = "") -> Listing[SendingView]:
    """Messages that wait for their files."""
    return Listing(node.media(account).sendings())


@post(f"{FILES_PATH}/cancel", status_code=200)
async def cancel_sending(node: GivenNode, data: JSONBody[WithMessage]) -> Done:
    """Give up a message that waits for its files."""
    await node.media(data.account).cancel(data.message)
    return Done()


@post(f"{FILES_PATH}/retry", status_code=200)
async def retry_sending(node: GivenNode, data: JSONBody[WithMessage]) -> SendingView:
    """Try a message again whose files could not go."""
    return await node.media(data.account).retry(data.message)


@post(f"{FILES_PATH}/fetch", status_code=200)
async def fetch_file(node: GivenNode, data: JSONBody[WithFile]) -> FetchView:
    """Bring all of a file here, in the background."""
    return await node.media(data.account).fetch(data.message, data.place)


@post(f"{FILES_PATH}/stop", status_code=200)
async def stop_fetching(node: GivenNode, data: JSONBody[WithFile]) -> FetchView:
    """Stop fetching a file; what has come stays."""
    return await node.media(data.account).stop(data.message, data.place)


@get(f"{FILES_PATH}/{{message:str}}/{{place:int}}/state")
async def show_fetched(node: GivenNode, message: FromPath[str], place: FromPath[int], account: FromQuery[str] = "") -> FetchView:
    """How much of a file is here."""
    return node.media(account).fetched(message, place)


@get(f"{FILES_PATH}/{{message:str}}/{{place:int}}")
async def read_file(request: _Raw, node: GivenNode, message: FromPath[str], place: FromPath[int], account: FromQuery[str] = "") -> Stream:
    """A file, or (Range) a part of it; what is not here is fetched as it is read, and nothing is given that was not proved."""
    opened = node.media(account).open(message, place)
    size = opened.attachment.size
    asked = _range(request.headers.get("range"), size)
    start, stop = asked or (0, size)
    body = await _begun(opened, start, stop)
    headers = {"content-length": str(stop - start), "accept-ranges": "bytes", **_as_what(opened.attachment)}
    headers |= {"content-range": f"bytes {start}-{stop - 1}/{size}"} if asked else {}
    return Stream(body, status_code=206 if asked else 200, headers=headers, media_type=_shown_type(opened.attachment))


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """The one range that is asked for, as start and stop; UsageError `attachment.range` where the file has nothing there."""
    if header is None:
        return None
    asked = _RANGE.fullmatch(header.strip())
    if asked is None or not (asked[1] or asked[2]):
        raise UsageError("attachment.range", "A file is read whole, or by one range of bytes.")
    if not asked[1]:
        start, stop = max(0, size - int(asked[2])), size
    else:
        start, stop = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
    if not start < stop:
        raise UsageError("attachment.range", "The file has nothing there.")
    return start, stop


async def _begun(opened: OpenedFile, start: int, stop: int) -> AsyncIterator[bytes]:
    """The bytes, of which the first are here already: what is in the way is told before the answer begins."""
    pieces = opened.read(start, stop)
    head = await anext(pieces, b"")

    async def all_of_it() -> AsyncIterator[bytes]:
        async with aclosing(pieces):  # type: ignore[type-var]  # a generator
            yield head
            async for piece in pieces:
                yield piece

    return all_of_it()


def _shown_type(attachment: Attachment) -> str:
    return attachment.type if attachment.type in _SHOWN else "application/octet-stream"


def _as_what(attachment: Attachment) -> dict[str, str]:
    how = "inline" if attachment.type in _SHOWN else "attachment"
    return {"content-disposition": f"{how}; filename*=UTF-8''{quote(attachment.name, safe='')}"}


HANDLERS = [
    show_limits,
    hand_over,
    send_files,
    forward_files,
    list_sending,
    cancel_sending,
    retry_sending,
    fetch_file,
    stop_fetching,
    show_fetched,
    read_file,
]

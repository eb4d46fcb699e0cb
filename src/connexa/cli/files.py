"""Handing files to the node and following them to the homeserver, with a bar where somebody watches."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from connexa.errors import NetworkError, RefusedError, UsageError

from .bar import draw_bar
from .client import Client, segment
from .options import options

__all__ = ["follow", "send_files"]

PIECE: Final = 262_144
PLAIN: Final = "application/octet-stream"


def send_files(node: Client, account: str, files: Sequence[str], **said: Any) -> dict[str, Any]:
    """Send a message with files; returns it once it is in the log."""
    limits = node.get("/api/files/limits", account=account)
    for file in files:
        if Path(file).stat().st_size > limits["file_bytes"]:
            raise UsageError("attachment.too_large", f"A file has at most {limits['file_bytes']} bytes here.")
    named = [{"file": _hand_over(node, account, Path(file)), "name": Path(file).name, "type": _type_of(file)} for file in files]
    return follow(node, account, node.post("/api/files/send", account=account, files=named, **said))


def _type_of(file: str) -> str:
    kind, encoding = mimetypes.guess_type(file)
    return kind if kind and not encoding else PLAIN


def _hand_over(node: Client, account: str, file: Path) -> str:
    size = file.stat().st_size

    def pieces() -> Iterator[bytes]:
        done = 0
        with file.open("rb") as opened:
            while piece := opened.read(PIECE):
                done += len(piece)
                draw_bar("sealing  ", done / size)
                yield piece

    found: str = node.hand_over("/api/files", size, pieces(), account=account)["id"]
    return found


def follow(node: Client, account: str, sending: dict[str, Any]) -> dict[str, Any]:
    """Wait until the files of a message are at the homeserver; the node goes on by itself where nobody waits."""
    drawn, cursor, heard = False, node.cursor(), time.monotonic()
    while (waiting := _waiting(node, account, sending["id"])) is not None:
        if waiting["failure"]:
            raise RefusedError(
                waiting["failure"], "The files of the message could not be sent.", f"connexa attachment retry|cancel {sending['id']}"
            )
        files = waiting["files"]  # none once all are there and the message is about to go into the log
        done = sum(file["share"] for file in files) / len(files) if files else 1.0
        drawn = draw_bar("uploading", done, f"{done:.0%}") or drawn
        if time.monotonic() - heard > options().timeout:
            raise NetworkError("upload.waits", "The files wait for the homeserver.", "They go on by themselves: connexa attachment list")
        for event in node.events(cursor, 1.0):
            cursor = max(cursor, int(event["cursor"]))
            heard = time.monotonic() if event["fields"].get("id") == sending["id"] else heard
    if drawn:
        draw_bar("uploading", 1.0, "100%")
        click.echo(err=True)
    found: dict[str, Any] = node.get(f"/api/message/{segment(sending['id'])}", account=account)["message"]
    return found


def _waiting(node: Client, account: str, message: str) -> dict[str, Any] | None:
    found = node.get("/api/files/sending", account=account)["items"]
    return next((one for one in found if one["id"] == message), None)

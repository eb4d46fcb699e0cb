"""`connexa attachment`: files of messages, those that come and those that still go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from connexa.errors import ConflictError, NotFoundError, UsageError

from .bar import draw_bar
from .client import Client, segment
from .group import Family
from .options import account_option
from .output import answer, clean, say, table

__all__ = ["attachment"]

UNFINISHED: Final = ".part"


@click.group(cls=Family)
def attachment() -> None:
    """Files of messages; `connexa send --attach FILE` sends one."""


@attachment.command("list")
@account_option
def list_(account: str) -> None:
    """List messages that wait for their files to be uploaded."""
    with Client() as node:
        found = node.get("/api/files/sending", account=account)
    answer(found, *table([_row(one) for one in found["items"]]))
    if not found["items"]:
        say("nothing waits")


def _row(one: dict[str, Any]) -> list[str]:
    share = sum(file["share"] for file in one["files"]) / len(one["files"])
    return [one["id"], one["to"], ", ".join(file["name"] for file in one["files"]), one["failure"] or f"{share:.0%}"]


@attachment.command()
@click.argument("message")
@click.option("--file", "place", type=click.IntRange(0, 15), default=0, show_default=True, help="Which of its files.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="File or directory; here, under its own name, if left out.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@account_option
def save(message: str, place: int, target: Path | None, force: bool, account: str) -> None:
    """Save a file of a message; what the node has fetched before an interruption does not come again."""
    with Client() as node:
        files = node.get(f"/api/message/{segment(message)}", account=account)["message"]["attachments"]
        if place >= len(files):
            raise NotFoundError("attachment.not_found", "That message has no such file.")
        path = _target(target, files[place]["name"], force)
        beside = path.with_name(path.name + UNFINISHED)
        _fetch(node, f"/api/files/{segment(message)}/{place}", beside, files[place]["size"], account)
    beside.replace(path)
    answer({"path": str(path), "size": files[place]["size"]}, clean(str(path)))


def _target(target: Path | None, name: str, force: bool) -> Path:
    """Where to; the name was held to the protocol's rules, so it leads nowhere, and must not be a hidden file's either."""
    safe = name.lstrip(".") or "file"
    path = target / safe if target is not None and target.is_dir() else target or Path(safe)
    if path.exists() and not force:
        raise ConflictError("file.exists", "There is a file of that name.", "Give another one by --to, or --force.")
    return path


def _fetch(node: Client, path: str, beside: Path, size: int, account: str) -> None:
    done = 0
    try:
        with beside.open("wb") as file, node.reading(path, account=account) as pieces:
            for piece in pieces:
                file.write(piece)
                done += len(piece)
                draw_bar("saving", done / max(size, 1), f"{done / max(size, 1):.0%}")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise UsageError("file.unwritable", "The file cannot be written there.", "Give another place by --to.") from None


@attachment.command()
@click.argument("message")
@account_option
def cancel(message: str, account: str) -> None:
    """Give up a message that waits for its files."""
    with Client() as node:
        node.post("/api/files/cancel", account=account, message=message)
    answer({"message": message}, f"cancelled {message}")


@attachment.command()
@click.argument("message")
@account_option
def retry(message: str, account: str) -> None:
    """Try a message again whose files could not go."""
    with Client() as node:
        found = node.post("/api/files/retry", account=account, message=message)
    answer(found, *table([_row(found)]))


@attachment.command()
@account_option
def limits(account: str) -> None:
    """Show how large a file may be, and for how long it is kept."""
    with Client() as node:
        found = node.get("/api/files/limits", account=account)
    answer(found, *table([[name.replace("_", " "), str(value)] for name, value in found.items()]))

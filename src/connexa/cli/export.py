"""`connexa conv export`: a whole conversation as a file or folder that other programs read, written as it is read.

JSON keeps everything that the API says, one message a line. Mail formats hold one mail for each message, with threads by reference, so that
any mail program shows them; the text of a mail is what the message says now.
"""

from __future__ import annotations

import html
import mailbox
import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from connexa.errors import UsageError

from .client import Client, segment
from .reading import words_of

__all__ = ["FORMATS", "export"]

PAGE: Final = 500
Message = dict[str, Any]


def export(node: Client, account: str, about: dict[str, Any], kind: str, to: Path) -> int:
    """Write a conversation, the oldest message first, and return how many there were; what is there already is not overwritten."""
    if os.path.lexists(to):
        raise UsageError("export.exists", "There is something already where the export should go.", "Choose another place: --to PATH")
    cursors = _pages(node, account, about["id"])
    messages = (one for before in reversed(cursors) for one in _page(node, account, about["id"], before))
    temporary = to.with_name(f"{to.name}.part")
    try:
        count = FORMATS[kind](about, messages, temporary)
        temporary.rename(to)
    except BaseException:
        _remove(temporary)
        raise
    return count


def _pages(node: Client, account: str, conversation: str) -> list[int | None]:
    """Where each page ends, the newest first: messages are read from the newest on and written from the oldest on."""
    found: list[int | None] = [None]
    while len(page := _page(node, account, conversation, found[-1])) == PAGE:
        found.append(int(page[0]["cursor"]))
    return found


def _page(node: Client, account: str, conversation: str, before: int | None) -> list[Message]:
    page: list[Message] = node.get(f"/api/messages/{segment(conversation)}", account=account, before=before, limit=PAGE)["items"]
    return page


def _remove(path: Path) -> None:
    """Take away what was begun."""
    if path.is_dir() and not path.is_symlink():
        for part in sorted(path.rglob("*"), reverse=True):
            part.rmdir() if part.is_dir() else part.unlink()
        path.rmdir()
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def _private(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8", newline="\n")


def _json(about: dict[str, Any], messages: Iterator[Message], to: Path) -> int:
    with _private(to) as file:
        file.write(msgspec.json.encode({"v": 1, "conversation": about}).decode() + "\n")
        return sum(1 for one in messages if file.write(msgspec.json.encode({"v": 1, "message": one}).decode() + "\n"))


def _txt(about: dict[str, Any], messages: Iterator[Message], to: Path) -> int:
    with _private(to) as file:
        file.write(f"{about['title']}\n")
        return sum(1 for one in messages if file.write(f"\n[{_when(one):%Y-%m-%d %H:%M:%S}] {one['sender']}\n{_said(one)}\n"))


def _html(about: dict[str, Any], messages: Iterator[Message], to: Path) -> int:
    """A page without scripts, styles from elsewhere or anything else to fetch: what others wrote is text and nothing else."""
    title = html.escape(about["title"])
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    style = "<style>body{font:16px/1.4 sans-serif;max-width:45rem;margin:2rem auto}p{white-space:pre-wrap;overflow-wrap:anywhere}</style>"
    with _private(to) as file:
        file.write(f"<!doctype html><html><head><meta charset=utf-8>{policy}<title>{title}</title>{style}</head><body><h1>{title}</h1>\n")
        count = 0
        for one in messages:
            count += 1
            head = f"<b><bdi>{html.escape(one['sender'])}</bdi></b> <time>{_when(one):%Y-%m-%d %H:%M:%S}</time>"
            reactions = " ".join(html.escape(each["emoji"]) for each in one["reactions"])
            words = html.escape(_said(one))
            file.write(f'<article id="m{one["id"]}">{head}<p dir=auto>{words}</p>{reactions}</article>\n')
        file.write("</body></html>\n")
        return count


def _mbox(about: dict[str, Any], messages: Iterator[Message], to: Path) -> int:
    with _private(to):
        pass
    with closing(mailbox.mbox(to, create=False)) as box:
        return _into(box, about, messages)


def _maildir(about: dict[str, Any], messages: Iterator[Message], to: Path) -> int:
    with closing(mailbox.Maildir(to)) as box:
        return _into(box, about, messages)


def _into(box: Any, about: dict[str, Any], messages: Iterator[Message]) -> int:
    return sum(1 for one in messages if box.add(_mail(about, one).as_bytes()) is not None)


def _mail(about: dict[str, Any], one: Message) -> EmailMessage:
    """A message as a mail; its id and that of what it answers lead to each other."""
    mail = EmailMessage()
    warning, _, address = one["sender"].rpartition(":")  # an address that is not believed says so before itself
    mail["From"] = formataddr((warning, address))
    mail["To"] = about["address"] if one["mine"] and about["address"] else f"{about['id'][:16]}@conversation.invalid"
    mail["Subject"] = _line(one["subject"] or about["title"])
    mail["Date"] = format_datetime(_when(one))
    mail["Message-ID"] = f"<{one['id']}@connexa.invalid>"
    if one["reply_to"]:
        mail["In-Reply-To"] = mail["References"] = f"<{one['reply_to']}@connexa.invalid>"
    mail.set_content(_said(one))
    return mail


def _line(text: str) -> str:
    """Text of others as the value of a header: on one line."""
    return "".join(character if character.isprintable() else " " for character in text)


def _said(one: Message) -> str:
    files = "".join(f"\n[{each['name']}]" for each in one["attachments"])
    return f"{words_of(one)}{files}"


def _when(one: Message) -> datetime:
    return datetime.fromtimestamp(one["sent"], UTC)


FORMATS: Final[dict[str, Callable[[dict[str, Any], Iterator[Message], Path], int]]] = {
    "json": _json,
    "txt": _txt,
    "html": _html,
    "mbox": _mbox,
    "maildir": _maildir,
}

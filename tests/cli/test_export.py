"""Conversations written to files: every format holds every message once, in order, and what others wrote stays text."""

from __future__ import annotations

import json
import mailbox
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest

from connexa.cli.client import Client
from connexa.cli.export import FORMATS, export
from connexa.errors import UsageError

ABOUT: dict[str, Any] = {"id": "c" * 64, "title": "Eve <b>\r\nBcc: x@y.example", "address": "", "group": True}
HOSTILE = "<script>alert(1)</script>\nFrom the start\n\N{RIGHT-TO-LEFT OVERRIDE}"
COUNT = 1_203  # more than two pages


def message(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "cursor": number,
        "sender": "unconfirmed:eve@e.example" if number % 2 else "alice@a.example",
        "mine": number % 2 == 0,
        "kind": "text",
        "text": f"{number} {HOSTILE}",
        "subject": "a\r\nBcc: z@z.example" if number == 5 else "",
        "sent": 1_800_000_000.5 + number,
        "reply_to": f"{number - 1:032x}" if number > 1 else None,
        "reactions": [{"emoji": "\N{THUMBS UP SIGN}", "people": [], "mine": True}],
        "attachments": [{"name": "x.png"}] if number == 7 else [],
    }


class Node:
    """The API as the export asks it."""

    def get(self, path: str, *, account: str, before: int | None, limit: int) -> dict[str, Any]:
        assert path == f"/api/messages/{ABOUT['id']}"
        end = COUNT if before is None else before - 1
        return {"items": [message(number) for number in range(max(1, end - limit + 1), end + 1)]}


def written(tmp_path: Path, kind: str) -> Path:
    to = tmp_path / "export"
    assert export(cast(Client, Node()), "", ABOUT, kind, to) == COUNT
    assert [one.name for one in tmp_path.iterdir()] == ["export"]
    return to


def test_json_holds_every_field(tmp_path: Path) -> None:
    to = written(tmp_path, "json")
    first, *lines = [json.loads(line) for line in to.read_text().splitlines()]
    assert first["conversation"] == ABOUT
    assert [one["message"] for one in lines] == [message(number) for number in range(1, COUNT + 1)]
    assert to.stat().st_mode & 0o077 == 0


def test_text_and_html_hold_every_message_and_nothing_runs(tmp_path: Path) -> None:
    text = written(tmp_path, "txt").read_text()
    assert text.count("From the start") == COUNT and "[x.png]" in text
    (tmp_path / "export").unlink()
    page = written(tmp_path, "html").read_text()
    assert page.count("<article") == COUNT
    assert "<script" not in page and "<b>\r" not in page and "default-src 'none'" in page


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_mails_can_be_read_with_their_threads(tmp_path: Path, kind: str) -> None:
    to = written(tmp_path, kind)
    box: Any = mailbox.mbox(to) if kind == "mbox" else mailbox.Maildir(to)
    mails = [message_from_bytes(box.get_bytes(key), policy=default) for key in box.keys()]  # noqa: SIM118 - a mailbox gives mails
    box.close()
    by_id = {str(one["Message-ID"]): one for one in mails}
    assert len(by_id) == COUNT
    for number in (1, 5, 7, COUNT):
        mail = by_id[f"<{number:032x}@connexa.invalid>"]
        assert "eve@e.example" in str(mail["From"]) and mail["Bcc"] is None
        assert mail.get_content().replace("\n>From", "\nFrom").startswith(f"{number} <script>")
        assert number == 1 or str(mail["In-Reply-To"]) in by_id


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    (tmp_path / "export").write_text("mine")
    with pytest.raises(UsageError):
        export(cast(Client, Node()), "", ABOUT, kind, tmp_path / "export")
    assert (tmp_path / "export").read_text() == "mine"

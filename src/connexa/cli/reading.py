"""`connexa inbox` and `connexa read`."""

from __future__ import annotations

import time
from typing import Any

import click

from .client import Client, segment
from .options import Verb, account_option, options
from .output import answer, clean, moment, say, table, warn
from .times import duration
from .verify import note_line

__all__ = ["file_line", "inbox", "message_lines", "read", "waiting_line", "words_of"]


@click.command(cls=Verb)
@click.option("--all", "everything", is_flag=True, help="Conversations without anything new too.")
@account_option
def inbox(everything: bool, account: str) -> None:
    """List conversations with something new, and requests of strangers."""
    with Client() as node:
        found = node.get("/api/conversations", account=account)["items"]
        requests = node.get("/api/requests", account=account)["items"]
    shown = [one for one in found if everything or one["unread"]]
    answer({"conversations": shown, "requests": requests}, *table([_conversation_row(one) for one in shown]))
    if requests:
        say(f"{len(requests)} request{'s' * (len(requests) > 1)} of strangers: connexa contact requests list")
    if not shown:
        say("nothing new")


def _conversation_row(one: dict[str, Any]) -> list[str]:
    last = one["last"] or {"text": "", "received": 0.0}
    words = words_of(last) if one["last"] else ""
    words = words if len(words) <= 60 else f"{words[:59]}…"
    return [moment(last["received"]) if one["last"] else "", one["title"], f"{one['unread']} new" if one["unread"] else "", words]


@click.command(cls=Verb)
@click.argument("conversation")
@click.option("--limit", "-n", type=click.IntRange(1, 500), default=50, show_default=True, help="How many of the newest messages.")
@click.option("--before", type=int, help="Page back: messages before this cursor.")
@click.option("--keep-unread", is_flag=True, help="Do not mark them read, and tell nobody.")
@account_option
def read(conversation: str, limit: int, before: int | None, keep_unread: bool, account: str) -> None:
    """Show a conversation and mark it read; named by id, address or contact."""
    with Client() as node:
        about = node.get(f"/api/conversations/{segment(conversation)}", account=account)
        found = node.get(f"/api/messages/{segment(about['id'])}", account=account, before=before, limit=limit)["items"]
        if not keep_unread and before is None and found:
            node.post("/api/conversations/read", account=account, conversation=about["id"])
    answer({"conversation": about, "items": found}, f"{clean(about['title'])}  {about['trust']}", *_timeline(about, found))
    if about["warning"]:
        where = f"group show {about['id'][:8]}" if about["group"] else f"contact show {about['address']}"
        warn(f"{about['warning']}: connexa {where}")
    for one in about["waiting"]:
        say(waiting_line(about["title"], one))


def waiting_line(title: str, one: dict[str, Any]) -> str:
    """Who has something that is not here, and what was done about it."""
    count = one["missing"] or one["unopened"]
    asked = f"asked {_ago(time.time() - one['asked'])} ago" if one["asked"] else "not asked yet: it may be under way"
    return f"waiting for {count} message{'s' * (count > 1)} of {clean(title)}'s device {one['device'][:8]} … {asked}"


def _ago(seconds: float) -> str:
    minutes = seconds / 60
    return f"{max(seconds, 0):.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _timeline(about: dict[str, Any], messages: list[dict[str, Any]]) -> list[str]:
    """Messages in their order, and between them what has happened to the trust in the other person."""
    lines: list[str] = []
    notes = [note for note in about["notes"] if not messages or note["at"] >= messages[0]["received"]]
    for one in messages:
        while notes and notes[0]["at"] < one["received"]:
            lines.append(f"{moment(notes[0]['at'])}  {note_line(notes.pop(0))}")
        lines += message_lines(one)
    return lines + [f"{moment(note['at'])}  {note_line(note)}" for note in notes]


def message_lines(one: dict[str, Any], trust: str = "") -> list[str]:
    """A message as people read it; `trust` is the tier of its sender, where nothing above it says so."""
    lines = [f"  … waiting for {one['gap']} message{'s' * (one['gap'] > 1)} …"] if one["gap"] else []
    state = f"  ({one['state']}{', ' + one['reason'] if one['reason'] else ''})" if one["mine"] else ""
    sender = f"{one['sender']}{f' [{trust}]' if trust else ''}"
    marks = "".join(f"  ({mark})" for mark, holds in (("edited", one["edited"]), ("forwarded", one["forwarded"])) if holds)
    head = f"{moment(one['sent'])}  {'you' if one['mine'] else sender}{state}{marks}"
    lines.append(click.style(head, bold=True))
    if one["reply"]:
        beginning = clean(words_of(one["reply"])).split("\n")[0]
        lines.append(click.style(f"  | {'you' if one['reply']['mine'] else one['reply']['sender']}: {beginning}", dim=True))
    lines += [click.style(f"  {clean(one['subject'])}", underline=True)] if one["subject"] else []
    words = clean(words_of(one))
    lines += [f"  {line}" for line in words.split("\n")] if words or not one["attachments"] else []
    lines += [file_line(place, file) for place, file in enumerate(one["attachments"])]
    lines += [f"  {each['emoji']} {', '.join(each['people'])}" for each in one["reactions"]]
    if options().verbose:
        lines.append(f"  {one['id']}")
    return lines


def file_line(place: int, file: dict[str, Any]) -> str:
    """A file of a message; `connexa attachment save` takes its number."""
    return f"  [file {place}] {clean(file['name'])}  {file['type']}, {size_words(file['size'])}"


def size_words(size: int) -> str:
    """A size as people read it."""
    if size < 1024:
        return f"{size} bytes"
    power = min((size.bit_length() - 1) // 10, 3)
    return f"{size / (1 << 10 * power):.1f} {('', 'KiB', 'MiB', 'GiB')[power]}"


def words_of(one: dict[str, Any]) -> str:
    """What stands in the place of an entry's text."""
    match one["kind"]:
        case "text":
            return str(one["text"])
        case "withdrawn":
            return "this message was deleted"
        case "timer":
            seconds = int(one["text"])
            return f"messages disappear after {duration(seconds)}" if seconds else "messages do not disappear any more"
        case _:
            return "made by a newer version of Connexa"

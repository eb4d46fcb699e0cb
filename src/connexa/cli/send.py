"""`connexa send`, and waiting until a message has come as far as asked."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any, ClassVar, Final

import click

from connexa.errors import ConnexaError, RefusedError, UsageError

from .client import Client, segment
from .files import send_files
from .options import Verb, account_option, options
from .output import answer, say

__all__ = ["WaitEndedError", "await_state", "send", "words_given"]

_STEPS: Final = ("queued", "accepted", "delivered", "read")
_TEXT_MAX: Final = 65_536


class WaitEndedError(ConnexaError):
    """The time of `--wait` is over; the message is kept and goes on."""

    exit_code: ClassVar[int] = 9


@click.command(cls=Verb)
@click.argument("to")
@click.argument("text", required=False)
@click.option("--subject", default="", help="A mail's subject.")
@click.option("--reply", metavar="MESSAGE", help="Id of the message that this answers.")
@click.option("--markup", is_flag=True, help="TEXT is typed with marks: **bold**, *italic*, ~~strike~~, ||spoiler||, `code`, @ADDRESS.")
@click.option("--attach", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Send a file with it.")
@click.option("--wait", "state", type=click.Choice(_STEPS[1:]), help="Return when the message has come this far (--timeout: 9).")
@click.option("--id", "message_id", metavar="HEX", help="32 hex digits of your own: sending the same id again does nothing.")
@account_option
def send(
    to: str,
    text: str | None,
    subject: str,
    reply: str | None,
    markup: bool,
    files: tuple[str, ...],
    state: str | None,
    message_id: str | None,
    account: str,
) -> None:
    """Send a message to an address, a contact or a conversation; TEXT is - for stdin, and may be left out beside files."""
    words = "" if files and text is None else words_given(text)
    said = {"text": words, "subject": subject, "reply_to": reply, "markup": markup, "message_id": message_id}
    with Client() as node:
        post = partial(send_files, node, account, files) if files else partial(node.post, "/api/messages/send", account=account)
        sent = post(to=to, **said)
        if state is not None:
            sent = await_state(node, account, sent["id"], state, options().timeout)["message"]
    answer(sent, f"{sent['state']}  {sent['id']}")
    if sent["state"] == "queued" and sent["reason"]:
        say(f"  it waits: {sent['reason']}")


def words_given(text: str | None) -> str:
    """What is to be said: the argument, or stdin."""
    if text is not None and text != "-":
        return text
    if text is None and sys.stdin.isatty():
        raise UsageError("text.missing", "There is nothing to send.", "Write the text after the address, or - to read it from stdin.")
    words = sys.stdin.read(_TEXT_MAX + 1).removesuffix("\n")
    if not words:
        raise UsageError("text.missing", "There is nothing to send.")
    return words


def await_state(node: Client, account: str, message: str, wanted: str, seconds: float) -> dict[str, Any]:
    """Wait until a message has come to a state, sleeping until the node tells of something new."""
    limit = time.monotonic() + seconds
    cursor = node.cursor()
    while True:
        info: dict[str, Any] = node.get(f"/api/message/{segment(message)}", account=account)
        state = info["message"]["state"]
        if state not in _STEPS:
            raise RefusedError(info["message"]["reason"] or f"message.{state}", f"The message was not taken: {state}.")
        if _STEPS.index(state) >= _STEPS.index(wanted):
            return info
        left = limit - time.monotonic()
        if left <= 0:
            raise WaitEndedError(
                "wait.ended", f"The message is {state} after {seconds:g} s.", f"It goes on by itself: connexa msg show {message}"
            )
        for event in node.events(cursor, left):
            cursor = max(cursor, int(event["cursor"]))

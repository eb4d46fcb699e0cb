"""`connexa device link`, `approve` and `confirm`: one device shows a code and six digits, the other takes both (product §5, screen 18)."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from connexa.errors import NotFoundError, RefusedError

from .client import Client
from .history import follow_history
from .options import Verb, account_option, options
from .output import answer, clean, moment, say, warn, write_json
from .qr import qr_lines, write_qr
from .secret import SECRET_HELP, read_secret
from .send import WaitEndedError

__all__ = ["approve", "confirm_device", "link"]

AGAIN: Final = "Make a new code: connexa device link"


@click.command(cls=Verb)
@click.argument("address")
@click.option("--name", default="", help="What your other devices call this one.")
@click.option("--qr", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Write the code as a picture too (.svg or .png).")
@click.option("--no-wait", is_flag=True, help="Return with the code at once; the node goes on waiting.")
def link(address: str, name: str, picture: Path | None, no_wait: bool) -> None:
    """Make this node another device of ADDRESS: it shows a code, then six digits, which you give to your primary device."""
    with Client() as node:
        cursor = node.cursor()
        made = node.post("/api/account/link", address=address, name=name)
        if picture is not None:
            write_qr(picture, made["code"])
        _show_code(made)
        if not no_wait:
            _follow(node, made, cursor)


def _show_code(made: dict[str, Any]) -> None:
    if options().json:
        return write_json({"event": "code", **made})
    drawn = qr_lines(made["code"])
    if sys.stderr.isatty() and shutil.get_terminal_size().columns >= len(click.unstyle(drawn[0])):
        for line in drawn:
            say(line)
    click.echo(made["code"])
    say(f"\n  On your primary device, before {moment(made['expires'])}:  connexa device approve")
    say("  and paste this code there. Show it to nobody: for a minute, it is the key to your account.\n")
    return None


def _follow(node: Client, made: dict[str, Any], cursor: int) -> None:
    """Show the digits when there are some, then what came of it."""
    address, shown = made["account"], False
    limit = time.monotonic() + (options().given_timeout or max(0.0, made["expires"] - time.time()))
    while True:
        found = next((one for one in node.get("/api/accounts")["items"] if one["address"] == address), None)
        if found is not None and found["state"] == "active":
            answer(found, f"linked: this is a device of {clean(address)}", _same_identity(found["fingerprint"]))
            say("\n  You can use it now; what was said before comes by and by.\n")
            return follow_history(node, address, cursor)
        linking = _linking(node, address)
        if linking["digits"] and not shown:
            shown, limit = True, time.monotonic() + (options().given_timeout or max(0.0, linking["expires"] - time.time()))
            _show_digits(linking)
        left = limit - time.monotonic()
        if left <= 0:
            raise WaitEndedError("wait.ended", "The time for linking is over.", AGAIN)
        for event in node.events(cursor, left):
            cursor = max(cursor, int(event["cursor"]))
            if event["kind"] == "account.link_failed" and event["account"] == address:
                why = event["fields"]
                raise RefusedError(str(why["code"]), f"{why['message']} Nothing was linked.", AGAIN, retryable=True)


def _linking(node: Client, address: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = node.get("/api/account/link", account=address)
    except NotFoundError:  # it is over: an event says how
        return {"digits": ""}
    return found


def _show_digits(linking: dict[str, Any]) -> None:
    if options().json:
        return write_json({"event": "digits", **linking})
    digits = linking["digits"]
    click.echo(f"  {clean(linking['account'])}  {linking['fingerprint']}", err=True)
    click.echo(f"  Type on your primary device:  {click.style(f'{digits[:3]} {digits[3:]}', bold=True)}\n", err=True)
    return None


@click.command(cls=Verb)
@click.argument("source", required=False)
@account_option
def approve(source: str | None, account: str) -> None:
    """Let a new device in: by the code that it shows, then by its six digits."""
    code = read_secret(source, "Code of the new device")
    with Client() as node:
        met = node.post("/api/devices/approve", account=account, code=code)
        if not options().may_ask:
            answer(met, f"it waits for its digits: {_name(met)}")
            return say(f"\n  Within a minute:  connexa device confirm {met['id']}")
        say(f"\n  {_name(met)} asks to be your device: it would read and write as you.")
        say("  Type the six digits that it shows. Without them it stays out.\n")
        return _confirm(node, account, met["id"], _ask_digits())


@click.command("confirm", cls=Verb)
@click.argument("approval")
@click.argument("source", required=False)
@account_option
def confirm_device(approval: str, source: str | None, account: str) -> None:
    """Give the six digits of a device that waits: APPROVAL is what `device approve` answers where it cannot ask."""
    digits = read_secret(source, "Digits that the new device shows")
    with Client() as node:
        _confirm(node, account, approval, digits or "")


for verb in (approve, confirm_device):
    verb.help = f"{verb.help} SOURCE: {SECRET_HELP}."


def _name(met: dict[str, Any]) -> str:
    return clean(met["name"]) or f"a device without a name ({met['device'][:16]})"


def _ask_digits() -> str:
    try:
        return str(click.prompt("  Digits", default="", show_default=False, err=True))
    except click.Abort:
        return ""  # whoever goes away lets nobody in


def _confirm(node: Client, account: str, approval: str, digits: str) -> None:
    found = node.post("/api/devices/confirm", account=account, approval=approval, digits=digits)
    person = node.get("/api/account", account=account)
    answer(found, f"linked: {clean(found['name']) or found['id'][:16]}", _same_identity(person["fingerprint"]))
    if not found["last_seen"]:
        warn(f"it has not said that it is ready; if it stays away:  connexa device revoke {found['id'][:16]}")


def _same_identity(fingerprint: str) -> str:
    return f"  both devices show this identity:  {fingerprint}"

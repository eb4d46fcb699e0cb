"""`connexa device`: list, link, approve, rename, revoke."""

from __future__ import annotations

import time
from typing import Any

import click

from connexa.errors import RefusedError

from .client import Client
from .group import Family
from .options import account_option, options
from .output import answer, clean, moment, say, table, write_json
from .secret import SECRET_HELP, read_secret
from .send import WaitEndedError

__all__ = ["device"]


@click.group(cls=Family)
def device() -> None:
    """Your devices: each has keys of its own, and sees the same conversations."""


@device.command("list")
@account_option
def list_(account: str) -> None:
    """List the devices of an account."""
    with Client() as node:
        found = node.get("/api/devices", account=account)
    answer(found, *table([_row(one) for one in found["items"]]))


def _row(one: dict[str, Any]) -> list[str]:
    marks = [word for word, holds in (("this one", one["this"]), ("primary", one["primary"]), ("not listed", not one["listed"])) if holds]
    return [one["id"][:16], one["name"], ", ".join(marks), moment(one["added"])]


@device.command()
@click.argument("address")
@click.option("--name", default="", help="Name that your contacts are shown.")
@click.option("--no-wait", is_flag=True, help="Return with the code at once; the node goes on waiting.")
def link(address: str, name: str, no_wait: bool) -> None:
    """Make this node another device of ADDRESS: it shows a code, which you approve on your primary device."""
    with Client() as node:
        cursor = node.cursor()
        made = node.post("/api/account/link", address=address, name=name)
        if options().json:
            write_json({"event": "code", **made})
        else:
            click.echo(made["code"])
        say(f"\n  On your primary device, before {moment(made['expires'])}:  connexa device approve")
        if not no_wait:
            _await_approval(node, made, cursor)


def _await_approval(node: Client, made: dict[str, Any], cursor: int) -> None:
    seconds = options().given_timeout or max(0.0, made["expires"] - time.time())
    limit = time.monotonic() + seconds
    while True:
        accounts = node.get("/api/accounts")["items"]
        found = next((one for one in accounts if one["address"] == made["account"]), None)  # not there before the approval
        if found is not None and found["state"] == "active":
            return answer(found, f"linked: this is a device of {clean(found['address'])}")
        left = limit - time.monotonic()
        if left <= 0:
            raise WaitEndedError("wait.ended", "The code was not approved in time.", "Make a new one: connexa device link")
        for event in node.events(cursor, left):
            cursor = max(cursor, int(event["cursor"]))
            if event["kind"] == "account.link_failed" and event["account"] == made["account"]:
                code = str(event["fields"]["code"])
                raise RefusedError(code, "The device was not linked.", "Make a new code: connexa device link", retryable=True)


@device.command()
@click.argument("code", metavar="[SOURCE]", required=False)
@account_option
def approve(code: str | None, account: str) -> None:
    """Let a new device in, by the code that it shows."""
    secret = read_secret(code, "Code of the new device")
    with Client() as node:
        found = node.post("/api/devices/approve", account=account, code=secret)
    answer(found, f"approved: {' '.join(_row(found)[:2])}")


approve.help = f"{approve.help} SOURCE: {SECRET_HELP}."


@device.command()
@click.argument("device")
@click.argument("name")
@account_option
def rename(device: str, name: str, account: str) -> None:
    """Name a device."""
    with Client() as node:
        found = node.post("/api/devices/rename", account=account, device=device, name=name)
    answer(found, *table([_row(found)]))


@device.command()
@click.argument("device")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def revoke(device: str, yes: bool, account: str) -> None:
    """Shut a device out: it gets nothing more, and your contacts learn of it."""
    confirm(yes, f"Shut the device {device} out?")
    with Client() as node:
        node.post("/api/devices/revoke", account=account, device=device)
    answer({"device": device}, f"revoked {device}")


def confirm(yes: bool, question: str) -> None:
    """Ask before what cannot be taken back; without a terminal `--yes` is needed."""
    if yes:
        return
    if not options().may_ask:
        raise RefusedError("confirm.needed", "This cannot be taken back.", "Say --yes.")
    click.confirm(question, abort=True, err=True)

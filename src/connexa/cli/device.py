"""`connexa device`: list, rename, revoke; link, approve and confirm stand in `linking`, history in its own module."""

from __future__ import annotations

from typing import Any

import click

from connexa.errors import RefusedError

from .client import Client
from .group import Family
from .history import history
from .linking import approve, confirm_device, link
from .options import account_option, options
from .output import answer, moment, table

__all__ = ["device"]


@click.group(cls=Family)
def device() -> None:
    """Your devices: each has keys of its own, and sees the same conversations."""


for verb in (link, approve, confirm_device, history):
    device.add_command(verb)


@device.command("list")
@account_option
def list_(account: str) -> None:
    """List the devices of an account."""
    with Client() as node:
        found = node.get("/api/devices", account=account)
    keeper = any(one["this"] and one["primary"] for one in found["items"])
    answer(found, *table([_row(one, keeper=keeper) for one in found["items"]]))


def _row(one: dict[str, Any], *, keeper: bool = False) -> list[str]:
    """A device in words; `keeper`: this device let it in, so it knows whether it ever came."""
    marks = [word for word, holds in (("this one", one["this"]), ("primary", one["primary"]), ("shut out", not one["listed"])) if holds]
    if one["last_seen"] and not one["this"]:
        marks.append(f"last seen {moment(one['last_seen'])}")
    elif keeper and not one["this"]:
        marks.append("never came back")
    return [one["id"][:16], one["name"] or "(no name)", f"since {moment(one['added'])}", ", ".join(marks)]


@device.command()
@click.argument("device")
@click.argument("name")
@account_option
def rename(device: str, name: str, account: str) -> None:
    """Name a device: DEVICE is its name, or how its id begins."""
    with Client() as node:
        found = node.post("/api/devices/rename", account=account, device=device, name=name)
    answer(found, *table([_row(found)]))


@device.command()
@click.argument("device")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def revoke(device: str, yes: bool, account: str) -> None:
    """Shut a device out: it gets nothing more, and your contacts learn of it. DEVICE is its name, or how its id begins."""
    confirm(yes, f"Shut the device {device} out?")
    with Client() as node:
        gone = node.post("/api/devices/revoke", account=account, device=device)
    answer(gone, f"shut out: {' '.join(_row(gone)[:2])}", "  it gets nothing more; your contacts are being told")


def confirm(yes: bool, question: str) -> None:
    """Ask before what cannot be taken back; without a terminal `--yes` is needed."""
    if yes:
        return
    if not options().may_ask:
        raise RefusedError("confirm.needed", "This cannot be taken back.", "Say --yes.")
    click.confirm(question, abort=True, err=True)

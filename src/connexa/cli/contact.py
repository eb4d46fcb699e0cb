"""`connexa contact`: people, and the requests of strangers."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, segment
from .device import confirm
from .group import Family
from .options import account_option
from .output import answer, clean, moment, say, table, warn

__all__ = ["contact"]


@click.group(cls=Family)
def contact() -> None:
    """People whom you know, and those who ask."""


@contact.command("list")
@account_option
def list_(account: str) -> None:
    """List contacts."""
    with Client() as node:
        found = node.get("/api/contacts", account=account)
    answer(found, *table([_row(one) for one in found["items"]]))


def _row(one: dict[str, Any]) -> list[str]:
    return [one["address"], one["name"], one["state"], "verified" if one["verified"] else "", one["warning"]]


@contact.command()
@click.argument("address")
@click.option("--name", default="", help="What you call them.")
@account_option
def add(address: str, name: str, account: str) -> None:
    """Note an address; the first message asks them."""
    with Client() as node:
        found = node.post("/api/contacts/add", account=account, address=address, name=name)
    answer(found, *table([_row(found)]))


@contact.command()
@click.argument("who")
@account_option
def show(who: str, account: str) -> None:
    """Show a contact with the digits to compare."""
    with Client() as node:
        found = node.get(f"/api/contacts/{segment(who)}", account=account)
        number = node.get(f"/api/contacts/{segment(who)}/safety-number", account=account)["digits"] if found["fingerprint"] else ""
    digits = [number[start : start + 5] for start in range(0, len(number), 5)]
    lines = table([["address", found["address"]], ["name", found["name"]], ["state", found["state"]], ["identity", found["fingerprint"]]])
    numbers = [("safety number  " if not row else " " * 15) + " ".join(digits[row : row + 6]) for row in range(0, len(digits), 6)]
    answer({**found, "safety_number": number}, *lines, *numbers)
    if found["warning"]:
        warn(found["warning"])


@contact.command()
@click.argument("who")
@click.option("--undo", is_flag=True, help="Take it back.")
@account_option
def verify(who: str, undo: bool, account: str) -> None:
    """Note that you compared the digits with them in person."""
    with Client() as node:
        found = node.post("/api/contacts/verify", account=account, who=who, verified=not undo)
    answer(found, *table([_row(found)]))


@contact.command()
@click.argument("who")
@click.argument("name")
@account_option
def rename(who: str, name: str, account: str) -> None:
    """Name a contact."""
    with Client() as node:
        found = node.post("/api/contacts/rename", account=account, who=who, name=name)
    answer(found, *table([_row(found)]))


@contact.command()
@click.argument("who")
@account_option
def block(who: str, account: str) -> None:
    """Close your door to somebody; they are told nothing."""
    with Client() as node:
        found = node.post("/api/contacts/block", account=account, who=who)
    answer(found, *table([_row(found)]))


@contact.command()
@click.argument("who")
@account_option
def unblock(who: str, account: str) -> None:
    """Open your door again."""
    with Client() as node:
        found = node.post("/api/contacts/unblock", account=account, who=who)
    answer(found, *table([_row(found)]))


@contact.command()
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def remove(who: str, yes: bool, account: str) -> None:
    """Forget a contact."""
    confirm(yes, f"Forget {who}?")
    with Client() as node:
        node.post("/api/contacts/remove", account=account, who=who)
    answer({"who": who}, f"removed {who}")


@contact.group(cls=Family)
def requests() -> None:
    """Strangers who ask; nothing of theirs is shown before you open it, and they learn nothing before you accept."""


@requests.command("list")
@account_option
def list_requests(account: str) -> None:
    """List requests: the domain and the time."""
    with Client() as node:
        found = node.get("/api/requests", account=account)
    rows = [
        [one["id"][:16], one["domain"], moment(one["received"]), "domain not attested yet" if one["provisional"] else ""]
        for one in found["items"]
    ]
    answer(found, *table(rows))
    if rows:
        say("open one: connexa contact requests show ID")


@requests.command("show")
@click.argument("request")
@account_option
def show_request(request: str, account: str) -> None:
    """Open a request: who it is and what they wrote."""
    with Client() as node:
        found = node.get(f"/api/requests/{segment(request)}", account=account)
    answer(found, f"{clean(found['address'])}  {moment(found['received'])}", *[f"  {clean(text)}" for text in found["texts"]])
    say(f"connexa contact requests accept {request}   or   … reject {request}")


@requests.command()
@click.argument("request")
@account_option
def accept(request: str, account: str) -> None:
    """Let somebody in: you are contacts now."""
    with Client() as node:
        found = node.post("/api/requests/accept", account=account, request=request)
    answer(found, *table([_row(found)]))


@requests.command()
@click.argument("request")
@account_option
def reject(request: str, account: str) -> None:
    """Turn somebody down; nothing is sent."""
    with Client() as node:
        node.post("/api/requests/reject", account=account, request=request)
    answer({"request": request}, f"rejected {request}")

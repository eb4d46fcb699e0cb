"""`connexa contact`: people, and the requests of strangers."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, segment
from .device import confirm
from .group import Family
from .options import account_option
from .output import answer, clean, moment, say, table, warn
from .verify import contact_lines, contact_row, keep, note_line, number_lines, trust, trust_words, verify

__all__ = ["contact"]


@click.group(cls=Family)
def contact() -> None:
    """People whom you know, and those who ask."""


contact.add_command(verify)
contact.add_command(trust)
contact.add_command(keep)


@contact.command("list")
@account_option
def list_(account: str) -> None:
    """List contacts."""
    with Client() as node:
        found = node.get("/api/contacts", account=account)
    answer(found, *table([contact_row(one) for one in found["items"]]))


@contact.command()
@click.argument("address")
@click.option("--name", default="", help="What you call them.")
@account_option
def add(address: str, name: str, account: str) -> None:
    """Note an address; the first message asks them."""
    with Client() as node:
        found = node.post("/api/contacts/add", account=account, address=address, name=name)
    answer(found, *contact_lines(found))


@contact.command()
@click.argument("who")
@account_option
def show(who: str, account: str) -> None:
    """Show a contact with the digits to compare, and what has happened to their key."""
    with Client() as node:
        found = node.get(f"/api/contacts/{segment(who)}", account=account)
        known = found["fingerprint"] or found["rival"]
        number = node.get(f"/api/contacts/{segment(who)}/safety-number", account=account) if known else {"digits": "", "code": ""}
    facts = [["address", found["address"]], ["name", found["name"]], ["state", found["state"]], ["trust", trust_words(found)]]
    facts += [["identity", found["fingerprint"]], ["new key", found["rival"]]] if found["rival"] else [["identity", found["fingerprint"]]]
    lines = [*table([[*fact] for fact in facts if fact[1]]), *(["", "safety number", *number_lines(number["digits"])] if known else [])]
    lines += [f"{moment(note['at'])}  {note_line(note)}" for note in found["notes"]]
    answer({**found, "safety_number": number["digits"], "safety_code": number["code"]}, *lines)
    if found["rival"]:
        _explain_change(found)
    elif found["warning"]:
        warn(found["warning"])


def _explain_change(found: dict[str, Any]) -> None:
    who = found["address"]
    warn(f"since {moment(found['rival_since'])} another key answers for {who}; nothing is sent until you decide")
    say("  They lost their key and made a new one, or their homeserver lies. Ask them, by another way than this.")
    say("  The number above is the new key's.")
    say(f"  The numbers agree:            connexa contact verify {who}")
    say(f"  You cannot compare now:       connexa contact trust {who}")
    say(f"  They say nothing has changed: connexa contact keep {who}")
    say(f"  Neither:                      connexa contact remove {who}")


@contact.command()
@click.argument("who")
@click.argument("name")
@account_option
def rename(who: str, name: str, account: str) -> None:
    """Name a contact."""
    with Client() as node:
        found = node.post("/api/contacts/rename", account=account, who=who, name=name)
    answer(found, *contact_lines(found))


@contact.command()
@click.argument("who")
@account_option
def block(who: str, account: str) -> None:
    """Close your door to somebody; they are told nothing."""
    with Client() as node:
        found = node.post("/api/contacts/block", account=account, who=who)
    answer(found, *contact_lines(found))


@contact.command()
@click.argument("who")
@account_option
def unblock(who: str, account: str) -> None:
    """Open your door again."""
    with Client() as node:
        found = node.post("/api/contacts/unblock", account=account, who=who)
    answer(found, *contact_lines(found))


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
    rows = [[one["id"][:16], one["domain"], moment(one["received"]), _request_mark(one)] for one in found["items"]]
    answer(found, *table(rows))
    if rows:
        say("open one: connexa contact requests show ID")


def _request_mark(one: dict[str, Any]) -> str:
    if one["warning"]:
        return "a contact of yours has this address, with another key"
    return "domain not attested yet" if one["provisional"] else ""


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
    answer(found, *contact_lines(found))


@requests.command()
@click.argument("request")
@account_option
def reject(request: str, account: str) -> None:
    """Turn somebody down; nothing is sent."""
    with Client() as node:
        node.post("/api/requests/reject", account=account, request=request)
    answer({"request": request}, f"rejected {request}")

"""`connexa contact verify`, `trust` and `keep`: compare a safety number, and decide where another key answers for a contact."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from connexa.errors import IntegrityError, UsageError

from .client import Client, segment
from .device import confirm
from .options import account_option, options
from .output import answer, say, table
from .qr import qr_lines, write_qr
from .secret import read_file

__all__ = ["contact_lines", "contact_row", "keep", "note_line", "number_lines", "trust", "trust_words", "verify"]

_HOW: Final = {"compared": "both screens compared", "typed": "their digits typed here", "scanned": "their QR code scanned"}
_SOURCE: Final = "the text itself, file:PATH, or - for stdin; asked for where nothing follows"
_NOTES: Final = {
    "identity.changed": "another key answers for this contact",
    "identity.trusted": "you went on with the new key without comparing it",
    "identity.kept": "you stayed with the known key and turned the other one away",
    "devices.added": "a new device of this contact, signed by their own key",
    "contact.verified": "you verified this contact",
    "contact.unverified": "you took the verification back",
}


@click.command()
@click.argument("who")
@click.option("--digits", metavar="SOURCE", is_flag=False, flag_value="", help=f"The other side's 60 digits: {_SOURCE}.")
@click.option("--scan", metavar="SOURCE", is_flag=False, flag_value="", help=f"What a scanner read there: {_SOURCE}.")
@click.option("--qr", type=click.Path(path_type=Path), metavar="FILE", help="Write your QR code to FILE (.svg or .png), to show it.")
@click.option("--undo", is_flag=True, help="Take it back.")
@account_option
def verify(who: str, digits: str | None, scan: str | None, qr: Path | None, undo: bool, account: str) -> None:
    """Compare the safety number with somebody, and note that you did."""
    if (digits is not None) + (scan is not None) + undo > 1:
        raise UsageError("verify.one_way", "Say one of --digits, --scan and --undo.")
    with Client() as node:
        if undo:
            found = node.post("/api/contacts/unverify", account=account, who=who)
        else:
            number = node.get(f"/api/contacts/{segment(who)}/safety-number", account=account)
            if qr is not None:
                write_qr(qr, number["code"])
                say(f"wrote {qr}")
            how, proof = _proof(number, digits, scan)
            found = node.post("/api/contacts/verify", account=account, who=who, how=how, proof=proof)
    answer(found, *contact_lines(found))


def _proof(number: dict[str, Any], digits: str | None, scan: str | None) -> tuple[str, str]:
    if scan is not None:
        return "scanned", _text(scan, "What their QR code says")
    if digits is not None:
        return "typed", _text(digits, "Their 60 digits")
    if not options().may_ask:
        raise UsageError(
            "verify.nothing_compared",
            "There is nobody here to compare the numbers.",
            "Give the other side's by --digits or --scan; connexa contact show has yours.",
        )
    for line in [*qr_lines(number["code"]), "", *number_lines(number["digits"]), ""]:
        click.echo(line, err=True)
    if not click.confirm(f"Does {number['address']} see these same 60 digits?", err=True):
        raise IntegrityError(
            "safety.mismatch", "The numbers differ: somebody may stand between you.", "Send nothing secret; compare again in person."
        )
    return "compared", number["digits"]  # what was on the screen, should another key have come meanwhile


def _text(source: str, what: str) -> str:
    if source == "":
        if not options().may_ask:
            raise UsageError("verify.nothing_compared", f"{what}: nobody can be asked here.", f"Give {_SOURCE}.")
        return str(click.prompt(what, err=True)).strip()
    if source == "-":
        return sys.stdin.read(1024).strip()
    return read_file(Path(source.removeprefix("file:")), what).strip() if source.startswith("file:") else source


@click.command()
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def trust(who: str, yes: bool, account: str) -> None:
    """Go on with the key that answers for somebody now, without comparing it."""
    confirm(yes, f"Send to the new key of {who} without having compared it?")
    with Client() as node:
        found = node.post("/api/contacts/trust", account=account, who=who)
    answer(found, *contact_lines(found))


@click.command()
@click.argument("who")
@account_option
def keep(who: str, account: str) -> None:
    """Stay with the key of somebody that you know; the other one is turned away."""
    with Client() as node:
        found = node.post("/api/contacts/keep", account=account, who=who)
    answer(found, *contact_lines(found))


def contact_lines(one: dict[str, Any]) -> list[str]:
    """A contact as its commands answer: one line."""
    return table([contact_row(one)])


def contact_row(one: dict[str, Any]) -> list[str]:
    """A contact as one of several."""
    return [one["address"], one["name"], one["state"], trust_words(one), one["warning"]]


def trust_words(one: dict[str, Any]) -> str:
    """The tier, and for a verified contact since when."""
    if one["trust"] != "verified":
        return str(one["trust"])
    return f"verified {time.strftime('%Y-%m-%d', time.localtime(one['verified_at']))}, {_HOW[one['verified_how']]}"


def number_lines(digits: str) -> list[str]:
    """A safety number as twelve groups of five, in lines of four."""
    groups = [digits[start : start + 5] for start in range(0, len(digits), 5)]
    return ["  " + "  ".join(groups[row : row + 4]) for row in range(0, len(groups), 4)]


def note_line(note: dict[str, Any]) -> str:
    """A line of the timeline that no message carries."""
    detail = _HOW.get(note["detail"], note["detail"])
    return f"— {_NOTES.get(note['code'], note['code'])}{f' ({detail})' if detail else ''} —"

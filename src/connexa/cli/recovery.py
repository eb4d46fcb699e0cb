"""`connexa account recovery`: the 24 words that bring everything back, shown, checked, replaced (product §1, U3, U6).

Words go to a terminal, or where `--output` says; never into a log, a pipe that nobody named, or the arguments of a program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from connexa.backup import WORD_COUNT, key_of_words, words_of_key
from connexa.crypto import system_random
from connexa.errors import ConflictError, ConnexaError, RefusedError

from .client import Client
from .device import confirm
from .group import Family
from .options import account_option, options
from .output import answer, moment, say
from .secret import SECRET_HELP, read_secret

__all__ = ["recovery"]

ASKED: Final = 3
TRIES: Final = 3
COLUMNS: Final = 4
CLEAR: Final = "\033[2J\033[3J\033[1;1H"  # the screen, and what was scrolled off it


@click.group(cls=Family)
def recovery() -> None:
    """The 24 words that bring an account back: with a backup, they are all that it takes."""


output_option = click.option("--output", "-o", metavar="FILE", help="Write the words to a new file, or - for stdout, unasked.")


@recovery.command()
@output_option
@account_option
def show(output: str | None, account: str) -> None:
    """Show the words, for you to write down; then three of them are asked for."""
    _check_place(output)
    with Client() as node:
        state = node.get("/api/account/recovery", account=account)
        _give(node, node.post("/api/account/recovery/show", account=account)["words"], output)
        if not state["confirmed"]:
            _clear(output)
            _ask_for_some(node, account, output)


@recovery.command()
@click.argument("source", required=False)
@account_option
def verify(source: str | None, account: str) -> None:
    """Check that you have the words: three of them, or with SOURCE all 24."""
    with Client() as node:
        if source is None and options().may_ask:
            return _ask_for_some(node, account, None)
        text = read_secret(source, "Recovery words") or ""
        words = words_of_key(key_of_words(text))
        found = node.post("/api/account/recovery/verify", account=account, words={str(n): w for n, w in enumerate(words, 1)})
    answer(found, "these are the words")
    return None


verify.help = f"{verify.help} SOURCE: {SECRET_HELP}."


@recovery.command()
@output_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def rotate(output: str | None, yes: bool, account: str) -> None:
    """Replace the words: backups from now on open with the new ones alone, older ones with the old ones."""
    _check_place(output)
    confirm(yes, "Replace the recovery words?")
    with Client() as node:
        _give(node, node.post("/api/account/recovery/rotate", account=account)["words"], output)
        _clear(output)
        _ask_for_some(node, account, output)


def _check_place(output: str | None) -> None:
    """Refuse before anything is made."""
    if output is None and not sys.stdout.isatty():
        raise RefusedError("words.no_terminal", "The words are shown on a terminal alone.", "Or write them to a file: --output FILE")
    if output not in (None, "-") and Path(output or "").expanduser().exists():
        raise ConflictError("file.exists", f"{output} exists already.")


def _give(node: Client, words: list[str], output: str | None) -> None:
    if output is None:
        return _draw(words)
    text = "".join(f"{number:2}. {word}\n" for number, word in enumerate(words, 1))
    if output == "-":
        return click.echo(text, nl=False)
    path = Path(output).expanduser()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise ConnexaError("file.unwritable", f"{output} cannot be written ({type(error).__name__}).") from None
    return answer({"path": str(path)}, str(path))


def _draw(words: list[str]) -> None:
    rows = WORD_COUNT // COLUMNS
    click.echo()
    for row in range(rows):
        places = range(row, WORD_COUNT, rows)
        click.echo("   " + "".join(f"{place + 1:3}. {words[place]:10}" for place in places).rstrip())
    click.echo()
    say("  Write them down on paper, in their order. With a backup they bring everything back;")
    say("  without them a backup is worth nothing, and whoever else has them can be you.\n")


def _clear(output: str | None) -> None:
    """Take the words off the screen before some are asked for: what can be read there proves no paper."""
    if output is None and options().may_ask:
        click.pause("  Press a key when they are on paper; then this screen is cleared.", err=True)
        sys.stdout.write(CLEAR)  # not by `click`, which leaves it out where no colour is wanted
        sys.stdout.flush()


def _ask_for_some(node: Client, account: str, output: str | None) -> None:
    """Ask for three words at random; right ones begin the daily backups."""
    if not options().may_ask or output is not None:
        return say("  When you have them in a safe place:  connexa account recovery verify")
    shuffled = sorted(range(1, WORD_COUNT + 1), key=lambda _: system_random(8))
    places = sorted(shuffled[:ASKED])
    for _ in range(TRIES):
        words = {str(place): str(click.prompt(f"  Word {place}", err=True)).strip() for place in places}
        try:
            found = node.post("/api/account/recovery/verify", account=account, words=words)
        except RefusedError as error:
            if error.code != "words.wrong":
                raise
            say(f"  {error.message} {error.hint}")
            continue
        plan = node.get("/api/backup/schedule", account=account)
        answer(found, f"confirmed {moment(found['confirmed'])}")
        if plan["active"]:
            return say(f"\n  A backup is made every day now, in {plan['directory']}\n  Copy that directory to another disk now and then.")
        return None
    raise RefusedError("words.wrong", "These are not the words.", "Look again at what you wrote down: connexa account recovery show")

"""`connexa server backup`, `words`, `restore` and `upgrade`: a homeserver's data, kept and brought back (decision 0029)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from connexa.backup import key_of_words, words_of_key
from connexa.crypto import system_random
from connexa.errors import ConflictError, RefusedError
from connexa.homeserver.premises import ServerPremises

from .bar import draw_bar
from .homeserver import given_password, open_store_key, password_options, size
from .options import Verb, options
from .output import answer, say
from .secret import SECRET_HELP, read_secret

__all__ = ["backup", "restore", "upgrade", "words"]


@click.command(cls=Verb)
@click.argument("place", type=click.Path(path_type=Path))
@password_options
def backup(place: Path, ask: bool, password_file: str | None) -> None:
    """Copy the whole database, encrypted, to PLACE: a new file, or a directory. The homeserver may go on meanwhile.

    It opens with the 24 words of `connexa server words` alone. Blobs of media are not in it.
    """
    from connexa.homeserver.backups import make_backup

    premises = ServerPremises(options().where)
    key = open_store_key(premises, given_password(ask, password_file, new=False))
    started = time.monotonic()
    path = make_backup(premises, key, place.expanduser(), draw_bar)
    kept, seconds = path.stat().st_size, time.monotonic() - started
    _end_bar()
    found = {"path": str(path), "bytes": kept, "seconds": round(seconds, 1)}
    answer(found, f"{path}, {size(kept)}, read once more and whole")
    say("  Take it off this machine. It opens with the 24 words of: connexa server words")


@click.command(cls=Verb)
@click.option("--output", "-o", metavar="FILE", help="Write the words to a new file, or - for stdout, unasked.")
@password_options
def words(output: str | None, ask: bool, password_file: str | None) -> None:
    """Show the 24 words that open this homeserver's backups, for you to write down and keep off this machine.

    Who has them and a backup is the domain.
    """
    from connexa.homeserver.backups import backup_key

    if output is None and not options().may_ask:
        raise RefusedError("words.no_terminal", "The words are shown on a terminal alone.", "Or write them to a file: --output FILE")
    key = open_store_key(ServerPremises(options().where), given_password(ask, password_file, new=False))
    lines = [f"{number:2}. {word}" for number, word in enumerate(words_of_key(backup_key(key)), 1)]
    if output in (None, "-"):
        for line in lines:
            click.echo(line)
        return
    _write_new(Path(str(output)), "\n".join([*lines, ""]))
    answer({"path": output}, f"wrote {output}")


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise ConflictError("file.refused", f"{path} cannot be made ({type(error).__name__}).", "Take another name.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@click.command(cls=Verb)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--words", "source", metavar="SOURCE", help=f"The 24 words: {SECRET_HELP}.")
@password_options
@click.option("--keyring", is_flag=True, help="Keep the database's key in the login keyring instead of a file.")
def restore(file: Path, source: str | None, ask: bool, password_file: str | None, keyring: bool) -> None:
    """Bring a homeserver back from a backup FILE into a profile that has none, with its domain key and its settings.

    What came after the backup is lost: mail that nobody had fetched, accounts, changes. Stop the old one first: two homeservers of one
    domain would lose mail.
    """
    from connexa.homeserver.backups import restore_backup

    key = key_of_words(read_secret(source, "The 24 words") or "")
    password = given_password(ask, password_file, new=True)
    premises = ServerPremises(options().where)
    restored = restore_backup(
        premises, file.expanduser(), key, password=password, use_keyring=keyring, clock=time.time, rng=system_random, told=draw_bar
    )
    _end_bar()
    found = {
        "domain": restored.domain,
        "custody": restored.custody.value,
        "settings_written": restored.settings_written,
        "data": str(premises.data),
    }
    where = "with its settings" if restored.settings_written else "by the settings that are here"
    answer(found, f"{restored.domain} is back in {premises.data}, {where}")
    say("  Start it:  connexa server run\n  Then show where it is now, and check it:  connexa server dns, connexa server check")


@click.command(cls=Verb)
@password_options
def upgrade(ask: bool, password_file: str | None) -> None:
    """Bring the database to the form that this version needs: a backup first, then the change, then a reading of all of it.

    The homeserver is stopped for it. `connexa server run` makes the same change, without the backup.
    """
    from connexa.homeserver.backups import upgrade as upgraded_by

    premises = ServerPremises(options().where)
    key = open_store_key(premises, given_password(ask, password_file, new=False))
    done = upgraded_by(premises, key, time.time, draw_bar)
    _end_bar()
    found = {"before": done.before, "now": done.now, "backup": str(done.backup) if done.backup else ""}
    if done.backup is None:
        answer(found, f"nothing to do: the database is of schema {done.now}, and whole")
    else:
        answer(found, f"schema {done.before} became {done.now}, and is whole", f"the backup before it: {done.backup}")


def _end_bar() -> None:
    if draw_bar("done", 1.0):
        click.echo(err=True)

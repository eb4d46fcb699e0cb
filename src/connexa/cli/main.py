"""The root of all verbs, and the way from any error to its line and its exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import click

from connexa import __version__
from connexa.errors import ConnexaError

from .group import LazyFamily
from .output import complain, plain

__all__ = ["main"]

INTERRUPTED: Final = 130

VERBS: Final = {
    "up": ("life:up", "Start your node."),
    "down": ("life:down", "Stop your node."),
    "open": ("open:open_app", "Open the web app."),
    "status": ("life:status", "Say how the node, its accounts and their links are."),
    "doctor": ("doctor:doctor", "Check that all is well."),
    "logs": ("life:logs", "Show the node's log."),
    "send": ("send:send", "Send a message."),
    "inbox": ("reading:inbox", "List conversations with something new, and requests."),
    "read": ("reading:read", "Show a conversation and mark it read."),
    "search": ("search:search", "Find messages and mail."),
    "watch": ("watch:watch", "Show messages as they come."),
    "account": ("account:account", "Your accounts."),
    "device": ("device:device", "Your devices."),
    "contact": ("contact:contact", "People, and requests of strangers."),
    "invite": ("invite:invite", "Invites that you give out or were given."),
    "group": ("groups:group", "Groups of people."),
    "conv": ("conversation:conv", "Conversations."),
    "attachment": ("attachment:attachment", "Files of messages."),
    "msg": ("message:msg", "Single messages."),
    "backup": ("backup:backup", "Backups, and everything back from one."),
    "server": ("server:server", "Run a homeserver."),
    "config": ("config:config", "Settings, and where each comes from."),
    "api": ("api:api", "The node's local API."),
    "dev": ("dev:dev", "For developers: the demo."),
    "version": ("version:version", "Name the version."),
    "completion": ("version:completion", "Print the completion script of a shell."),
}


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"connexa {__version__}")
        context.exit()


root = LazyFamily(
    "connexa",
    VERBS,
    help="Private messaging and mail that no single party runs.",
    top=True,
    params=[click.Option(["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Name the version.")],
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110},
    epilog="The options stand before or after a command. First steps: connexa up, then connexa account create you@your.server",
)


class _Usage(ConnexaError):
    """The command line itself is wrong."""

    exit_code: ClassVar[int] = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one call and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        code = root.main(words, prog_name="connexa", standalone_mode=False, color=False if plain() else None)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _Usage.exit_code
    except click.UsageError as error:
        hint = f"Try: {error.ctx.command_path} --help" if error.ctx else "Try: connexa --help"
        return _end(_Usage("usage.wrong", error.format_message(), hint), as_json)
    except click.ClickException as error:
        return _end(ConnexaError("command.failed", error.format_message()), as_json)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except ConnexaError as error:
        return _end(error, as_json)
    except Exception as error:  # noqa: BLE001 - a bug of ours: its text may hold content, so only -v shows it
        if {"-v", "--verbose"} & set(words):
            traceback.print_exc()
        return _end(ConnexaError("command.failed", f"Connexa made a mistake ({_place(error)}).", "Again with -v shows all of it."), as_json)
    return code if isinstance(code, int) else 0


def _end(error: ConnexaError, as_json: bool) -> int:
    complain(error, as_json=as_json)
    return error.exit_code


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"

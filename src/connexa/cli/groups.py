"""`connexa group`: groups of people."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any, Final

import click

from connexa.errors import UsageError

from .client import Client, segment
from .device import confirm
from .group import Family
from .options import account_option
from .output import answer, clean, moment, say, table
from .times import duration, seconds_of

__all__ = ["group"]

_ROLES: Final = ("owner", "admin", "member")
_LINK_MAX: Final = 1_024
_TROUBLES: Final = {
    "group.bad_commit": "somebody's device has broken the rules; an admin's device goes on without them",
    "group.superseded": "an admin's device took the group back to before the last changes; an admin can help: connexa group anew GROUP",
    "group.bad_record": "what the group's homeserver has for newcomers is not to be believed; an admin can help: connexa group anew GROUP",
    "group.unknown": "the group's homeserver does not know this device any more; ask an admin to remove and invite you",
    "group.full": "the group has as many people or devices as it can have: take somebody out first, or make a second group",
    "group.not_in": "its keys have changed since the backup, or you were removed; ask one of its admins to invite you again",
    "group.own_device": "another device of yours brings this one in",
    "group.hub_silent": "the group's homeserver does not answer; what you write waits, and another one takes its place if it can",
    "group.bad_take_over": "a homeserver says that the group has moved there, and cannot prove it",
    "group.busy": "others change the group all the time; it is tried again",
}
_UNREADABLE: Final = (
    "this device cannot follow the group and tries to come in again; if nobody can go on, an admin can help: connexa group anew GROUP"
)


@click.group(cls=Family)
def group() -> None:
    """Groups; each is named by its name, or by how its id begins.

    `connexa send`, `read` and `watch` take a group's name like a contact's.
    """


@group.command()
@click.argument("name")
@account_option
def create(name: str, account: str) -> None:
    """Make a group; you are its owner."""
    _tell(_post("create", account=account, name=name))


@group.command("list")
@click.option("--all", "over", is_flag=True, help="Groups that you have left too.")
@account_option
def list_(over: bool, account: str) -> None:
    """List groups, and invitations to them."""
    with Client() as node:
        found = node.get("/api/groups", account=account, over=over)
    answer(found, *table([_row(one) for one in found["items"]]))
    if any(one["state"] == "invited" for one in found["items"]):
        say("accept an invitation: connexa group accept GROUP")
    if any(one["trouble"] == "group.not_in" for one in found["items"]):
        say(f"not in a group any more: {_TROUBLES['group.not_in']}")


def _row(one: dict[str, Any]) -> list[str]:
    marks = [word for word in ("muted", "archived") if one[word]]
    waiting = f"{one['waiting']} waiting" if one["waiting"] else ""
    by = f"by {one['inviter']}" if one["inviter"] else ""
    return [
        one["short"],
        one["name"],
        one["state"],
        one["role"] or "",
        "1 person" if len(one["people"]) == 1 else f"{len(one['people'])} people",
        waiting,
        by,
        one["trouble"],
        " ".join(marks),
    ]


@group.command()
@click.argument("name")
@account_option
def show(name: str, account: str) -> None:
    """Show who is in a group, its rules, and the digits that are the same at all of its members."""
    with Client() as node:
        found = node.get(f"/api/groups/{segment(name)}", account=account)
    people = [
        [
            one["address"],
            one["name"],
            one["role"],
            f"{one['devices']} device{'s' * (one['devices'] > 1)}",
            "you" if one["me"] else one["trust"],
        ]
        for one in found["people"]
    ]
    facts = [
        f"{clean(found['name'])}  {found['state']}  {found['id']}",
        f"roster   {found['roster'] or '-'}  (epoch {found['epoch']})",
        f"timer    {duration(found['timer'])}",
        f"history  newcomers see: {found['history']}",
        f"link     {'yes' if found['link'] else 'no'}",
        f"hub      {found['hub']}{_silence(found['succession'])}",
        *_succession(found["succession"]),
    ]
    if found["trouble"]:
        facts.append(f"trouble  {_trouble(found['trouble'], found['state'])}")
    if found["unopened"]:
        facts.append(f"unopened {found['unopened']} since the last change: compare the roster with the others")
    answer(found, *facts, *table(people))


@group.command()
@click.argument("name")
@click.argument("who")
@account_option
def invite(name: str, who: str, account: str) -> None:
    """Invite a contact; nothing of them is sent to the group before they accept."""
    _tell(_post("invite", account=account, group=name, who=who))


@group.command()
@click.argument("name")
@click.option("--new", is_flag=True, help="Make a new one; the one before it ends.")
@click.option("--end", is_flag=True, help="Nobody comes in by a link any more.")
@account_option
def link(name: str, new: bool, end: bool, account: str) -> None:
    """Show the invitation link: whoever has it can come in."""
    if new and end:
        raise UsageError("group_link.unclear", "Either make a new link or end it.")
    if new or end:
        _tell(_post("link" if new else "unlink", account=account, group=name))
        return
    with Client() as node:
        found = node.get(f"/api/groups/{segment(name)}/link", account=account)
    answer(found, found["text"])


@group.command()
@account_option
def join(account: str) -> None:
    """Come in by an invitation link, read from stdin: it holds a secret."""
    if sys.stdin.isatty():
        say("paste the link, then Ctrl-D")
    text = sys.stdin.read(_LINK_MAX).strip()
    if not text:
        raise UsageError("group_link.missing", "No link came.", "connexa group join < FILE")
    _tell(_post("join", account=account, text=text))


@group.command()
@click.argument("name")
@account_option
def accept(name: str, account: str) -> None:
    """Accept an invitation."""
    _tell(_post("accept", account=account, group=name))


@group.command()
@click.argument("name")
@account_option
def decline(name: str, account: str) -> None:
    """Turn an invitation down: you leave again."""
    _tell(_post("leave", account=account, group=name))


@group.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def leave(name: str, yes: bool, account: str) -> None:
    """Leave a group with all your devices; what was said stays readable."""
    confirm(yes, f"Leave the group {name}?")
    _tell(_post("leave", account=account, group=name))


@group.command()
@click.argument("name")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def remove(name: str, who: str, yes: bool, account: str) -> None:
    """Take somebody out of a group; its keys change, and its link ends."""
    confirm(yes, f"Take {who} out of {name}?")
    _tell(_post("remove", account=account, group=name, who=who))


@group.command()
@click.argument("name")
@click.option("--without", default="", metavar="WHO", help="Take this person out with it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def anew(name: str, without: str, yes: bool, account: str) -> None:
    """Let a group go on that a broken commit has stopped for everybody: your commit takes its place.

    Ask the others first: whom that commit did not stop goes on with it, and your commit is not for them.
    """
    confirm(yes, f"Begin {name} anew{' without ' + without if without else ''}?")
    _tell(_post("anew", account=account, group=name, without=without))


@group.command()
@click.argument("name")
@click.argument("domain", required=False, default="")
@click.option("--stay", is_flag=True, help="It does not go any more.")
@account_option
def move(name: str, domain: str, stay: bool, account: str) -> None:
    """Let a group go to another homeserver, one of those that can take its place (connexa group show).

    That happens by itself where its homeserver does not answer for ten minutes; then this only keeps your device from waiting. While it
    answers, half of the admins' devices have to be at work.
    """
    found = _post("move", account=account, group=name, to=domain, stay=stay)
    _tell(found)
    if found["succession"]["silent_since"]:
        say("its homeserver does not answer; another takes its place once enough of the admins' devices agree: connexa group show")


@group.command()
@click.argument("name")
@click.argument("who")
@click.argument("role_", metavar="ROLE", type=click.Choice(_ROLES))
@account_option
def role(name: str, who: str, role_: str, account: str) -> None:
    """Give somebody a role: owner, admin or member."""
    _tell(_post("role", account=account, group=name, who=who, role=role_))


@group.command()
@click.argument("name")
@click.argument("new_name")
@account_option
def rename(name: str, new_name: str, account: str) -> None:
    """Give a group another name."""
    _tell(_post("rename", account=account, group=name, name=new_name))


@group.command()
@click.argument("name")
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--clear", is_flag=True, help="Take it away.")
@account_option
def avatar(name: str, image: Path | None, clear: bool, account: str) -> None:
    """Give a group an image of at most 16 KiB."""
    if (image is None) != clear:
        raise UsageError("group.avatar_unclear", "Name an image, or --clear.")
    raw = image.read_bytes() if image else b""
    _tell(_post("avatar", account=account, group=name, image=base64.b64encode(raw).decode()))


@group.command()
@click.argument("name")
@click.argument("time_", metavar="TIME")
@account_option
def timer(name: str, time_: str, account: str) -> None:
    """Let new messages disappear after TIME, like 30s, 5m, 8h, 7d, 4w; or off."""
    _tell(_post("timer", account=account, group=name, seconds=seconds_of(time_)))


@group.command()
@click.argument("name")
@click.argument("rule", type=click.Choice(("invited", "none", "last")))
@click.argument("count", type=int, default=0)
@account_option
def history(name: str, rule: str, count: int, account: str) -> None:
    """Say what newcomers see: all since they were invited, none before they accept, or the last COUNT before it too."""
    _tell(_post("history", account=account, group=name, rule=rule, last=count))


def _silence(one: dict[str, Any]) -> str:
    if one["moving"]:
        return f", going to {one['moving']}"
    return f", which does not answer since {moment(one['silent_since'])}" if one["silent_since"] else ""


def _succession(one: dict[str, Any]) -> list[str]:
    """What becomes of the group when its homeserver is lost."""
    if not one["signers"]:
        return []
    if not one["fallbacks"]:
        return ["if lost  the group ends with it: nobody at another homeserver is in it"]
    enough = one["left"] >= one["needed"]
    agree = f"once {one['needed']} of its admins' {one['signers']} devices agree; {one['left']} are at other homeservers"
    lines = [f"if lost  {', '.join(one['fallbacks'])}: takes its place {agree}"]
    return lines if enough else [*lines, "         which are too few: make somebody elsewhere an admin (connexa group role)"]


def _trouble(code: str, state: str) -> str:
    """What keeps a group from going on, and what there is to do."""
    if (code, state) == ("group.unknown", "joining"):
        return f"{code}: the link leads nowhere any more; ask for a new one, and give this one up: connexa group leave GROUP"
    if code in _TROUBLES:
        return f"{code}: {_TROUBLES[code]}"
    return f"{code}: {_UNREADABLE}" if code.startswith("mls.") else code


def _post(act: str, **body: Any) -> dict[str, Any]:
    with Client() as node:
        found: dict[str, Any] = node.post(f"/api/groups/{act}", **body)
    return found


def _tell(found: dict[str, Any]) -> None:
    answer(found, *table([_row(found)]))
    if found["waiting"]:
        say("it is done with the group's next commit: connexa group show GROUP")

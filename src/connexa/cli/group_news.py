"""What happens in groups, in words: for `connexa watch`."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["group_words"]

_WHAT: Final = {
    "joined": "{who} is in the group, let in by {by}",
    "gone": "{who} is not in the group any more, by {by}",
    "role": "{who} has another role, by {by}",
    "name": "it is called so now, by {by}",
    "avatar": "it has another image, by {by}",
    "timer": "messages disappear after another time, by {by}",
    "history": "newcomers see something else, by {by}",
    "join_key": "the invitation link is another one, or has ended, by {by}",
    "devices": "devices of {by} have come or gone",
    "keys": "new keys, by {by}",
    "vanished": "messages have disappeared",
    "moving": "it is to have another homeserver, or to keep this one, by {by}",
    "hub": "its homeserver is {hub} now, in the place of {before}",
    "silent": "its homeserver {hub} does not answer",
}
_STATES: Final = {
    "creating": "is being made",
    "joining": "is being joined",
    "waiting": "comes from another device of yours",
    "invited": "you are invited: connexa group accept GROUP",
    "member": "you are in it",
    "leaving": "you are leaving it",
    "left": "you have left it",
    "removed": "you were taken out of it",
}


def group_words(kind: str, fields: dict[str, Any]) -> str:
    """An event of a group, without its name; empty where there is nothing to say that another event does not."""
    if kind in ("group.new", "group.invited"):
        return "a group that is new here"
    if kind != "group.changed":
        return ""
    told = {**fields, "who": fields.get("address") or "somebody", "by": fields.get("by_address") or "somebody"}
    if (what := str(fields.get("what", ""))) in _WHAT:
        return _WHAT[what].format(**told)
    if (state := str(fields.get("state", ""))) in _STATES:
        return _STATES[state]
    if "refused" in fields:
        return f"a change was refused: {fields['refused']}"
    if "trouble" in fields or "waits" in fields:
        code = fields.get("trouble") or fields.get("waits")
        return f"it cannot go on: {code} (connexa group show GROUP)" if code else "it goes on"
    return ""

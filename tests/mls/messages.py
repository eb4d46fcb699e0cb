"""Honest messages of every kind from one room, and every door by which bytes come into a group."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from connexa.mls.external import propose_self_add
from connexa.mls.framing import MLSMessage
from tests.mls.kit import NOW, Person, Room

__all__ = ["entrances", "every_kind"]


def every_kind(room: Room) -> dict[str, bytes]:
    """MLSMessages that the first member of the room sends, by what they are; the others still have to process them."""
    sender, other, *_ = room.groups
    clone = room.people[sender].restarted(room[sender])  # the room itself stays as it is
    newcomer = Person.make("newcomer", 77, clone.suite)
    bundle = newcomer.bundle()
    staged = clone.commit(add=[bundle.key_package], update=True, wire="public", now=NOW)
    assert staged.welcome is not None
    joining = propose_self_add(clone.group_info(), Person.make("self", 78, clone.suite).bundle())
    _, external = Person.make("external", 79, clone.suite).external_join(clone.group_info())
    return {
        "public_proposal": clone.propose_remove(room.leaf(other), now=NOW, wire="public"),
        "private_proposal": clone.propose_update(now=NOW),
        "add_proposal": clone.propose_add(Person.make("added", 80, clone.suite).bundle().key_package, now=NOW, wire="public"),
        "public_commit": staged.commit,
        "private_commit": clone.commit(update=True, by_ref=(), now=NOW).commit,
        "application": clone.encrypt(b"hello, everybody"),
        "welcome": staged.welcome,
        "group_info": clone.group_info(),
        "key_package": MLSMessage(bundle.key_package).encode(),
        "new_member_proposal": joining,
        "external_commit": external.commit,
    }


def entrances(room: Room) -> list[Callable[[bytes], object]]:
    """Whatever takes bytes of outside: as a member, as a joiner by Welcome or external commit, and as somebody who adds."""
    name, group = list(room.groups.items())[1]
    person = room.people[name]
    return [
        partial(group.process, now=NOW),
        partial(group.decrypt, now=NOW),
        lambda raw: person.join(raw, person.bundle()),
        lambda raw: person.external_join(raw),
        lambda raw: group.propose_add(raw, now=NOW),
        lambda raw: group.commit(add=[raw], now=NOW),
        lambda raw: propose_self_add(raw, person.bundle()),
    ]

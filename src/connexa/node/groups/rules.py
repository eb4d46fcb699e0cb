"""Who may do what in a group: one function from the state and a commit's act to the state of the next epoch, the same at every member.

The committer runs it before it sends, each receiver before it merges; nothing here does I/O or looks at a clock. Owners may do everything,
admins what concerns members, everybody what concerns their own devices. A leaf that asks for its own removal may be removed by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from connexa.content import MAX_GROUP_PEOPLE, MAX_LEAVES, GroupPerson, GroupRole, MemberCard, SharedChange, SharedState
from connexa.errors import RefusedError
from connexa.identity import MAX_DEVICES, UserId
from connexa.node.groups.admins import admins_of, check_key, check_set, keys_of
from connexa.node.groups.cards import alias_of, device_of

__all__ = ["Act", "Removal", "check_may", "group_full", "not_allowed", "person_in", "state_after"]

_RANK = {GroupRole.MEMBER: 0, GroupRole.ADMIN: 1, GroupRole.OWNER: 2}

NOTHING = SharedChange()


@dataclass(frozen=True, slots=True)
class Removal:
    """A leaf that goes, and who has asked for it: the committer, or whoever proposed it."""

    card: MemberCard
    asked_by: UserId


@dataclass(frozen=True, slots=True)
class Act:
    """What one commit does, in the words of people."""

    by: UserId
    from_outside: bool = False  # an external commit: by the link, or of a device that has lost its state
    added: tuple[MemberCard, ...] = ()
    removed: tuple[Removal, ...] = ()
    change: SharedChange = field(default=NOTHING)
    device: bytes = b""  # of the committer

    @property
    def sheds(self) -> bool:
        """Whether a device goes that does not come back in the same commit: what it knew has to change."""
        back = {device_of(card) for card in self.added}
        return any(device_of(one.card) not in back for one in self.removed)


def not_allowed(message: str) -> RefusedError:
    """A refusal of something that the roles do not give."""
    return RefusedError("group.not_allowed", message)


def group_full() -> RefusedError:
    """The refusal of more than a commit with everything that belongs to it can carry."""
    said = f"A group has at most {MAX_GROUP_PEOPLE} people with {MAX_LEAVES} devices."
    return RefusedError("group.full", said, "Take somebody out first, or make a second group: connexa group create")


def person_in(state: SharedState, user: bytes) -> GroupPerson | None:
    """Somebody in the group, by user id."""
    return next((person for person in state.people if person.user == user), None)


def check_may(state: SharedState, user: bytes, role: GroupRole) -> None:
    """Refuse what asks for a role that somebody does not have."""
    person = person_in(state, user)
    if person is None or _RANK[person.role] < _RANK[role]:
        raise not_allowed(f"Only {'owners' if role is GroupRole.OWNER else 'admins and owners'} of a group may do that.")


def state_after(state: SharedState, act: Act, *, room_key: bytes) -> SharedState:
    """The state of the epoch that the commit begins, or `group.not_allowed`; `room_key` is taken where a device was shed."""
    _check_newcomers(state, act)
    people = (*state.people, *act.change.people)
    cards = _cards_after(state, act, people)
    people = tuple(person for person in people if any(card.user == person.user for card in cards))
    people = _with_roles(state, people, act)
    if not people or len(people) > MAX_GROUP_PEOPLE or len(cards) > MAX_LEAVES:
        raise group_full()
    after = _with_facts(replace(state, people=_with_owner(people), cards=cards), state, act)
    after = _with_admins(after, state, act)
    return replace(after, room_key=room_key, join_key=b"") if act.sheds else after


def _check_newcomers(state: SharedState, act: Act) -> None:
    for person in act.change.people:
        if person_in(state, person.user) is not None or person.role is not GroupRole.MEMBER:
            raise not_allowed("Somebody would come into a group twice, or with a role.")
        if any(person.address == other.address for other in state.people):
            raise not_allowed("Somebody in the group has that address.")
        if act.from_outside:
            if person.user != act.by or person.by or not state.join_key:
                raise not_allowed("The group has no open invitation link.")
        elif person.by != act.by:
            raise not_allowed("Somebody would be invited in another's name.")
    if len({person.user for person in act.change.people}) != len(act.change.people):
        raise not_allowed("Somebody would come into a group twice.")
    if act.change.people and not act.from_outside:
        check_may(state, act.by, GroupRole.ADMIN)


def _cards_after(state: SharedState, act: Act, people: Iterable[GroupPerson]) -> tuple[MemberCard, ...]:
    known = {person.user for person in people}
    if act.change.cards != act.added:
        raise not_allowed("The leaves of a commit are not those whose owners it names.")
    for one in act.removed:
        _check_removal(state, act, one)
    gone = {device_of(one.card) for one in act.removed}
    cards = [card for card in state.cards if device_of(card) not in gone]
    for card in act.added:
        if card.user not in known or (act.from_outside and card.user != act.by):
            raise not_allowed("A device would come into a group whose owner is not in it.")
        if card.user != act.by:
            check_may(state, act.by, GroupRole.ADMIN)
        if any(device_of(card) == device_of(other) for other in cards):
            raise not_allowed("A device would have two leaves.")
        if any(card.token_hash == other.token_hash or alias_of(card) == alias_of(other) for other in cards):
            raise not_allowed("Two devices would have one place.")
        cards.append(card)
    if any(sum(card.user == user for card in cards) > MAX_DEVICES for user in {card.user for card in act.added}):
        raise not_allowed(f"Somebody would be in a group with more than {MAX_DEVICES} devices.")
    if not all(any(card.user == person.user for card in act.added) for person in act.change.people):
        raise not_allowed("Somebody would come into a group without a device.")
    return tuple(cards)


def _check_removal(state: SharedState, act: Act, removal: Removal) -> None:
    """One's own devices, or those of somebody with a lower role."""
    asking, target = person_in(state, removal.asked_by), person_in(state, removal.card.user)
    if removal.card not in state.cards or asking is None or target is None:
        raise not_allowed("A leaf would be removed that nobody has.")
    if removal.asked_by != removal.card.user and _RANK[asking.role] <= _RANK[target.role]:
        raise not_allowed("Somebody with that role cannot be removed by you.")
    if act.from_outside and removal.card.user != act.by:
        raise not_allowed("A device that comes back removes no other's.")


def _with_roles(state: SharedState, people: tuple[GroupPerson, ...], act: Act) -> tuple[GroupPerson, ...]:
    if not act.change.roles:
        return people
    if act.from_outside:
        raise not_allowed("Who comes from outside changes no roles.")
    check_may(state, act.by, GroupRole.OWNER)
    roles = dict(act.change.roles)
    if not roles.keys() <= {person.user for person in people}:
        raise not_allowed("Somebody who is not in the group would be given a role.")
    changed = tuple(replace(person, role=roles.get(person.user, person.role)) for person in people)
    if not any(person.role is GroupRole.OWNER for person in changed):
        raise not_allowed("A group has an owner: make somebody else one first.")
    return changed


def _with_owner(people: tuple[GroupPerson, ...]) -> tuple[GroupPerson, ...]:
    """Where the last owner has gone, the admin who came first is one, or else whoever came first."""
    if any(person.role is GroupRole.OWNER for person in people):
        return people
    heir = next((person for person in people if person.role is GroupRole.ADMIN), people[0])
    return tuple(replace(person, role=GroupRole.OWNER) if person is heir else person for person in people)


def _with_facts(after: SharedState, before: SharedState, act: Act) -> SharedState:
    change = act.change
    given = {
        name: value
        for name, value in (
            ("name", change.name),
            ("avatar", change.avatar),
            ("timer", change.timer),
            ("history", change.history),
            ("join_key", change.join_key),
        )
        if value is not None
    }
    if given:
        if act.from_outside:
            raise not_allowed("Who comes from outside changes nothing else.")
        check_may(before, act.by, GroupRole.ADMIN)
    return replace(after, **given)  # type: ignore[arg-type]  # each has its field's type


def _with_admins(after: SharedState, before: SharedState, act: Act) -> SharedState:
    """Who may say where the group is: keys that devices show go with their roles; a set or a move is taken as its signer may make it."""
    change, shown = act.change, dict(before.admin_keys)
    given = change.admin_key or change.admins is not None or change.moving is not None
    if given and act.from_outside:
        raise not_allowed("Who comes from outside has no say where the group is.")
    if given:
        check_may(before, act.by, GroupRole.ADMIN if change.moving is None else GroupRole.OWNER)
    if change.admin_key:
        check_key(before, act.device, change.admin_key)
        shown[act.device] = change.admin_key
    after = replace(after, admin_keys=keys_of(after.people, after.cards, shown))
    if change.admins is not None:
        check_set(before, after, change.admins)
        after = replace(after, admins=change.admins)
    moving = before.moving if change.moving is None else change.moving
    return replace(after, moving=moving if moving and moving in admins_of(after).fallback_hubs else "")

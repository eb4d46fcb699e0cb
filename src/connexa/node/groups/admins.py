"""Who may say where a group is: keys of its owners' and admins' devices, made for this group alone, and the hubs that may take over.

Each such device shows its key by a commit of its own. The set that the hub knows follows from the state: whoever commits and holds a key of
the set before signs the next one, in the same bundle. Everything here is pure; every member holds the committer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from connexa.content import GroupPerson, GroupRole, MemberCard, SharedState
from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidKey
from connexa.errors import IntegrityError, RefusedError
from connexa.identity import MAX_ADMIN_KEYS, Domain, GroupAdmins, issue_admins, read_admins, signed_record, verify_admins
from connexa.node.groups.cards import alias_of, device_of
from connexa.wire.v1 import groups_pb2
from connexa.wire.v1.groups_pb2 import GroupPlace, GroupTakeOver, SignedAdmins

__all__ = [
    "admins_of",
    "check_key",
    "check_set",
    "checked_record",
    "first_set",
    "hubs_wanted",
    "keys_of",
    "may_sign",
    "next_set",
    "places_of",
    "signers_left",
]

MOST_HUBS = 3
_RANK = {GroupRole.OWNER: 0, GroupRole.ADMIN: 1, GroupRole.MEMBER: 2}


def admins_of(state: SharedState) -> GroupAdmins:
    """The set that the hub and its fallbacks know."""
    return read_admins(state.admins, groups_pb2.GroupAdmins.FromString(state.admins.body).group)


def first_set(group: bytes, key: Ed25519Secret) -> SignedAdmins:
    """The set of a group that is new."""
    return issue_admins(GroupAdmins(group, 1, (key.public.raw,), ()), key)


def keys_of(people: Iterable[GroupPerson], cards: Iterable[MemberCard], shown: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """The keys that count, of those that devices have shown: of devices that are in, of people with a role."""
    leading = {person.user for person in people if person.role is not GroupRole.MEMBER}
    devices = [device_of(card) for card in cards if card.user in leading]
    return tuple((device, shown[device]) for device in devices if device in shown)[:MAX_ADMIN_KEYS]


def hubs_wanted(state: SharedState, hub: str, is_known: Callable[[str], bool]) -> tuple[Domain, ...]:
    """The fallbacks that a group should have: the domains of owners, admins, then members, in order; none that nobody is sure of.

    What is named already counts as known, so that two admins who know different domains do not undo each other's choice.
    """
    named = admins_of(state).fallback_hubs
    people = sorted(state.people, key=lambda person: _RANK[person.role])
    domains = dict.fromkeys(person.address.domain for person in people if person.address.domain != hub)
    return tuple(Domain(one) for one in domains if one in named or is_known(one))[:MOST_HUBS]


def next_set(state: SharedState, hub: str, is_known: Callable[[str], bool], key: Ed25519Secret) -> SignedAdmins | None:
    """The set that follows from a state, signed; None where it is the one that is known, or where our key cannot sign."""
    before, keys = admins_of(state), tuple(one for _, one in state.admin_keys)
    hubs = hubs_wanted(state, hub, is_known)
    if not keys or (keys, hubs) == (before.keys, before.fallback_hubs) or key.public.raw not in before.keys:
        return None
    return issue_admins(GroupAdmins(before.group, before.version + 1, keys, hubs), key)


def may_sign(state: SharedState, key: Ed25519Secret | None) -> bool:
    """Whether a device's key is one of those that the hub knows."""
    return key is not None and key.public.raw in admins_of(state).keys


def check_key(state: SharedState, device: bytes, key: bytes) -> None:
    """Refuse a key that is none, or that another device has."""
    try:
        Ed25519Public.from_bytes(key)
    except InvalidKey:
        raise _bad("The key of an admin's device is none.") from None
    if any(other == key and of != device for of, other in state.admin_keys):
        raise _bad("Two devices would have one key.")


def check_set(before: SharedState, after: SharedState, signed: SignedAdmins) -> None:
    """Refuse a set that does not follow: its signature, its keys, and hubs where nobody in the group is at home."""
    known = admins_of(before)
    read = verify_admins(signed, known.group, known)
    if read == known or read.keys != tuple(key for _, key in after.admin_keys):
        raise _bad("The keys of the admins would not be those of their devices.")
    if not set(read.fallback_hubs) <= {person.address.domain for person in after.people}:
        raise _bad("Nobody in the group is at home where it would go.")


def checked_record(state: SharedState, record: GroupTakeOver) -> GroupTakeOver:
    """Hold a take-over against the admins as the members know them, without those who have gone since the set was made."""
    admins = admins_of(state)
    present = {key for _, key in state.admin_keys}
    signed = signed_record(record, admins)
    if sum(one.key in present for one in signed.signatures) < admins.needed:
        raise IntegrityError("group.bad_take_over", "A take-over was signed by people who have no say in the group any more.")
    return signed


def places_of(state: SharedState) -> list[GroupPlace]:
    """Everybody's place at the hub, as a fallback has to know it."""
    domains = {person.user: person.address.domain for person in state.people}
    return [GroupPlace(domain=domains[card.user], alias=alias_of(card), token_hash=card.token_hash) for card in state.cards]


def signers_left(state: SharedState, hub: str) -> int:
    """How many devices can sign a take-over when the hub is lost: those at home there are cut off with it."""
    admins = admins_of(state)
    domains = {person.user: person.address.domain for person in state.people}
    away = {device_of(card) for card in state.cards if domains[card.user] != hub}
    return sum(device in away and key in admins.keys for device, key in state.admin_keys)


def _bad(why: str) -> RefusedError:
    return RefusedError("group.not_allowed", why)

"""What this device wants of a group: what its owner has asked for, and what follows from the state without being asked.

The owner's wishes are rows, in order, until a commit has done them. That an own new device belongs into every group, that a device which
is no longer in its person's list does not, that somebody who wants to go is to be let go and that keys grow old is read off the state
each time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from connexa.content import (
    MAX_GROUP_PEOPLE,
    MAX_LEAVES,
    GroupPerson,
    GroupRole,
    MemberCard,
    SharedChange,
    SharedState,
    read_change,
    write_change,
)
from connexa.crypto import Ed25519Secret
from connexa.identity import MAX_DEVICES, DeviceId
from connexa.mls.events import ProposalStored
from connexa.mls.group import Group
from connexa.mls.proposals import Remove
from connexa.node.account import Account
from connexa.node.devices import OWN
from connexa.node.groups.admins import admins_of, next_set
from connexa.node.groups.book import GroupRow, has_proposals, open_group
from connexa.node.groups.cards import by_signature_key, device_of
from connexa.node.groups.rules import group_full, person_in
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, Query, rows
from connexa.node.people import Person, person_by_user
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import SignedAdmins

__all__ = [
    "RENEW_AFTER",
    "Plan",
    "admins_due",
    "ask_for",
    "due_set",
    "bereft",
    "check_room",
    "has_leavers",
    "lacking_devices",
    "lacks_devices",
    "leaves_of_card",
    "may_stay",
    "plan",
    "wanted",
    "wishes_waiting",
]

RENEW_AFTER = 7 * 86_400
RENEW_SAID = 10_000


def ask_for(execute: Execute, home: Home, group: GroupRow, kind: str, *, subject: bytes = b"", change: SharedChange | None = None) -> None:
    """Note a wish of the owner: `invite` or `remove` somebody, or `change` what the members know."""
    content = write_change(change) if change is not None else b""
    execute(
        "INSERT INTO group_wish (mls_group, kind, subject, content, created) VALUES (?, ?, ?, ?, ?)",
        (group.id, kind, subject, content, home.clock()),
    )


def check_room(query: Query, group: GroupRow, person: Person) -> None:
    """Refuse to invite somebody for whom a group has no room, as far as their devices are known, with those who are invited already."""
    shared, asked = group.shared, rows(query, "SELECT 1 FROM group_wish WHERE mls_group = ? AND kind = 'invite'", (group.id,))
    people = len(shared.people) + (person_in(shared, person.user) is None)
    devices = len(shared.cards) + (len(person.devices.devices) if person.devices else 1)
    if people + len(asked) > MAX_GROUP_PEOPLE or devices + len(asked) > MAX_LEAVES:
        raise group_full()


def wishes_waiting(query: Query, group: int) -> int:
    """How many changes are asked for and not done."""
    return len(rows(query, "SELECT 1 FROM group_wish WHERE mls_group = ?", (group,)))


def wanted(query: Query, account: Account, row: GroupRow) -> list[bytes]:
    """The people whose devices are to come in: whom the owner wants there, and who is there with no device any more."""
    asked = rows(query, "SELECT subject FROM group_wish WHERE mls_group = ? AND kind = 'invite' ORDER BY id", (row.id,))
    users = dict.fromkeys((*(user for (user,) in asked), *bereft(query, account, row.shared)))
    return [user for user in users if person_in(row.shared, user) is None or lacks_devices(query, account, row.shared, user)]


def bereft(query: Query, account: Account, shared: SharedState) -> set[bytes]:
    """Contacts in a group all of whose devices there are out of their lists: they came back from a backup. An admin's device may help."""
    me, gone = person_in(shared, account.user_id), _gone_devices(query, account)
    if me is None or me.role is GroupRole.MEMBER:
        return set()
    left = {card.user for card in shared.cards if (card.user, device_of(card)) not in gone}
    return {person.user for person in shared.people if person.user not in left and _is_contact(query, account, person.user)}


def _is_contact(query: Query, account: Account, user: bytes) -> bool:
    known = person_by_user(query, account.id, user)
    return known is not None and known.answers


def lacks_devices(query: Query, account: Account, shared: SharedState, user: bytes) -> bool:
    """Whether a member has devices, as far as we know, that are not in the group."""
    there = {device_of(card) for card in shared.cards}
    sql = "SELECT d.device FROM person_device d JOIN person p ON p.id = d.person WHERE p.account = ? AND p.user = ?"
    return any(device not in there for (device,) in query(sql, (account.id, user)))


def lacking_devices(query: Query, account: Account, shared: SharedState) -> list[DeviceId]:
    """Own other devices that are not in a group."""
    there = {device_of(card) for card in shared.cards}
    listed = rows(query, "SELECT device FROM person_device WHERE account = ? AND person = ? ORDER BY device", (account.id, OWN))
    return [DeviceId(device) for (device,) in listed if device not in there]


@dataclass(slots=True)
class Plan:
    """What one commit is to do."""

    wishes: list[int] = field(default_factory=list)
    people: list[GroupPerson] = field(default_factory=list)
    cards: list[MemberCard] = field(default_factory=list)
    removes: list[MemberCard] = field(default_factory=list)
    by_ref: dict[bytes, MemberCard] = field(default_factory=dict)  # proposals of those who go
    changes: list[SharedChange] = field(default_factory=list)
    admin_key: bytes = b""  # this device shows it
    names_admins: bool = False  # the set that the hub knows is not the one that should be
    renew: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        parts = (self.people, self.cards, self.removes, self.by_ref, self.changes, self.admin_key, self.names_admins, self.renew)
        return not any(parts)

    @property
    def change(self) -> SharedChange:
        """All that is changed beside the tree; of two wishes for one thing the later counts."""
        merged = {}
        for change in self.changes:
            for name in ("name", "avatar", "timer", "history", "join_key", "moving"):
                if getattr(change, name) is not None:
                    merged[name] = getattr(change, name)
        roles = {user: role for change in self.changes for user, role in change.roles}
        return SharedChange(
            people=tuple(self.people), cards=tuple(self.cards), roles=tuple(roles.items()), admin_key=self.admin_key, **merged
        )


def plan(
    execute: Execute,
    home: Home,
    account: Account,
    row: GroupRow,
    found: Iterable[tuple[GroupPerson, tuple[MemberCard, ...]]],
    own: Iterable[MemberCard],
) -> Plan:
    """What is to be committed now: `found` are people to be invited with their devices' cards, `own` cards of own devices."""
    made = Plan()
    if row.state not in (GroupStanding.MEMBER, GroupStanding.LEAVING):
        return made
    shared = row.shared
    people: dict[bytes, tuple[GroupPerson, tuple[MemberCard, ...]]] = {person.user: (person, cards) for person, cards in found}
    _plan_wishes(execute, account, row, people, made)
    made.names_admins = admins_due(home, account, row)
    if row.state is GroupStanding.LEAVING:
        return made  # that somebody else can do what it could
    lost = bereft(execute, account, shared)
    coming = [card for user in lost & people.keys() for card in people[user][1]]
    there = {device_of(card) for card in (*shared.cards, *made.cards)}
    made.cards += [card for card in (*coming, *own) if device_of(card) not in there]
    _plan_gone(execute, account, shared, lost - people.keys(), made)
    _plan_leavers(execute, home, account, row, made)
    made.admin_key = _key_to_show(execute, home, account, row)
    made.renew = row.said >= RENEW_SAID or row.renewed + RENEW_AFTER <= home.clock()
    return made


def _known_domains(home: Home, account: Account) -> Callable[[str], bool]:
    """Which domains this node is sure of: its own, and those that it has pinned."""

    def is_known(domain: str) -> bool:
        trusted = home.domains.trusted(domain)
        return domain == account.address.domain or (trusted is not None and not trusted.provisional)

    return is_known


def admins_due(home: Home, account: Account, row: GroupRow) -> bool:
    """Whether the hub knows other admins' keys or fallbacks than it should, and this device can tell it."""
    return bool(row.admin_key) and due_set(home, account, row, row.shared) is not None


def due_set(home: Home, account: Account, row: GroupRow, state: SharedState) -> SignedAdmins | None:
    """The set of admins that the hub is to be told with the commit that leads to this state; None where there is nothing to tell."""
    key = row.admin_secret
    if key is None or row.unheard > admins_of(state).version:
        return None
    return next_set(state, row.hub, _known_domains(home, account), key)


def _key_to_show(execute: Execute, home: Home, account: Account, row: GroupRow) -> bytes:
    """This device's key, where its owner leads the group and the others do not know it."""
    me = person_in(row.shared, account.user_id)
    if me is None or me.role is GroupRole.MEMBER:
        return b""
    key = row.admin_secret
    if key is None:
        key = Ed25519Secret.generate(home.rng)
        execute("UPDATE mls_group SET admin_key = ? WHERE id = ?", (key.seed, row.id))
    return b"" if dict(row.shared.admin_keys).get(account.device) == key.public.raw else key.public.raw


def _plan_wishes(
    execute: Execute, account: Account, row: GroupRow, people: Mapping[bytes, tuple[GroupPerson, tuple[MemberCard, ...]]], made: Plan
) -> None:
    shared, there = row.shared, {device_of(card) for card in row.shared.cards}
    sql = "SELECT id, kind, subject, content FROM group_wish WHERE mls_group = ? ORDER BY id"
    for number, kind, subject, content in rows(execute, sql, (row.id,)):
        match kind:
            case "invite" if subject in people and person_in(shared, subject) is None:
                made.people.append(people[subject][0])
                made.cards += people[subject][1]
            case "invite" if subject in people:
                made.cards += [card for card in people[subject][1] if device_of(card) not in there]
            case "invite" if person_in(shared, subject) is None or lacks_devices(execute, account, shared, subject):
                continue  # their key packages are not here yet
            case "remove":
                made.removes += [card for card in shared.cards if card.user == subject]
            case "change":
                made.changes.append(read_change(content))
        made.wishes.append(number)


def _gone_devices(query: Query, account: Account) -> set[tuple[bytes, bytes]]:
    return {(user, device) for user, device in query("SELECT user, device FROM gone_device WHERE account = ?", (account.id,))}


def _plan_gone(execute: Execute, account: Account, shared: SharedState, stay: Collection[bytes], made: Plan) -> None:
    """Devices that their owners have taken out of their lists: own ones, and as far as the role goes those of others.

    Somebody of `stay` would be gone with them, and is waited for until a new device can come in by the same commit.
    """
    me, gone = person_in(shared, account.user_id), _gone_devices(execute, account)
    for card in shared.cards:
        if (card.user, device_of(card)) not in gone or card in made.removes or card.user in stay or me is None:
            continue
        owner = person_in(shared, card.user)
        if card.user == me.user or (owner is not None and me.role is not GroupRole.MEMBER and owner.role is GroupRole.MEMBER):
            made.removes.append(card)


def _plan_leavers(query: Query, home: Home, account: Account, row: GroupRow, made: Plan) -> None:
    """Those who ask to go: their proposals, each leaf once. Own devices are left to others: this one cannot go with them."""
    if not has_proposals(query, row):  # this is asked after every entry of the log
        return
    group = open_group(query, home, row)
    owners = by_signature_key(row.shared.cards)
    for stored in group.pending:
        card = _asks_to_go(group, owners, stored)
        if card is None or card in made.removes or card in made.by_ref.values() or card.user == account.user_id:
            continue
        made.by_ref[stored.ref] = card


def _asks_to_go(group: Group, owners: dict[bytes, MemberCard], stored: ProposalStored) -> MemberCard | None:
    """The card of a leaf whose owner asks for its removal."""
    if not isinstance(stored.proposal, Remove):
        return None
    card, asking = _card_at(group, owners, stored.proposal.removed), _card_at(group, owners, stored.sender.index)
    return card if card is not None and asking is not None and card.user == asking.user else None


def may_stay(group: Group, shared: SharedState, stored: ProposalStored) -> bool:
    """Whether a proposal is kept: somebody asks to go, and not more often than they have devices, twice."""
    if _asks_to_go(group, by_signature_key(shared.cards), stored) is None:
        return False
    return sum(one.sender == stored.sender for one in group.pending) <= 2 * MAX_DEVICES


def has_leavers(query: Query, home: Home, account: Account, row: GroupRow) -> bool:
    """Whether somebody waits to be let go."""
    made = Plan()
    _plan_leavers(query, home, account, row, made)
    return bool(made.by_ref)


def _card_at(group: Group, owners: dict[bytes, MemberCard], leaf: int) -> MemberCard | None:
    member = group.member(leaf)
    return owners.get(member.signature_key) if member else None


def leaves_of_card(group: Group, cards: Iterable[MemberCard]) -> list[int]:
    """The leaves of these cards."""
    wanted = by_signature_key(cards)
    return [member.leaf for member in group.members() if member.signature_key in wanted]

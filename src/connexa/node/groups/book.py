"""The rows behind groups, and the MLS state of one as an object: opened for one operation, saved in the same transaction as its effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connexa.content import MAX_LEAVES, SharedState, read_state
from connexa.crypto import Ed25519Secret
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.identity import Domain
from connexa.mls.group import Group
from connexa.mls.group_state import proposal_part
from connexa.mls.policy import BasicAuthentication, Rules
from connexa.mls.registry import ProposalType
from connexa.node.account import Account
from connexa.node.group_calls import GroupAt
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, Query, first, returned, rows
from connexa.store import Execute

__all__ = [
    "AUTHENTICATION",
    "NO_PLACE",
    "OVER",
    "UNPROVED",
    "RULES",
    "GroupRow",
    "Parts",
    "add_group",
    "all_groups",
    "change_state",
    "changed",
    "conversation_of_group",
    "end_group",
    "find_group",
    "group_named",
    "group_of",
    "groups_by_alias",
    "has_proposals",
    "live_groups",
    "note_trouble",
    "not_in_yet",
    "note_wait",
    "open_group",
    "shown_as",
]

SHORT = 8  # hex digits that name a group to people
NO_PLACE = "group.unknown"  # why a group waits whose hub knows no place of this device
UNPROVED = "group.bad_take_over"  # or one that has moved, as somebody says who cannot prove it to this device
OVER = (GroupStanding.LEFT, GroupStanding.REMOVED)
# Members come and go; that a group ends, what it is made of and whom outside it hears is nobody's to change.
_PROPOSED = frozenset((ProposalType.ADD, ProposalType.REMOVE, ProposalType.EXTERNAL_INIT))
# Who was away follows the log as far as a hub keeps it: a key package that has ended since was good when it was added.
RULES = Rules(max_members=MAX_LEAVES, late_adds=30 * 86_400, permits=lambda facts: facts.proposal_type in _PROPOSED)
# Whose leaf it is says its card, which is checked before a commit is merged; the credential itself is a random name.
AUTHENTICATION = BasicAuthentication(lambda identity, key: len(identity) == 32)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as its row says."""

    id: int
    account: int
    public: bytes
    hub: str
    term: int
    alias: bytes
    token: bytes = field(repr=False)
    state: GroupStanding
    raw_shared: bytes = field(repr=False)
    inviter: bytes
    seq: int
    heard: int
    staged: bytes = field(repr=False)
    bundle: bytes = field(repr=False)
    staged_shared: bytes = field(repr=False)
    renewed: float
    said: int
    trouble: str
    waits: str
    name: str = field(repr=False)
    admin_key: bytes = field(repr=False)
    disputed: int
    offender: bytes
    told: bool
    began: int
    silent: float
    hurried: bool
    took: bytes
    room_key_before: bytes = field(repr=False)
    lacks_term: int
    lacks_seq: int
    unopened: int
    leaving: float
    unheard: int

    @property
    def title(self) -> str:
        """What to call it: its name, or as much of the id as names it."""
        return self.shared.name if self.raw_shared else self.name or self.public.hex()[:SHORT]

    @property
    def shared(self) -> SharedState:
        """What the members know together; there is none before the first state has come."""
        return read_state(self.raw_shared)

    @property
    def at(self) -> GroupAt:
        """Where it is asked for, with this device's right."""
        return GroupAt(Domain(self.hub), self.public, self.term, token=self.token)

    @property
    def admin_secret(self) -> Ed25519Secret | None:
        """This device's key for saying where the group is; it has one where its owner leads the group."""
        return Ed25519Secret.from_seed(self.admin_key) if self.admin_key else None

    @property
    def is_live(self) -> bool:
        """Whether this device is in the group and has its state."""
        return bool(self.raw_shared) and self.state in (GroupStanding.INVITED, GroupStanding.MEMBER, GroupStanding.LEAVING)


_COLUMNS = (
    "id, account, public, hub, term, alias, token, state, shared, inviter, seq, heard, staged, bundle, staged_shared, renewed,"
    " said, trouble, waits, name, admin_key, disputed, offender, told, began, silent, hurried, took, room_key_before, lacks_term,"
    " lacks_seq, unopened, leaving, unheard"
)


def group_of(query: Query, group: int) -> GroupRow:
    """The group with this number."""
    row = first(query, f"SELECT {_COLUMNS} FROM mls_group WHERE id = ?", (group,))  # noqa: S608 - no outside text
    if row is None:
        raise _no_group()
    return _row(list(row))


def all_groups(query: Query, account: int) -> list[GroupRow]:
    """All groups of an account, those that are over too."""
    found = rows(query, f"SELECT {_COLUMNS} FROM mls_group WHERE account = ? ORDER BY id", (account,))  # noqa: S608 - no outside text
    return [_row(list(row)) for row in found]


def live_groups(query: Query, account: int) -> set[int]:
    """The numbers of the groups that are not over."""
    sql = "SELECT id FROM mls_group WHERE account = ? AND state NOT IN ('left', 'removed')"
    return {int(row[0]) for row in rows(query, sql, (account,))}


def group_named(query: Query, account: int, public: bytes) -> GroupRow | None:
    """The group with this id, if this device knows it."""
    sql = f"SELECT {_COLUMNS} FROM mls_group WHERE account = ? AND public = ?"  # noqa: S608 - no outside text
    row = first(query, sql, (account, public))
    return _row(list(row)) if row else None


def groups_by_alias(query: Query, account: int, alias: bytes) -> list[int]:
    """The numbers of the groups whose hubs know this device by an alias: several where a last-resort key package led into them."""
    return [int(row[0]) for row in rows(query, "SELECT id FROM mls_group WHERE account = ? AND alias = ?", (account, alias))]


def _row(values: list[Any]) -> GroupRow:
    values[7] = GroupStanding(values[7])
    row = GroupRow(*values)
    return replace(row, told=bool(row.told), hurried=bool(row.hurried))


def not_in_yet() -> RefusedError:
    """The refusal of what only a device that is in the group can do."""
    return RefusedError("group.waiting", "This device is not in that group yet.", "connexa group list shows what it waits for.")


def _no_group() -> NotFoundError:
    return NotFoundError("group.not_found", "There is no such group.")


def find_group(query: Query, account: int, named: str) -> GroupRow | None:
    """A group by its id, by how that begins, or by its name; one that is over only by its id, or where no other has the name.

    What looks like an address names no group: whoever may rename one would be given what is meant for somebody.
    """
    groups = all_groups(query, account)
    if SHORT <= len(named) <= 64 and all(c in "0123456789abcdef" for c in named):
        by_id = [one for one in groups if one.public.hex().startswith(named)]
        if by_id:
            return _only(by_id)
    by_name = [one for one in groups if one.title == named and "@" not in named]
    return _only([one for one in by_name if one.state not in OVER] or by_name)


def _only(found: list[GroupRow]) -> GroupRow | None:
    if len(found) > 1:
        raise UsageError("group.ambiguous", "Several groups have that name.", "Use the beginning of the id: connexa group list --all")
    return found[0] if found else None


def add_group(execute: Execute, account: int, public: bytes, hub: str, alias: bytes, token: bytes, state: GroupStanding, now: float) -> int:
    """Note a new group, with the conversation that shows it; one that is known and over begins anew."""
    sql = (
        "INSERT INTO mls_group (account, public, hub, alias, token, state, created, renewed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, public) DO UPDATE SET hub = excluded.hub, alias = excluded.alias, alias_put = 0, token = excluded.token,"
        " state = excluded.state, seq = 0, heard = 0, staged = x'', bundle = x'', staged_shared = x'', trouble = '', waits = '',"
        " disputed = 0, offender = x'', unopened = 0, told = 0, term = 0, began = 0, silent = 0, hurried = 0, took = x'',"
        " room_key_before = x'', lacks_seq = -1, leaving = 0, unheard = 0, renewed = excluded.renewed, said = 0 RETURNING id"
    )
    number = int(returned(execute, sql, (account, public, hub, alias, token, state.value, now, now)))
    execute("DELETE FROM group_arrival WHERE mls_group = ?", (number,))
    conversation_of_group(execute, account, public)
    return number


def conversation_of_group(execute: Execute, account: int, public: bytes) -> int:
    """The number of the conversation of a group, which may not be here itself yet; made at its first use."""
    execute("INSERT INTO conversation (account, public, person) VALUES (?, ?, 0) ON CONFLICT DO NOTHING", (account, public))
    return shown_as(execute, account, public)


def shown_as(query: Query, account: int, public: bytes) -> int:
    """The number of the conversation that shows a group that is here."""
    return int(returned(query, "SELECT id FROM conversation WHERE account = ? AND public = ?", (account, public)))


def change_state(execute: Execute, home: Home, account: Account, group: GroupRow, state: GroupStanding) -> None:
    """This device stands otherwise to a group now."""
    execute("UPDATE mls_group SET state = ? WHERE id = ?", (state.value, group.id))
    changed(execute, home, account, group.public, state=state.value)


def end_group(execute: Execute, home: Home, account: Account, group: GroupRow, state: GroupStanding) -> None:
    """This device is not in the group any more: what it could read or say with is deleted; the conversation stays."""
    execute("DELETE FROM group_part WHERE account = ? AND public = ?", (account.id, group.public))
    execute("DELETE FROM group_wish WHERE mls_group = ?", (group.id,))
    execute(
        "UPDATE message SET state = 'refused', reason = 'group.over' WHERE account = ? AND mine = 1 AND state = 'queued' AND message IN"
        " (SELECT message FROM group_outbox WHERE mls_group = ?)",
        (account.id, group.id),
    )
    for table in ("group_outbox", "group_said", "group_sent", "group_arrival"):
        execute(f"DELETE FROM {table} WHERE mls_group = ?", (group.id,))  # noqa: S608 - one of four names
    execute(
        "UPDATE mls_group SET token = x'', staged = x'', bundle = x'', staged_shared = x'', trouble = '', waits = '',"
        " disputed = 0, offender = x'', room_key_before = x'', admin_key = x'', silent = 0 WHERE id = ?",
        (group.id,),
    )
    change_state(execute, home, account, group, state)


def changed(execute: Execute, home: Home, account: Account, public: bytes, **fields: str) -> None:
    """Tell faces that a group is not what it was."""
    home.events.record(execute, str(account.address), "group.changed", home.clock(), conversation=public.hex(), **fields)


def note_wait(execute: Execute, home: Home, account: Account, number: int, code: str) -> None:
    """Show why a group waits; an empty code: it does not any more."""
    group = group_of(execute, number)
    if group.waits != code:
        execute("UPDATE mls_group SET waits = ? WHERE id = ?", (code, number))
        changed(execute, home, account, group.public, waits=code)


def note_trouble(execute: Execute, home: Home, account: Account, number: int, code: str) -> None:
    """Show what a group cannot go on from."""
    group = group_of(execute, number)
    if group.trouble != code:
        execute("UPDATE mls_group SET trouble = ? WHERE id = ?", (code, number))
        changed(execute, home, account, group.public, trouble=code)


class Parts:
    """The store of a group's MLS state, inside one operation of the writer."""

    def __init__(self, execute: Query, account: int) -> None:
        self._execute = execute
        self._account = account

    def write_to(self, execute: Execute) -> None:
        """Save in this operation, what was begun before it."""
        self._execute = execute

    def save(self, group_id: bytes, changed: Mapping[str, bytes | None]) -> None:
        """Keep these parts; None deletes one."""
        for name, content in changed.items():
            if content is None:
                self._execute("DELETE FROM group_part WHERE account = ? AND public = ? AND name = ?", (self._account, group_id, name))
            else:
                self._execute(
                    "INSERT OR REPLACE INTO group_part (account, public, name, content) VALUES (?, ?, ?, ?)",
                    (self._account, group_id, name, content),
                )

    def load(self, group_id: bytes) -> Mapping[str, bytes] | None:
        """All parts, or None for a group that is not there."""
        sql = "SELECT name, content FROM group_part WHERE account = ? AND public = ?"
        return dict(rows(self._execute, sql, (self._account, group_id))) or None

    def psk(self, psk_id: bytes) -> bytes | None:
        """No external secret goes into these groups."""
        return None


def has_proposals(query: Query, group: GroupRow) -> bool:
    """Whether anything is proposed in this epoch, without a look at the whole state; also where that is lost, as opening it will say."""
    sql = "SELECT name FROM group_part WHERE account = ? AND public = ? AND name IN ('epoch', ?)"
    return rows(query, sql, (group.account, group.public, proposal_part(0))) != [("epoch",)]


def open_group(execute: Query, home: Home, group: GroupRow) -> Group:
    """A group's MLS state; what is done to it is in the store when this operation is."""
    store = Parts(execute, group.account)
    return Group.open(group.public, auth=AUTHENTICATION, store=store, rules=RULES, rng=home.rng)

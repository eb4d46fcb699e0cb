"""What a person can do with groups, as operations: each returns once it is durable; what takes a commit is done when its turn comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from connexa.content import (
    MAX_AVATAR,
    MAX_GROUP_NAME,
    MAX_PAST,
    MAX_TIMER,
    GroupPerson,
    GroupRole,
    HistoryKind,
    HistoryRule,
    SharedChange,
    SharedState,
    Text,
    write_state,
)
from connexa.crypto import Ed25519Secret
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.identity import UserId
from connexa.mls.group import Group
from connexa.node.account import Account
from connexa.node.conversations import check_draft, delete_entries
from connexa.node.flags import FLAGS
from connexa.node.groups.admins import admins_of, first_set, may_sign
from connexa.node.groups.arrivals import is_arriving
from connexa.node.groups.book import (
    AUTHENTICATION,
    NO_PLACE,
    OVER,
    RULES,
    UNPROVED,
    GroupRow,
    Parts,
    add_group,
    all_groups,
    change_state,
    changed,
    end_group,
    find_group,
    group_named,
    group_of,
    not_in_yet,
    shown_as,
)
from connexa.node.groups.choices import choose, flag_group, keep_draft, mark_group_read
from connexa.node.groups.commits import first_bundle
from connexa.node.groups.links import GroupLink, format_group_link, parse_group_link
from connexa.node.groups.listing import group_conversation, group_view
from connexa.node.groups.messages import say_in_group
from connexa.node.groups.pool import SUITE, card_for, make_key_package
from connexa.node.groups.rules import check_may, person_in
from connexa.node.groups.views import GroupLinkView, GroupStanding, GroupView
from connexa.node.groups.wishes import ask_for, check_room, lacks_devices
from connexa.node.home import Home
from connexa.node.messages import message_by_id, page_of
from connexa.node.own_copies import has_other_devices
from connexa.node.people import Person
from connexa.node.sending import find_person
from connexa.node.views import ConversationView, MessageView
from connexa.store import Execute

__all__ = ["GroupDesk"]

T = TypeVar("T")
SHOWN = (GroupStanding.CREATING, GroupStanding.WAITING, GroupStanding.MEMBER, GroupStanding.LEAVING, *OVER)


class GroupDesk:
    """The operations on the groups of one account; `wake` makes the account look at them."""

    def __init__(self, home: Home, account: Account, wake: Callable[[], None]) -> None:
        self._home = home
        self._account = account
        self._wake = wake

    # ---- looking

    def groups(self, *, over: bool = False) -> list[GroupView]:
        """The groups that this person is in or invited to; with `over` those too that are left."""
        found = all_groups(self._home.database.read, self._account.id)
        return [group_view(self._home, self._account, one.id) for one in found if over or one.state not in OVER]

    def group(self, named: str) -> GroupView:
        """One group, by id, the beginning of the id, or name."""
        return group_view(self._home, self._account, self._find(named).id)

    def avatar(self, named: str) -> bytes:
        """The group's image; empty without one."""
        group = self._find(named)
        return group.shared.avatar if group.raw_shared else b""

    def link(self, named: str) -> GroupLinkView:
        """The invitation link, as it can be handed over."""
        group = self._find(named)
        _check_is_in(group)
        shared = group.shared
        if not shared.join_key:
            raise NotFoundError("group_link.none", "This group has no invitation link.", "Make one: connexa group link GROUP --new")
        at = group.at
        text = format_group_link(GroupLink(group.public, at.hub, group.term, shared.join_key, shared.room_key))
        return GroupLinkView(group=group.public.hex(), text=text)

    # ---- beginning, coming and going

    async def create(self, name: str) -> GroupView:
        """Make a group; its hub is the account's homeserver."""
        number = await self._change(lambda execute: self._create(execute, _name(name)))
        return group_view(self._home, self._account, number)

    def _create(self, execute: Execute, name: str) -> int:
        home, account = self._home, self._account
        if not account.attestation.body:
            raise RefusedError("account.not_ready", "The homeserver has not attested this account yet.", retryable=True)
        public, alias, token = home.rng(32), home.rng(32), home.rng(32)
        package, proof, _ = make_key_package(home, account, alias)
        number = add_group(execute, account.id, public, account.address.domain, alias, token, GroupStanding.CREATING, home.clock())
        store, now = Parts(execute, account.id), int(home.clock())
        mls = Group.create(public, SUITE, package, auth=AUTHENTICATION, store=store, rules=RULES, now=now, rng=home.rng)
        me = GroupPerson(account.user_id, account.address, account.user.packet, account.attestation, GroupRole.OWNER)
        key = Ed25519Secret.generate(home.rng)
        shared = SharedState(
            name=name,
            room_key=home.rng(32),
            people=(me,),
            cards=(card_for(account, package, proof, token),),
            admin_keys=((account.device, key.public.raw),),
            admins=first_set(public, key),
        )
        execute("UPDATE mls_group SET shared = ?, admin_key = ? WHERE id = ?", (write_state(shared), key.seed, number))
        bundle = first_bundle(home, group_of(execute, number), mls, account.address.domain)
        execute("UPDATE mls_group SET bundle = ? WHERE id = ?", (bundle.SerializeToString(), number))
        choose(execute, home, account, public, accepted=True)
        changed(execute, home, account, public, state=GroupStanding.CREATING.value)
        return number

    async def join(self, text: str) -> GroupView:
        """Come in by a link."""
        link = parse_group_link(text)
        number = await self._change(lambda execute: self._join(execute, link))
        return group_view(self._home, self._account, number)

    def _join(self, execute: Execute, link: GroupLink) -> int:
        home, account = self._home, self._account
        known = group_named(execute, account.id, link.group)
        if known is not None and known.state not in OVER:
            return known.id
        alias, token = home.rng(32), home.rng(32)
        number = add_group(execute, account.id, link.group, link.hub, alias, token, GroupStanding.JOINING, home.clock())
        execute("UPDATE mls_group SET term = ? WHERE id = ?", (link.term, number))
        execute(
            "INSERT INTO group_wish (mls_group, kind, subject, content, created) VALUES (?, 'join', ?, ?, ?)",
            (number, link.join_key, link.room_key, home.clock()),
        )
        changed(execute, home, account, link.group, state=GroupStanding.JOINING.value)
        return number

    async def accept(self, named: str) -> GroupView:
        """Accept an invitation."""
        return await self._with(named, self._accept)

    def _accept(self, execute: Execute, group: GroupRow) -> None:
        if group.state is not GroupStanding.INVITED:
            raise RefusedError("group.not_invited", "There is no open invitation to this group.")
        if group.shared.history.kind is HistoryKind.NONE:
            delete_entries(execute, self._home, self._account, shown_as(execute, group.account, group.public))
        choose(execute, self._home, self._account, group.public, accepted=True)

    async def leave(self, named: str) -> GroupView:
        """Leave with all own devices, or decline an invitation."""
        return await self._with(named, self._leave, any_state=True)

    def _leave(self, execute: Execute, group: GroupRow) -> None:
        if group.state in OVER:
            raise RefusedError("group.over", "You are not in this group any more.")
        if group.state is not GroupStanding.WAITING or not has_other_devices(execute, group.account):  # they stay in it
            choose(execute, self._home, self._account, group.public, accepted=False)
        hopeless = group.waits in (NO_PLACE, UNPROVED) or (
            group.state is GroupStanding.LEAVING and group.trouble
        )  # nobody hears that we go
        outside = group.state in (GroupStanding.CREATING, GroupStanding.JOINING, GroupStanding.WAITING)
        if hopeless or (outside and not is_arriving(execute, group.id)):
            end_group(execute, self._home, self._account, group, GroupStanding.LEFT)
        else:
            change_state(execute, self._home, self._account, group, GroupStanding.LEAVING)

    async def invite(self, named: str, who: str) -> GroupView:
        """Invite a contact: all their devices come in by one commit; nothing of them is sent before they accept."""

        def ask(execute: Execute, group: GroupRow) -> None:
            check_may(group.shared, self._account.user_id, GroupRole.ADMIN)
            person = self._contact(execute, who)
            shared = group.shared
            if person_in(shared, person.user) is not None and not lacks_devices(execute, self._account, shared, person.user):
                raise RefusedError("group.member", "They are in the group already.")
            check_room(execute, group, person)
            ask_for(execute, self._home, group, "invite", subject=person.user)

        return await self._with(named, ask)

    def _contact(self, execute: Execute, who: str) -> Person:
        person = find_person(execute, self._account.id, who)
        if person is None or not person.answers or not person.profile_key:
            raise RefusedError(
                "group.no_contact",
                "Only contacts who have accepted each other can be invited.",
                "Write to them first, or give them the link.",
            )
        return person

    # ---- changing

    async def remove(self, named: str, who: str) -> GroupView:
        """Take somebody out, with all their devices; the group has new keys afterwards, and no link."""

        def ask(execute: Execute, group: GroupRow) -> None:
            ask_for(execute, self._home, group, "remove", subject=self._removable(execute, group, who).user)

        return await self._with(named, ask)

    def _removable(self, execute: Execute, group: GroupRow, who: str) -> GroupPerson:
        member = self._member(execute, group, who)
        if member.user == self._account.user_id:
            raise UsageError("group.self", "That is you.", "connexa group leave GROUP")
        me = person_in(group.shared, self._account.user_id)
        needed = GroupRole.ADMIN if member.role is GroupRole.MEMBER else GroupRole.OWNER
        check_may(group.shared, self._account.user_id, needed)
        if me is not None and me.role is member.role:
            raise RefusedError("group.not_allowed", "Somebody with that role cannot be removed by you.")
        return member

    async def begin_anew(self, named: str, without: str = "") -> GroupView:
        """Put a commit in the place of one that keeps the group from going on, and take somebody out with it."""

        def ask(execute: Execute, group: GroupRow) -> None:
            check_may(group.shared, self._account.user_id, GroupRole.ADMIN)
            if not group.disputed:
                raise RefusedError("group.goes_on", "Nothing keeps this group from going on.")
            if not may_sign(group.shared, group.admin_secret):
                raise RefusedError("group.no_admin_key", "This device has no key for that yet.", "Ask another admin.")
            subject = self._removable(execute, group, without).user if without else b""
            ask_for(execute, self._home, group, "anew", subject=subject)

        return await self._with(named, ask)

    async def move(self, named: str, to: str = "", *, stay: bool = False) -> GroupView:
        """Let the group go to another homeserver of its members: while its own is there, or as soon as may be when that does not answer."""

        def ask(execute: Execute, group: GroupRow) -> None:
            check_may(group.shared, self._account.user_id, GroupRole.OWNER)
            hubs = admins_of(group.shared).fallback_hubs
            if to and to not in hubs:
                raise UsageError("group.no_fallback", "The group cannot go there.", f"It can go to: {', '.join(hubs) or 'nowhere'}")
            if not hubs:
                hint = "Somebody at another homeserver has to be in the group."
                raise RefusedError("group.no_fallback", "No other homeserver can take the group.", hint)
            if not group.silent or stay:
                ask_for(execute, self._home, group, "change", change=SharedChange(moving="" if stay else to or hubs[0]))
                return
            if to:
                raise RefusedError(
                    "group.hub_silent", "Its homeserver is silent, so the group goes to the first fallback that answers.", "Name none."
                )
            execute("UPDATE mls_group SET hurried = 1 WHERE id = ?", (group.id,))

        return await self._with(named, ask)

    async def set_role(self, named: str, who: str, role: GroupRole) -> GroupView:
        """Give somebody a role."""

        def ask(execute: Execute, group: GroupRow) -> None:
            check_may(group.shared, self._account.user_id, GroupRole.OWNER)
            member = self._member(execute, group, who)
            owners = [one for one in group.shared.people if one.role is GroupRole.OWNER]
            if owners == [member] and role is not GroupRole.OWNER:
                raise RefusedError("group.not_allowed", "A group has an owner: make somebody else one first.")
            ask_for(execute, self._home, group, "change", change=SharedChange(roles=((UserId(member.user), role),)))

        return await self._with(named, ask)

    def _member(self, execute: Execute, group: GroupRow, who: str) -> GroupPerson:
        for person in group.shared.people:
            if who in (str(person.address), person.user.hex()):
                return person
        known = find_person(execute, self._account.id, who) if "@" not in who else None
        member = person_in(group.shared, known.user) if known is not None else None
        if member is None:
            raise NotFoundError("group.no_member", "Nobody in the group is called that.", "Use the address.")
        return member

    async def rename(self, named: str, name: str) -> GroupView:
        """Give the group a name."""
        return await self._ask_change(named, SharedChange(name=_name(name)))

    async def set_avatar(self, named: str, image: bytes) -> GroupView:
        """Give the group an image; empty bytes take it away."""
        if len(image) > MAX_AVATAR:
            raise UsageError("group.avatar_too_large", f"An image has at most {MAX_AVATAR // 1024} KiB.", "Make it smaller.")
        return await self._ask_change(named, SharedChange(avatar=image))

    async def set_timer(self, named: str, seconds: int) -> GroupView:
        """Let new messages disappear after a time; 0: they stay."""
        if not 0 <= seconds <= MAX_TIMER:
            raise UsageError("group.bad_timer", "Messages disappear after a year at the latest, or never.")
        return await self._ask_change(named, SharedChange(timer=seconds))

    async def set_history(self, named: str, rule: str, last: int = 0) -> GroupView:
        """Say what newcomers are shown: `invited`, `none`, or `last` so many."""
        kinds = {kind.name.lower(): kind for kind in HistoryKind}
        kind = kinds.get(rule)
        if kind is None or not (1 <= last <= MAX_PAST if kind is HistoryKind.LAST else last == 0):
            raise UsageError("group.bad_history", f"Say invited, none, or last with a number up to {MAX_PAST}.")
        return await self._ask_change(named, SharedChange(history=HistoryRule(kind, last)))

    async def make_link(self, named: str) -> GroupView:
        """Make a new invitation link; the one before it ends."""
        return await self._ask_change(named, SharedChange(join_key=self._home.rng(32)))

    async def end_link(self, named: str) -> GroupView:
        """Let the invitation link end."""
        return await self._ask_change(named, SharedChange(join_key=b""))

    async def _ask_change(self, named: str, change: SharedChange) -> GroupView:
        def ask(execute: Execute, group: GroupRow) -> None:
            check_may(group.shared, self._account.user_id, GroupRole.ADMIN)
            ask_for(execute, self._home, group, "change", change=change)

        return await self._with(named, ask)

    async def set_flag(self, named: str, flag: str, value: bool) -> GroupView:
        """Mute, archive, pin or favour a group on all own devices; `flag` is one of `flags.FLAGS`."""

        def keep(execute: Execute, group: GroupRow) -> None:
            flag_group(execute, self._home, self._account, group, {flag: value})

        return await self._with(named, keep, any_state=True)

    async def set_draft(self, named: str, text: str, subject: str) -> ConversationView:
        """Keep what is typed in a group and not sent yet, on all own devices."""
        check_draft(text, subject)

        def keep(execute: Execute, group: GroupRow) -> None:
            keep_draft(execute, self._home, self._account, group, text, subject)

        await self._with(named, keep, any_state=True)
        return self.conversation(named)

    async def delete_conversation(self, named: str) -> None:
        """Delete all that was said in a group, on all own devices; they stay in it."""

        def delete(execute: Execute, group: GroupRow) -> None:
            delete_entries(execute, self._home, self._account, shown_as(execute, group.account, group.public))
            flag_group(execute, self._home, self._account, group, dict.fromkeys(FLAGS, False))

        await self._with(named, delete, any_state=True)

    async def mark_read(self, named: str) -> None:
        """Everything in the group was seen."""

        def mark(execute: Execute, group: GroupRow) -> None:
            mark_group_read(execute, self._home, self._account, group)

        await self._with(named, mark, any_state=True)

    # ---- talking

    async def say(self, named: str, text: Text, message: bytes) -> MessageView:
        """Store a message for the group; it leaves as soon as it can."""
        number = self._find(named).id
        home, account = self._home, self._account
        await self._change(lambda execute: say_in_group(execute, home, account, group_of(execute, number), text, message))
        return message_by_id(home.database.read, account.id, account.user_id, message)

    def conversations(self, *, archived: bool) -> list[ConversationView]:
        """The groups' conversations; those that one is only invited to are not among them."""
        found = [self._conversation(one) for one in all_groups(self._home.database.read, self._account.id) if one.state in SHOWN]
        return [one for one in found if one.archived == archived and one.last]

    def conversation(self, named: str) -> ConversationView:
        """One group's conversation."""
        return self._conversation(self._find(named))

    def _conversation(self, group: GroupRow) -> ConversationView:
        return group_conversation(self._home, self._account, group)

    def messages(self, named: str, *, before: int | None, limit: int) -> list[MessageView]:
        """A page of what was said in a group, oldest first."""
        query = self._home.database.read
        group = self._find(named)
        return page_of(query, [shown_as(query, group.account, group.public)], before, limit)

    # ---- what they share

    def _find(self, named: str) -> GroupRow:
        found = find_group(self._home.database.read, self._account.id, named)
        if found is None:
            raise NotFoundError("group.not_found", "There is no such group.", "connexa group list")
        return found

    async def _with(self, named: str, operation: Callable[[Execute, GroupRow], None], *, any_state: bool = False) -> GroupView:
        number = self._find(named).id

        def act(execute: Execute) -> None:
            group = group_of(execute, number)
            if not any_state:
                _check_is_in(group)
            operation(execute, group)

        await self._change(act)
        return group_view(self._home, self._account, number)

    async def _change(self, operation: Callable[[Execute], T]) -> T:
        result = await self._home.change(operation)
        self._wake()
        return result


def _check_is_in(group: GroupRow) -> None:
    if group.state in OVER:
        raise RefusedError("group.over", "You are not in this group any more.")
    if not group.raw_shared or group.state is GroupStanding.WAITING:
        raise not_in_yet()


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name.encode()) > MAX_GROUP_NAME or not name.isprintable():
        raise UsageError("group.bad_name", f"A name has 1 to {MAX_GROUP_NAME} bytes of printable characters.")
    return name

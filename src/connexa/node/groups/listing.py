"""Groups as people see them: who is in, who may do what, and the digits that are the same at everybody."""

from __future__ import annotations

from connexa.content import ContactState, GroupPerson, HistoryKind, HistoryRule, SharedState
from connexa.crypto import sha256
from connexa.errors import NotFoundError
from connexa.node.account import Account
from connexa.node.groups.admins import admins_of, signers_left
from connexa.node.groups.book import SHORT, GroupRow, group_of, open_group, shown_as
from connexa.node.groups.rules import person_in
from connexa.node.groups.trust import trust_in
from connexa.node.groups.views import GroupPersonView, GroupStanding, GroupView, SuccessionView
from connexa.node.groups.wishes import wishes_waiting
from connexa.node.home import Home, Query, first, rows
from connexa.node.messages import page_of
from connexa.node.people import person_by_user
from connexa.node.views import ConversationView, TrustTier

__all__ = ["group_conversation", "group_view", "history_words", "succession_of", "unread_of"]

_ROSTER_GROUPS = 6


def group_trust(home: Home, query: Query, account: Account, group: GroupRow) -> TrustTier:
    """The least that stands behind anybody's key in a group."""
    order = [TrustTier.CHANGED, TrustTier.UNKNOWN, TrustTier.PROVISIONAL, TrustTier.ATTESTED, TrustTier.VERIFIED]
    people = [one for one in group.shared.people if one.user != account.user_id] if group.raw_shared else []
    return min((trust_in(home, query, account, one) for one in people), key=order.index, default=TrustTier.VERIFIED)


def unread_of(query: Query, conversation: int) -> int:
    """How many messages of others stand behind what was read."""
    row = first(
        query,
        "SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.account = c.account AND m.conversation = ?"
        " AND m.cursor > c.read_cursor AND m.mine = 0 AND m.hidden = 0 AND m.target = x''",
        (conversation,),
    )
    return int(row[0]) if row else 0


def group_conversation(home: Home, account: Account, group: GroupRow) -> ConversationView:
    """A group as a conversation among the others."""
    query = home.database.read
    number = shown_as(query, group.account, group.public)
    sql = "SELECT muted, archived, pinned, favourite, draft, draft_subject FROM conversation WHERE id = ?"
    muted, archived, pinned, favourite, draft, draft_subject = rows(query, sql, (number,))[0]
    return ConversationView(
        id=group.public.hex(),
        group=True,
        title=group.title,
        address="",
        contact="",
        state=ContactState.ACCEPTED if group.is_live else ContactState.REQUESTED,
        unread=unread_of(query, number),
        muted=bool(muted),
        archived=bool(archived),
        pinned=bool(pinned),
        favourite=bool(favourite),
        missing=0,
        waiting=[],
        draft=draft,
        draft_subject=draft_subject,
        timer=group.shared.timer if group.raw_shared else 0,
        trust=group_trust(home, query, account, group),
        warning=group.trouble or (group.waits if group.silent else ""),
        notes=[],
        last=next(iter(page_of(query, [number], None, 1)), None),
    )


def group_view(home: Home, account: Account, number: int) -> GroupView:
    """One group, from what is committed."""
    query = home.database.read
    group = group_of(query, number)
    shared = group.shared if group.raw_shared else None
    me = person_in(shared, account.user_id) if shared else None
    inviter = person_in(shared, group.inviter) if shared and group.state is GroupStanding.INVITED else None
    conversation = group_conversation(home, account, group)
    epoch, roster = _epoch(home, group)
    return GroupView(
        id=group.public.hex(),
        short=group.public.hex()[:SHORT],
        name=group.title,
        state=group.state,
        role=me.role if me and group.is_live else None,
        inviter=str(inviter.address) if inviter else "",
        hub=group.hub,
        succession=succession_of(group),
        epoch=epoch,
        roster=roster,
        people=_people(home, account, shared) if shared else [],
        timer=shared.timer if shared else 0,
        history=history_words(shared.history) if shared else "",
        avatar=sha256(shared.avatar).hex() if shared and shared.avatar else "",
        link=bool(shared and shared.join_key),
        waiting=wishes_waiting(query, number),
        trouble=group.trouble or group.waits,
        unopened=group.unopened,
        muted=conversation.muted,
        archived=conversation.archived,
        unread=conversation.unread,
    )


def succession_of(group: GroupRow) -> SuccessionView:
    """What becomes of a group when its hub is lost, as far as this device knows."""
    if not group.is_live:
        return SuccessionView(fallbacks=[], signers=0, needed=0, left=0, silent_since=0.0, moving="")
    shared = group.shared
    admins = admins_of(shared)
    return SuccessionView(
        fallbacks=list(admins.fallback_hubs),
        signers=len(admins.keys),
        needed=admins.needed,
        left=signers_left(shared, group.hub),
        silent_since=group.silent,
        moving=shared.moving,
    )


def _epoch(home: Home, group: GroupRow) -> tuple[int, str]:
    """The epoch, and digits of its authenticator and of what the members know in it."""
    if not group.is_live:
        return 0, ""
    try:
        mls = open_group(home.database.read, home, group)
    except NotFoundError:  # it ended between two looks at what is committed
        return 0, ""
    digest = sha256(b"connexa/group-roster/v1\0", mls.epoch_authenticator, sha256(group.raw_shared))
    fives = (f"{int.from_bytes(digest[5 * part : 5 * part + 5], 'big') % 100_000:05d}" for part in range(_ROSTER_GROUPS))
    return mls.epoch, " ".join(fives)


def _people(home: Home, account: Account, shared: SharedState) -> list[GroupPersonView]:
    return [_person(home, account, shared, person) for person in shared.people]


def _person(home: Home, account: Account, shared: SharedState, person: GroupPerson) -> GroupPersonView:
    known = person_by_user(home.database.read, account.id, person.user)
    return GroupPersonView(
        user=person.user.hex(),
        address=str(person.address),
        name=known.name if known else "",
        role=person.role,
        devices=sum(card.user == person.user for card in shared.cards),
        me=person.user == account.user_id,
        trust=trust_in(home, home.database.read, account, person),
    )


def history_words(rule: HistoryRule) -> str:
    """A history rule as it is typed."""
    return f"last {rule.last}" if rule.kind is HistoryKind.LAST else rule.kind.name.lower()

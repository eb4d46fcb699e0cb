"""What is said in a group: into the outbox here, into the log there, once for each sender and message id.

A message is encrypted when its turn comes, in the operation that stores the bytes; where its epoch is over before the hub has taken it, it
is encrypted anew under the same id.
"""

from __future__ import annotations

from connexa.content import (
    MAX_PAST,
    Content,
    GroupLack,
    GroupMessage,
    GroupPast,
    HistoryKind,
    LogBody,
    MemberCard,
    PastMessage,
    ReceiptState,
    Said,
    Timer,
    decode,
    encode,
    read_said,
    write_said,
)
from connexa.errors import ConflictError, RefusedError, UsageError
from connexa.node.account import Account
from connexa.node.announcing import announce
from connexa.node.entry import Entry, end_of, has_place
from connexa.node.groups.book import GroupRow, group_of, not_in_yet, open_group, shown_as
from connexa.node.groups.cards import device_of
from connexa.node.groups.missed import enqueue, say_again
from connexa.node.groups.rules import person_in
from connexa.node.groups.seen import early_seen
from connexa.node.groups.trust import named_as
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, Query, first, rows
from connexa.node.log import add_entry
from connexa.node.people import person_by_user
from connexa.node.receipts import queue_receipt
from connexa.node.sending import MAX_SENT, said_before, told_after
from connexa.node.views import MessageState, TrustTier
from connexa.store import Execute

__all__ = ["give_past", "next_to_send", "put_proposal", "say_in_group", "seal_next", "take_said", "tell_author", "unseal"]


def say_in_group(execute: Execute, home: Home, account: Account, group: GroupRow, body: LogBody, message: bytes) -> None:
    """Store a message for a group; the same once more is there already."""
    if said_before(execute, account, message, body) is not None:
        return
    if group.state is GroupStanding.WAITING:
        raise not_in_yet()
    if group.state is GroupStanding.INVITED:
        raise RefusedError("group.invited", "You have not accepted the invitation to this group.", "connexa group accept GROUP")
    if group.state not in (GroupStanding.MEMBER, GroupStanding.CREATING):
        raise RefusedError("group.over", "You are not in this group any more.")
    now = home.clock()
    content = encode(Content(told_after(execute, account, body, int(now * 1000)), body))
    if len(content) > MAX_SENT:
        raise UsageError("message.too_large", "The message is too long.", "Send it in parts.")
    said = GroupMessage(message, content, group.shared.timer)
    if _add(execute, home, account, group, said, (account.user_id, account.device, str(account.address)), mine=True) is None:
        raise ConflictError("message.id_used", "Another message has that id.")
    enqueue(execute, home, group, message, write_said(said))
    execute("INSERT INTO message_time (account, message, state, at) VALUES (?, ?, 'queued', ?)", (account.id, message, now))


def put_proposal(execute: Execute, home: Home, group: GroupRow, epoch: int, proposal: bytes) -> None:
    """Append a proposal to the log; it is worth nothing after its epoch."""
    enqueue(execute, home, group, home.rng(16), b"", epoch=epoch, sealed=proposal)


def next_to_send(query: Query, group: int) -> tuple[int, bytes, int, bytes] | None:
    """What is to be appended next: its row, the id of its entry, epoch and bytes, which are empty where it is not encrypted yet."""
    row = first(query, "SELECT id, entry, epoch, sealed FROM group_outbox WHERE mls_group = ? ORDER BY id LIMIT 1", (group,))
    return (int(row[0]), bytes(row[1]), int(row[2]), bytes(row[3])) if row else None


def seal_next(execute: Execute, home: Home, number: int) -> None:
    """Encrypt what comes next for the group as it is now."""
    row = first(execute, "SELECT id, said FROM group_outbox WHERE mls_group = ? AND sealed = x'' ORDER BY id LIMIT 1", (number,))
    if row is None:
        return
    group = open_group(execute, home, group_of(execute, number))
    sealed = group.encrypt(row[1])
    execute("UPDATE group_outbox SET sealed = ?, epoch = ? WHERE id = ?", (sealed, group.epoch, row[0]))
    execute("UPDATE mls_group SET said = said + 1 WHERE id = ?", (number,))


def unseal(execute: Execute, outbox: int) -> None:
    """Encrypt it anew: the hub does not take its epoch any more. A proposal is over with its epoch."""
    execute("DELETE FROM group_outbox WHERE id = ? AND said = x''", (outbox,))
    execute("UPDATE group_outbox SET sealed = x'' WHERE id = ?", (outbox,))


def take_said(execute: Execute, home: Home, account: Account, group: GroupRow, card: MemberCard, raw: bytes) -> None:
    """Apply what a member said; raising undoes nothing, for the message was read and is over."""
    said: Said = read_said(raw)
    person = person_in(group.shared, card.user)
    if person is None:
        return
    match said:
        case GroupMessage():
            mine, author = card.user == account.user_id, named_as(home, execute, account, person)
            cursor = _add(execute, home, account, group, said, (card.user, device_of(card), author), mine=mine)
            if cursor is not None and not mine:
                tell_author(execute, home, account, group, card.user, said.id, ReceiptState.DELIVERED)
        case GroupPast(messages) if card.user == group.inviter and not group.told and group.shared.history.kind is HistoryKind.LAST:
            execute("UPDATE mls_group SET told = 1 WHERE id = ?", (group.id,))
            for one in messages:
                if one.user != account.user_id:  # nobody tells us what we have said
                    told = GroupMessage(one.id, one.content, one.timer)
                    _add(execute, home, account, group, told, (one.user, one.device, str(one.address)), mine=False)
        case GroupLack():
            say_again(execute, home, account, group, said)
        case _:
            pass


def _add(
    execute: Execute, home: Home, account: Account, group: GroupRow, said: GroupMessage, by: tuple[bytes, bytes, str], *, mine: bool
) -> int | None:
    """Put a message into the log of the group; None where it is there."""
    user, device, address = by
    content = decode(said.content)
    body = has_place(content)
    if body is None or isinstance(body, Timer):  # a group's timer is a part of what its members agree on
        raise RefusedError("group.malformed", "Something was said in a group that is nothing for groups.")
    now, sent = home.clock(), content.sent_ms / 1000
    here = mine and device == account.device
    conversation = shown_as(execute, group.account, group.public)
    entry = Entry(
        message=said.id,
        sender=user,
        device=device,
        counter=0,
        mine=mine,
        body=body,
        content=said.content,
        sent=sent,
        state=MessageState.QUEUED if here else MessageState.ACCEPTED if mine else MessageState.RECEIVED,
        author=address,
        vanishes=end_of(sent, now, said.timer),
    )
    if entry.vanishes and entry.vanishes <= now:
        return None  # it came when it was over
    cursor = add_entry(execute, account.id, conversation, entry, now)
    if cursor is not None and group.state is not GroupStanding.INVITED:
        announce(execute, home, account, conversation, entry, cursor, None if mine else _trust(execute, account, user))
    if cursor is not None and mine and not here:
        early_seen(execute, home.events, group, said.id)
    return cursor


def _trust(query: Query, account: Account, user: bytes) -> TrustTier:
    person = person_by_user(query, account.id, user)
    return person.trust if person else TrustTier.UNKNOWN


def tell_author(execute: Execute, home: Home, account: Account, group: GroupRow, user: bytes, message: bytes, state: ReceiptState) -> None:
    """Note that whoever said something is to be told of it: only where they are a contact, and the owner has accepted to be there."""
    person = person_by_user(execute, account.id, user)
    if person is not None and group.state is GroupStanding.MEMBER:
        queue_receipt(execute, person, message, state, home.settings.privacy, among=len(group.shared.cards))


def give_past(execute: Execute, home: Home, account: Account, group: GroupRow, count: int) -> None:
    """Tell those who have just come the last messages from before, oldest first."""
    found = rows(
        execute,
        "SELECT message, sender, device, author, content, vanishes, sent, target FROM message WHERE account = ? AND conversation = ?"
        " AND hidden = 0 AND state IN ('accepted', 'received') AND author != '' ORDER BY cursor DESC LIMIT ?",
        (account.id, shown_as(execute, group.account, group.public), MAX_PAST),
    )
    past: list[PastMessage] = []
    room = MAX_SENT
    for message, sender, device, author, content, vanishes, sent, target in found:
        room, count = room - len(content) - 160, count - (not target)  # what was said about the last messages goes with them
        if room < 0 or count < 0:
            break
        person = person_in(group.shared, sender)
        if person is not None and str(person.address) == author:
            past.insert(0, PastMessage(message, person.user, device, person.address, content, int(vanishes - sent) if vanishes else 0))
    if past:
        enqueue(execute, home, group, home.rng(16), write_said(GroupPast(tuple(past))))

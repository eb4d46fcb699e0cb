"""Conversations as people see them: views over the log, and what one does with a conversation.

Unread is what stands behind one read cursor, counted by the store (product §1, U21).
"""

from __future__ import annotations

from connexa.content import ContactState, Draft, ReadMark, ReceiptState
from connexa.errors import NotFoundError, UsageError
from connexa.identity import UserId
from connexa.node.account import Account
from connexa.node.acts import hide
from connexa.node.asks import waiting_for_devices
from connexa.node.contacts import changed
from connexa.node.flags import clear_flags, flags_of, keep_flags
from connexa.node.home import Home, Query, first, rows
from connexa.node.messages import message_view, no_message, page_of
from connexa.node.own_log import tell_deleted
from connexa.node.people import Person, person_of
from connexa.node.receipts import queue_receipt
from connexa.node.registers import decide
from connexa.node.sending import MAX_SENT, find_person, parse_id
from connexa.node.succession import lineage, newest_key
from connexa.node.trust import DEVICES_ADDED, IDENTITY_CHANGED, trust_notes
from connexa.node.views import ConversationView, MessageView
from connexa.store import Execute

__all__ = [
    "conversation_view",
    "check_draft",
    "delete_conversation",
    "delete_entries",
    "delete_message",
    "list_conversations",
    "list_messages",
    "mark_read",
    "number_of",
    "set_draft",
    "set_flag",
]

MAX_DRAFT_SUBJECT = 1_024


def number_of(query: Query, account: int, conversation: str) -> tuple[int, Person]:
    """A conversation by its id, or by whom it is with."""
    person = find_person(query, account, conversation)
    person = newest_key(query, person) if person else None
    row = first(query, "SELECT id FROM conversation WHERE account = ? AND person = ?", (account, person.id)) if person else None
    if person is None or row is None:
        raise NotFoundError("conversation.not_found", "There is no such conversation.")
    return int(row[0]), person


def list_conversations(query: Query, account: int, *, archived: bool) -> list[ConversationView]:
    """Conversations with the newest first; requests are not among them."""
    sql = (
        "SELECT c.id FROM conversation c JOIN person p ON p.id = c.person WHERE c.account = ? AND c.archived = ?"
        " AND p.state NOT IN ('pending', 'rejected', 'replaced')"
    )
    found = [conversation_view(query, row[0]) for row in list(query(sql, (account, archived)))]
    return sorted((one for one in found if one.last), key=lambda one: one.last.cursor if one.last else 0, reverse=True)


def conversation_view(query: Query, number: int) -> ConversationView:
    """One conversation, with what was said under earlier keys of the other person."""
    row = first(
        query,
        "SELECT c.public, c.person, c.muted, c.archived, c.pinned, c.favourite, c.draft, c.draft_subject, c.timer,"
        " (SELECT count(*) FROM counter_gap WHERE account = c.account AND conversation = c.id) FROM conversation c WHERE c.id = ?",
        (number,),
    )
    if row is None:
        raise NotFoundError("conversation.not_found", "There is no such conversation.")
    public, person_number, muted, archived, pinned, favourite, draft, draft_subject, timer, missing = row
    person = person_of(query, person_number)
    unread, newest = _summary(query, person_number)
    return ConversationView(
        id=public.hex(),
        group=False,
        title=person.title,
        address=str(person.address),
        contact=person.user.hex(),
        state=person.state,
        unread=unread,
        muted=bool(muted),
        archived=bool(archived),
        pinned=bool(pinned),
        favourite=bool(favourite),
        missing=missing,
        waiting=waiting_for_devices(query, number),
        draft=draft,
        draft_subject=draft_subject,
        timer=timer,
        trust=person.trust,
        warning=person.warning,
        notes=trust_notes(query, person.id),
        last=message_view(query, newest) if newest else None,
    )


def _summary(query: Query, person: int) -> tuple[int, int]:
    """How many entries are unread, and the place of the newest."""
    unread = newest = 0
    for number in lineage(query, person):
        row = first(
            query,
            "SELECT (SELECT count(*) FROM message WHERE account = c.account AND conversation = c.id AND cursor > c.read_cursor AND mine = 0"
            "  AND hidden = 0 AND target = x''),"
            " (SELECT cursor FROM message WHERE account = c.account AND conversation = c.id AND (hidden = 0 OR withdrawn = 1)"
            "  AND target = x'' ORDER BY cursor DESC LIMIT 1)"
            " FROM conversation c WHERE c.id = ?",
            (number,),
        )
        if row is not None:
            unread, newest = unread + row[0], max(newest, row[1] or 0)
    return unread, newest


def list_messages(query: Query, person: int, before: int | None, limit: int) -> list[MessageView]:
    """A page of the log with somebody, oldest first; `before` is the cursor of the page that is shown already."""
    return page_of(query, lineage(query, person), before, limit)


def mark_read(execute: Execute, home: Home, account: Account, person: Person) -> bool:
    """Move the read cursor to the end; contacts and own devices learn which messages were seen. True if something was unread."""
    if person.state is ContactState.PENDING:
        return False  # a request that is looked at is not answered by that
    _look_at_warning(execute, home, account, person)
    read = [_read_one(execute, home, account, one) for one in lineage(execute, person.id)]
    return any(read)


def _read_one(execute: Execute, home: Home, account: Account, number: int) -> bool:
    row = first(execute, "SELECT person FROM conversation WHERE id = ?", (number,))
    if row is None:
        return False
    person = person_of(execute, row[0])
    unread = rows(
        execute,
        "SELECT m.message FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE m.account = ? AND m.conversation = ? AND m.cursor > c.read_cursor AND m.mine = 0 AND m.target = x''"
        " ORDER BY m.cursor",
        (account.id, number),
    )
    if not unread:
        return False
    execute(
        "UPDATE conversation SET read_message = x'', read_cursor = (SELECT max(cursor) FROM message WHERE account = ? AND conversation = ?)"
        " WHERE id = ?",
        (account.id, number, number),
    )
    messages = [row[0] for row in unread]
    for message in messages:
        queue_receipt(execute, person, message, ReceiptState.READ, home.settings.privacy)
    if person.user:
        decide(execute, home, account, ReadMark(UserId(person.user), messages[-1]))
    home.events.record(execute, str(account.address), "conversation.read", home.clock(), user=person.user.hex())
    return True


def _look_at_warning(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Who reads the conversation has seen the warning above it; one that asks for a decision stays until there is one."""
    if person.warning in (DEVICES_ADDED, IDENTITY_CHANGED) and not person.rival:
        execute("UPDATE person SET warning = '' WHERE id = ?", (person.id,))
        changed(execute, home, account, person.id, copy=False)


def set_flag(execute: Execute, home: Home, account: Account, number: int, person: Person, flag: str, value: bool) -> None:
    """Mute, archive, pin or favour a conversation on all own devices; `flag` is one of `flags.FLAGS`."""
    keep_flags(execute, number, {flag: value})
    _flags_changed(execute, home, account, number, person)


def _flags_changed(execute: Execute, home: Home, account: Account, number: int, person: Person) -> None:
    if person.user:
        decide(execute, home, account, flags_of(execute, number, person.user, group=False))
    _changed(execute, home, account, number)


def _changed(execute: Execute, home: Home, account: Account, number: int) -> None:
    public = first(execute, "SELECT public FROM conversation WHERE id = ?", (number,))
    home.events.record(execute, str(account.address), "conversation.changed", home.clock(), conversation=public[0].hex() if public else "")


def check_draft(text: str, subject: str) -> None:
    """Refuse a draft that could not be sent."""
    if len(text.encode()) > MAX_SENT or len(subject.encode()) > MAX_DRAFT_SUBJECT:
        raise UsageError("draft.too_large", "The draft is too long to be sent.", "Shorten it.")


def set_draft(execute: Execute, home: Home, account: Account, number: int, person: Person, text: str, subject: str) -> None:
    """Keep what is typed in a conversation, on all own devices; nothing takes it away."""
    check_draft(text, subject)
    execute("UPDATE conversation SET draft = ?, draft_subject = ? WHERE id = ?", (text, subject, number))
    if person.user:
        decide(execute, home, account, Draft(UserId(person.user), text, subject))
    _changed(execute, home, account, number)


def delete_message(execute: Execute, home: Home, account: Account, message: str) -> None:
    """Delete a message on all own devices; its id stays, so that a late copy does not bring it back."""
    raw = parse_id(message, 16, "message")
    # Of what was withdrawn, the words that say so go: they are the withdrawal's.
    sql = (
        "SELECT cursor FROM message WHERE account = ? AND message = ? AND hidden = 0 UNION SELECT w.cursor FROM message m JOIN message w"
        " ON w.account = m.account AND w.target_user = m.sender AND w.target = m.message AND w.kind = 'withdrawal' AND w.hidden = 0"
        " WHERE m.account = ? AND m.message = ?"
    )
    found = rows(execute, sql, (account.id, raw, account.id, raw))
    if not found:
        raise no_message()
    for (cursor,) in found:
        hide(execute, cursor)
    tell_deleted(execute, home, account, [cursor for (cursor,) in found])


def delete_conversation(execute: Execute, home: Home, account: Account, number: int, person: Person) -> None:
    """Delete all entries of a conversation on all own devices."""
    for one in lineage(execute, person.id):
        delete_entries(execute, home, account, one)
    clear_flags(execute, number)
    _flags_changed(execute, home, account, number, person)


def delete_entries(execute: Execute, home: Home, account: Account, conversation: int) -> None:
    """Delete all that stands in one log, here and on the own devices."""
    deleted = rows(
        execute,
        "UPDATE message SET hidden = 1, withdrawn = 0, text = '', subject = '', content = x'', vanishes = 0"
        " WHERE account = ? AND conversation = ? AND kind != 'timer' AND (hidden = 0 OR withdrawn = 1) RETURNING cursor",
        (account.id, conversation),
    )
    tell_deleted(execute, home, account, [row[0] for row in deleted])

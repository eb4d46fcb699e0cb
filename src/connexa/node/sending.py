"""Saying something: the entry and its outbox row are one operation, so a message that a face was shown is never lost (product §1, U17)."""

from __future__ import annotations

from dataclasses import replace

from connexa.content import ContactState, Content, LogBody, Text, Timer, check_request, decode, encode
from connexa.errors import ConflictError, NotFoundError, RefusedError, UsageError
from connexa.identity import Address
from connexa.node.account import Account
from connexa.node.announcing import announce
from connexa.node.contacts import accept, changed
from connexa.node.entry import Entry, columns_of, end_of
from connexa.node.home import Home, Query, first, returned
from connexa.node.log import add_entry, conversation_of, next_counter
from connexa.node.outbox import enqueue
from connexa.node.people import Person, add_person, ask_again, person_at, person_by_user, person_of
from connexa.node.sealing import Outgoing, introduction_of
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = ["MAX_SENT", "find_person", "parse_id", "said_before", "say_to", "send_text", "told_after"]

MAX_SENT = 14_336  # leaves room for an introduction in the largest body


def parse_id(text: str, size: int, what: str) -> bytes:
    """Read an id from its hex form."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != size:
        raise UsageError("id.malformed", f"That is not the id of a {what}.")
    return raw


def find_person(query: Query, account: int, who: str) -> Person | None:
    """Find somebody by address, by the id of the conversation, by user id, or by name."""
    if "@" in who:
        return person_at(query, account, Address.parse(who))
    if len(who) == 64 and all(c in "0123456789abcdef" for c in who):
        raw = bytes.fromhex(who)
        sql = "SELECT person FROM conversation WHERE account = ? AND person != 0 AND (public = ? OR provisional = ?)"
        row = first(query, sql, (account, raw, raw))
        return person_of(query, row[0]) if row else person_by_user(query, account, raw)
    rows = list(query("SELECT id FROM person WHERE account = ? AND name = ?", (account, who)))
    if len(rows) > 1:
        raise UsageError("contact.ambiguous", "Several contacts have that name.", "Use the address.")
    return person_of(query, rows[0][0]) if rows else None


def send_text(execute: Execute, home: Home, account: Account, to: str, text: Text, message: bytes) -> tuple[int, Person]:
    """Store a message; returns the cursor of its entry and whom it is for. The same id again returns the entry that is there."""
    known = said_before(execute, account, message, text)
    if known is not None:
        return known, person_of(execute, returned(execute, _WITH, (known,)))
    person = _recipient(execute, home, account, to)
    return say_to(execute, home, account, person, text, message), person


_WITH = "SELECT c.person FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.cursor = ?"


def said_before(query: Query, account: Account, message: bytes, body: LogBody) -> int | None:
    """The place of what was said under this id, if it is this; anything else is a conflict."""
    sql = "SELECT cursor, content FROM message WHERE account = ? AND sender = ? AND message = ?"
    known = first(query, sql, (account.id, account.user_id, message))
    if known is None:
        return None
    if known[1] and decode(known[1]).body != body:
        raise ConflictError("message.id_used", "Another message has that id.")
    return int(known[0])


def say_to(execute: Execute, home: Home, account: Account, person: Person, body: LogBody, message: bytes) -> int:
    """Store something for somebody in the log with them and in the outbox, and return its place."""
    conversation, now = conversation_of(execute, account, person), home.clock()
    timer = 0 if isinstance(body, Timer) else int(returned(execute, "SELECT timer FROM conversation WHERE id = ?", (conversation,)))
    content = Content(told_after(execute, account, body, int(now * 1000)), body, timer=timer)
    raw = encode(content)
    if len(raw) > MAX_SENT:
        raise UsageError("message.too_large", "The message is too long.", "Send it in parts.")
    if not person.profile_key:
        _check_first(execute, account, content)
    counter, last_seen = next_counter(execute, conversation)
    sent = content.sent_ms / 1000
    entry = Entry(
        message=message,
        sender=account.user_id,
        device=account.device,
        counter=counter,
        mine=True,
        body=body,
        content=raw,
        sent=sent,
        state=MessageState.QUEUED,
        last_seen=last_seen,
        vanishes=end_of(sent, now, timer),
    )
    cursor = add_entry(execute, account.id, conversation, entry, now)
    if cursor is None:
        raise ConflictError("message.id_used", "Another message has that id.")
    expires = min(now + home.settings.limits.message_life, entry.vanishes or now + home.settings.limits.message_life)
    enqueue(execute, account.id, person.id, "text", Outgoing(message, counter, last_seen, raw, expires), now)
    execute("INSERT INTO message_time (account, message, state, at) VALUES (?, ?, 'queued', ?)", (account.id, message, now))
    announce(execute, home, account, conversation, entry, cursor, None)
    return cursor


def told_after(query: Query, account: Account, body: LogBody, now: int) -> int:
    """The time of what is said now, in unix ms: behind all that the owner has said about the same entry, so that it counts."""
    shown = columns_of(body, account.user_id)
    if not shown.target:
        return now
    sql = "SELECT coalesce(max(sent), 0) FROM message WHERE account = ? AND target_user = ? AND target = ? AND sender = ?"
    return max(now, round(float(returned(query, sql, (account.id, shown.target_user, shown.target, account.user_id))) * 1000) + 1)


def _recipient(execute: Execute, home: Home, account: Account, to: str) -> Person:
    person = find_person(execute, account.id, to)
    if person is None:
        if "@" not in to:
            raise NotFoundError("contact.not_found", "There is no such contact.", "Use the address, like bob@b.example.")
        address = Address.parse(to)
        if address == account.address:
            raise UsageError("contact.self", "That is your own address.")
        return person_of(execute, add_person(execute, account.id, address, ContactState.REQUESTED, home.clock()))
    if person.state is ContactState.BLOCKED:
        raise RefusedError("contact.blocked", "You have blocked this contact.", "Unblock them first.")
    if person.rival:
        raise RefusedError(
            "identity.changed",
            "Another key answers for this contact now; nothing is sent before you have decided.",
            "See what happened: connexa contact show. Then verify, trust, keep or remove.",
        )
    if person.state is ContactState.PENDING:  # an answer accepts a request (first-message §6)
        accept(execute, home, account, person, answer=True)
    elif person.state is ContactState.REJECTED:
        ask_again(execute, person)
        changed(execute, home, account, person.id)
    else:
        return person
    return person_of(execute, person.id)


def _check_first(execute: Execute, account: Account, content: Content) -> None:
    """What may be a request is held to its size at once, where a person can still shorten it."""
    intro = introduction_of(execute, account)
    if intro is None:
        raise RefusedError("account.not_ready", "The homeserver has not attested this account yet.", retryable=True)
    check_request(replace(content, intro=intro))

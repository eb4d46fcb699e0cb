"""Saying something: the entry and its outbox row are one operation, so a message that a face was shown is never lost (product §1, U17)."""

from __future__ import annotations

from connexa.content import ContactState, Content, Text, check_request, encode
from connexa.errors import ConflictError, NotFoundError, RefusedError, UsageError
from connexa.identity import Address
from connexa.node.account import Account
from connexa.node.contacts import accept, changed
from connexa.node.home import Home, Query, first
from connexa.node.log import Entry, add_entry, conversation_of, next_counter
from connexa.node.outbox import enqueue
from connexa.node.people import Person, add_person, ask_again, person_at, person_by_user, person_of
from connexa.node.sealing import Outgoing, introduction_of
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = ["MAX_SENT", "find_person", "parse_id", "send_text"]

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
    known = first(
        execute,
        "SELECT m.cursor, c.person, m.text, m.subject FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE m.account = ? AND m.sender = ? AND m.message = ?",
        (account.id, account.user_id, message),
    )
    if known is not None:
        if (known[2], known[3]) != (text.text, text.subject):
            raise ConflictError("message.id_used", "Another message has that id.")
        return int(known[0]), person_of(execute, known[1])
    person = _recipient(execute, home, account, to)
    now = home.clock()
    raw = encode(Content(int(now * 1000), text))
    if len(raw) > MAX_SENT:
        raise UsageError("message.too_large", "The message is too long.", "Send it in parts.")
    if not person.profile_key:
        _check_first(execute, account, text, now)
    conversation = conversation_of(execute, account, person)
    counter, last_seen = next_counter(execute, conversation)
    entry = Entry(
        message=message,
        sender=account.user_id,
        device=account.device,
        counter=counter,
        mine=True,
        kind="text",
        text=text.text,
        subject=text.subject,
        reply_to=text.reply_to,
        content=raw,
        sent=now,
        state=MessageState.QUEUED,
        last_seen=last_seen,
    )
    cursor = add_entry(execute, account.id, conversation, entry, now)
    if cursor is None:
        raise ConflictError("message.id_used", "Another message has that id.")
    expires = now + home.settings.limits.message_life
    enqueue(execute, account.id, person.id, "text", Outgoing(message, counter, last_seen, raw, expires), now)
    execute("INSERT INTO message_time (account, message, state, at) VALUES (?, ?, 'queued', ?)", (account.id, message, now))
    _announce(execute, home, account, conversation, message, cursor)
    return cursor, person


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


def _check_first(execute: Execute, account: Account, text: Text, now: float) -> None:
    """What may be a request is held to its size at once, where a person can still shorten it."""
    intro = introduction_of(execute, account)
    if intro is None:
        raise RefusedError("account.not_ready", "The homeserver has not attested this account yet.", retryable=True)
    check_request(Content(int(now * 1000), text, intro))


def _announce(execute: Execute, home: Home, account: Account, conversation: int, message: bytes, cursor: int) -> None:
    public = first(execute, "SELECT public FROM conversation WHERE id = ?", (conversation,))
    home.events.record(
        execute,
        str(account.address),
        "message.new",
        home.clock(),
        id=message.hex(),
        conversation=public[0].hex() if public else "",
        cursor=cursor,
        mine=True,
    )

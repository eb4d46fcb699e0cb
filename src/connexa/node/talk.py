"""What a person does with single entries, as operations: answer them by a thread, word them anew, react, withdraw, pass them on.

Each is an entry of its own in the same log, so it goes, comes and is repaired like everything that is said. Operations return once they
are durable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from connexa.content import MAX_TIMER, ContactState, Edit, LogBody, Reaction, Span, Text, Timer, Withdrawal
from connexa.errors import RefusedError, UsageError
from connexa.node.account import Account
from connexa.node.groups.book import group_named
from connexa.node.groups.messages import say_in_group
from connexa.node.home import Home, Query, first
from connexa.node.messages import current_text, entry_named, message_view, no_message, thread_of, versions_of
from connexa.node.people import Person, person_of
from connexa.node.sending import said_before, say_to
from connexa.node.views import MessageView, VersionView
from connexa.store import Execute

__all__ = ["Talk"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An entry that is here."""

    cursor: int
    message: bytes
    sender: bytes
    mine: bool
    kind: str
    person: int  # 0: it is in a group
    group: bytes


class Talk:
    """The operations on the entries of one account; `said` sets going what has to leave, to a person or (None) to a group."""

    def __init__(
        self, home: Home, account: Account, said: Callable[[Execute, Person], None], wake: Callable[[Person | None], None]
    ) -> None:
        self._home = home
        self._account = account
        self._said = said
        self._wake = wake

    # ---- looking

    def thread(self, message: str) -> list[MessageView]:
        """The thread that a message belongs to, oldest first."""
        return thread_of(self._home.database.read, self._account.id, message)

    def versions(self, message: str) -> list[VersionView]:
        """All wordings of a message, the first one first."""
        return versions_of(self._home.database.read, self._account.id, message)

    # ---- saying something about a message

    async def edit(self, message: str, text: str, spans: tuple[Span, ...] = (), *, said: bytes = b"") -> MessageView:
        """Word a text of one's own anew."""
        if not text:
            raise UsageError("text.missing", "There is nothing to say.", "To take a message back: connexa msg delete --everywhere")

        def word(spoken: _Spoken) -> Edit:
            _check_own(spoken)
            if spoken.kind != "text":
                raise RefusedError("message.no_text", "Only a text can be worded anew.")
            return Edit(spoken.message, text, spans)

        return await self._about(message, word, said)

    async def react(self, message: str, emoji: str, *, said: bytes = b"") -> MessageView:
        """Say what one thinks of a message, in place of what one thought before; no emoji takes it back."""
        return await self._about(message, lambda spoken: Reaction(spoken.message, spoken.sender, emoji), said)

    async def withdraw(self, message: str, *, said: bytes = b"") -> MessageView:
        """Take a message of one's own away from everybody."""

        def take(spoken: _Spoken) -> Withdrawal:
            _check_own(spoken)
            return Withdrawal(spoken.message)

        return await self._about(message, take, said)

    def text_of(self, message: str) -> Text:
        """What a message says, to be said to somebody else: not who has said it."""
        text = current_text(self._home.database.read, entry_named(self._home.database.read, self._account.id, message)[0])
        if text is None:
            raise RefusedError("message.no_text", "Only a text can be passed on.")
        return text

    async def set_timer(self, person: Person, seconds: int) -> None:
        """Let what the two say from now on disappear after a time; 0: it stays."""
        if not 0 <= seconds <= MAX_TIMER:
            raise UsageError("conversation.bad_timer", "Messages disappear after a year at the latest, or never.")

        def store(execute: Execute) -> None:
            to = person_of(execute, person.id)
            _check_contact(to)
            say_to(execute, self._home, self._account, to, Timer(seconds), self._home.rng(16))
            self._said(execute, to)

        await self._home.change(store)
        self._wake(person)

    async def _about(self, message: str, body_for: Callable[[_Spoken], LogBody], said: bytes) -> MessageView:
        """Say something about an entry; under the same id `said` once more, nothing is said twice."""
        home, account, name = self._home, self._account, said or self._home.rng(16)

        def store(execute: Execute) -> tuple[int, Person | None]:
            spoken = _find(execute, account.id, message)
            body = body_for(spoken)
            if said_before(execute, account, name, body) is not None:
                return spoken.cursor, None
            if not spoken.person:
                group = group_named(execute, account.id, spoken.group)
                if group is None:
                    raise no_message()
                say_in_group(execute, home, account, group, body, name)
                return spoken.cursor, None
            person = person_of(execute, spoken.person)
            _check_contact(person)
            say_to(execute, home, account, person, body, name)
            self._said(execute, person)
            return spoken.cursor, person

        cursor, person = await home.change(store)
        self._wake(person)
        return message_view(home.database.read, cursor)


def _find(query: Query, account: int, message: str) -> _Spoken:
    cursor, sender, raw = entry_named(query, account, message)
    sql = (
        "SELECT m.mine, m.kind, m.withdrawn, m.target, c.person, c.public FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE m.cursor = ?"
    )
    row = first(query, sql, (cursor,))
    if row is None or row[3]:
        raise no_message()
    mine, kind, withdrawn, _, person, public = row
    if withdrawn:
        raise RefusedError("message.withdrawn", "That message was taken away by whoever said it.")
    return _Spoken(cursor, raw, sender, bool(mine), kind, person, public)


def _check_own(spoken: _Spoken) -> None:
    if not spoken.mine:
        raise RefusedError("message.not_yours", "Only what you have said yourself can be changed or taken back.")


def _check_contact(person: Person) -> None:
    if person.state is ContactState.BLOCKED:
        raise RefusedError("contact.blocked", "You have blocked this contact.", "Unblock them first.")
    if not person.answers:
        raise RefusedError("contact.not_accepted", "That can be said once the two of you are contacts.")

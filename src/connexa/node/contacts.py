"""What stands between two people, and how it changes: requests, acceptance, refusal, blocking (first-message §6, §7).

Every change is an event and a copy for the own devices, in one operation with the change itself.
"""

from __future__ import annotations

from connexa.content import Accept, ContactState, ProfileKey, ReceiptState, Text, decode
from connexa.node.account import Account, profile_key
from connexa.node.home import Home, Query, rows
from connexa.node.outbox import say
from connexa.node.own_copies import contact_of, copy_to_own_devices
from connexa.node.people import Person, all_people, person_of, set_state
from connexa.node.receipts import queue_receipt
from connexa.node.registers import decide
from connexa.store import Execute

__all__ = ["accept", "accepted_by_arrival", "change_door", "changed", "open_requests", "reject"]


def changed(execute: Execute, home: Home, account: Account, person: int, *, copy: bool = True) -> None:
    """Tell faces that a contact is not what it was, and with `copy`, where the owner has decided it here, the own devices."""
    now, after = home.clock(), person_of(execute, person)
    home.events.record(
        execute,
        str(account.address),
        "contact.changed",
        now,
        user=after.user.hex(),
        address=str(after.address),
        state=after.state.value,
        trust=after.trust.value,
    )
    if copy and after.user_key:
        decide(execute, home, account, contact_of(after))


def accept(execute: Execute, home: Home, account: Account, person: Person, *, answer: bool, ours: bool = True) -> None:
    """Become contacts. `answer`: they wait for our word, which carries the key of our door. `ours`: the owner has done it here.

    What they wrote in their request shows now, and only now they are told that it has arrived.
    """
    if person.state is ContactState.ACCEPTED:
        return
    now = home.clock()
    set_state(execute, person, ContactState.ACCEPTED)
    execute("UPDATE person SET stranger_from = 0 WHERE id = ?", (person.id,))
    after = person_of(execute, person.id)
    if answer:
        say(execute, account.id, person.id, "control", Accept(profile_key(execute, account.id)), now, home.rng)
    _show_request(execute, home, account, after)
    changed(execute, home, account, person.id, copy=ours)


def accepted_by_arrival(execute: Execute, home: Home, account: Account, person: Person, *, answer: bool) -> None:
    """Become contacts by what somebody sent. The own devices hear of it as of an arrival, which undoes no act of the owner there."""
    accept(execute, home, account, person, answer=answer, ours=False)
    if person.profile_key:
        copy_to_own_devices(execute, home, account, person, Accept(person.profile_key))


def _show_request(execute: Execute, home: Home, account: Account, person: Person) -> None:
    entries = rows(
        execute,
        "SELECT m.message, m.cursor, c.public, m.received FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE c.account = ? AND c.person = ? AND m.mine = 0 AND m.receipted = 0 ORDER BY m.cursor",
        (account.id, person.id),
    )
    for message, cursor, conversation, received in entries:
        home.events.record(
            execute,
            str(account.address),
            "message.new",
            received,
            id=message.hex(),
            conversation=conversation.hex(),
            cursor=cursor,
            mine=False,
            trust=person.trust.value,
        )
        queue_receipt(execute, person, message, ReceiptState.DELIVERED, home.settings.privacy)
        execute("UPDATE message SET receipted = 1 WHERE cursor = ?", (cursor,))


def reject(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Turn a request down; they are told nothing (first-message §6)."""
    set_state(execute, person, ContactState.REJECTED)
    execute("DELETE FROM outbox WHERE account = ? AND person = ? AND state = 'waiting'", (account.id, person.id))
    changed(execute, home, account, person.id)


def open_requests(query: Query, account: int, person: int) -> list[str]:
    """The texts of somebody's request, in order: what is shown when it is opened."""
    sql = (
        "SELECT m.content FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE c.account = ? AND c.person = ? AND m.mine = 0 AND m.hidden = 0 ORDER BY m.cursor"
    )
    bodies = (decode(row[0]).body for row in query(sql, (account, person)))
    return [body.text for body in bodies if isinstance(body, Text)]


def change_door(execute: Execute, home: Home, account: Account) -> None:
    """Give our door a new key: whoever is no contact (any more) knows none that opens it; contacts and own devices are told."""
    key, now = home.rng(32), home.clock()
    execute("UPDATE account SET profile_key = ?, token_until = 0, token_replace = 1 WHERE id = ?", (key, account.id))
    for person in all_people(execute, account.id):
        if person.answers:
            say(execute, account.id, person.id, "control", ProfileKey(key), now, home.rng)
    decide(execute, home, account, ProfileKey(key))

"""Years of messages in a moment: fills the log of a node that is not running, by the node's own functions, in its own database."""

from __future__ import annotations

from pathlib import Path

from connexa.content import ContactState, Content, Text, encode
from connexa.crypto import Rng
from connexa.identity import Address, UserSecret
from connexa.node.account import Account, load_account
from connexa.node.entry import Entry
from connexa.node.log import add_entry, conversation_of
from connexa.node.people import add_person, person_of
from connexa.node.premises import Premises
from connexa.node.schema import MIGRATIONS
from connexa.node.views import MessageState
from connexa.settings import paths
from connexa.store import Execute, load_key, open_database

from .randomness import SeededRandom

__all__ = ["account_with_contacts", "fill_log"]

WORDS = "as they wrote to each other for years, now and then a little more than this, and mostly a little less"


def fill_log(home: Path, messages: int, *, people: int, now: float) -> None:
    """Give the only account of the node below `home` so many contacts, and so many entries with them up to `now`, a minute apart."""
    where, rng = paths("default", {"CONNEXA_HOME": str(home)}), SeededRandom("years")
    key, _ = load_key(where.data, rng)
    database = open_database(Premises(where).database, key, MIGRATIONS)
    try:
        connection = database.writer_connection
        with connection:
            account = load_account(connection.execute, 1)
            contacts = [_contact(connection.execute, account, number, rng, now) for number in range(people)]
            for number in range(messages):
                _say(connection.execute, account, contacts[number % people], number, now - 60.0 * (messages - number), rng)
    finally:
        database.close()


def account_with_contacts(execute: Execute, *, people: int, now: float) -> Account:
    """Make an account that no homeserver knows, with so many contacts and nothing said: the only one of an empty store."""
    rng = SeededRandom("alone")
    user = UserSecret.generate(rng, int(now))
    execute(
        "INSERT INTO account (id, address, state, user, user_key, seed, device, dsk, dik, profile_key, created)"
        " VALUES (1, 'me@a.example', 'active', ?, ?, ?, ?, ?, ?, ?, ?)",
        (user.id, user.public.packet, user.seed, rng(32), rng(32), rng(32), rng(32), now),
    )
    account = load_account(execute, 1)
    for number in range(people):
        _contact(execute, account, number, rng, now)
    return account


def _contact(execute: Execute, account: Account, number: int, rng: Rng, now: float) -> tuple[int, bytes, bytes]:
    user = UserSecret.generate(rng, now)
    person = add_person(execute, account.id, Address.parse(f"friend-{number}@b.example"), ContactState.ACCEPTED, now)
    execute("UPDATE person SET user = ?, user_key = ? WHERE id = ?", (user.id, user.public.packet, person))
    return conversation_of(execute, account, person_of(execute, person)), user.id, rng(32)


def _say(execute: Execute, account: Account, contact: tuple[int, bytes, bytes], number: int, at: float, rng: Rng) -> None:
    conversation, user, device = contact
    mine, text = number % 3 == 0, f"message {number}, {WORDS[: 20 + number % 80]}"
    entry = Entry(
        message=rng(16),
        sender=account.user_id if mine else user,
        device=account.device if mine else device,
        counter=0,
        mine=mine,
        body=Text(text),
        content=encode(Content(int(at * 1000), Text(text))),
        sent=at,
        state=MessageState.READ if mine else MessageState.RECEIVED,
    )
    add_entry(execute, account.id, conversation, entry, at)

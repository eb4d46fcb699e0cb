"""The contact book: what a person does with contacts and requests, and how they are shown."""

from __future__ import annotations

from connexa.content import ContactState, ProfileKey
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.identity import Address, UserId, fingerprint_text
from connexa.node.account import Account, profile_key
from connexa.node.contacts import accept, change_door, changed, open_requests, reject
from connexa.node.home import Home, Query, first
from connexa.node.log import conversation_of
from connexa.node.outbox import say
from connexa.node.people import Person, add_person, all_people, ask_again, person_at, person_by_user, person_of, rival_holder, set_state
from connexa.node.sending import find_person, parse_id
from connexa.node.trust import IDENTITY_CHANGED, in_question, keep_key, trust_notes
from connexa.node.views import ContactView, RequestView, SafetyNumberView
from connexa.pairwise import safety_code, safety_number
from connexa.store import Execute

__all__ = [
    "accept_request",
    "add",
    "block",
    "contact_view",
    "list_contacts",
    "list_requests",
    "named",
    "reject_request",
    "remove",
    "rename",
    "request_from",
    "request_view",
    "safety_view",
    "unblock",
]

MAX_NAME = 64
_NOT_CONTACTS = (ContactState.PENDING, ContactState.REJECTED, ContactState.REPLACED)


def named(query: Query, account: int, who: str) -> Person:
    """The contact that is meant."""
    person = find_person(query, account, who)
    if person is None or person.state in _NOT_CONTACTS:
        raise NotFoundError("contact.not_found", "There is no such contact.")
    return person


def list_contacts(query: Query, account: int) -> list[ContactView]:
    """All contacts, blocked ones too."""
    return [contact_view(query, person, whole=False) for person in all_people(query, account) if person.state not in _NOT_CONTACTS]


def contact_view(query: Query, person: Person, *, whole: bool = True) -> ContactView:
    """One contact; `whole` with the notes of its timeline."""
    row = first(query, "SELECT public FROM conversation WHERE account = ? AND person = ?", (person.account, person.id))
    devices = person.devices
    return ContactView(
        user=person.user.hex(),
        address=str(person.address),
        name=person.name,
        state=person.state,
        fingerprint=fingerprint_text(UserId(person.user)) if person.user else "",
        trust=person.trust,
        verified_at=person.verified_at,
        verified_how=person.verified_how,
        devices=len(devices.devices) if devices else 0,
        warning=person.warning,
        rival=fingerprint_text(UserId(person.rival)) if person.rival else "",
        rival_since=person.rival_at,
        conversation=row[0].hex() if row else "",
        notes=trust_notes(query, person.id) if whole else [],
    )


def add(execute: Execute, home: Home, account: Account, address: Address, name: str) -> int:
    """Put somebody into the book; they learn of it with the first message. Adding somebody who asked accepts them."""
    if address == account.address:
        raise UsageError("contact.self", "That is your own address.")
    known = person_at(execute, account.id, address)
    if known is None:
        number = add_person(execute, account.id, address, ContactState.REQUESTED, home.clock(), name=_name(name))
        conversation_of(execute, account, person_of(execute, number))
        changed(execute, home, account, number)
        return number
    if known.state is ContactState.PENDING:
        accept(execute, home, account, known, answer=True)
    elif known.state is ContactState.REJECTED:
        ask_again(execute, known)
    if name:
        rename(execute, home, account, person_of(execute, known.id), name)
    return known.id


def rename(execute: Execute, home: Home, account: Account, person: Person, name: str) -> None:
    """Call somebody by a name of one's own."""
    execute("UPDATE person SET name = ? WHERE id = ?", (_name(name), person.id))
    changed(execute, home, account, person.id)


def _name(name: str) -> str:
    name = name.strip()
    if len(name) > MAX_NAME or "@" in name or not name.isprintable():
        raise UsageError("contact.bad_name", f"A name has at most {MAX_NAME} printable characters and no @.")
    return name


def block(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Shut somebody out: our door gets a new key, which everybody else is told (first-message §7)."""
    if person.state is ContactState.BLOCKED:
        return
    set_state(execute, person, ContactState.BLOCKED)
    execute("DELETE FROM outbox WHERE account = ? AND person = ? AND state = 'waiting'", (account.id, person.id))
    execute("DELETE FROM receipt WHERE account = ? AND person = ?", (account.id, person.id))
    changed(execute, home, account, person.id)
    change_door(execute, home, account)


def unblock(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Let somebody in again; they are given the key of our door."""
    if person.state is not ContactState.BLOCKED:
        return
    met = bool(person.profile_key)
    set_state(execute, person, ContactState.ACCEPTED if met else ContactState.REQUESTED)
    if met:
        say(execute, account.id, person.id, "control", ProfileKey(profile_key(execute, account.id)), home.clock(), home.rng)
    changed(execute, home, account, person.id)


def remove(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Forget a contact; the log stays until it is deleted. Writing to the address again begins anew, with whatever key it has then."""
    set_state(execute, person, ContactState.REJECTED)
    execute(
        "UPDATE person SET name = '', verified_at = 0, verified_how = '', warning = '', rival = x'', rival_at = 0, profile_key = x'',"
        " invite = x'' WHERE id = ?",
        (person.id,),
    )
    execute("DELETE FROM outbox WHERE account = ? AND person = ? AND state = 'waiting'", (account.id, person.id))
    changed(execute, home, account, person.id)


def safety_view(query: Query, account: Account, person: Person) -> SafetyNumberView:
    """The number to compare."""
    key = in_question(query, person)
    if not key.user_key:
        raise RefusedError("contact.not_found_yet", "The key of this contact is not known yet.", "It is known once a message has passed.")
    return SafetyNumberView(
        user=key.user.hex(),
        address=str(key.address),
        digits=safety_number(account.user, key.public),
        code=safety_code(account.user, key.public),
        trust=person.trust,
    )


def request_from(query: Query, account: int, request: str) -> Person:
    """The person who asks."""
    person = person_by_user(query, account, parse_id(request, 32, "person")) if "@" not in request else find_person(query, account, request)
    if person is None or person.state is not ContactState.PENDING:
        raise NotFoundError("request.not_found", "There is no such request.")
    return person


def accept_request(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Let somebody in; between two keys of one contact it is not decided in passing."""
    if (holder := rival_holder(execute, person)) is not None:
        raise RefusedError(
            IDENTITY_CHANGED,
            f"You know {holder.address} under another key.",
            f"Compare: connexa contact verify {holder.address}. Or go on without comparing: connexa contact trust {holder.address}",
        )
    accept(execute, home, account, person, answer=True)


def reject_request(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Turn somebody down; of two keys of one contact the known one is kept by that."""
    if (holder := rival_holder(execute, person)) is not None:
        keep_key(execute, home, account, holder)
        return
    reject(execute, home, account, person)


def list_requests(query: Query, account: int) -> list[RequestView]:
    """Who asks: domains and times, until one is opened (product §1, U11)."""
    pending = (person for person in all_people(query, account) if person.state is ContactState.PENDING)
    return [request for person in pending if (request := _request(query, person)).received]  # a key that was only met asks nothing


def request_view(query: Query, person: Person) -> RequestView:
    """One request, opened: the address and plain text."""
    closed = _request(query, person)
    return RequestView(
        id=closed.id,
        domain=closed.domain,
        received=closed.received,
        provisional=closed.provisional,
        warning=closed.warning,
        address=str(person.address),
        texts=open_requests(query, person.account, person.id),
    )


def _request(query: Query, person: Person) -> RequestView:
    sql = "SELECT max(m.received) FROM message m JOIN conversation c ON c.id = m.conversation WHERE c.account = ? AND c.person = ?"
    row = first(query, sql, (person.account, person.id))
    received = float(row[0]) if row and row[0] is not None else 0.0
    return RequestView(
        id=person.user.hex(),
        domain=person.address.domain,
        received=received,
        provisional=person.provisional,
        warning=IDENTITY_CHANGED if rival_holder(query, person) else "",
    )

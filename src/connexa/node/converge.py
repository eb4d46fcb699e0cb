"""What the owner decided on another own device, taken over here: the newer decision wins, read marks only go forward (protocol §15).

Nothing outward follows from it, but for one case: doors. Two devices that changed the key of our door without knowing of each other have
told contacts two keys, and each told the other's blocked person one of them. The device whose key wins makes a third one.
"""

from __future__ import annotations

from connexa.content import AccountName, Contact, ContactState, DeviceName, Draft, Flags, GroupChoice, ProfileKey, ReadMark, Register
from connexa.crypto import equal
from connexa.errors import IntegrityError
from connexa.identity import Address, UserId, UserPublic, read_device_list
from connexa.node.account import Account, profile_key
from connexa.node.arrivals import Taken
from connexa.node.contacts import accept, change_door, changed
from connexa.node.devices import keep_list
from connexa.node.groups.book import conversation_of_group
from connexa.node.groups.choices import take_choice
from connexa.node.home import Home, first
from connexa.node.log import conversation_of, settle_conversation
from connexa.node.people import Person, add_person, person_at, person_by_user, person_of
from connexa.node.registers import is_newer, keep_stamp, set_by_this
from connexa.node.trust import follow_decision, standing
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["person_named", "take_register"]

MAX_AHEAD = 86_400_000  # ms; a clock that is further ahead would win for ever


def take_register(execute: Execute, home: Home, account: Account, register: Register, taken: Taken, *, live: bool) -> None:
    """Take over a decision if it is the newer one. `live`: it was just made, and does not come by repair or with the history."""
    if register.at > home.clock() * 1000 + MAX_AHEAD:
        raise IntegrityError("register.future", "Another device of yours has a clock that is more than a day ahead.")
    newer = is_newer(execute, account.id, register)
    if isinstance(register.value, ReadMark):
        _mark_read(execute, home, account, register.value, newer=newer)
    if newer:
        _apply(execute, home, account, register, taken)
        keep_stamp(execute, account.id, register)
    elif live and isinstance(register.value, ProfileKey):
        _settle_doors(execute, home, account, register.value, taken)


def _apply(execute: Execute, home: Home, account: Account, register: Register, taken: Taken) -> None:
    value = register.value
    match value:
        case Contact():
            _take_contact(execute, home, account, value, taken, decided=register.at > 0)
        case Flags() | Draft():
            _take_conversation(execute, home, account, value)
        case AccountName(name):
            execute("UPDATE account SET name = ? WHERE id = ?", (name, account.id))
        case DeviceName(device, name):
            execute(
                "INSERT INTO own_device (account, device, name, listed, added) VALUES (?, ?, ?, 0, ?)"
                " ON CONFLICT (account, device) DO UPDATE SET name = excluded.name",
                (account.id, device, name, home.clock()),
            )
            home.events.record(execute, str(account.address), "device.changed", home.clock(), device=device.hex())
        case ProfileKey(key):
            # The device that changed it has uploaded the keys that follow from it; to do so again is harmless.
            execute("UPDATE account SET profile_key = ?, token_until = 0 WHERE id = ?", (key, account.id))
            taken.doors = True
        case GroupChoice():
            take_choice(execute, home, account, value)


def _settle_doors(execute: Execute, home: Home, account: Account, other: ProfileKey, taken: Taken) -> None:
    if set_by_this(execute, account, other) and not equal(profile_key(execute, account.id), other.profile_key):
        change_door(execute, home, account)
        taken.doors = True


def person_named(execute: Execute, home: Home, account: Account, user: UserId, address: Address) -> Person:
    """Somebody of whom another own device speaks; new to this one where it has not heard of them."""
    known = person_by_user(execute, account.id, user)
    if known is not None:
        return known
    if user == account.user_id:
        raise IntegrityError("content.malformed", "An own device speaks of its owner as of a contact.")
    waiting = person_at(execute, account.id, address)
    number = waiting.id if waiting and not waiting.user else None
    if number is None:
        number = add_person(execute, account.id, address, ContactState.REQUESTED, home.clock())
    execute("UPDATE person SET user = ? WHERE id = ?", (user, number))
    settle_conversation(execute, account, number, user)
    return person_of(execute, number)


def _take_contact(execute: Execute, home: Home, account: Account, contact: Contact, taken: Taken, *, decided: bool) -> None:
    """Take over the whole state of a contact; their key is checked against the id, their lists by the chain."""
    if UserPublic.from_packet(contact.user_key).id != contact.user:
        raise IntegrityError("content.malformed", "A contact's key is not the one that its id names.")
    person = person_named(execute, home, account, contact.user, contact.address)
    state = standing(person, contact)
    if not decided and person.state is ContactState.ACCEPTED:
        state = person.state  # an arrival made them a contact, which that device has not heard of yet
    if state is ContactState.ACCEPTED and person.state is not ContactState.ACCEPTED:
        accept(execute, home, account, person, answer=False, ours=False)
    execute(
        "UPDATE person SET state = ?, name = ?, profile_key = CASE WHEN ? = x'' THEN profile_key ELSE ? END WHERE id = ?",
        (state.value, contact.name, contact.profile_key, contact.profile_key, person.id),
    )
    if not person.user_key:
        execute("UPDATE person SET user_key = ? WHERE id = ?", (contact.user_key, person.id))
        if contact.attestation is not None:
            execute("UPDATE person SET attestation = ? WHERE id = ?", (contact.attestation.SerializeToString(), person.id))
    follow_decision(execute, home, account, person, contact)
    if contact.device_list is not None:
        _take_list(execute, account, person_of(execute, person.id), contact.device_list)
    taken.outbox.add(person.id)
    taken.receipts = True
    changed(execute, home, account, person.id, copy=False)


def _take_list(execute: Execute, account: Account, person: Person, signed: Signed) -> None:
    devices = read_device_list(signed, person.public)
    known = person.devices
    if known is None or devices.version > known.version:
        keep_list(execute, account.id, person.id, devices)
        execute("UPDATE person SET device_list = ?, looked_week = 0 WHERE id = ?", (signed.SerializeToString(), person.id))


def _known(execute: Execute, account: Account, user: UserId) -> Person:
    person = person_by_user(execute, account.id, user)
    if person is None:
        raise IntegrityError("sender.unknown", "Another device of yours speaks of a contact whom this one does not know.")
    return person


def _conversation(execute: Execute, account: Account, value: ReadMark | Flags | Draft) -> int:
    if value.group:
        return conversation_of_group(execute, account.id, value.of)
    return conversation_of(execute, account, _known(execute, account, UserId(value.of)))


def _mark_read(execute: Execute, home: Home, account: Account, mark: ReadMark, *, newer: bool) -> None:
    """Move the read cursor to where the other device has read; where that message is not here yet, as soon as it is."""
    conversation = _conversation(execute, account, mark)
    # In a group anybody can give an id once more: the first one counts, so that nothing is taken for read because of the second.
    where = "conversation = ? AND mine = 0" if mark.group else "sender = ?"
    sql = f"SELECT cursor FROM message WHERE account = ? AND message = ? AND {where} ORDER BY cursor LIMIT 1"  # noqa: S608 - constants
    row = first(execute, sql, (account.id, mark.message, conversation if mark.group else mark.of))
    if row is None:
        if newer:
            execute("UPDATE conversation SET read_message = ? WHERE id = ?", (mark.message, conversation))
        return
    moved = first(
        execute,
        "UPDATE conversation SET read_cursor = ?, read_message = x'' WHERE id = ? AND read_cursor < ? RETURNING 1",
        (row[0], conversation, row[0]),
    )
    if moved is not None:
        whose = {"conversation": mark.of.hex()} if mark.group else {"user": mark.of.hex()}
        home.events.record(execute, str(account.address), "conversation.read", home.clock(), **whose)


def _take_conversation(execute: Execute, home: Home, account: Account, value: Flags | Draft) -> None:
    conversation = _conversation(execute, account, value)
    match value:
        case Flags():
            sql = "UPDATE conversation SET muted = ?, archived = ?, pinned = ?, favourite = ? WHERE id = ?"
            execute(sql, (value.muted, value.archived, value.pinned, value.favourite, conversation))
        case Draft(text=text, subject=subject):
            execute("UPDATE conversation SET draft = ?, draft_subject = ? WHERE id = ?", (text, subject, conversation))
    public = first(execute, "SELECT public FROM conversation WHERE id = ?", (conversation,))
    home.events.record(execute, str(account.address), "conversation.changed", home.clock(), conversation=public[0].hex() if public else "")

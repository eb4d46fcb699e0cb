"""What the person's other devices tell this one: copies of what was said, contacts, read marks; and which devices there are (P25).

Copies are applied like the acts that they copy, without doing anything outward again.
"""

from __future__ import annotations

from connexa.content import (
    Accept,
    Contact,
    ContactState,
    Content,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Receipt,
    ReceiptState,
    Text,
    decode,
)
from connexa.errors import ConnexaError
from connexa.identity import DeviceList, follow_device_lists, read_device_list
from connexa.node.account import Account, own_device_list
from connexa.node.arrivals import Taken
from connexa.node.contacts import accept, changed
from connexa.node.devices import OWN, keep_list
from connexa.node.home import Home, first
from connexa.node.log import Entry, add_entry, conversation_of, settle_conversation
from connexa.node.people import Person, add_person, person_at, person_by_user, person_of
from connexa.node.sessions import Opened
from connexa.node.states import apply_early_receipts
from connexa.node.views import MessageState
from connexa.pairwise import Reason, Reject
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["check_own_sender", "keep_own_list", "take_own"]


def keep_own_list(execute: Execute, home: Home, account: Account, newest: Signed) -> bool:
    """Take over a newer list of our own devices; True if it was news."""
    known = own_device_list(execute, account)
    if known is not None and known[0].body == newest.body:
        return False
    devices = read_device_list(newest, account.user)
    keep_list(execute, account.id, OWN, devices, but=account.device)
    execute("UPDATE account SET device_list = ? WHERE id = ?", (newest.SerializeToString(), account.id))
    _keep_rows(execute, home, account, devices)
    home.events.record(execute, str(account.address), "device.changed", home.clock(), devices=len(devices.devices))
    return True


def _keep_rows(execute: Execute, home: Home, account: Account, devices: DeviceList) -> None:
    execute("UPDATE own_device SET listed = 0 WHERE account = ?", (account.id,))
    for listed in devices.devices:
        execute(
            "INSERT INTO own_device (account, device, listed, added) VALUES (?, ?, 1, ?)"
            " ON CONFLICT (account, device) DO UPDATE SET listed = 1",
            (account.id, listed.device, home.clock()),
        )


def check_own_sender(execute: Execute, home: Home, account: Account, opened: Opened, content: Content, at: float) -> None:
    """Check that the sender is one of our devices; a newer list in its introduction counts if it follows ours."""
    known = own_device_list(execute, account)
    if known is None:
        raise Reject(Reason.IDENTITY)
    newest = known[0]
    if content.intro is not None:
        newest = follow_device_lists(known[0], content.intro.device_lists, account.user, at)
        keep_own_list(execute, home, account, newest)
    if opened.sender.device not in read_device_list(newest, account.user).device_ids():
        raise Reject(Reason.IDENTITY)


def take_own(execute: Execute, home: Home, account: Account, opened: Opened, content: Content, taken: Taken) -> None:
    """Apply a batch of copies; one that does not hold is left out, the others count."""
    body = content.body
    if isinstance(body, NewerVersion):
        return
    if not isinstance(body, OwnCopies):
        raise Reject(Reason.MALFORMED)
    for copy in body.copies:
        execute("SAVEPOINT copy")
        try:
            _take_copy(execute, home, account, opened.sender.device, copy, taken)
        except ConnexaError:
            execute("ROLLBACK TO copy")
        execute("RELEASE copy")


def _take_copy(execute: Execute, home: Home, account: Account, device: bytes, copy: OwnCopy, taken: Taken) -> None:
    content = decode(copy.content)
    if isinstance(content.body, ProfileKey) and copy.user == account.user_id:
        execute(
            "UPDATE account SET profile_key = ?, token_until = 0 WHERE id = ?", (content.body.profile_key, account.id)
        )  # the device that changed it has uploaded the new keys already; uploading them again is harmless
        return
    person = person_by_user(execute, account.id, copy.user) or _stranger(execute, home, account, copy)
    match content.body:
        case Text() | NewerVersion():
            _take_entry(execute, home, account, person, device, copy, content)
        case Receipt(ReceiptState.READ, messages):
            _mark_read(execute, home, account, person, messages)
        case Accept() if person.state in (ContactState.REQUESTED, ContactState.PENDING):  # not against what the owner did since
            execute("UPDATE person SET profile_key = ? WHERE id = ? AND profile_key = x''", (content.body.profile_key, person.id))
            accept(execute, home, account, person, answer=False, ours=False)
            taken.outbox.add(person.id)
            taken.receipts = True
        case Contact():
            _take_contact(execute, home, account, person, content.body, taken)
        case _:
            pass


def _stranger(execute: Execute, home: Home, account: Account, copy: OwnCopy) -> Person:
    """Somebody to whom another device of ours has written first; who they are comes with their contact."""
    waiting = person_at(execute, account.id, copy.address)
    number = waiting.id if waiting and not waiting.user else None
    if number is None:
        number = add_person(execute, account.id, copy.address, ContactState.REQUESTED, home.clock())
    execute("UPDATE person SET user = ? WHERE id = ?", (copy.user, number))
    settle_conversation(execute, account, number, copy.user)
    return person_of(execute, number)


def _take_entry(execute: Execute, home: Home, account: Account, person: Person, device: bytes, copy: OwnCopy, content: Content) -> None:
    conversation = conversation_of(execute, account, person)
    text = content.body if isinstance(content.body, Text) else Text("")
    entry = Entry(
        message=copy.message,
        sender=account.user_id,
        device=device,
        counter=copy.counter,
        mine=True,
        kind="text" if isinstance(content.body, Text) else "unknown",
        text=text.text,
        subject=text.subject,
        reply_to=text.reply_to,
        content=copy.content,
        sent=content.sent_ms / 1000,
        state=MessageState.ACCEPTED,  # its device copies it once the homeserver has it
    )
    cursor = add_entry(execute, account.id, conversation, entry, home.clock())
    if cursor is None:
        return
    public = first(execute, "SELECT public FROM conversation WHERE id = ?", (conversation,))
    home.events.record(
        execute,
        str(account.address),
        "message.new",
        home.clock(),
        id=copy.message.hex(),
        conversation=public[0].hex() if public else "",
        cursor=cursor,
        mine=True,
    )
    apply_early_receipts(execute, home.events, account.id, copy.message)


def _mark_read(execute: Execute, home: Home, account: Account, person: Person, messages: tuple[bytes, ...]) -> None:
    conversation = conversation_of(execute, account, person)
    for message in messages:
        execute(
            "UPDATE conversation SET read_cursor = max(read_cursor, coalesce((SELECT cursor FROM message"
            " WHERE account = ? AND sender = ? AND message = ?), 0)) WHERE id = ?",
            (account.id, person.user, message, conversation),
        )
    home.events.record(execute, str(account.address), "conversation.read", home.clock(), user=person.user.hex())


def _take_contact(execute: Execute, home: Home, account: Account, person: Person, contact: Contact, taken: Taken) -> None:
    """Take over the whole state of a contact; their key is checked against the id, their lists by the chain."""
    if contact.state is ContactState.ACCEPTED and person.state is not ContactState.ACCEPTED:
        accept(execute, home, account, person, answer=False, ours=False)
    execute(
        "UPDATE person SET state = ?, name = ?, profile_key = CASE WHEN ? = x'' THEN profile_key ELSE ? END WHERE id = ?",
        (contact.state.value, contact.name, contact.profile_key, contact.profile_key, person.id),
    )
    if not person.user_key:
        execute("UPDATE person SET user_key = ? WHERE id = ?", (contact.user_key, person.id))
        if contact.attestation is not None:
            execute("UPDATE person SET attestation = ? WHERE id = ?", (contact.attestation.SerializeToString(), person.id))
    if contact.device_list is not None:
        _take_list(execute, account, person_of(execute, person.id), contact.device_list)
    taken.outbox.add(person.id)
    taken.receipts = True
    changed(execute, home, account, person.id, copy=False)


def _take_list(execute: Execute, account: Account, person: Person, signed: Signed) -> None:
    devices = read_device_list(signed, person.public)
    known = person.devices
    if person.public.id == person.user and (known is None or devices.version > known.version):
        keep_list(execute, account.id, person.id, devices)
        execute("UPDATE person SET device_list = ?, looked_week = 0 WHERE id = ?", (signed.SerializeToString(), person.id))

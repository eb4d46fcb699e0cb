"""Who wrote: the person behind a message that opened, known already or introduced by it (first-message §6, §9).

A device counts only if the newest verified list of its person names it. A list that is newer than the known one is followed by the
chain rules; the look-up is never ours to make here, for an arrival causes none (P40).
"""

from __future__ import annotations

from collections.abc import Sequence

from connexa.content import ContactState, Content, Introduced, Introduction, check_introduction
from connexa.errors import IntegrityError
from connexa.identity import Domain, ListedDevice, body_hash, follow_device_lists, read_device_list
from connexa.node.account import Account
from connexa.node.devices import keep_list
from connexa.node.domains import Trusted
from connexa.node.home import Home
from connexa.node.log import settle_conversation
from connexa.node.people import Person, add_person, person_at, person_by_user, person_of
from connexa.node.sessions import Opened
from connexa.node.trust import DEVICES_ADDED, meet_other_key, warn
from connexa.store import Execute
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1.keys_pb2 import InitialPart, Signed

__all__ = ["follow_list", "identify"]


def identify(
    execute: Execute,
    home: Home,
    account: Account,
    opened: Opened,
    initial: bytes,
    content: Content,
    trusted: Trusted,
    domain: Domain,
    at: float,
) -> Person:
    """Find or store the person who wrote, or raise; everything is checked before anything is stored.

    `initial` is the initial part, if the message has one; `at` is when the sender's homeserver accepted it.
    """
    person = person_by_user(execute, account.id, opened.sender.user)
    if content.intro is not None and initial:
        device = ListedDevice(opened.sender.device, body_hash(parse(InitialPart, initial, MAX_STATEMENT).certificate))
        known = Signed.FromString(person.device_list) if person and person.device_list else None
        introduced = check_introduction(
            content.intro, sender=opened.sender.user, device=device, domain=domain, domain_keys=trusted.keys, known=known, now=at
        )
        return _keep_introduced(execute, home, account, person, introduced, content.intro, provisional=trusted.provisional)
    if person is None or not _is_listed(person, opened):
        raise IntegrityError("sender.unknown", "A message came from a device that is in no known list.")
    if content.intro is not None:
        follow_list(execute, home, account, person, content.intro.device_lists, at)
        return person_of(execute, person.id)
    return person


def _is_listed(person: Person, opened: Opened) -> bool:
    """Only devices of the current list may send (P25)."""
    devices = person.devices
    return devices is not None and opened.sender.device in devices.device_ids()


def _keep_introduced(
    execute: Execute, home: Home, account: Account, person: Person | None, who: Introduced, intro: Introduction, *, provisional: bool
) -> Person:
    known = None if person else person_at(execute, account.id, who.address)
    if person is not None:
        number = person.id
    elif known is not None and not known.user:
        number = known.id  # we had written to their address and did not know their key yet
    else:
        number = add_person(execute, account.id, who.address, ContactState.PENDING, home.clock())
    execute(
        "UPDATE person SET user = ?, user_key = ?, attestation = ?, profile_key = ?, provisional = ? WHERE id = ?",
        (who.user.id, who.user.packet, intro.attestation.SerializeToString(), intro.profile_key, provisional, number),
    )
    if person is None:
        settle_conversation(execute, account, number, who.user.id)
    _keep_newer(execute, home, account, person_of(execute, number), who.device_list)
    if known is not None and known.id != number:
        meet_other_key(execute, home, account, known, person_of(execute, number))  # P26
    return person_of(execute, number)


def follow_list(execute: Execute, home: Home, account: Account, person: Person, lists: Sequence[Signed], at: float) -> None:
    """Take over a newer device list of somebody whom we know, or raise."""
    known = Signed.FromString(person.device_list) if person.device_list else None
    _keep_newer(execute, home, account, person, follow_device_lists(known, lists, person.public, at))


def _keep_newer(execute: Execute, home: Home, account: Account, person: Person, newest: Signed) -> None:
    if person.device_list and Signed.FromString(person.device_list).body == newest.body:
        return
    new = keep_list(execute, account.id, person.id, read_device_list(newest, person.public))
    execute("UPDATE person SET device_list = ?, looked_week = 0 WHERE id = ?", (newest.SerializeToString(), person.id))
    if new and person.device_list and person.state is ContactState.ACCEPTED:
        warn(execute, home, account, person, DEVICES_ADDED)  # no silent fan-out (P23)

"""The inbox: what a push brings, from the outer seal to the log, in one operation for each push frame (P07).

dedupe by envelope id → unseal → sender certificate under the pinned key of its domain → session → wrap → body → content → who wrote →
what it means. Each item is whole or absent: an item that does not hold changes nothing but the count of what could not be opened, and
nothing goes out because of it (P41).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from connexa.content import Content, conversation_id, decode
from connexa.errors import ConnexaError
from connexa.identity import Domain
from connexa.node.account import Account, own_device_list
from connexa.node.arrivals import Arrival, Taken, take_arrival
from connexa.node.asks import note_opened, note_stale_list, note_unopened
from connexa.node.devices import OWN
from connexa.node.domains import Trusted
from connexa.node.home import Home, first, rows
from connexa.node.introductions import identify
from connexa.node.link_frames import PushedItem
from connexa.node.own_devices import check_own_sender, take_own
from connexa.node.people import Person, person_by_user, person_of
from connexa.node.prekeys import seal_secret
from connexa.node.resends import repeat_unconfirmed
from connexa.node.sessions import Opened, Unopened, keep_opened, open_message, retire_cloned, retire_unheard, unseal
from connexa.pairwise import Duplicate, Reason, Reject, SessionEvent, Unsealed, check_wrap, open_body
from connexa.store import Execute
from connexa.wire.v1.link_pb2 import PushClass, PushItem
from connexa.wire.v1.message_pb2 import Packet

__all__ = ["take_held", "take_push"]

MAX_HELD = 2_048  # arrivals of domains that are not found yet: some 40 MB of them
MAX_HELD_OF_DOMAIN = 256
SEEN_KEPT = 60 * 86_400  # twice the longest life of an envelope


def take_push(execute: Execute, home: Home, account: Account, items: Sequence[PushedItem]) -> Taken:
    """Take one push frame; once this is durable, every item of it may be acknowledged."""
    taken = Taken()
    for item in items:
        _take(execute, home, account, item, taken)
    if items:
        execute("UPDATE account SET resume_seq = max(resume_seq, ?) WHERE id = ?", (max(item.seq for item in items), account.id))
    return taken


def _take(execute: Execute, home: Home, account: Account, item: PushedItem, taken: Taken) -> None:
    new = first(
        execute,
        "INSERT INTO envelope_seen (account, envelope, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
        (account.id, item.envelope, int(home.clock()) + SEEN_KEPT),
    )
    if new is None or item.device != account.device:
        return
    try:
        unsealed = unseal(account, seal_secret(execute, account.id, item.sek), item.sek, item.sealed)
    except Reject:
        _count_refused(execute, account)
        return
    trusted = home.domains.trusted(unsealed.claimed_domain)
    if trusted is None:
        _hold(execute, home, account, item, unsealed.claimed_domain)
        taken.held = True
        return
    _open(execute, home, account, item, unsealed, trusted, taken)


def _open(execute: Execute, home: Home, account: Account, item: PushedItem, unsealed: Unsealed, trusted: Trusted, taken: Taken) -> None:
    opened: Opened | None = None
    try:
        with _whole_or_absent(execute):
            opened = open_message(execute, account, unsealed, trusted.keys, accepted_at=item.accepted_at, now=home.clock())
            check_wrap(opened.wrap, item.envelope, conversation_id(account.user_id, opened.sender.user))
            raw = open_body(opened.wrap, item.body)
            _place(execute, home, account, item, unsealed, trusted, opened, decode(raw), raw, taken)
            keep_opened(execute, account.id, opened, home.clock())
    except Duplicate:
        return
    except Unopened as failed:
        _note_unopened(execute, home, account, failed)
    except ConnexaError as error:  # outwardly one: a sender learns nothing from why (P30)
        person = person_by_user(execute, account.id, opened.sender.user) if opened and error.code == "devices.gap" else None
        if opened and person and person.answers:
            note_stale_list(execute, home, account, person, opened.sender.device)
        else:
            _count_refused(execute, account)


def _place(
    execute: Execute,
    home: Home,
    account: Account,
    item: PushedItem,
    unsealed: Unsealed,
    trusted: Trusted,
    opened: Opened,
    content: Content,
    raw: bytes,
    taken: Taken,
) -> None:
    own = opened.sender.user == account.user_id
    if own != (item.kind == PushClass.PUSH_OWN):  # only our own devices send by the mailbox, and by nothing else
        raise Reject(Reason.IDENTITY)
    domain = Domain(unsealed.claimed_domain)
    if own:
        check_own_sender(execute, home, account, opened, content, item.accepted_at)
        take_own(execute, home, account, opened, content, taken)
        note_opened(execute, account.id, OWN, opened.sender.device)
        return
    if trusted.provisional and item.kind != PushClass.PUSH_REQUEST:
        raise Reject(Reason.IDENTITY)  # I81: a provisional domain brings requests and nothing else
    person = identify(execute, home, account, opened, unsealed.initial, content, trusted, domain, item.accepted_at)
    arrival = Arrival(person, opened.sender.device, opened.wrap, content, raw, by_request=item.kind == PushClass.PUSH_REQUEST)
    take_arrival(execute, home, account, arrival, taken)
    note_opened(execute, account.id, person.id, opened.sender.device)
    if opened.event is not None:
        _take_event(execute, home, account, person, opened.sender.device, opened.event, taken)


def _take_event(execute: Execute, home: Home, account: Account, person: Person, device: bytes, event: SessionEvent, taken: Taken) -> None:
    """Show what became of a session (P18), and send again what a device that begins anew may have lost."""
    _record_session_change(execute, home, account, event, person.user)
    if event is SessionEvent.REPLACED and repeat_unconfirmed(execute, home, account, person_of(execute, person.id), device):
        taken.outbox.add(person.id)


def _record_session_change(execute: Execute, home: Home, account: Account, event: SessionEvent, user: bytes) -> None:
    home.events.record(execute, str(account.address), "session.changed", home.clock(), code=event.name.lower(), user=user.hex())


@contextmanager
def _whole_or_absent(execute: Execute) -> Iterator[None]:
    execute("SAVEPOINT item")
    try:
        yield
    except ConnexaError:
        execute("ROLLBACK TO item")
        execute("RELEASE item")
        raise
    execute("RELEASE item")


def _note_unopened(execute: Execute, home: Home, account: Account, failed: Unopened) -> None:
    """A message that did not open is worth a word where a device sent it that we know; what anybody can make is only counted."""
    person = person_by_user(execute, account.id, failed.sender.user)
    if failed.sender.user == account.user_id:
        number, known = OWN, own_device_list(execute, account)
        listed = known[1].device_ids() if known else frozenset()
    else:
        number, devices = (person.id, person.devices) if person and person.answers else (OWN, None)
        listed = devices.device_ids() if devices else frozenset()
    if failed.reason is Reason.REPLAY or failed.sender.device not in listed:
        _count_refused(execute, account)
    else:
        note_unopened(execute, home, account, number, failed.sender.device, evidence=failed.is_evidence)
        if failed.reason in (Reason.HEADER, Reason.KEYS) or (number == OWN and failed.is_evidence):  # an own device is not asked
            retire_unheard(execute, account.id, failed.sender.user, failed.sender.device, home.clock())
    if failed.reason is Reason.CLONE and retire_cloned(execute, account.id, failed.sender.user, failed.sender.device):
        # Whoever of the two is the device, a new session is what only that one can follow (P44).
        _record_session_change(execute, home, account, SessionEvent.CLONED, failed.sender.user)


def _count_refused(execute: Execute, account: Account) -> None:
    execute("UPDATE account SET refused = refused + 1 WHERE id = ?", (account.id,))


def _hold(execute: Execute, home: Home, account: Account, item: PushedItem, domain: str) -> None:
    """Keep what cannot be judged yet: its domain is looked up meanwhile (first-message §8). What is too much for our disk is counted."""
    stored = PushItem(
        seq=item.seq,
        accepted_at=item.accepted_at,
        envelope=item.envelope,
        body=item.body,
        packet=Packet(device=item.device, sek=item.sek, sealed=item.sealed),
        **{"class": item.kind},
    )
    now = home.clock()
    full = first(
        execute,
        "SELECT count(*) >= ? OR coalesce(sum(domain = ?), 0) >= ? FROM held WHERE account = ?",
        (MAX_HELD, domain, MAX_HELD_OF_DOMAIN, account.id),
    )
    if full is not None and full[0]:
        execute("UPDATE account SET dropped = dropped + 1 WHERE id = ?", (account.id,))
        return
    execute(
        "INSERT INTO held (account, domain, item, since, next_try) VALUES (?, ?, ?, ?, ?)",
        (account.id, domain, stored.SerializeToString(), now, now),
    )


def take_held(execute: Execute, home: Home, account: Account, domain: str) -> Taken:
    """Open what waited for a domain that is found now."""
    taken = Taken()
    trusted = home.domains.trusted(domain)
    if trusted is None:
        return taken
    waiting = rows(execute, "DELETE FROM held WHERE account = ? AND domain = ? RETURNING item", (account.id, domain))
    for (raw,) in waiting:
        stored = PushItem.FromString(raw)  # our own row
        item = PushedItem(
            seq=stored.seq,
            accepted_at=stored.accepted_at,
            kind=getattr(stored, "class"),
            envelope=stored.envelope,
            body=stored.body,
            device=stored.packet.device,
            sek=stored.packet.sek,
            sealed=stored.packet.sealed,
        )
        try:
            unsealed = unseal(account, seal_secret(execute, account.id, item.sek), item.sek, item.sealed)
        except Reject:
            _count_refused(execute, account)
            continue
        _open(execute, home, account, item, unsealed, trusted, taken)
    return taken

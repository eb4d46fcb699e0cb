"""Ratchet sessions in the store: what opens an arriving packet, and what encrypts to a device.

States are pure values of the pairwise room; here they are read and written in the same operation as the effect that they belong to.
People choose the ids of their devices themselves, so a session belongs to a user and a device together, never to a device alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connexa.crypto import Ed25519Public, HybridSecret, Rng
from connexa.identity import DeviceId, UserId
from connexa.node.account import Account
from connexa.node.home import Query, first
from connexa.node.prekeys import forget_one_time, initial_seen, remember_initial, responder_secrets
from connexa.pairwise import (
    Bundle,
    Duplicate,
    Initial,
    Party,
    Reason,
    Reject,
    Sender,
    SessionEvent,
    SessionSet,
    Unsealed,
    Wrap,
    decode_wrap,
    encode_wrap,
    encrypt,
    initiate,
    open_sealed,
    read_initial,
    respond,
    verify_sender,
)
from connexa.store import Execute

__all__ = [
    "Opened",
    "SendingSessions",
    "Unopened",
    "begin_session",
    "can_send",
    "forget_sessions",
    "keep_opened",
    "load_sessions",
    "open_message",
    "retire_cloned",
    "retire_sessions",
    "retire_unheard",
    "unseal",
]


DAY = 86_400


def load_sessions(query: Query, account: int, user: bytes, device: bytes) -> SessionSet:
    """All sessions with a device of a user."""
    row = first(query, "SELECT sessions FROM session WHERE account = ? AND user = ? AND device = ?", (account, user, device))
    return SessionSet.load(row[0]) if row else SessionSet()


def _store(execute: Execute, account: int, user: bytes, device: bytes, sessions: SessionSet, *, new: bool = False) -> None:
    """Store sessions; where one of them is `new`, note that there was one."""
    execute(
        "INSERT INTO session (account, user, device, sessions) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, user, device) DO UPDATE SET sessions = excluded.sessions",
        (account, user, device, sessions.dump()),
    )
    if new:
        execute(
            "UPDATE person_device SET met = 1 WHERE account = ? AND device = ?"
            " AND person IN (SELECT id FROM person WHERE account = ? AND user = ?)",
            (account, device, account, user),
        )


def forget_sessions(execute: Execute, account: int, user: bytes, device: bytes) -> None:
    """Forget a device that is no longer in its person's list."""
    execute("DELETE FROM session WHERE account = ? AND user = ? AND device = ?", (account, user, device))


def retire_sessions(execute: Execute, account: int, user: UserId, device: DeviceId) -> bool:
    """Send no more on any session with a device, so that a new one is begun; False where that was so already."""
    sessions = load_sessions(execute, account, user, device)
    return _keep_retired(execute, account, user, device, sessions, sessions.retired())


def retire_unheard(execute: Execute, account: int, user: UserId, device: DeviceId, now: float) -> bool:
    """The same where no session opens what a device sends, at most once a day: anybody whom its domain vouches for can send such things.

    Nothing goes out because of it. What is sent next begins anew, so that sessions that have come apart come together again.
    """
    sessions = load_sessions(execute, account, user, device)
    if not sessions.sessions or max(session.binding.created for session in sessions.sessions) + DAY > now:
        return False
    return _keep_retired(execute, account, user, device, sessions, sessions.retired())


def retire_cloned(execute: Execute, account: int, user: UserId, device: DeviceId) -> bool:
    """The same after `Clone`; False also where a new session is on its way."""
    sessions = load_sessions(execute, account, user, device)
    return _keep_retired(execute, account, user, device, sessions, sessions.after_clone())


def _keep_retired(execute: Execute, account: int, user: UserId, device: DeviceId, before: SessionSet, after: SessionSet) -> bool:
    if after is before or all(session.retired for session in before.sessions):
        return False
    _store(execute, account, user, device, after)
    return True


def can_send(query: Query, account: int, user: bytes, device: bytes, now: float) -> bool:
    """Whether there is a session that may send to this device."""
    return load_sessions(query, account, user, device).for_sending(now) is not None


def begin_session(execute: Execute, account: Account, bundle: Bundle, now: float, rng: Rng) -> None:
    """Begin a session from a claimed bundle, unless one has come up meanwhile."""
    sessions = load_sessions(execute, account.id, bundle.party.user, bundle.party.device)
    if sessions.for_sending(now) is None:
        sessions = sessions.with_own(initiate(account.local_device, bundle, now, rng), now)
        _store(execute, account.id, bundle.party.user, bundle.party.device, sessions, new=True)


class SendingSessions:
    """The sessions with the devices of one recipient: loaded once for a batch, stored once behind it, in the same operation."""

    def __init__(self, query: Query, account: int, user: bytes, devices: Iterable[DeviceId], now: float) -> None:
        self._account = account
        self._user = user
        self._now = now
        self._sets = {device: load_sessions(query, account, user, device) for device in devices}

    def missing(self) -> tuple[DeviceId, ...]:
        """The devices to which no session may send."""
        return tuple(device for device, sessions in self._sets.items() if sessions.for_sending(self._now) is None)

    def introduces(self) -> bool:
        """Whether one of the devices has not answered yet, so that the content must say who writes."""
        return any((session := sessions.for_sending(self._now)) and session.initial for sessions in self._sets.values())

    def encrypt(self, device: DeviceId, wrap: Wrap, rng: Rng) -> tuple[bytes, bytes]:
        """Encrypt a wrap to a device; returns the initial part (or nothing) and the message."""
        session = self._sets[device].for_sending(self._now)
        if session is None:
            raise Reject(Reason.KEYS)
        after, message = encrypt(session, encode_wrap(wrap), rng)
        self._sets[device] = self._sets[device].with_sent(after)
        return session.initial, message

    def store(self, execute: Execute) -> None:
        """Store the advanced states before anything that they made can leave (P33)."""
        for device, sessions in self._sets.items():
            _store(execute, self._account, self._user, device, sessions)


def unseal(account: Account, secret: HybridSecret | None, sek: int, sealed: bytes) -> Unsealed:
    """Open the outer seal of a packet with the week's key."""
    if secret is None:
        raise Reject(Reason.KEYS)
    return open_sealed(secret, account.device, sek, sealed)


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that opened, with everything that has to be stored with it; nothing is stored yet."""

    sender: Sender
    party: Party | None  # the sender's keys, where the message began a session or repeated the beginning
    wrap: Wrap
    sessions: SessionSet
    event: SessionEvent | None
    initial: Initial | None  # to be remembered
    one_time: int | None  # to be deleted


class Unopened(Reject):
    """A message that its sender's domain vouches for, and that did not open."""

    def __init__(self, sender: Sender, reason: Reason) -> None:
        super().__init__(reason)
        self.sender = sender

    @property
    def is_evidence(self) -> bool:
        """Whether its header opened, which only the other end of a session can make: reason enough to ask (P41)."""
        return self.reason in (Reason.JUMP, Reason.STEP, Reason.BODY, Reason.CLONE)


@contextmanager
def _known(sender: Sender) -> Iterator[None]:
    try:
        yield
    except Duplicate:
        raise
    except Reject as refusal:
        raise Unopened(sender, refusal.reason) from None


def open_message(
    query: Query, account: Account, unsealed: Unsealed, keys: Iterable[Ed25519Public], *, accepted_at: float, now: float
) -> Opened:
    """Open what was unsealed, or raise `Reject`, `Unopened` or `Duplicate`; changes nothing."""
    sender = verify_sender(unsealed, keys, accepted_at)
    sessions = load_sessions(query, account.id, sender.user, sender.device)
    initial = read_initial(unsealed.initial, sender, accepted_at) if unsealed.initial else None
    if initial is None or sessions.knows(initial.ephemeral.raw):
        with _known(sender):
            received = sessions.receive(sender, unsealed.message, now)
        party = initial.party if initial else None
        return Opened(sender, party, decode_wrap(received.plaintext), received.sessions, received.event, None, None)
    with _known(sender):
        responded = respond(
            account.local_device,
            initial,
            responder_secrets(query, account.id, initial),
            unsealed.message,
            seen=initial_seen(query, account.id, initial),
            now=now,
        )
        after, event = sessions.with_theirs(responded.session, now)
    return Opened(sender, initial.party, decode_wrap(responded.plaintext), after, event, initial, responded.one_time)


def keep_opened(execute: Execute, account: int, opened: Opened, now: float) -> None:
    """Store the sessions, forget the used one-time key and remember the initial message, in the operation that stores the content."""
    new = opened.initial is not None
    _store(execute, account, opened.sender.user, DeviceId(opened.sender.device), opened.sessions, new=new)
    if opened.initial is not None:
        remember_initial(execute, account, opened.initial, now)
    if opened.one_time is not None:
        forget_one_time(execute, account, opened.one_time)

"""All sessions with one other device (pairwise §5), newest first: one that sends, at most five archived that only receive.

Two rules keep both sides together and old states dead. Where both began at once, both put the session with the lower ephemeral key
first. Once the other side has spoken on a session, older ones take no ratchet step any more (P16, P45). Until then our own new session
is what we send on, since whoever knows us can open it; only if the other side still speaks on an older one a day later, that one sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from msgspec.structs import replace

from connexa.identity import DeviceId, UserId
from connexa.pairwise._dump import dump_sessions, load_sessions
from connexa.pairwise._reject import Clone, Reason, Reject
from connexa.pairwise._sealed import Sender
from connexa.pairwise._session import Session, decrypt
from connexa.pairwise._skipped import MAX_AGE

__all__ = ["MAX_ARCHIVED", "Received", "SessionEvent", "SessionSet"]

MAX_ARCHIVED = 5
PATIENCE = 86_400  # seconds that our new session waits for its first answer while the other side speaks on an older one


class SessionEvent(Enum):
    """Something that a person may want to know (P18)."""

    REVIVED = auto()  # nobody answers our newest session, and an older one sends again: an old copy may have been restored
    REPLACED = auto()  # the other device began anew although a session was running
    PQ_BROKEN = auto()  # a new post-quantum key came mixed with another, as from a restored copy; the third time retires the session
    CLONED = auto()  # `Clone` was raised: two devices hold the other device's keys, or it was restored from an old copy (P44)


@dataclass(frozen=True, slots=True)
class SessionSet:
    """The sessions with one device, newest first."""

    sessions: tuple[Session, ...] = ()

    def for_sending(self, now: float) -> Session | None:
        """The session to send on, or None where a new one must be begun."""
        if not self.sessions:
            return None
        newest, *older = self.sessions
        if _unanswered(newest):
            since = newest.binding.created + PATIENCE
            if still := next((session for session in older if session.heard > since and session.may_send(now)), None):
                return still
        return newest if newest.may_send(now) else None

    def retired(self) -> SessionSet:
        """Where we ourselves were restored: everything here only receives from now on, and a new session is begun for the next message."""
        return SessionSet(tuple(replace(session, retired=True) for session in self.sessions))

    def after_clone(self) -> SessionSet:
        """After `Clone`: the same, unless our new session is on its way already; a copy may speak up more than once."""
        renewing = self.sessions and _unanswered(self.sessions[0]) and not self.sessions[0].retired
        return self if renewing else self.retired()

    def with_sent(self, session: Session) -> SessionSet:
        """After `encrypt` on the session for sending."""
        ephemeral = session.binding.ephemeral
        return SessionSet(tuple(session if one.binding.ephemeral == ephemeral else one for one in self.sessions))

    def with_own(self, session: Session, now: float) -> SessionSet:
        """After `initiate`: our new session is the active one."""
        self._check_party(session)
        return _pruned((session, *self.sessions), now)

    def with_theirs(self, session: Session, now: float) -> tuple[SessionSet, SessionEvent | None]:
        """After `respond`: the other side's new session, in the place that both sides give it, or `Reject` for somebody else's."""
        self._check_party(session)
        newest = self.sessions[0] if self.sessions else None
        if newest and _unanswered(newest) and newest.binding.ephemeral < session.binding.ephemeral:
            return _pruned((newest, session, *self.sessions[1:]), now), None
        event = SessionEvent.REPLACED if newest and not _unanswered(newest) else None
        return _pruned((session, *self.sessions), now), event

    def knows(self, ephemeral: bytes) -> bool:
        """Whether an initial message with that key belongs to a session that is here already (§2, replay rule 1)."""
        return any(session.binding.ephemeral == ephemeral for session in self.sessions)

    def receive(self, sender: Sender, message: bytes, now: float) -> Received:
        """Open a message with whichever session it belongs to, or raise `Reject`, `Duplicate` or `Clone`."""
        newer_spoke, sessions = False, _pruned(self.sessions, now).sessions
        for index, session in enumerate(sessions):
            _check_sender(session, sender)
            try:
                after, plaintext = decrypt(session, message, now, may_step=not newer_spoke)
            except Reject as refusal:
                if refusal.reason is Reason.CLONE:
                    raise Clone(sender.user, sender.device) from None
                if refusal.reason is not Reason.HEADER:
                    raise
                newer_spoke = newer_spoke or session.heard > 0
                continue
            kept = SessionSet((*sessions[:index], after, *sessions[index + 1 :]))
            return Received(kept, plaintext, self._event(kept, session, after, now))
        raise Reject(Reason.HEADER)

    def _event(self, kept: SessionSet, before: Session, after: Session, now: float) -> SessionEvent | None:
        if after.ratchet.pq.agreement.broken > before.ratchet.pq.agreement.broken:
            return SessionEvent.PQ_BROKEN
        was, sends = self.for_sending(now), kept.for_sending(now)
        changed = was and sends and was.binding.ephemeral != sends.binding.ephemeral
        return SessionEvent.REVIVED if changed and sends is not kept.sessions[0] else None

    def _check_party(self, session: Session) -> None:
        # People choose the ids of their devices, so a stranger may take one that a contact's device has (P13, P24).
        if self.sessions and _party(self.sessions[0]) != _party(session):
            raise Reject(Reason.IDENTITY)

    def dump(self) -> bytes:
        """The bytes that the store keeps."""
        return dump_sessions(self.sessions)

    @classmethod
    def load(cls, raw: bytes) -> SessionSet:
        """Stored sessions, or `IntegrityError`."""
        return cls(load_sessions(raw))


@dataclass(frozen=True, slots=True)
class Received:
    """An opened message and the sessions after it: to be stored together."""

    sessions: SessionSet
    plaintext: bytes
    event: SessionEvent | None

    def __repr__(self) -> str:
        return f"<Received redacted, event={self.event}>"


def _party(session: Session) -> tuple[UserId, DeviceId]:
    return session.binding.remote_user, session.binding.remote_device


def _unanswered(session: Session) -> bool:
    return session.binding.initiator and not session.confirmed


def _check_sender(session: Session, sender: Sender) -> None:
    binding = session.binding
    if (binding.remote_user, binding.remote_device, binding.remote_keys) != (sender.user, sender.device, sender.keys):
        raise Reject(Reason.IDENTITY)


def _pruned(sessions: tuple[Session, ...], now: float) -> SessionSet:
    """The first is the newest one; the others are archived from now on, or have been for at most 30 days."""
    newest, others = sessions[:1], sessions[1:]
    archived = (s if s.archived else replace(s, archived=int(now)) for s in others)
    kept = [s for s in archived if s.archived + MAX_AGE >= now]
    return SessionSet((*newest, *kept[:MAX_ARCHIVED]))

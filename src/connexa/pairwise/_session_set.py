"""All sessions with one other device (pairwise §5): one active, at most five archived that only receive.

Two rules keep both sides together and old states dead. Where both began at once, both put the session with the lower ephemeral key
first. A message that begins a new chain on an archived session makes it the active one again, unless the other side has shown that
it uses a newer session: then older ones take no step and come back no more (P16, P45).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from connexa.identity import DeviceId, UserId
from connexa.pairwise._dump import dump_sessions, load_sessions
from connexa.pairwise._reject import Clone, Reason, Reject
from connexa.pairwise._sealed import Sender
from connexa.pairwise._session import Session, decrypt
from connexa.pairwise._skipped import MAX_AGE

__all__ = ["MAX_ARCHIVED", "Received", "SessionEvent", "SessionSet"]

MAX_ARCHIVED = 5


class SessionEvent(Enum):
    """Something that a person may want to know (P18)."""

    REVIVED = auto()  # an archived session became the active one: two first messages crossed, or an old copy was restored
    REPLACED = auto()  # the other device began anew although a session was running
    PQ_BROKEN = auto()  # a new post-quantum key came mixed with another, as from a restored copy; the third time retires the session
    CLONED = auto()  # `Clone` was raised: two devices hold the other device's keys, or it was restored from an old copy (P44)


@dataclass(frozen=True, slots=True)
class SessionSet:
    """The sessions with one device, active first."""

    sessions: tuple[Session, ...] = ()

    def for_sending(self, now: float) -> Session | None:
        """The active session, or None where a new one must be begun."""
        return self.sessions[0] if self.sessions and self.sessions[0].may_send(now) else None

    def retired(self) -> SessionSet:
        """After `Clone`: everything here only receives from now on, so that a new session is begun before the next message."""
        return SessionSet(tuple(replace(session, retired=True) for session in self.sessions))

    def with_sent(self, session: Session) -> SessionSet:
        """After `encrypt` on the active session."""
        return SessionSet((session, *self.sessions[1:]))

    def with_own(self, session: Session, now: float) -> SessionSet:
        """After `initiate`: our new session is the active one."""
        self._check_party(session)
        return _pruned((session, *self.sessions), now)

    def with_theirs(self, session: Session, now: float) -> tuple[SessionSet, SessionEvent | None]:
        """After `respond`: the other side's new session, in the place that both sides give it, or `Reject` for somebody else's."""
        self._check_party(session)
        front = self.for_sending(now)
        if front and _unanswered(front) and front.binding.ephemeral < session.binding.ephemeral:
            return _pruned((front, session, *self.sessions[1:]), now), None
        event = SessionEvent.REPLACED if self.sessions and not _unanswered(self.sessions[0]) else None
        return _pruned((session, *self.sessions), now), event

    def knows(self, ephemeral: bytes) -> bool:
        """Whether an initial message with that key belongs to a session that is here already (§2, replay rule 1)."""
        return any(session.binding.ephemeral == ephemeral for session in self.sessions)

    def receive(self, sender: Sender, message: bytes, now: float) -> Received:
        """Open a message with whichever session it belongs to, or raise `Reject`, `Duplicate` or `Clone`."""
        newer_in_use = False
        for index, session in enumerate(self.sessions):
            _check_sender(session, sender)
            try:
                after, plaintext = decrypt(session, message, now, may_step=not newer_in_use)
            except Reject as refusal:
                if refusal.reason is Reason.CLONE:
                    raise Clone(sender.user, sender.device) from None
                if refusal.reason is not Reason.HEADER:
                    raise
                newer_in_use = newer_in_use or session.confirmed
                continue
            revived = index > 0 and not session.retired and after.ratchet.remote != session.ratchet.remote
            others = self.sessions[:index] + self.sessions[index + 1 :]
            place = 0 if revived else index
            kept = _pruned((*others[:place], after, *others[place:]), now)
            return Received(kept, plaintext, _event(session, after, revived=revived))
        raise Reject(Reason.HEADER)

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


def _event(before: Session, after: Session, *, revived: bool) -> SessionEvent | None:
    if after.ratchet.pq.agreement.broken > before.ratchet.pq.agreement.broken:
        return SessionEvent.PQ_BROKEN
    return SessionEvent.REVIVED if revived else None


def _party(session: Session) -> tuple[UserId, DeviceId]:
    return session.binding.remote_user, session.binding.remote_device


def _unanswered(session: Session) -> bool:
    return session.binding.initiator and not session.confirmed


def _check_sender(session: Session, sender: Sender) -> None:
    binding = session.binding
    if (binding.remote_user, binding.remote_device, binding.remote_keys) != (sender.user, sender.device, sender.keys):
        raise Reject(Reason.IDENTITY)


def _pruned(sessions: tuple[Session, ...], now: float) -> SessionSet:
    """The first is the active one; the others are archived from now on, or have been for at most 30 days."""
    active, *others = sessions
    active = replace(active, archived=0) if active.archived else active
    archived = (s if s.archived else replace(s, archived=int(now)) for s in others)
    kept = [s for s in archived if s.archived + MAX_AGE >= now]
    return SessionSet((active, *kept[:MAX_ARCHIVED]))

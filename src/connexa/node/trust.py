"""Whose key it is: what the owner compared, what happens when another key answers for a known address, and how the owner decides.

Implements P23 (contacts' half), P26 and identity §5. A row of `person` is one key. Where the domain of a contact attests another key for
the contact's address, its word is followed if nothing better was known: the domain's count of keys must have gone up, and the change
shows. Against a key that the owner has compared a domain's word is not enough: nothing is sent, and nothing of the new key counts as the
contact's, until the owner decides.
"""

from __future__ import annotations

from connexa.content import Contact, ContactState, VerifiedHow
from connexa.errors import IntegrityError, RefusedError, UsageError
from connexa.identity import UserId, fingerprint_text
from connexa.node.account import Account
from connexa.node.contacts import accept, accepted_by_arrival, changed
from connexa.node.home import Home, Query
from connexa.node.people import Person, person_by_user, person_of
from connexa.node.succession import hand_over, successor_of
from connexa.node.views import TrustNoteView
from connexa.pairwise import matches_safety_code, matches_safety_number
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Attestation, Signed

__all__ = [
    "DEVICES_ADDED",
    "IDENTITY_CHANGED",
    "follow_decision",
    "in_question",
    "keep_key",
    "meet_other_key",
    "note",
    "replace",
    "trust_key",
    "trust_notes",
    "unverify",
    "verify",
    "warn",
]

IDENTITY_CHANGED = "identity.changed"
DEVICES_ADDED = "devices.added"
MAX_NOTES = 64  # of one person; the oldest go


def note(execute: Execute, person: int, code: str, now: float, detail: str = "") -> None:
    """Put a line into the timeline of a person."""
    execute("INSERT INTO trust_note (person, at, code, detail) VALUES (?, ?, ?, ?)", (person, now, code, detail))
    execute(
        "DELETE FROM trust_note WHERE person = ? AND id <= (SELECT id FROM trust_note WHERE person = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (person, person, MAX_NOTES),
    )


def trust_notes(query: Query, person: int) -> list[TrustNoteView]:
    """What has happened to the trust in a person, oldest first."""
    found = query("SELECT at, code, detail FROM trust_note WHERE person = ? ORDER BY id", (person,))
    return [TrustNoteView(at=at, code=code, detail=detail) for at, code, detail in found]


def warn(execute: Execute, home: Home, account: Account, person: Person, code: str, detail: str = "") -> None:
    """Show a warning at a contact, as a line of the timeline and as an event; it stays until the owner has looked at it."""
    now = home.clock()
    execute("UPDATE person SET warning = ? WHERE id = ?", (code, person.id))
    note(execute, person.id, code, now, detail)
    home.events.record(execute, str(account.address), "trust.warning", now, code=code, user=person.user.hex(), address=str(person.address))


def in_question(query: Query, person: Person) -> Person:
    """The key that is to be compared: the one that answers now."""
    return (person_by_user(query, person.account, person.rival) if person.rival else None) or person


def meet_other_key(execute: Execute, home: Home, account: Account, known: Person, other: Person) -> None:
    """Another key, attested by its domain, answers for the address of somebody whom we know: follow it, or wait for the owner."""
    if known.state in (ContactState.PENDING, ContactState.REJECTED):
        return  # two strangers, or one who was forgotten: nothing hangs on the old key
    if _is_followed(known, other):
        replace(execute, home, account, known, other)
        warn(execute, home, account, person_of(execute, other.id), IDENTITY_CHANGED, _short(known.user))
    else:
        quarantine(execute, home, account, known, other)


def _is_followed(known: Person, other: Person) -> bool:
    if known.verified_at or other.provisional:  # a provisional domain attests nobody (I81)
        return False
    # What an invite named, no domain has attested: the owner was told that key by the contact.
    return known.anew or bool(known.attestation and _count(other) > _count(known))


def _count(person: Person) -> int:
    """The how-manieth key of the address it is, as its domain says; checked when it was stored."""
    return Attestation.FromString(Signed.FromString(person.attestation).body).n


def _short(user: bytes) -> str:
    return fingerprint_text(UserId(user))[:14]


def quarantine(execute: Execute, home: Home, account: Account, known: Person, other: Person) -> None:
    """Stop sending to somebody until the owner has decided between two keys."""
    if known.rival == other.user:
        return
    execute("UPDATE person SET rival = ?, rival_at = ? WHERE id = ?", (other.user, home.clock(), known.id))
    if known.state is ContactState.BLOCKED:
        execute("UPDATE person SET state = 'blocked' WHERE id = ?", (other.id,))
    warn(execute, home, account, known, IDENTITY_CHANGED, _short(other.user))
    changed(execute, home, account, known.id, copy=False)  # the own devices meet it too; only what the owner decides is told to them


def replace(execute: Execute, home: Home, account: Account, known: Person, other: Person, *, ours: bool = False) -> None:
    """Let another key take the place of the known one. The old one is listened to no more, and what was compared of it is over.

    `ours`: the owner has done it here, so the own devices follow.
    """
    _take_place(execute, account, known, other)
    after = person_of(execute, other.id)
    if known.state is not ContactState.ACCEPTED or not after.profile_key:
        changed(execute, home, account, after.id, copy=ours)
    elif ours:
        accept(execute, home, account, after, answer=True)
    else:
        accepted_by_arrival(execute, home, account, after, answer=True)


def _take_place(execute: Execute, account: Account, known: Person, other: Person) -> None:
    state = ContactState.BLOCKED if known.state is ContactState.BLOCKED else ContactState.REQUESTED
    execute(
        "UPDATE person SET state = ?, name = ?, replaces = ?, stranger_from = 0 WHERE id = ?",
        (state.value, other.name or known.name, known.user, other.id),
    )
    execute(
        "UPDATE person SET state = 'replaced', name = '', profile_key = x'', warning = '', waits = '', rival = x'', rival_at = 0, anew = 0"
        " WHERE id = ?",
        (known.id,),
    )
    execute("UPDATE trust_note SET person = ? WHERE person = ?", (other.id, known.id))
    for table in ("receipt", "ask", "resent"):  # what was still owed between us and the old key's devices
        execute(f"DELETE FROM {table} WHERE account = ? AND person = ?", (account.id, known.id))  # noqa: S608 - our own names
    hand_over(execute, account, known, person_of(execute, other.id))


def standing(person: Person, contact: Contact) -> ContactState:
    """How a contact stands after another own device told of it: only a comparison there brings a key back that was replaced here."""
    return ContactState.REPLACED if person.state is ContactState.REPLACED and not contact.verified_at else contact.state


def follow_decision(execute: Execute, home: Home, account: Account, before: Person, contact: Contact) -> None:
    """Take over what another device of the owner decided about the keys of a person, beside the rest of the contact.

    `before`: the person as they stood here until now.
    """
    execute(
        "UPDATE person SET verified_at = ?, verified_how = ?, replaces = ?, rival = ?, rival_at = ? WHERE id = ?",
        (
            contact.verified_at,
            contact.verified_how or "",
            contact.replaces or before.replaces,
            contact.rival,
            (before.rival_at or home.clock()) if contact.rival else 0,
            before.id,
        ),
    )
    if contact.verified_at != before.verified_at or (before.rival and not contact.rival):  # the owner has looked at it there
        execute("UPDATE person SET warning = '' WHERE id = ?", (before.id,))
    elif contact.rival and not before.rival:
        warn(execute, home, account, before, IDENTITY_CHANGED, _short(contact.rival))
    old = person_by_user(execute, account.id, contact.replaces) if contact.replaces else None
    if old is not None and old.state is not ContactState.REPLACED and old.id != before.id:
        _take_place(execute, account, old, before)
        execute("UPDATE person SET state = ? WHERE id = ?", (contact.state.value, before.id))
    elif before.state is ContactState.REPLACED and contact.verified_at:
        _give_back(execute, home, account, before)


def _give_back(execute: Execute, home: Home, account: Account, known: Person) -> None:
    """Undo what was followed here by itself: the owner had compared the old key on another device."""
    heir = successor_of(execute, known)
    if heir is None:
        return
    execute("UPDATE person SET replaces = x'' WHERE id = ?", (heir.id,))
    hand_over(execute, account, heir, known)
    if heir.state is not ContactState.REJECTED:  # else it was turned away there
        execute("UPDATE person SET state = 'pending' WHERE id = ?", (heir.id,))
        quarantine(execute, home, account, person_of(execute, known.id), heir)


# What the owner decides


def verify(execute: Execute, home: Home, account: Account, person: Person, how: VerifiedHow, proof: str) -> int:
    """Note that the owner compared the safety number; where another key answers, it was its number, and that key is the contact's now.

    `proof`: the digits, or the text of the other side's QR code. Returns whom it is about. Raises `safety.mismatch`, and changes nothing.
    """
    target = in_question(execute, person)
    if not target.user_key:
        raise _not_found_yet()
    if not _matches(account, target, how, proof):
        if target.id != person.id and _matches(account, person, how, proof):
            raise IntegrityError(
                "safety.mismatch",
                "That is the number of the key that you knew before, not of the one that answers now.",
                "If this contact says that nothing has changed, their homeserver lies: connexa contact keep.",
            )
        raise IntegrityError(
            "safety.mismatch", "The numbers differ: somebody may stand between you.", "Send nothing secret; compare again in person."
        )
    if target.id != person.id:
        replace(execute, home, account, person, target, ours=True)
    execute("UPDATE person SET verified_at = ?, verified_how = ?, warning = '' WHERE id = ?", (int(home.clock()), how.value, target.id))
    note(execute, target.id, "contact.verified", home.clock(), how.value)
    changed(execute, home, account, target.id)
    return target.id


def _matches(account: Account, person: Person, how: VerifiedHow, proof: str) -> bool:
    if how is VerifiedHow.SCANNED:
        return matches_safety_code(proof, account.user, person.public)
    return matches_safety_number(proof, account.user, person.public)


def unverify(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Take back that the number was compared."""
    if person.rival:
        raise RefusedError(IDENTITY_CHANGED, "Another key answers for this contact now.", "Decide about it first: connexa contact show.")
    execute("UPDATE person SET verified_at = 0, verified_how = '' WHERE id = ?", (person.id,))
    if person.verified_at:
        note(execute, person.id, "contact.unverified", home.clock())
    changed(execute, home, account, person.id)


def trust_key(execute: Execute, home: Home, account: Account, person: Person) -> int:
    """Take the key that answers now for the contact's, without having compared it."""
    other = _rival(execute, person)
    if not other.user_key:
        raise _not_found_yet()
    replace(execute, home, account, person, other, ours=True)
    note(execute, other.id, "identity.trusted", home.clock(), _short(other.user))
    return other.id


def keep_key(execute: Execute, home: Home, account: Account, person: Person) -> None:
    """Stay with the known key; the other one is not heard again."""
    other = _rival(execute, person)
    execute("UPDATE person SET state = 'rejected' WHERE id = ?", (other.id,))
    execute("UPDATE person SET rival = x'', rival_at = 0, warning = '' WHERE id = ?", (person.id,))
    note(execute, person.id, "identity.kept", home.clock(), _short(other.user))
    changed(execute, home, account, other.id)
    changed(execute, home, account, person.id)


def _rival(query: Query, person: Person) -> Person:
    other = in_question(query, person)
    if other.id == person.id:
        raise UsageError("identity.unchanged", "No other key answers for this contact.")
    return other


def _not_found_yet() -> RefusedError:
    return RefusedError("contact.not_found_yet", "The key of this contact is not known yet.", "It is known once a message has passed.")

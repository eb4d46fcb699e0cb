"""Rights at the recipient's homeserver: a contact's token, an invite, a stranger's step (first-message §2, §5, §7).

No answer enumerates: a token fails alike whether the user or the token is unknown, and its check does the same work; a stranger gets one
answer for unknown, deleted and not discoverable. Only a right that was valid before an account was deleted is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from connexa.crypto import equal, sha256
from connexa.homeserver.tables import Query, first
from connexa.identity import UserId
from connexa.pairwise import call_proof, packets_hash, right_proof, week_of
from connexa.store import Execute
from connexa.wire.v1.link_pb2 import Right, Status
from connexa.wire.v1.message_pb2 import Envelope, InviteProof

__all__ = ["DELETED_KEPT", "Resident", "judge_call", "judge_envelope", "remember", "resident", "resident_at", "token_opens", "was_used"]

DELETED_KEPT: Final = 60 * 86_400  # how long rights of a deleted account are still told from false ones
REMEMBERED: Final = 31 * 86_400  # a proof is good for three weeks, an envelope for thirty days
_NOBODY_KEY: Final = bytes(32)

ProofFor = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Resident:
    """A person who has, or had, an account here."""

    user: UserId
    localpart: str
    user_key: bytes
    attestation: bytes
    discoverable: bool
    deleted: int


_COLUMNS = "user, localpart, user_key, attestation, discoverable, deleted"


def resident(query: Query, user: bytes) -> Resident | None:
    """The account with this user id."""
    return _resident(query, f"SELECT {_COLUMNS} FROM account WHERE user = ?", user)  # noqa: S608 - constants


def resident_at(query: Query, localpart: str) -> Resident | None:
    """The account with this localpart; of several keys that it has had, the newest."""
    return _resident(query, f"SELECT {_COLUMNS} FROM account WHERE localpart = ? ORDER BY n DESC", localpart)  # noqa: S608 - constants


def _resident(query: Query, sql: str, key: bytes | str) -> Resident | None:
    row = first(query, sql, (key,))
    return Resident(UserId(row[0]), row[1], row[2], row[3], bool(row[4]), row[5]) if row else None


def judge_envelope(query: Query, envelope: Envelope, found: Resident | None, keys: Mapping[int, bytes], accepted_at: float) -> Status:
    """Whether an envelope's right opens the door of `found` (None: nobody has that user id), whose weekly keys are `keys`."""
    match envelope.WhichOneof("right"):
        case "token":
            return _told(token_opens(envelope, keys, accepted_at), found)
        case "invite":
            return _told(_invite_holds(query, envelope.user, envelope.invite, accepted_at, _proof_of(envelope)), found)
        case "stranger":
            return _stranger(found)
    return Status.STATUS_BAD_RIGHT


def judge_call(query: Query, call_id: bytes, raw: bytes, user: bytes, right: Right, found: Resident | None, now: float) -> Status:
    """Whether a look-up's or claim's right opens the door of `found`; `user` is empty where it was asked by localpart."""
    owner = found.user if found else b""

    def proof_for(key: bytes) -> bytes:
        return call_proof(key, call_id, raw, user)

    match right.WhichOneof("right"):
        case "token":
            return _told(_token_holds(_weekly_keys(query, owner), right.token, now, proof_for), found)
        case "invite":
            return _told(_invite_holds(query, owner, right.invite, now, proof_for), found)
        case "stranger":
            return _stranger(found)
    return Status.STATUS_BAD_RIGHT


def token_opens(envelope: Envelope, keys: Mapping[int, bytes], accepted_at: float) -> bool:
    """Whether an envelope's token was made under one of these weekly keys, and for these bytes."""
    return _token_holds(keys, envelope.token, accepted_at, _proof_of(envelope))


def _proof_of(envelope: Envelope) -> ProofFor:
    body, packets = sha256(envelope.body), packets_hash(envelope.packets)
    return lambda key: right_proof(key, envelope.id, envelope.user, body, packets)


def was_used(query: Query, scope: bytes, right_id: bytes) -> bool:
    """Whether this id was seen before in its scope."""
    return first(query, "SELECT 1 FROM used_right WHERE id = ?", (scope + right_id,)) is not None


def remember(execute: Execute, scope: bytes, right_id: bytes, now: float) -> None:
    """Remember an id for as long as its proof could be shown again."""
    execute("INSERT INTO used_right (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING", (scope + right_id, int(now) + REMEMBERED))


def _token_holds(keys: Mapping[int, bytes], shown: bytes, at: float, proof_for: ProofFor) -> bool:
    # Keys of the weeks around the time at which the sender's homeserver took it: mail may have waited on its way (first-message §7).
    # What does not open costs the same whether or not the person exists; what opens may be quicker, for who shows it knows that.
    week = week_of(at)
    for tried in (week, week - 1, week + 1):  # noqa: SIM110 - at every envelope: a generator costs more
        if equal(proof_for(keys.get(tried, _NOBODY_KEY)), shown) and tried in keys:
            return True
    return False


def _weekly_keys(query: Query, user: bytes) -> dict[int, bytes]:
    return dict(query("SELECT week, key FROM token_key WHERE user = ?", (user,)))


def _invite_holds(query: Query, user: bytes, shown: InviteProof, at: float, proof_for: ProofFor) -> bool:
    row = first(query, "SELECT secret, user, uses, expires FROM contact_invite WHERE id = ?", (shown.id,))
    secret = row[0] if row else _NOBODY_KEY
    proved = equal(proof_for(secret), shown.proof)
    return proved and row is not None and row[1] == user and row[2] > 0 and row[3] >= at


def _told(proved: bool, found: Resident | None) -> Status:
    if not proved or found is None:
        return Status.STATUS_BAD_RIGHT
    return Status.STATUS_NO_SUCH_USER if found.deleted else Status.STATUS_ACCEPTED


def _stranger(found: Resident | None) -> Status:
    open_door = found is not None and found.discoverable and not found.deleted
    return Status.STATUS_ACCEPTED if open_door else Status.STATUS_UNAVAILABLE

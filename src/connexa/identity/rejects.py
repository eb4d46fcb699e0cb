"""What an admin's device signs about a commit that does not hold: another one takes its place (groups §5.6).

A hub that is blind cannot tell a bad commit from a good one, so it takes this from the group's admins alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connexa.crypto import Ed25519Public, Ed25519Secret, Kind
from connexa.errors import IntegrityError
from connexa.identity.groups import GroupAdmins
from connexa.wire import HASH_SIZE, MAX_STATEMENT, parse
from connexa.wire.v1 import groups_pb2
from connexa.wire.v1.groups_pb2 import SignedReject

__all__ = ["CommitReject", "issue_reject", "verify_reject"]

MAX_PLACES: Final = 400
ALIAS_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class CommitReject:
    """The newest commit of a log is void: the one with this hash takes its place, and only these aliases are in the group."""

    group: bytes
    seq: int
    instead: bytes
    places: tuple[bytes, ...]


def issue_reject(reject: CommitReject, key: Ed25519Secret) -> SignedReject:
    """Sign with the key that an admin's device has for this group."""
    message = groups_pb2.CommitReject(group=reject.group, seq=reject.seq, instead=reject.instead, places=reject.places)
    body = message.SerializeToString(deterministic=True)
    return SignedReject(body=body, key=key.public.raw, signature=key.sign(Kind.COMMIT_REJECT, body))


def verify_reject(signed: SignedReject, admins: GroupAdmins) -> CommitReject:
    """Check that one of the admins' keys signed it; IntegrityError `group.bad_reject`."""
    if signed.key not in admins.keys:
        raise _bad("No admin of the group signed it.")
    Ed25519Public.from_bytes(signed.key).verify(Kind.COMMIT_REJECT, signed.body, signed.signature)
    message = parse(groups_pb2.CommitReject, signed.body, MAX_STATEMENT)
    places = tuple(message.places)
    if message.group != admins.group or len(message.instead) != HASH_SIZE:
        raise _bad("It is of another group, or malformed.")
    if not 1 <= len(places) <= MAX_PLACES or any(len(alias) != ALIAS_SIZE for alias in places):
        raise _bad("It names nobody, too many, or what is no alias.")
    return CommitReject(message.group, message.seq, message.instead, places)


def _bad(why: str) -> IntegrityError:
    return IntegrityError("group.bad_reject", f"The refusal of a commit does not hold. {why}")

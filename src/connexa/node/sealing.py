"""From content to an envelope: body once, a wrap for each device, a sealed packet around each, and the right that opens the door.

Runs inside the operation that stores the sessions and the envelope: the states advance together with the bytes that they made (P33).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from connexa.content import (
    OWN_COPY_UNIT,
    REQUEST_BUCKET,
    Content,
    Introduction,
    InviteShown,
    conversation_id,
    decode,
    encode,
)
from connexa.crypto import Rng
from connexa.identity import UserId
from connexa.node.account import Account, own_device_list, profile_key
from connexa.node.devices import Recipient
from connexa.node.home import Query
from connexa.node.sessions import SendingSessions
from connexa.pairwise import SealedBody, Wrap, invite_introduction_proof, packets_hash, right_proof, seal, seal_body
from connexa.wire import BODY_BUCKETS, ENVELOPE_VERSION
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.message_pb2 import Envelope, InviteProof, Own, Packet, Step

__all__ = ["Door", "Outgoing", "introduction_of", "seal_envelope"]


@dataclass(frozen=True, slots=True)
class Door:
    """The right by which an envelope comes in: a contact's token, an invite, a stranger's step, or our own mailbox."""

    kind: str  # token, invite, stranger, own
    key: bytes = field(default=b"", repr=False)  # weekly key, or the invite's secret
    id: bytes = b""  # the invite's, the step's, or the one own device that it is for
    profile: bytes = field(default=b"", repr=False)  # the profile key from which a token's weekly key follows

    @property
    def is_first_contact(self) -> bool:
        """Whether the recipient does not know us yet, so that the body has the one size of requests."""
        return self.kind in ("invite", "stranger")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be said."""

    message: bytes
    counter: int
    last_seen: bytes
    content: bytes = field(repr=False)
    expires: float


def introduction_of(query: Query, account: Account, invite: InviteShown | None = None) -> Introduction | None:
    """Who we are; None while the homeserver has not attested it."""
    own = own_device_list(query, account)
    if own is None or not account.attestation.body:
        return None
    return Introduction(account.address, account.user.packet, account.attestation, (own[0],), profile_key(query, account.id), invite)


def seal_envelope(
    query: Query,
    account: Account,
    to: Recipient,
    sessions: SendingSessions,
    what: Outgoing,
    door: Door,
    sender: Signed,
    now: float,
    rng: Rng,
) -> tuple[bytes, bytes]:
    """Encrypt for exactly the devices of `to`; returns the envelope and the content as it was sent. The caller stores the sessions."""
    content = _introduced(query, account, to, sessions, what, door)
    body = seal_body(content, rng, _bucket(door))
    envelope = Envelope(
        version=ENVELOPE_VERSION,
        id=rng(16),
        expires=int(min(what.expires, now + 30 * 86_400 - 60)),
        domain=to.domain,
        user=to.user,
        body=body.ciphertext,
    )
    conversation = conversation_id(account.user_id, UserId(to.user))
    for key in to.devices:
        wrap = _wrap(body, envelope.id, what, conversation, to)
        initial, message = sessions.encrypt(key.device, wrap, rng)
        envelope.packets.append(Packet(device=key.device, sek=key.id, sealed=seal(key, sender, initial, message)))
    _open_door(envelope, door, body)
    return envelope.SerializeToString(), content


def _introduced(query: Query, account: Account, to: Recipient, sessions: SendingSessions, what: Outgoing, door: Door) -> bytes:
    """The content, with an introduction as long as one of the devices has not answered in its session (first-message §9)."""
    if door.kind == "own" and door.id:
        return what.content  # the two devices know each other by the list; every byte of the body is the content's
    if not sessions.introduces() and not door.is_first_contact:
        return what.content
    shown = None
    if door.kind == "invite":
        shown = InviteShown(door.id, invite_introduction_proof(door.key, account.user_id, UserId(to.user)))
    content: Content = decode(what.content)
    return encode(replace(content, intro=introduction_of(query, account, shown)))


def _bucket(door: Door) -> int:
    if door.is_first_contact:
        return REQUEST_BUCKET
    return OWN_COPY_UNIT if door.kind == "own" else BODY_BUCKETS[0]


def _wrap(body: SealedBody, envelope: bytes, what: Outgoing, conversation: bytes, to: Recipient) -> Wrap:
    return Wrap(
        key=body.key,
        body_digest=body.digest,
        body_id=envelope,
        message_id=what.message,
        conversation=conversation,
        counter=what.counter,
        last_seen=what.last_seen,
        list_version=to.list_version,
        list_digest=to.list_digest,
    )


def _open_door(envelope: Envelope, door: Door, body: SealedBody) -> None:
    match door.kind:
        case "own":
            envelope.own.CopyFrom(Own(only=door.id))
        case "stranger":
            envelope.stranger.CopyFrom(Step(id=door.id))
        case _:
            # Bound to this body and these packets: no hop can use the right for something else (P39).
            proof = right_proof(door.key, envelope.id, envelope.user, body.digest, packets_hash(envelope.packets))
            if door.kind == "token":
                envelope.token = proof
            else:
                envelope.invite.CopyFrom(InviteProof(id=door.id, proof=proof))

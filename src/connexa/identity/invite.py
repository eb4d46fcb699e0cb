"""The contact invite: what somebody hands over by another way so that you can write to them at once, without a stranger's step.

As text it is one word that survives line breaks, upper case and hyphens put in by mail programs:
`cxinvite1` and the base32 of SHA-256(label | body)[:5] | body, where body is the protobuf. It pins the domain's key alone
(first-message §8) and holds a secret, so it is never taken from argv.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from connexa.crypto import Ed25519Public, equal, sha256
from connexa.errors import ConnexaError, UsageError
from connexa.identity.address import Address, UserId, check_user_id
from connexa.identity.endpoint import Endpoints
from connexa.wire import parse
from connexa.wire.v1 import link_pb2

PREFIX = "cxinvite1"
MAX_INVITE = 1_024
MAX_TEXT = 4_096
_LABEL = b"connexa/contact-invite/v1\0"
_CHECK = 5


@dataclass(frozen=True, slots=True)
class ContactInvite:
    """Whose it is, the key of their domain, and the secret that opens their door."""

    address: Address
    user: UserId
    id: bytes
    secret: bytes = field(repr=False)
    expires: int
    domain_key: Ed25519Public
    endpoints: Endpoints


def format_contact_invite(invite: ContactInvite) -> str:
    """Write an invite as one pasteable word."""
    body = link_pb2.ContactInvite(
        address=str(invite.address),
        user=invite.user,
        id=invite.id,
        secret=invite.secret,
        expires=invite.expires,
        domain_key=invite.domain_key.raw,
        federation=str(invite.endpoints.federation),
        link=str(invite.endpoints.link),
        https=str(invite.endpoints.https),
    ).SerializeToString(deterministic=True)
    return PREFIX + base64.b32encode(_checksum(body) + body).decode().rstrip("=").lower()


def parse_contact_invite(text: str) -> ContactInvite:
    """Read a pasted invite; whether it has expired is the caller's to ask."""
    if len(text) > MAX_TEXT:
        raise _malformed("It is too long.")
    word = "".join(text.split()).replace("-", "").lower()
    if "cxpair" in word:  # P48: whoever brings somebody to enter such a code here wants more than to be a contact
        raise UsageError("invite.other_code", "That is the code of a new device, not an invite.", "It is nobody's but its owner's.")
    if not word.startswith(PREFIX):
        raise _malformed(f"An invite starts with {PREFIX}.")
    try:
        encoded = word.removeprefix(PREFIX).upper()
        raw = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    except (binascii.Error, ValueError):
        raise _malformed("It holds other characters than a to z and 2 to 7.") from None
    check, body = raw[:_CHECK], raw[_CHECK:]
    if not equal(check, _checksum(body)):
        raise _malformed("A part is missing or mistyped.")
    try:
        return _read(body)
    except ConnexaError:
        raise _malformed("Its contents are not valid.") from None


def _read(body: bytes) -> ContactInvite:
    message = parse(link_pb2.ContactInvite, body, MAX_INVITE)
    address = Address.from_wire(message.address)
    if len(message.id) != 16 or len(message.secret) != 32:
        raise _malformed("Its contents are not valid.")
    return ContactInvite(
        address=address,
        user=check_user_id(message.user),
        id=message.id,
        secret=message.secret,
        expires=message.expires,
        domain_key=Ed25519Public.from_bytes(message.domain_key),
        endpoints=Endpoints.parse(address.domain, federation=message.federation, link=message.link, https=message.https),
    )


def _checksum(body: bytes) -> bytes:
    return sha256(_LABEL, body)[:_CHECK]


def _malformed(why: str) -> UsageError:
    return UsageError("invite.malformed", f"That is not a contact invite. {why}")

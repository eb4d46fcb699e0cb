"""The invitation link of a group: whoever has it can come in, for as long as the admins let it stand.

`cxgroup1` and the base32 of SHA-256(label | body)[:5] | body, where body is GroupLink: one word, like a contact invite. It holds
secrets, so it is never taken from argv.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from connexa.crypto import equal, sha256
from connexa.errors import ConnexaError, UsageError
from connexa.identity import Domain, check_domain
from connexa.wire import parse
from connexa.wire.v1 import group_state_pb2 as pb

__all__ = ["GroupLink", "format_group_link", "parse_group_link"]

PREFIX = "cxgroup1"
MAX_TEXT = 1_024
_LABEL = b"connexa/group-link/v1\0"
_CHECK = 5


@dataclass(frozen=True, slots=True)
class GroupLink:
    """Where a group is, and what opens it."""

    group: bytes
    hub: Domain
    term: int
    join_key: bytes = field(repr=False)
    room_key: bytes = field(repr=False)


def format_group_link(link: GroupLink) -> str:
    """Write a link as one pasteable word."""
    body = pb.GroupLink(group=link.group, hub=link.hub, term=link.term, join_key=link.join_key, room_key=link.room_key).SerializeToString(
        deterministic=True
    )
    return PREFIX + base64.b32encode(_checksum(body) + body).decode().rstrip("=").lower()


def parse_group_link(text: str) -> GroupLink:
    """Read a pasted link."""
    word = "".join(text.split()).replace("-", "").lower()
    if len(text) > MAX_TEXT or not word.startswith(PREFIX):
        raise _malformed(f"A group's link starts with {PREFIX}.")
    encoded = word.removeprefix(PREFIX).upper()
    try:
        raw = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
        body = raw[_CHECK:]
        if not equal(raw[:_CHECK], _checksum(body)):
            raise _malformed("A part is missing or mistyped.")
        link = parse(pb.GroupLink, body, MAX_TEXT)
        if {len(link.group), len(link.join_key), len(link.room_key)} != {32}:
            raise _malformed("Its contents are not valid.")
        return GroupLink(link.group, check_domain(link.hub), link.term, link.join_key, link.room_key)
    except (binascii.Error, ValueError):
        raise _malformed("It holds other characters than a to z and 2 to 7.") from None
    except UsageError:
        raise
    except ConnexaError:
        raise _malformed("Its contents are not valid.") from None


def _checksum(body: bytes) -> bytes:
    return sha256(_LABEL, body)[:_CHECK]


def _malformed(why: str) -> UsageError:
    return UsageError("group_link.malformed", f"That is not the link of a group. {why}")

"""Who writes for the first time: what an introduction must prove, and how little a request may hold (first-message §3, §6, §9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connexa.content._codec import encode
from connexa.content._content import Content
from connexa.content._kinds import Introduction
from connexa.content._said import Text
from connexa.crypto import Ed25519Public
from connexa.errors import IntegrityError, RefusedError
from connexa.identity import (
    Address,
    Attestation,
    Domain,
    ListedDevice,
    UserId,
    UserPublic,
    follow_device_lists,
    read_device_list,
    verify_attestation,
)
from connexa.wire import BODY_ZEROS
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["MAX_REQUEST_TEXT", "REQUEST_BUCKET", "Introduced", "check_introduction", "check_request"]

REQUEST_BUCKET = 4_096  # the one size of a request's body, before its tag
MAX_REQUEST_TEXT = 2_048


@dataclass(frozen=True, slots=True)
class Introduced:
    """A sender whose address, key and devices fit together."""

    address: Address
    user: UserPublic
    attestation: Attestation
    device_list: Signed


def check_introduction(
    intro: Introduction,
    *,
    sender: UserId,
    device: ListedDevice,
    domain: Domain,
    domain_keys: Iterable[Ed25519Public],
    known: Signed | None,
    now: float,
) -> Introduced:
    """Check an introduction against the sealed sender, the session's device and the newest list that we know of this user.

    The device must stand in the newest list with the very certificate of the session; before that nothing is stored (§9).
    """
    user = UserPublic.from_packet(intro.user_key)
    if user.id != sender or intro.address.domain != domain:
        raise IntegrityError("introduction.invalid", "An introduction is not about the sender of the message.")
    attestation = verify_attestation(intro.attestation, domain_keys, address=intro.address, user=user.id)
    newest = follow_device_lists(known, intro.device_lists, user, now)
    if device not in read_device_list(newest, user).devices:
        raise IntegrityError("introduction.invalid", "An introduction's device is not in the list of that person's devices.")
    return Introduced(intro.address, user, attestation, newest)


def check_request(content: Content) -> bytes:
    """The encoded request, if it is one text of at most 2 KiB with an introduction: before acceptance nothing else may come (I71)."""
    body = content.body
    if not isinstance(body, Text) or body.attachments or content.intro is None:
        raise RefusedError("request.refused", "A first message is a text with an introduction, and nothing else.")
    if len(body.text.encode()) + len(body.subject.encode()) > MAX_REQUEST_TEXT:
        raise RefusedError(
            "request.too_large", "A first message holds at most 2 KiB of text.", "Send a short one now and the rest once they accept."
        )
    raw = encode(content)
    if len(raw) >= REQUEST_BUCKET - BODY_ZEROS:
        raise RefusedError("request.too_large", "A first message does not fit its size.", "Send a shorter text.")
    return raw

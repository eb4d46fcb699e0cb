"""What can be said: text, receipts, controls, own copies; their bytes, limits and order. Nothing about how it looks.

Values inside, protobuf at the wire. What a reader does not know is kept as `NewerVersion`.
"""

from __future__ import annotations

from connexa.content._codec import MAX_CONTENT, MAX_GAPS, MAX_OWN_CONTENT, MAX_RECEIPTS, decode, encode
from connexa.content._introduction import MAX_REQUEST_TEXT, REQUEST_BUCKET, Introduced, check_introduction, check_request
from connexa.content._kinds import (
    Accept,
    Body,
    Contact,
    ContactState,
    Content,
    DeviceLists,
    Introduction,
    InviteShown,
    Missing,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Receipt,
    ReceiptState,
    Resend,
    ResendAnswer,
    Text,
)
from connexa.content._order import NOTHING_SEEN, conversation_id, last_seen_hash
from connexa.content._own_copies import OWN_COPY_UNIT, batch_own_copies

__all__ = [
    "MAX_CONTENT",
    "MAX_GAPS",
    "MAX_OWN_CONTENT",
    "MAX_RECEIPTS",
    "MAX_REQUEST_TEXT",
    "NOTHING_SEEN",
    "OWN_COPY_UNIT",
    "REQUEST_BUCKET",
    "Accept",
    "Body",
    "Contact",
    "ContactState",
    "Content",
    "DeviceLists",
    "Introduced",
    "Introduction",
    "InviteShown",
    "Missing",
    "NewerVersion",
    "OwnCopies",
    "OwnCopy",
    "ProfileKey",
    "Receipt",
    "ReceiptState",
    "Resend",
    "ResendAnswer",
    "Text",
    "batch_own_copies",
    "check_introduction",
    "check_request",
    "conversation_id",
    "decode",
    "encode",
    "last_seen_hash",
]

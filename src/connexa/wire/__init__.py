"""The wire: what two programs say to each other, and how much of it.

`connexa.wire.v1` is generated from `proto/connexa/v1`. Bytes from outside become messages here and nowhere else: `parse` checks the
size before the syntax and refuses what it does not know. Beside it stand the limits, the choice of a version, the statuses, and the
exact bytes of the statements that links and federation sign. What a message means is for the rooms below.
"""

from __future__ import annotations

from ._envelope import ENVELOPE_VERSION, parse_envelope
from ._error import WireError, malformed
from ._limits import (
    AEAD_TAG,
    BODY_BUCKETS,
    BODY_ZEROS,
    DEVICE_SIZE,
    HASH_SIZE,
    ID_SIZE,
    MAX_BATCH,
    MAX_BATCH_ITEMS,
    MAX_BODY,
    MAX_DEVICES,
    MAX_DOMAIN,
    MAX_ENVELOPE,
    MAX_FEDERATION_FRAME,
    MAX_FRAME,
    MAX_INTEGER,
    MAX_INTRODUCE,
    MAX_ITEMS,
    MAX_PAIR_PAYLOAD,
    MAX_STATEMENT,
    MAX_TTL_SECONDS,
    NONCE_SIZE,
    PROOF_SIZE,
    REQUEST_BODY,
    SEALED_SIZES,
    SIGNATURE_SIZE,
    USER_SIZE,
    WEEK_SECONDS,
)
from ._parse import parse
from ._push import body_field, push_frame, push_item, stored_item
from ._statement import account_statement, federation_statement, login_statement, pass_statement
from ._status import STATUSES, Meaning, close_code, http_status, is_retried, meaning, status_code, status_of
from ._version import CURRENT, OURS, VersionRange, negotiate, unsupported

__all__ = [
    "AEAD_TAG",
    "BODY_BUCKETS",
    "BODY_ZEROS",
    "CURRENT",
    "DEVICE_SIZE",
    "ENVELOPE_VERSION",
    "HASH_SIZE",
    "ID_SIZE",
    "MAX_BATCH",
    "MAX_BATCH_ITEMS",
    "MAX_BODY",
    "MAX_DEVICES",
    "MAX_DOMAIN",
    "MAX_ENVELOPE",
    "MAX_FEDERATION_FRAME",
    "MAX_FRAME",
    "MAX_INTEGER",
    "MAX_INTRODUCE",
    "MAX_ITEMS",
    "MAX_PAIR_PAYLOAD",
    "MAX_STATEMENT",
    "MAX_TTL_SECONDS",
    "NONCE_SIZE",
    "OURS",
    "PROOF_SIZE",
    "REQUEST_BODY",
    "SEALED_SIZES",
    "SIGNATURE_SIZE",
    "STATUSES",
    "USER_SIZE",
    "WEEK_SECONDS",
    "Meaning",
    "VersionRange",
    "WireError",
    "account_statement",
    "body_field",
    "close_code",
    "federation_statement",
    "http_status",
    "is_retried",
    "login_statement",
    "malformed",
    "meaning",
    "negotiate",
    "parse",
    "parse_envelope",
    "pass_statement",
    "push_frame",
    "push_item",
    "status_code",
    "status_of",
    "stored_item",
    "unsupported",
]

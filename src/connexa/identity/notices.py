"""What a domain publishes for people to read and programs to check: a JSON document, signed as it stands (identity §3, product §5).

`{"v": 1, "document": TEXT, "key_id": …, "sig": …}`: TEXT is JSON itself, and its UTF-8 bytes are what the domain key signs, of a kind for
each sort of document. It names its domain and when it was issued.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidSignature, Kind
from connexa.errors import IntegrityError
from connexa.identity import _base64url
from connexa.identity.address import Domain

__all__ = ["CANARY_PATH", "MAX_NOTICE", "POLICIES_PATH", "issue_notice", "read_notice"]

POLICIES_PATH: Final = "/.well-known/connexa/policies"
CANARY_PATH: Final = "/.well-known/connexa/canary"
MAX_NOTICE: Final = 65_536


def issue_notice(kind: Kind, document: Mapping[str, Any], *, domain: Domain, now: float, key: Ed25519Secret, key_id: str) -> bytes:
    """Sign a document and write it as it is published."""
    text = json.dumps({"domain": domain, "issued": int(now), **document}, ensure_ascii=False, indent=1)
    signature = _base64url.encode(key.sign(kind, text.encode()))
    return json.dumps({"v": 1, "document": text, "key_id": key_id, "sig": signature}, ensure_ascii=False).encode()


def read_notice(raw: bytes, kind: Kind, keys: Iterable[Ed25519Public], *, domain: Domain) -> dict[str, Any]:
    """The document, if one of the domain's keys has signed it for this domain; IntegrityError `notice.invalid` where not."""
    if len(raw) > MAX_NOTICE:
        raise _invalid("It is too long.")
    try:
        outer = json.loads(raw)
        text, signature = outer["document"], _base64url.decode(outer["sig"])
        if outer["v"] != 1 or not _is_signed(kind, text.encode(), signature, keys):
            raise _invalid("Its signature does not hold.")
        document = json.loads(text)
        if not isinstance(document, dict) or document["domain"] != domain or not isinstance(document["issued"], int):
            raise _invalid("It is another domain's.")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _invalid("It is malformed.") from None
    return document


def _is_signed(kind: Kind, body: bytes, signature: bytes, keys: Iterable[Ed25519Public]) -> bool:
    for key in keys:
        try:
            key.verify(kind, body, signature)
        except InvalidSignature:
            continue
        return True
    return False


def _invalid(why: str) -> IntegrityError:
    return IntegrityError("notice.invalid", f"A domain's notice does not hold. {why}")

"""The TXT records at `_connexa.<domain>`: how a domain shows its key in DNS (identity §3).

    v=connexa1;k=<base64url of the Ed25519 key>;e=<host[:port]>;id=<[a-z0-9-]{1,16}>[;t=<unix>][;next=1]

Records of other kinds and versions are not ours and are passed over; a record of ours that is wrong makes the answer invalid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connexa.crypto import Ed25519Public, InvalidKey
from connexa.errors import UsageError
from connexa.identity import _base64url
from connexa.identity.address import Domain
from connexa.identity.endpoint import FEDERATION_PORT, Endpoint
from connexa.identity.server_info import DomainKey, PublishedKeys, invalid_info

MAX_RECORD = 2_048
MAX_RECORDS = 16
_VERSION = "connexa1"


def txt_name(domain: Domain) -> str:
    """The name that holds a domain's records."""
    return f"_connexa.{domain}"


@dataclass(frozen=True, slots=True)
class TxtAnswer:
    """What a domain's TXT records say; `federation` is None where they leave it to others."""

    keys: PublishedKeys
    federation: Endpoint | None


def format_txt(key: DomainKey, federation: Endpoint) -> str:
    """Write one record, to be put into a zone."""
    tags = [f"v={_VERSION}", f"k={_base64url.encode(key.key.raw)}", f"e={federation}", f"id={key.id}"]
    if key.not_before:
        tags.append(f"t={key.not_before}")
    if key.next:
        tags.append("next=1")
    return ";".join(tags)


def parse_txt(records: Iterable[Iterable[bytes]]) -> TxtAnswer | None:
    """Read all TXT records of the name, each given as its character-strings; None where none is ours."""
    texts = [b"".join(strings) for strings in records]
    if len(texts) > MAX_RECORDS or any(len(text) > MAX_RECORD for text in texts):
        raise invalid_info("Its TXT records are too many or too long.")
    ours = [tags for text in texts if (tags := _tags(text)) is not None]
    if not ours:
        return None
    keys = PublishedKeys.of(_key(tags) for tags in ours)
    current = next(tags for tags in ours if not _is_next(tags))
    return TxtAnswer(keys, _endpoint(current.get("e", "")))


def _tags(text: bytes) -> dict[str, str] | None:
    parts = [part.partition("=") for part in text.decode("utf-8", "replace").split(";")]
    pairs = [(name.strip(), value.strip()) for name, equals, value in parts if equals]
    if ("v", _VERSION) not in pairs:
        return None
    if len({name for name, _ in pairs}) != len(pairs):
        raise invalid_info("A TXT record repeats a tag.")
    return dict(pairs)


def _key(tags: dict[str, str]) -> DomainKey:
    not_before = tags.get("t", "0")
    if not (not_before.isascii() and not_before.isdigit() and len(not_before) <= 12):
        raise invalid_info("A TXT record has a malformed time.")
    try:
        key = Ed25519Public.from_bytes(_base64url.decode(tags.get("k", "")))
    except (ValueError, InvalidKey):
        raise invalid_info("A TXT record has no valid key.") from None
    return DomainKey(key, tags.get("id", "1"), int(not_before), _is_next(tags))


def _is_next(tags: dict[str, str]) -> bool:
    return tags.get("next") == "1"


def _endpoint(text: str) -> Endpoint | None:
    try:
        return Endpoint.parse(text, FEDERATION_PORT) if text else None
    except UsageError:
        raise invalid_info("A TXT record has a malformed endpoint.") from None

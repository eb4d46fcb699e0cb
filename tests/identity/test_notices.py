"""Signed documents of a domain: who changes a byte, the kind, the key or the domain is found out."""

from __future__ import annotations

import json

import pytest

from connexa.crypto import Ed25519Secret, Kind
from connexa.errors import IntegrityError
from connexa.identity import MAX_NOTICE, Domain, issue_notice, read_notice

DOMAIN, KEY, OTHER = Domain("b.example"), Ed25519Secret.from_seed(bytes(32)), Ed25519Secret.from_seed(bytes([1] * 32))


def issued(**changes: object) -> bytes:
    given = {"domain": DOMAIN, "now": 1_000.0, "key": KEY, "key_id": "1"} | changes
    return issue_notice(Kind.CANARY, {"statement": "Æ all is well"}, **given)  # type: ignore[arg-type]  # each has its type


def test_what_was_issued_is_read() -> None:
    document = read_notice(issued(), Kind.CANARY, [OTHER.public, KEY.public], domain=DOMAIN)
    assert document == {"domain": "b.example", "issued": 1_000, "statement": "Æ all is well"}


def test_a_changed_document_does_not_hold() -> None:
    outer = json.loads(issued())
    for name, value in (
        ("document", outer["document"].replace("well", "lost")),
        ("sig", outer["sig"][:-2] + ("AA" if outer["sig"][-2:] != "AA" else "BA")),
        ("v", 2),
        ("document", 5),
        ("sig", None),
    ):
        with pytest.raises(IntegrityError):
            read_notice(json.dumps(outer | {name: value}).encode(), Kind.CANARY, [KEY.public], domain=DOMAIN)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{}", b"\xff", b'{"v":1}', b"[" * 50_000, b" " * (MAX_NOTICE + 1)])
def test_what_is_no_notice_is_refused(raw: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_notice(raw, Kind.CANARY, [KEY.public], domain=DOMAIN)


def test_it_holds_for_its_kind_its_key_and_its_domain_alone() -> None:
    for kind, key, domain in (
        (Kind.POLICIES, KEY, DOMAIN),
        (Kind.CANARY, OTHER, DOMAIN),
        (Kind.CANARY, KEY, Domain("c.example")),
    ):
        with pytest.raises(IntegrityError):
            read_notice(issued(), kind, [key.public], domain=domain)

"""Every kind of message with bytes missing, appended and changed (V01, V02), begun from the official ones."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import cast

import pytest

from connexa.mls import DecodeError, MLSError, ValidationError
from connexa.mls.codec import decode, items, optional
from connexa.mls.conformance.messages import READERS
from connexa.mls.conformance.rebuilt import rebuilt
from connexa.mls.framing import MLSMessage, PublicMessage, unprotect_public
from connexa.mls.proposals import (
    Commit,
    Proposal,
    Remove,
    Unknown,
    encode_proposal,
    read_proposal,
)
from connexa.mls.registry import ContentType
from connexa.mls.suite import SUITES

PROPOSALS = [name for name in READERS if name.endswith("_proposal") and not name.startswith("public")]


@pytest.fixture(scope="module")
def messages(vectors: Path) -> list[dict[str, bytes]]:
    found = json.loads((vectors / "mls/messages.json").read_text())
    assert len(found) == 300
    return [{name: bytes.fromhex(value) for name, value in case.items()} for case in found]


@pytest.mark.parametrize("name", PROPOSALS)
def test_a_proposal_follows_its_type(messages: list[dict[str, bytes]], name: str) -> None:
    proposal = cast(Proposal, decode(READERS[name], messages[0][name]))
    assert decode(read_proposal, encode_proposal(proposal)) == proposal


def test_a_proposal_of_another_type_is_kept_as_bytes() -> None:
    assert decode(read_proposal, b"\xf0\x01\x03abc") == Unknown(0xF001, b"abc")
    assert encode_proposal(Unknown(0xF001, b"abc")) == b"\xf0\x01\x03abc"


@pytest.mark.parametrize("name", READERS)
def test_V01_every_truncation_and_every_appendix_is_refused(messages: list[dict[str, bytes]], name: str) -> None:
    raw = min((case[name] for case in messages[:20]), key=len)
    for end in range(0, len(raw), max(1, len(raw) // 700)):
        with pytest.raises(DecodeError):
            decode(READERS[name], raw[:end])
    with pytest.raises(DecodeError):
        decode(READERS[name], raw + b"\0")


@pytest.mark.parametrize("name", READERS)
def test_a_changed_byte_is_refused_or_read_as_what_stands_there(messages: list[dict[str, bytes]], name: str) -> None:
    raw = min((case[name] for case in messages[:20]), key=len)
    random = Random(name)
    places = range(len(raw)) if len(raw) < 400 else random.sample(range(len(raw)), 400)
    for at in places:
        for value in (raw[at] ^ 1 << random.randrange(8), 0xFF, 0xC0, 0x40, 0):
            changed = raw[:at] + bytes((value,)) + raw[at + 1 :]
            try:
                struct = decode(READERS[name], changed)
            except MLSError:
                continue
            assert struct.encode() == changed
            assert rebuilt(struct) == changed


def test_V22_application_data_in_a_public_message_is_syntax_but_refused(messages: list[dict[str, bytes]]) -> None:
    body = MLSMessage.decode(messages[0]["public_message_application"]).body
    assert isinstance(body, PublicMessage) and body.content.content_type == ContentType.APPLICATION
    with pytest.raises(ValidationError) as refused:
        unprotect_public(SUITES[1], body, b"", b"", lambda content: b"")
    assert refused.value.rule == "V22"


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("0002000100", "V01"),  # version 2
        ("00010006", "V02"),  # wire formats 1 to 5
        ("00010000", "V02"),
        ("00010001" + "00" + "00" * 8 + "05", "V02"),  # sender types 1 to 4
        ("00010001" + "00" + "00" * 8 + "03" + "00" + "04", "V02"),  # content types 1 to 3
        ("00010002" + "00" + "00" * 8 + "00", "V02"),
    ],
)
def test_V02_unknown_kinds_are_refused(raw: str, rule: str) -> None:
    with pytest.raises(DecodeError) as refused:
        MLSMessage.decode(bytes.fromhex(raw))
    assert refused.value.rule == rule


def test_V02_a_commit_lists_proposals_and_references_alone() -> None:
    with pytest.raises(DecodeError) as refused:
        decode(Commit.read, b"\x01\x03\x00")
    assert refused.value.rule == "V02"


def test_a_message_above_our_limit_is_refused_by_its_size() -> None:
    with pytest.raises(DecodeError, match="longer than we allow"):
        MLSMessage.decode(b"\0\1\0\2" + bytes(1 << 24))


def test_lists_and_optionals_end_with_their_input() -> None:
    with pytest.raises(DecodeError):
        optional(Remove.read, b"\1\0\0\0", 0)
    with pytest.raises(DecodeError):
        items(Remove.read, b"\x05\0\0\0\1\0", 0)

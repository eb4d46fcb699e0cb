"""Attachments and blobs: hostile names and images get nowhere, and no segment opens that is not the one that was sent."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexa.content import (
    MAX_ATTACHMENTS,
    MAX_FILE,
    MAX_THUMBNAIL,
    Attachment,
    Content,
    Introduction,
    Text,
    blob_keys,
    check_hashes,
    check_request,
    decode,
    encode,
    open_segment,
    seal_segment,
)
from connexa.crypto import sha256
from connexa.errors import IntegrityError, RefusedError, UsageError
from connexa.identity import Address
from connexa.pairwise import blob_id
from connexa.testing import SeededRandom
from connexa.wire import SEALED_SEGMENT, SEGMENT
from connexa.wire.v1 import message_pb2 as pb
from connexa.wire.v1.keys_pb2 import Signed


def png(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + bytes(12)


def jpeg(width: int, height: int, before: bytes = b"\xff\xe0\x00\x04JF") -> bytes:
    return b"\xff\xd8" + before + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(12) + b"\xff\xd9"


PICTURE = Attachment(
    name="Küche & Bad.jpg",
    type="image/jpeg",
    size=123_456,
    key=b"k" * 32,
    digest=b"d" * 32,
    expires=1_800_000_000,
    width=4_000,
    height=3_000,
    blur="LEHV6nWB2yk8pyo0adR*.7kCMdnj",
    thumbnail=jpeg(64, 48),
)


def said(*attachments: Attachment, text: str = "") -> Content:
    return Content(1_700_000_000_000, Text(text, attachments=attachments))


def test_what_is_sent_is_what_is_read() -> None:
    sound = Attachment("voice.opus", "audio/ogg", 0, b"k" * 32, b"d" * 32, 1, duration_ms=61_000, voice=True)
    for content in (said(PICTURE), said(PICTURE, sound, text="look"), said(replace(PICTURE, thumbnail=png(512, 1)))):
        assert decode(encode(content)) == content


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "..\\x",
        "a\0b",
        "a\nb",
        "x" * 256,
        "\u202egnp.exe",
        "zero\u200bwidth",
        "\u2066x",
        "tail ",
        " head",
        "line\u2028",
        "\ud800",
    ],
)
def test_a_name_that_leads_or_looks_elsewhere_is_refused(name: str) -> None:
    refuse(name=name)


def refuse(**changes: Any) -> None:
    """Neither sent nor, where protobuf can carry it, read."""
    with pytest.raises(UsageError):
        encode(said(replace(PICTURE, **changes)))
    raw = pb.Content.FromString(encode(said(PICTURE)))
    try:
        for field, value in changes.items():
            setattr(raw.text.attachments[0], field, value)
    except ValueError:
        return
    with pytest.raises(IntegrityError):
        decode(raw.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        {"type": ""},
        {"type": "image"},
        {"type": "IMAGE/PNG"},
        {"type": "text/html; charset=x"},
        {"type": "a/" + "b" * 126},
        {"size": MAX_FILE + 1},
        {"key": b"short"},
        {"digest": b"d" * 31},
        {"width": 65_536},
        {"blur": "<script>"},
        {"blur": "L" * 65},
        {"thumbnail": b"<svg/>"},
        {"thumbnail": png(513, 1)},
        {"thumbnail": png(0, 5)},
        {"thumbnail": jpeg(60_000, 60_000)},
        {"thumbnail": png(9, 9) + bytes(MAX_THUMBNAIL)},
        {"thumbnail": jpeg(8, 8, before=b"\xff\xd0")},  # a marker without a length: what follows means two things
        {"thumbnail": jpeg(8, 8)[:12]},
        {"thumbnail": b"\xff\xd8" * 50},
    ],
)
def test_what_is_no_attachment_is_refused(changes: dict[str, Any]) -> None:
    refuse(**changes)


def test_another_suite_and_too_many_are_refused() -> None:
    raw = pb.Content.FromString(encode(said(PICTURE)))
    raw.text.attachments[0].suite = 2
    with pytest.raises(IntegrityError):
        decode(raw.SerializeToString())
    small = replace(PICTURE, thumbnail=b"")
    assert len(decode(encode(said(*[small] * MAX_ATTACHMENTS))).body.attachments) == MAX_ATTACHMENTS  # type: ignore[union-attr]
    with pytest.raises(UsageError):
        encode(said(*[small] * (MAX_ATTACHMENTS + 1)))


def test_i71_a_request_brings_no_file() -> None:
    signed = Signed(body=b"b", signature=bytes(64))
    intro = Introduction(Address.parse("alice@a.example"), bytes(42), signed, (signed,), bytes(32))
    check_request(replace(said(text="may I?"), intro=intro))
    with pytest.raises(RefusedError):
        check_request(replace(said(PICTURE, text="may I?"), intro=intro))


RNG = SeededRandom("blobs")
KEYS = blob_keys(RNG(32))


def sealed(*plain: bytes) -> list[bytes]:
    return [seal_segment(KEYS, index, len(plain), one) for index, one in enumerate(plain)]


def test_segments_open_anywhere_and_hold_together() -> None:
    made = sealed(b"one" * 20_000, b"two", b"")
    assert {len(one) for one in made} == {SEALED_SEGMENT}
    assert open_segment(KEYS, 1, 3, made[1], sha256(made[1])) == b"two".ljust(SEGMENT, b"\0")
    hashes = b"".join(sha256(one) for one in made)
    check_hashes(hashes, 3, sha256(hashes))
    for wrong in (hashes[:-32], hashes + bytes(32), bytes(96), hashes[32:64] + hashes[:32] + hashes[64:]):
        with pytest.raises(IntegrityError):
            check_hashes(wrong, 3, sha256(hashes))


def test_truncated_reordered_and_swapped_segments_do_not_open() -> None:
    """Even where whoever keeps them could choose the hashes too."""
    made = sealed(b"a", b"b", b"c")
    tries = [
        (0, 3, made[1]),  # another place
        (2, 2, made[2]),  # another number of segments
        (1, 2, made[1]),  # cut after it: it was not the last
        (2, 4, made[2]),  # made longer: it was
        (0, 3, made[0][:-1]),
        (0, 3, made[0] + b"\0"),
        (0, 3, bytes([made[0][0] ^ 1]) + made[0][1:]),
    ]
    for index, count, segment in tries:
        with pytest.raises(IntegrityError) as failed:
            open_segment(KEYS, index, count, segment, sha256(segment))
        assert failed.value.code == "attachment.damaged"
    with pytest.raises(IntegrityError):
        open_segment(blob_keys(RNG(32)), 0, 3, made[0], sha256(made[0]))
    with pytest.raises(IntegrityError):  # made anew with the key, but not what the message names
        open_segment(KEYS, 0, 3, seal_segment(KEYS, 0, 3, b"z"), sha256(made[0]))


def test_the_homeserver_is_shown_nothing_that_opens() -> None:
    assert KEYS.id == blob_id(KEYS.read)
    assert len({KEYS.seal, KEYS.read, KEYS.id}) == 3
    assert "read=" not in repr(KEYS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_hostile_thumbnails_are_judged_without_an_error(noise: bytes, at: int, byte: int) -> None:
    for image in (noise, b"\xff\xd8" + noise, jpeg(8, 8), png(8, 8)):
        changed = image[:at] + bytes([byte]) + image[at + 1 :]
        try:
            encode(said(replace(PICTURE, thumbnail=changed)))
        except UsageError:
            continue

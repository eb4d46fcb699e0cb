"""The syntax of an envelope, one broken rule at a time (first-message §2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connexa.wire import MAX_BODY, WireError, parse_envelope
from connexa.wire.v1.message_pb2 import Envelope, InviteProof, Own, Packet, Step


def sound() -> Envelope:
    packet = Packet(device=b"d" * 32, sek=1, sealed=bytes(2_160))
    return Envelope(
        version=1, id=bytes(16), expires=1, domain="b.example", user=bytes(32), token=bytes(32), body=bytes(272), packets=[packet]
    )


def refusal(envelope: Envelope) -> str:
    with pytest.raises(WireError) as caught:
        parse_envelope(envelope.SerializeToString())
    return caught.value.code


@pytest.mark.parametrize(
    "change",
    [
        lambda e: None,
        lambda e: e.invite.CopyFrom(InviteProof(id=bytes(16), proof=bytes(32))),
        lambda e: e.stranger.CopyFrom(Step(id=bytes(16))),
        lambda e: e.stranger.CopyFrom(Step()),
        lambda e: e.own.CopyFrom(Own()),
        lambda e: e.own.CopyFrom(Own(only=bytes(32))),
        lambda e: e.packets.append(Packet(device=b"e" * 32, sealed=bytes(5_232))),
        lambda e: setattr(e, "body", bytes(MAX_BODY)),
    ],
)
def test_sound_envelopes_are_read(change: Callable[[Envelope], None]) -> None:
    envelope = sound()
    change(envelope)
    assert parse_envelope(envelope.SerializeToString()) == envelope


@pytest.mark.parametrize(
    "change",
    [
        lambda e: setattr(e, "id", bytes(15)),
        lambda e: setattr(e, "user", bytes(33)),
        lambda e: setattr(e, "domain", ""),
        lambda e: setattr(e, "domain", "a" * 129),
        lambda e: setattr(e, "body", b""),
        lambda e: setattr(e, "body", bytes(MAX_BODY + 1)),
        lambda e: e.ClearField("token"),
        lambda e: setattr(e, "token", bytes(31)),
        lambda e: e.invite.CopyFrom(InviteProof(id=bytes(16))),
        lambda e: e.invite.CopyFrom(InviteProof(proof=bytes(32))),
        lambda e: e.stranger.CopyFrom(Step(id=bytes(8))),
        lambda e: e.own.CopyFrom(Own(only=bytes(31))),
        lambda e: e.ClearField("packets"),
        lambda e: e.packets.append(e.packets[0]),
        lambda e: e.packets.extend(Packet(device=bytes([n]) * 32, sealed=bytes(2_160)) for n in range(8)),
        lambda e: setattr(e.packets[0], "device", bytes(31)),
        lambda e: setattr(e.packets[0], "sealed", bytes(2_161)),
    ],
)
def test_each_broken_rule_is_refused_as_malformed(change: Callable[[Envelope], None]) -> None:
    envelope = sound()
    change(envelope)
    assert refusal(envelope) == "envelope.malformed"


@pytest.mark.parametrize("version", [0, 2])
def test_another_version_is_refused_by_name(version: int) -> None:
    envelope = sound()
    envelope.version = version
    assert refusal(envelope) == "version.unsupported"


def test_the_largest_envelope_fits_and_one_above_the_limit_does_not() -> None:
    envelope = sound()
    envelope.body = bytes(MAX_BODY)
    del envelope.packets[:]
    envelope.packets.extend(Packet(device=bytes([n]) * 32, sek=2**32 - 1, sealed=bytes(5_232)) for n in range(8))
    envelope.domain = "a" * 128
    assert parse_envelope(envelope.SerializeToString()) == envelope
    with pytest.raises(WireError) as caught:
        parse_envelope(bytes(65_537))
    assert caught.value.code == "envelope.too_large"


def test_what_is_no_protobuf_is_malformed() -> None:
    with pytest.raises(WireError) as caught:
        parse_envelope(b"\xff\xff")
    assert caught.value.code == "envelope.malformed"

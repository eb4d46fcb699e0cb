"""What comes by the thousand, read without a message object: frames of envelopes and of acknowledgements, and envelopes under a token.

Each reader knows one layout, in which protobuf's writers put the fields of these messages: all of them, in the order of their numbers. What
it reads is what `parse` would read; to whatever looks different it answers None, and `parse` judges. So nothing is accepted here that is
refused there (tests/wire/test_bulk.py).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ._limits import DEVICE_SIZE, ID_SIZE, MAX_BODY, MAX_DEVICES, MAX_ENVELOPE, MAX_FRAME, MAX_ITEMS, PROOF_SIZE, SEALED_SIZES, USER_SIZE
from ._varint import number_of, varint

_NUMBER: Final = rb"([\x80-\xff]{0,8}[\x00-\x7f])"  # 63 bits: one of ten bytes is larger than any that we take
_SHORT: Final = rb"([\x80-\xff]{0,3}[\x00-\x7f])"  # for what is 32 bits wide
_SIZE: Final = rb"([\x80-\xff]{0,2}[\x00-\x7f])"
_SEND: Final = re.compile(rb"\x3a" + _SIZE)  # LinkUp.send
_NUMBERED: Final = re.compile(rb"\x0a" + _SIZE + rb"\x08" + _NUMBER + rb"\x12" + _SIZE)  # Send.envelopes: number, envelope
_ACK: Final = re.compile(rb"\x42" + _SIZE + rb"\x0a" + _SIZE)  # LinkUp.ack: seqs, packed
_PACKET: Final = re.compile(  # Envelope.packets: device, sek, sealed
    rb"\x5a" + _SIZE + rb"\x0a%s(.{%d})\x10" % (varint(DEVICE_SIZE), DEVICE_SIZE) + _SHORT + rb"\x1a" + _SIZE, re.DOTALL
)


class TokenPacket(NamedTuple):
    """`Packet`, and the bytes that say it."""

    device: bytes
    sek: int
    sealed: bytes
    raw: bytes


class TokenEnvelope(NamedTuple):
    """An `Envelope` under a token, for the domain of its reader, in the version that is spoken."""

    id: bytes
    expires: int
    user: bytes
    token: bytes
    body: bytes
    packets: tuple[TokenPacket, ...]


def read_sends(frame: bytes) -> list[tuple[int, bytes]] | None:
    """The numbers and envelopes of a `LinkUp.send`; None where it is something else or looks different."""
    head = _SEND.match(frame)
    whole = len(frame)
    if head is None or whole > MAX_FRAME or number_of(head[1]) != whole - head.end():
        return None
    at, found = head.end(), []
    while at < whole:
        item = _NUMBERED.match(frame, at)
        if item is None:
            return None
        inner, (length, number, size), begin = item.end(1), item.groups(), item.end()
        at = begin + number_of(size)
        if at - inner != number_of(length):
            return None
        found.append((number_of(number), frame[begin:at]))
    return found if at == whole and 0 < len(found) <= MAX_ITEMS else None


def read_acks(frame: bytes) -> list[int] | None:
    """The numbers of a `LinkUp.ack`; None where it is something else or looks different."""
    head = _ACK.match(frame)
    whole = len(frame)
    if head is None or whole > MAX_FRAME or number_of(head[1]) != whole - head.end(1) or number_of(head[2]) != whole - head.end():
        return None
    numbers, value, shift = [], 0, 0
    for byte in frame[head.end() :]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value = shift = 0
        elif shift > 56:  # its last byte would be the tenth
            return None
    return numbers if shift == 0 else None


class TokenReader:
    """Reads envelopes under tokens for one domain."""

    def __init__(self, domain: str) -> None:
        name = domain.encode()
        self._head = re.compile(
            rb"\x08\x01\x12%s(.{%d})\x18" % (varint(ID_SIZE), ID_SIZE)  # version 1, id
            + _NUMBER  # expires
            + re.escape(b"\x22" + varint(len(name)) + name)  # domain
            + rb"\x2a%s(.{%d})" % (re.escape(varint(USER_SIZE)), USER_SIZE)
            + rb"\x32%s(.{%d})" % (re.escape(varint(PROOF_SIZE)), PROOF_SIZE)  # token
            + rb"\x52"
            + _SIZE,  # body
            re.DOTALL,
        )

    def read(self, raw: bytes, *, odd_packets: bool) -> TokenEnvelope | None:
        """The envelope, with all that `parse_envelope` would have found right; None where that has to judge."""
        head = self._head.match(raw)
        whole = len(raw)
        if head is None or whole > MAX_ENVELOPE:
            return None
        id, expires, user, token, size = head.groups()
        begin = head.end()
        end = begin + number_of(size)
        body, packets = raw[begin:end], []
        while end < whole:
            packet = _PACKET.match(raw, end)
            if packet is None:
                return None
            length, device, sek, size = packet.groups()
            inner, begin = packet.end(1), packet.end()
            end = begin + number_of(size)
            if end - inner != number_of(length):
                return None
            packets.append(TokenPacket(device, number_of(sek), raw[begin:end], raw[inner:end]))
        if end != whole or not 1 <= len(body) <= MAX_BODY or not _sound(packets, odd_packets):
            return None
        return TokenEnvelope(id, number_of(expires), user, token, body, tuple(packets))


def _sound(packets: list[TokenPacket], odd: bool) -> bool:
    """Whether there are as many as there may be, for different devices, of sizes that there are."""
    if not (odd or all(len(packet.sealed) in SEALED_SIZES for packet in packets)):
        return False
    return len(packets) == 1 or 1 < len(packets) == len({packet.device for packet in packets}) <= MAX_DEVICES

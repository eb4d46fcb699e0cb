"""The syntax of an envelope: what every carrier checks before it asks about rights, quotas and devices (first-message §2).

Expiry, the right, the device list and the body's size class need a clock, a database or the recipient, and are checked there.
"""

from __future__ import annotations

from ._error import WireError
from ._limits import DEVICE_SIZE, ID_SIZE, MAX_BODY, MAX_DEVICES, MAX_DOMAIN, MAX_ENVELOPE, PROOF_SIZE, SEALED_SIZES, USER_SIZE
from ._parse import parse
from .v1.message_pb2 import Envelope

ENVELOPE_VERSION = 1


def parse_envelope(raw: bytes | memoryview, *, odd_packets: bool = False) -> Envelope:
    """Read an envelope and check its syntax, with `odd_packets` all but the sizes of packets.

    Raises WireError `envelope.too_large`, `envelope.malformed` or `version.unsupported`.
    """
    if len(raw) > MAX_ENVELOPE:
        raise WireError("envelope.too_large", f"An envelope is larger than {MAX_ENVELOPE} bytes.")
    try:
        envelope = parse(Envelope, raw, MAX_ENVELOPE)
    except WireError as error:
        raise WireError("envelope.malformed", error.message) from None
    if envelope.version != ENVELOPE_VERSION:
        raise WireError("version.unsupported", "An envelope has a version that is not spoken here.")
    _check_address(envelope)
    _check_right(envelope)
    _check_packets(envelope, odd_packets)
    return envelope


def _check_address(envelope: Envelope) -> None:
    if len(envelope.id) != ID_SIZE or len(envelope.user) != USER_SIZE:
        raise _malformed("its id or its user id has the wrong size")
    if not 1 <= len(envelope.domain.encode()) <= MAX_DOMAIN:
        raise _malformed("its domain is empty or too long")
    if not 1 <= len(envelope.body) <= MAX_BODY:
        raise _malformed("its body is empty or too long")


def _check_right(envelope: Envelope) -> None:
    match envelope.WhichOneof("right"):
        case "token":
            sound = len(envelope.token) == PROOF_SIZE
        case "invite":
            sound = len(envelope.invite.id) == ID_SIZE and len(envelope.invite.proof) == PROOF_SIZE
        case "stranger":
            sound = len(envelope.stranger.id) in (0, ID_SIZE)  # empty between homeservers
        case "own":
            sound = len(envelope.own.only) in (0, DEVICE_SIZE)
        case _:
            sound = False
    if not sound:
        raise _malformed("its right is missing or has the wrong size")


def _check_packets(envelope: Envelope, odd: bool) -> None:
    packets = envelope.packets
    if not 1 <= len(packets) <= MAX_DEVICES:
        raise _malformed("it has no packet, or too many")
    if len(packets) > 1 and len({packet.device for packet in packets}) != len(packets):
        raise _malformed("it has two packets for one device")
    for packet in packets:
        if len(packet.device) != DEVICE_SIZE or not (odd or len(packet.sealed) in SEALED_SIZES):
            raise _malformed("a packet has the wrong size")


def _malformed(what: str) -> WireError:
    return WireError("envelope.malformed", f"An envelope does not follow the protocol: {what}.")

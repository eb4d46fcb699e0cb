"""The identity room: texts that people paste or a zone publishes, and the statements that keys sign.

A signature or a checksum would stop every mutation at the door, so where one stands the damaged body is signed or summed anew: what is
fuzzed is what a holder of the key could send.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random

from connexa.crypto import Ed25519Secret, Kind, X25519Secret, sha256
from connexa.identity import (
    Address,
    Attestation,
    ContactInvite,
    DeviceCertificate,
    DeviceId,
    DomainKey,
    Endpoints,
    PublishedKeys,
    SenderCertificate,
    ServerInfo,
    StaticEntry,
    UserSecret,
    check_domain,
    format_contact_invite,
    format_discovery_file,
    format_txt,
    format_well_known,
    issue_attestation,
    issue_device_certificate,
    issue_domain_rotation,
    issue_sender_certificate,
    issue_server_info,
    next_device_list,
    parse_contact_invite,
    parse_discovery_file,
    parse_txt,
    parse_well_known,
    verify_attestation,
    verify_device_certificate,
    verify_device_list,
    verify_domain_rotation,
    verify_sender_certificate,
    verify_server_info,
)
from connexa.wire.v1.keys_pb2 import Signed, SignedRotation

from .target import Target

NOW = 1_800_000_000
_rng = Random(5).randbytes
_domain = check_domain("b.example")
_key, _next_key = Ed25519Secret.generate(_rng), Ed25519Secret.generate(_rng)
_user = UserSecret.generate(_rng, NOW)
_address = Address("bob", _domain)
_endpoints = Endpoints.parse(_domain, federation="mx.b.example:8444", link="192.0.2.1:8443")
_published = DomainKey(_key.public)
_info = issue_server_info(
    ServerInfo(_domain, PublishedKeys(_published, DomainKey(_next_key.public, "2", NOW, next=True)), _endpoints, NOW, NOW + 86_400, 1, 1),
    _key,
)
_rotation = issue_domain_rotation(_domain, _key, _next_key, not_before=NOW)
_certificate = issue_device_certificate(
    DeviceCertificate(_user.id, DeviceId(_rng(32)), Ed25519Secret.generate(_rng).public, X25519Secret.generate(_rng).public, NOW + 86_400),
    _user,
)
_attestation = issue_attestation(Attestation(_address, _user.id, 0), _key)
_sender = issue_sender_certificate(SenderCertificate(_user.id, DeviceId(_rng(32)), _rng(32), _domain, NOW + 86_400), _key, NOW)
_invite = ContactInvite(_address, _user.id, _rng(16), _rng(32), NOW, _key.public, _endpoints)


def _sign(secret: Ed25519Secret, kind: Kind, body: bytes) -> bytes:
    """A true signature, or none where the body is so short that no honest signer would sign it (identity §2)."""
    try:
        return secret.sign(kind, body)
    except ValueError:
        return bytes(64)


def _text(name: str, seed: str, read: Callable[[str], object], *codes: str) -> Target:
    return Target(f"identity.{name}", (seed.encode(),), lambda raw: read(raw.decode(errors="surrogateescape")), frozenset(codes))


def _signed(name: str, kind: Kind, secret: Ed25519Secret, seed: Signed, read: Callable[[Signed], object], *codes: str) -> Target:
    def resigned(body: bytes) -> None:
        read(Signed(body=body, signature=_sign(secret, kind, body)))

    return Target(
        f"identity.{name}",
        (seed.body,),
        resigned,
        frozenset({"frame.malformed", "frame.too_large", "key.invalid", "signature.invalid", *codes}),
    )


def _summed_invite() -> Target:
    body = base64.b32decode((word := format_contact_invite(_invite).removeprefix("cxinvite1").upper()) + "=" * (-len(word) % 8))[5:]

    def read(raw: bytes) -> None:
        summed = sha256(b"connexa/contact-invite/v1\0", raw)[:5] + raw
        parse_contact_invite("cxinvite1" + base64.b32encode(summed).decode().rstrip("="))

    return Target("identity.invite_body", (body,), read, frozenset({"invite.malformed"}))


def _rotations() -> Target:
    def read(body: bytes) -> None:
        old, new = (_sign(secret, Kind.DOMAIN_ROTATION, body) for secret in (_key, _next_key))
        verify_domain_rotation(SignedRotation(body=body, old_signature=old, new_signature=new), domain=_domain)

    codes = {"frame.malformed", "frame.too_large", "key.invalid", "signature.invalid", "rotation.invalid"}
    return Target("identity.rotation", (_rotation.body,), read, frozenset(codes))


TARGETS = (
    _text("address", "alice@a.example", Address.parse, "address.malformed", "domain.malformed"),
    _text("address_from_wire", "alice@a.example", Address.from_wire, "address.malformed", "domain.malformed"),
    _text("invite", format_contact_invite(_invite), parse_contact_invite, "invite.malformed"),
    _text(
        "discovery_file",
        format_discovery_file({_domain: StaticEntry(_domain, _key.public, _endpoints)}),
        parse_discovery_file,
        "discovery.malformed",
    ),
    Target(
        "identity.txt",
        (format_txt(_published, _endpoints.federation).encode(), b"v=spf1 -all"),
        lambda raw: parse_txt([[raw[:255], raw[255:]], [b"v=spf1"]]),
        frozenset({"domain.invalid"}),
    ),
    Target(
        "identity.well_known",
        (format_well_known(_info, "1", [_rotation]),),
        lambda raw: parse_well_known(raw, domain=_domain, now=NOW),
        frozenset({"domain.invalid"}),
    ),
    _summed_invite(),
    _rotations(),
    _signed(
        "server_info",
        Kind.SERVER_INFO,
        _key,
        _info,
        lambda signed: verify_server_info(signed, [_key.public], domain=_domain, now=NOW),
        "domain.invalid",
        "info.expired",
        "endpoint.malformed",
    ),
    _signed(
        "device_certificate",
        Kind.DEVICE,
        _user.key,
        _certificate,
        lambda signed: verify_device_certificate(signed, _user.public, NOW),
        "certificate.invalid",
        "certificate.expired",
    ),
    _signed(
        "device_list",
        Kind.DEVICE_LIST,
        _user.key,
        next_device_list(None, _user, [_certificate], NOW),
        lambda signed: verify_device_list(signed, _user.public, NOW),
        "devices.invalid",
        "devices.expired",
    ),
    _signed(
        "attestation",
        Kind.ATTESTATION,
        _key,
        _attestation,
        lambda signed: verify_attestation(signed, [_key.public], address=_address, user=_user.id),
        "attestation.invalid",
        "address.malformed",
        "domain.malformed",
    ),
    _signed(
        "sender",
        Kind.SENDER,
        _key,
        _sender,
        lambda signed: verify_sender_certificate(signed, [_key.public], domain=_domain, accepted_at=NOW),
        "sender.invalid",
        "sender.expired",
    ),
)

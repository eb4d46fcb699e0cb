"""Every door by which a public key comes in from outside, each as a function of the key's bytes that imports or uses it.

Whatever else a door checks holds: signatures are by the right keys, sizes and times are right. Only the key is another.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

from connexa.content import JoinExtra, MemberCard
from connexa.crypto import Ed25519Secret, Kind, X25519Secret, hkdf, hpke_open, hpke_seal, sha256
from connexa.crypto import aead_seal as seal_bytes
from connexa.identity import Domain, UserPublic, parse_discovery_file, verify_device_certificate
from connexa.identity import _base64url as base64url
from connexa.identity.groups import GroupAdmins, issue_admins, verify_admins
from connexa.identity.invite import parse_contact_invite
from connexa.identity.pin_record import load_pin
from connexa.identity.rejects import CommitReject, issue_reject, verify_reject
from connexa.identity.rotation import verify_domain_rotation
from connexa.identity.server_info import read_server_info, verify_server_info
from connexa.identity.statement import seal_statement
from connexa.identity.txt import parse_txt
from connexa.node.groups.admins import check_key
from connexa.node.groups.cards import identity_key_of
from connexa.node.groups.sealing import seal_extra
from connexa.pairwise import decrypt, parse_pairing_code, read_initial, read_prekey
from connexa.wire.v1 import keys_pb2, link_pb2
from connexa.wire.v1.keys_pb2 import InitialPart
from tests.node.groups.test_rules import STATE
from tests.pairwise.world import NOW, Device, acquainted, first_message, seeded

Door = Callable[[bytes], object]

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
DOMAIN = Ed25519Secret.generate(seeded(60))
GOOD_ED25519 = Ed25519Secret.generate(seeded(61)).public.raw
GOOD_X25519 = X25519Secret.generate(seeded(62)).public.raw


def _certificate(**keys: bytes) -> object:
    message = keys_pb2.DeviceCertificate.FromString(BOB.signed_certificate.body)
    for name, key in keys.items():
        setattr(message, name, key)
    return verify_device_certificate(seal_statement(Kind.DEVICE, message, BOB.user.key), BOB.user.public, NOW)


def _card(dik: bytes) -> MemberCard:
    """A member's card whose certificate names another key; that it is signed was checked when the card came in."""
    certificate = keys_pb2.DeviceCertificate.FromString(BOB.signed_certificate.body)
    certificate.dik = dik
    return MemberCard(BOB.user.id, keys_pb2.Signed(body=certificate.SerializeToString()), b"", keys_pb2.Signed())


def _initial_with(key: bytes | None = None, **certificate: bytes) -> object:
    """An initial part with this ephemeral key, or with a certificate of its initiator that holds another key."""
    part = InitialPart.FromString(first_message(ALICE, BOB)[0])
    if key is not None:
        part.ephemeral = key
    message = keys_pb2.DeviceCertificate.FromString(part.certificate.body)
    for name, raw in certificate.items():
        setattr(message, name, raw)
    part.certificate.CopyFrom(seal_statement(Kind.DEVICE, message, ALICE.user.key))
    keys = sha256(ALICE.user.public.key.raw, message.dsk)
    return read_initial(part.SerializeToString(), replace(ALICE.sender, keys=keys), NOW)


def _admins(key: bytes) -> object:
    """A set of a group's admins by the first of them, with this key as the second."""
    group = bytes(32)
    return verify_admins(issue_admins(GroupAdmins(group, 1, (DOMAIN.public.raw, key), ()), DOMAIN), group)


def _admin_key(key: bytes) -> bool:
    """A key that an admin's device shows in a group."""
    check_key(STATE, bytes(32), key)
    return True


def _reject(key: bytes) -> object:
    """A word of an admin with this key about a bad commit; with a good one it fails later, at the signature."""
    signed = issue_reject(CommitReject(bytes(32), 1, bytes(32), (bytes(32),)), DOMAIN)
    signed.key = key
    return verify_reject(signed, GroupAdmins(bytes(32), 1, (key,), ()))


def _initial_of_user(key: bytes) -> object:
    """An initial part by a user key of anybody's choice; with a good one it fails later, at the certificate's signature."""
    part = InitialPart.FromString(first_message(ALICE, BOB)[0])
    part.user_key = part.user_key[:10] + key
    return read_initial(part.SerializeToString(), ALICE.sender, NOW)


def prekey_door(kind: Kind, which: str, key: bytes) -> object:
    """A prekey of this kind with this key in that field, well signed."""
    signed = {Kind.SPK: BOB.spk, Kind.OTP: BOB.one_time, Kind.SEK: BOB.sek, Kind.KEM_LR: BOB.last_resort}[kind][0]
    message = keys_pb2.Prekey.FromString(signed.body)
    setattr(message, which, key)
    return read_prekey(kind, seal_statement(kind, message, BOB.dsk), BOB.certificate, NOW)


def _pairing_code(key: bytes) -> object:
    body = b"\x02" + key + bytes(96)
    text = "CXPAIR" + base64.b32encode(body + sha256(b"connexa/pair-code/v2\0", body)[:4]).decode().rstrip("=")
    return parse_pairing_code(text)


def _header(key: bytes) -> object:
    """A ratchet step onto this key; with a good one it fails later, at the body."""
    _, bob = acquainted()
    session = bob.sessions.sessions[0]
    hk, ad, nonce = session.ratchet.receiving.next_header, session.binding.ad_in, bytes(12)
    header = key + session.ratchet.receiving.n.to_bytes(4, "big") + bytes(12 + 130)
    keys = hkdf(hk, salt=nonce, info=b"Connexa/1 header", length=64)
    return decrypt(session, nonce + keys[32:] + seal_bytes(keys[:32], nonce, header, ad) + bytes(48), NOW)


def _encapsulation(key: bytes) -> object:
    """The X25519 half of a sealed packet's encapsulation; with a good one it fails later, at the tag."""
    sealed = hpke_seal(BOB.sek[1].public, b"x", b"")
    return hpke_open(BOB.sek[1], sealed[:1_088] + key + sealed[1_120:], b"")


def _server_info(key: bytes, *, pinned: bool) -> object:
    message = keys_pb2.ServerInfo(
        domain="b.example", issued=NOW, expires=NOW + 60, min_version=1, max_version=1, federation="b.example:1", link="b.example:2"
    )
    message.https = "b.example:3"
    message.keys.append(keys_pb2.DomainKey(id="1", key=DOMAIN.public.raw))
    message.keys.append(keys_pb2.DomainKey(id="2", key=key, not_before=NOW, next=True))
    signed = seal_statement(Kind.SERVER_INFO, message, DOMAIN)
    if pinned:
        return verify_server_info(signed, [DOMAIN.public], domain=Domain("b.example"), now=NOW)
    return read_server_info(signed, domain=Domain("b.example"), now=NOW)


def _rotation(old: bytes, new: bytes) -> object:
    """A rotation between keys of which one is the domain's; with good ones it fails later, at the other's signature."""
    body = keys_pb2.DomainRotation(domain="b.example", old_key=old, new_key=new, not_before=NOW, overlap_until=NOW + 60).SerializeToString()
    signature = DOMAIN.sign(Kind.DOMAIN_ROTATION, body)
    signed = keys_pb2.SignedRotation(body=body, old_signature=signature, new_signature=signature)
    return verify_domain_rotation(signed, domain=Domain("b.example"))


def _invite(key: bytes) -> object:
    body = link_pb2.ContactInvite(
        address="bob@b.example", user=BOB.user.id, id=bytes(16), secret=bytes(32), expires=NOW, domain_key=key, federation="b.example:1"
    )
    body.link, body.https = "b.example:2", "b.example:3"
    raw = body.SerializeToString()
    check = sha256(b"connexa/contact-invite/v1\0", raw)[:5]
    return parse_contact_invite("cxinvite1" + base64.b32encode(check + raw).decode().rstrip("=").lower())


def _pin(key: bytes) -> object:
    fields = '"domain":"b.example","state":"pinned","federation":"b.example:1","link":"b.example:2","https":"b.example:3"'
    rest = '"since":1,"checked":1,"secure":false,"info":null,"info_issued":0'
    return load_pin(f'{{"v":1,{fields},"keys":[["{base64url.encode(key)}",null]],{rest}}}'.encode())


ED25519_DOORS: dict[str, Door] = {
    "user key packet": lambda key: UserPublic.from_packet(BOB.user.public.packet[:10] + key),
    "user key of an initial part": _initial_of_user,
    "DSK in a certificate": lambda key: _certificate(dsk=key),
    "DSK in an initial part": lambda key: _initial_with(dsk=key),
    "TXT record": lambda key: parse_txt([[f"v=connexa1;k={base64url.encode(key)};e=b.example".encode()]]),
    "discovery file": lambda key: parse_discovery_file(f'[domain."b.example"]\nkey = "{base64url.encode(key)}"\n'),
    "server info": lambda key: _server_info(key, pinned=False),
    "server info under a pin": lambda key: _server_info(key, pinned=True),
    "rotation from": lambda key: _rotation(key, DOMAIN.public.raw),
    "rotation to": lambda key: _rotation(DOMAIN.public.raw, key),
    "contact invite": _invite,
    "stored pin": _pin,
    "admins of a group": _admins,
    "key of an admin's device": _admin_key,
    "word about a bad commit": _reject,
}
X25519_DOORS: dict[str, Door] = {
    "DIK in a certificate": lambda key: _certificate(dik=key),
    "DIK in an initial part": lambda key: _initial_with(dik=key),
    "SPK": lambda key: prekey_door(Kind.SPK, "x25519", key),
    "OTP": lambda key: prekey_door(Kind.OTP, "x25519", key),
    "SEK": lambda key: prekey_door(Kind.SEK, "x25519", key),
    "ephemeral key": _initial_with,
    "ratchet header": _header,
    "sealed packet": _encapsulation,
    "pairing code": _pairing_code,
    "DIK of a member's card": lambda key: identity_key_of(_card(key)),
    "init key of a key package": lambda key: seal_extra(key, bytes(32), JoinExtra(bytes(32), Domain("a.example"))),
}
LATER = {"user key of an initial part", "word about a bad commit", "rotation from", "rotation to", "ratchet header", "sealed packet"}
"""Doors behind which a good key fails too, for another reason."""

"""The identity room: what strangers, zones, web servers and pasted texts hand us."""

from __future__ import annotations

from connexa.crypto import Ed25519Secret
from connexa.identity import (
    Address,
    ContactInvite,
    Domain,
    DomainKey,
    Endpoint,
    Endpoints,
    PublishedKeys,
    ServerInfo,
    StaticEntry,
    UserPublic,
    UserSecret,
    format_contact_invite,
    format_discovery_file,
    format_txt,
    format_well_known,
    issue_domain_rotation,
    issue_server_info,
    parse_contact_invite,
    parse_discovery_file,
    parse_txt,
    parse_well_known,
)
from connexa.identity.openpgp import export_v4, user_of_certificate

from .target import Target

NOW = 1_800_000_000
DOMAIN = Domain("b.example")
KEY, OLD = Ed25519Secret.from_seed(bytes(32)), Ed25519Secret.from_seed(bytes(31) + b"\1")
USER = UserSecret(bytes(32), 1_700_000_000)
ADDRESS = Address("bob", DOMAIN)
ENDPOINTS = Endpoints.parse(DOMAIN)


def _well_known() -> bytes:
    info = ServerInfo(DOMAIN, PublishedKeys(DomainKey(KEY.public)), ENDPOINTS, NOW, NOW + 60, 1, 1)
    return format_well_known(issue_server_info(info, KEY), "1", [issue_domain_rotation(DOMAIN, OLD, KEY, not_before=NOW)])


def _read_text(raw: bytes) -> None:
    invite = parse_contact_invite(raw.decode("utf-8", "replace"))
    assert parse_contact_invite(format_contact_invite(invite)) == invite


def _read_file(raw: bytes) -> None:
    entries = parse_discovery_file(raw.decode("utf-8", "replace"))
    assert parse_discovery_file(format_discovery_file(entries)) == entries


INVITE = ContactInvite(ADDRESS, USER.id, bytes(16), bytes(32), NOW, KEY.public, ENDPOINTS)

TARGETS = (
    Target(
        "identity.txt",
        (format_txt(DomainKey(KEY.public), Endpoint("mx.b.example", 8444)).encode(),),
        lambda raw: parse_txt([[raw[:100], raw[100:]]]),
        frozenset({"domain.invalid"}),
    ),
    Target(
        "identity.well_known",
        (_well_known(),),
        lambda raw: parse_well_known(raw, domain=DOMAIN, now=NOW),
        frozenset({"domain.invalid"}),
    ),
    Target("identity.invite", (format_contact_invite(INVITE).encode(),), _read_text, frozenset({"invite.malformed"})),
    Target(
        "identity.discovery_file",
        (format_discovery_file({DOMAIN: StaticEntry(DOMAIN, KEY.public, ENDPOINTS)}).encode(),),
        _read_file,
        frozenset({"discovery.malformed"}),
    ),
    Target(
        "identity.address",
        (b"bob@b.example",),
        lambda raw: Address.parse(raw.decode("utf-8", "replace")),
        frozenset({"address.malformed", "domain.malformed"}),
    ),
    Target(
        "identity.endpoint",
        (b"mx.b.example:8444", b"[::1]:8444"),
        lambda raw: Endpoint.parse(raw.decode("utf-8", "replace"), 1),
        frozenset({"endpoint.malformed"}),
    ),
    Target("identity.user_packet", (USER.public.packet,), UserPublic.from_packet, frozenset({"user.malformed", "key.invalid"})),
    Target("identity.openpgp", (export_v4(USER, ADDRESS),), user_of_certificate, frozenset({"openpgp.invalid"})),
)

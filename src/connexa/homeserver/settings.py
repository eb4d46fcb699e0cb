"""The homeserver's settings (`[server]` in the TOML files); `connexa.settings` reads them.

Limits are per pass, source address, target, domain or account of the own domain, never per sender (first-message §1). Those that
others must know are published in the signed policy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from connexa.discovery import DiscoverySettings
from connexa.errors import UsageError
from connexa.identity import FEDERATION_PORT, HTTPS_PORT, LINK_PORT, Domain, Endpoints, parse_domain
from connexa.wire import MAX_DEVICES, MAX_ENVELOPE, MAX_SEGMENTS, MAX_TTL_SECONDS

__all__ = [
    "FIXED_LIMITS",
    "AdminSettings",
    "LimitSettings",
    "ListenSettings",
    "LogSettings",
    "MetricsSettings",
    "S3Settings",
    "ServerSettings",
]

FIXED_LIMITS = ("odd_packets",)
"""Limits that a running homeserver does not change."""

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class ListenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One listener."""

    host: Annotated[str, msgspec.Meta(description="Address to listen on; empty for all.")] = "0.0.0.0"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")]
    public: Annotated[str, msgspec.Meta(description="host:port that others connect to; empty for this domain and this port.")] = ""


class AdminSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The admin API on a unix socket."""

    socket: Annotated[Path | None, msgspec.Meta(description="Path of the admin socket; by default in the runtime directory.")] = None


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who may read /metrics besides this machine."""

    token_file: Annotated[Path | None, msgspec.Meta(description="File with the token that lets others read /metrics.")] = None

    def token(self) -> bytes:
        """What is in the file, or nothing; UsageError `settings.unreadable`."""
        try:
            return self.token_file.read_bytes().strip() if self.token_file is not None else b""
        except OSError:
            raise UsageError("settings.unreadable", f"The token of /metrics cannot be read from {self.token_file}.") from None


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the homeserver writes on stderr: events with numbers and codes, never who or what."""

    format: Annotated[Literal["text", "json"], msgspec.Meta(description="Lines of text, or one JSON object a line.")] = "text"


class S3Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The object store of media, where `media` names one."""

    endpoint: Annotated[str, msgspec.Meta(description="URL of the object store, like https://s3.example.org.")] = ""
    region: Annotated[str, msgspec.Meta(description="Its region.")] = "us-east-1"
    credentials_file: Annotated[
        Path | None, msgspec.Meta(description="File with two lines: the access key id and the secret access key.")
    ] = None
    allow_http: Annotated[bool, msgspec.Meta(description="Speak to it without TLS: on one's own machine alone.")] = False


class LimitSettings(msgspec.Struct, kw_only=True):
    """Every bound that a homeserver enforces; a running one writes new numbers into those that it goes by (`adopt`)."""

    links: Annotated[Count, msgspec.Meta(description="Open links in all.")] = 20_000
    waiting_per_source: Annotated[Count, msgspec.Meta(description="Links of one IPv4 address or IPv6 /64 before login or pass.")] = 16
    opening_seconds: Annotated[Seconds, msgspec.Meta(description="Time for login or pass.")] = 10.0
    logins_per_minute: Annotated[Count, msgspec.Meta(description="Logins of one source address.")] = 10
    passes_shown_per_minute: Annotated[Count, msgspec.Meta(description="Passes shown from one source address.")] = 60
    registrations_per_hour: Annotated[Count, msgspec.Meta(description="Attempts to register from one source address.")] = 20
    pairings_per_hour: Annotated[Count, msgspec.Meta(description="Pairing slots taken from one source address.")] = 30
    submit_idle: Annotated[Seconds, msgspec.Meta(description="Seconds of silence after which a submit link is closed.")] = 120.0
    pair_seconds: Annotated[Seconds, msgspec.Meta(description="Time for linking two devices.")] = 60.0
    calls_per_second: Annotated[Count, msgspec.Meta(description="Questions on one link.")] = 10
    calls_burst: Annotated[Count, msgspec.Meta(description="Questions on one link at once.")] = 50
    send_per_second: Annotated[Count, msgspec.Meta(description="Envelopes on one stream.")] = 50
    send_burst: Annotated[Count, msgspec.Meta(description="Envelopes on one stream at once.")] = 200
    refusals_kept: Annotated[Count, msgspec.Meta(description="Refusals of one stream that wait to be acknowledged.")] = 2_000
    uncommitted_bytes: Annotated[Count, msgspec.Meta(description="Bytes taken and not yet committed, in all.")] = 64 * 1024 * 1024
    max_envelope: Annotated[int, msgspec.Meta(ge=8_192, le=MAX_ENVELOPE, description="Bytes of one envelope.")] = MAX_ENVELOPE
    odd_packets: Annotated[
        bool, msgspec.Meta(description="Take packets of any size: for load tests alone, since sizes tell what a packet holds.")
    ] = False
    max_ttl_seconds: Annotated[int, msgspec.Meta(ge=3_600, le=MAX_TTL_SECONDS, description="Longest life of an envelope.")] = (
        MAX_TTL_SECONDS
    )
    mailbox_messages: Annotated[Count, msgspec.Meta(description="Messages that may wait for one device.")] = 50_000
    mailbox_bytes: Annotated[Count, msgspec.Meta(description="Bytes that may wait for one device.")] = 100 * 1024 * 1024
    mailbox_requests: Annotated[Count, msgspec.Meta(description="Requests of strangers that may wait for one device.")] = 500
    devices_per_person: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEVICES, description="Devices of one person.")] = MAX_DEVICES
    push_window: Annotated[Count, msgspec.Meta(description="Pushes to one device that are not acknowledged.")] = 256
    push_window_bytes: Annotated[Count, msgspec.Meta(description="The same in bytes.")] = 1024 * 1024
    slow_bytes: Annotated[Count, msgspec.Meta(description="Bytes that a node may leave unread before its link is closed.")] = (
        2 * 1024 * 1024
    )
    one_time_prekeys: Annotated[Count, msgspec.Meta(description="One-time prekeys kept for one device.")] = 200
    prekeys_low: Annotated[Count, msgspec.Meta(description="One-time prekeys at which a device is asked for more.")] = 20
    invites: Annotated[Count, msgspec.Meta(description="Invites of one person that are good at a time.")] = 100
    lists_per_day: Annotated[Count, msgspec.Meta(description="Device lists that one person may upload.")] = 50
    passes_per_day: Annotated[Count, msgspec.Meta(description="Passes for one account.")] = 100
    lookups_per_minute: Annotated[Count, msgspec.Meta(description="Look-ups and claims of one pass.")] = 60
    strangers_per_hour: Annotated[Count, msgspec.Meta(description="Look-ups, claims and requests of strangers for one person.")] = 120
    queue_bytes: Annotated[Count, msgspec.Meta(description="Bytes that may wait for other domains, in all; as many of groups.")] = (
        4 * 1024**3
    )
    queue_domain_bytes: Annotated[Count, msgspec.Meta(description="Bytes that may wait for one domain; as many of groups.")] = 1024**3
    domain_envelopes_per_second: Annotated[Count, msgspec.Meta(description="Envelopes from one remote domain.")] = 1_000
    domain_envelopes_burst: Annotated[Count, msgspec.Meta(description="Envelopes from one remote domain at once.")] = 20_000
    domain_strangers_per_hour: Annotated[Count, msgspec.Meta(description="Look-ups, claims and requests of one remote's strangers.")] = (
        3_600
    )
    key_packages: Annotated[Count, msgspec.Meta(description="One-time key packages kept for one device.")] = 100
    key_packages_low: Annotated[Count, msgspec.Meta(description="One-time key packages at which a device is asked for more.")] = 25
    key_packages_per_day: Annotated[Count, msgspec.Meta(description="Key packages that one device may upload.")] = 1_000
    key_package_claims_per_day: Annotated[
        Count, msgspec.Meta(description="One-time key packages of one person for one pass or one remote domain; then of last resort.")
    ] = 10
    aliases: Annotated[Count, msgspec.Meta(description="Aliases of one device in groups.")] = 2_000
    welcomes: Annotated[Count, msgspec.Meta(description="Welcomes that may wait for one device.")] = 500
    welcomes_bytes: Annotated[Count, msgspec.Meta(description="The same in bytes.")] = 32 * 1024 * 1024
    groups_per_day: Annotated[Count, msgspec.Meta(description="Groups that one pass may make.")] = 20
    group_members: Annotated[Count, msgspec.Meta(description="Devices in one group.")] = 2_000
    blind_group_members: Annotated[Count, msgspec.Meta(description="Devices in one group whose hub is blind.")] = 400
    group_adds_per_day: Annotated[Count, msgspec.Meta(description="Devices that are added to one group.")] = 2_000
    group_bytes: Annotated[Count, msgspec.Meta(description="Bytes in the log of one group.")] = 64 * 1024 * 1024
    groups_bytes: Annotated[Count, msgspec.Meta(description="Bytes in the logs of all groups, and of what joiners are given.")] = (
        16 * 1024**3
    )
    group_requests_per_second: Annotated[Count, msgspec.Meta(description="Requests of one member to one group.")] = 20
    group_requests_burst: Annotated[Count, msgspec.Meta(description="Requests of one member at once.")] = 500
    domain_group_requests_per_second: Annotated[Count, msgspec.Meta(description="Requests, and as many news, of one remote domain.")] = (
        2_000
    )
    domain_group_requests_burst: Annotated[Count, msgspec.Meta(description="Requests, and as many news, of one remote domain at once.")] = (
        20_000
    )
    media_segments: Annotated[int, msgspec.Meta(ge=1, le=MAX_SEGMENTS, description="Segments of 64 KiB in one blob of media.")] = 2_048
    media_seconds: Annotated[int, msgspec.Meta(ge=3_600, le=MAX_TTL_SECONDS, description="Longest life of a blob.")] = MAX_TTL_SECONDS
    media_passes_per_day: Annotated[Count, msgspec.Meta(description="Media passes for one account, each for 8 MiB.")] = 64
    media_total_segments: Annotated[Count, msgspec.Meta(description="Segments of all blobs.")] = 1_048_576
    media_requests_per_minute: Annotated[Count, msgspec.Meta(description="Requests to media from one source address.")] = 6_000
    media_at_once: Annotated[Count, msgspec.Meta(description="Requests to media that are answered at a time.")] = 64
    answer_seconds: Annotated[
        Seconds, msgspec.Meta(description="Time that every answer to a stranger takes, so that it tells nothing.")
    ] = 0.05

    def adopt(self, others: LimitSettings) -> None:
        """Go by other numbers from now on; what readers of frames were made for stays."""
        for name in self.__struct_fields__:
            if name not in FIXED_LIMITS:
                setattr(self, name, getattr(others, name))


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a homeserver can be told."""

    domain: Annotated[str, msgspec.Meta(description="The domain that is served; it can never change.")]
    store: Annotated[
        str,
        msgspec.Meta(
            description="postgresql://user@host/database?passfile=… where several processes serve the domain; empty: an embedded database."
        ),
    ] = ""
    wakeups: Annotated[
        str, msgspec.Meta(description="nats://host:port by which those processes wake each other; empty: they look five times a second.")
    ] = ""
    wakeups_credentials: Annotated[Path | None, msgspec.Meta(description="Credentials file of NATS.")] = None
    registration: Annotated[Literal["invite", "open"], msgspec.Meta(description="Who may register: holders of an invite, or anybody.")] = (
        "invite"
    )
    contact: Annotated[str, msgspec.Meta(description="Where people reach the operators; published with the policies.")] = ""
    link: ListenSettings = ListenSettings(port=LINK_PORT)
    federation: ListenSettings = ListenSettings(port=FEDERATION_PORT)
    https: ListenSettings = ListenSettings(port=HTTPS_PORT)
    blocked_domains: Annotated[tuple[str, ...], msgspec.Meta(description="Domains that nothing is taken from or sent to.")] = ()
    admin: AdminSettings = AdminSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    media: Annotated[str, msgspec.Meta(description="Where blobs lie: empty for files in the data directory, or s3://BUCKET[/PREFIX].")] = ""
    s3: S3Settings = S3Settings()
    limits: LimitSettings = msgspec.field(default_factory=LimitSettings)

    def __post_init__(self) -> None:
        for name, url in (("store", self.store), ("wakeups", self.wakeups)):
            if urlsplit(url).password or "password=" in url:  # settings are shown; libpq and NATS read secrets from files
                raise ValueError(f"{name} must hold no password: name a passfile, or a credentials file")
        if self.store and not self.store.startswith(("postgresql://", "postgres://")):
            raise ValueError("store must be empty or begin with postgresql://")

    def blocked(self) -> frozenset[Domain]:
        """The blocked domains in their canonical form; UsageError `domain.malformed` for what can be none."""
        return frozenset(parse_domain(domain) for domain in self.blocked_domains)

    def endpoints(self) -> Endpoints:
        """Where others find this homeserver."""
        return Endpoints.parse(
            self.domain,
            federation=self.federation.public or f"{self.domain}:{self.federation.port or FEDERATION_PORT}",
            link=self.link.public or f"{self.domain}:{self.link.port or LINK_PORT}",
            https=self.https.public or f"{self.domain}:{self.https.port or HTTPS_PORT}",
        )

"""Settings of gRPC that both sides must agree on, and the names of the service's methods."""

from __future__ import annotations

from connexa.wire import MAX_FEDERATION_FRAME

__all__ = ["CHANNEL_OPTIONS", "CLAIM", "CLAIM_PACKAGES", "DELIVER", "GROUP", "LOOKUP", "NEWS", "SERVER_OPTIONS", "SERVICE"]

SERVICE = "connexa.v1.DeliveryService"
DELIVER = "Deliver"
LOOKUP = "Lookup"
CLAIM = "Claim"
CLAIM_PACKAGES = "ClaimPackages"
GROUP = "Group"
NEWS = "News"

_KEEPALIVE_MS = 60_000
# Pings more often than the other side allows end the connection with too_many_pings, so both sides are set (homeserver §7.4).
_MIN_PING_MS = 30_000
_SIZES = [
    ("grpc.max_receive_message_length", MAX_FEDERATION_FRAME),
    ("grpc.max_send_message_length", MAX_FEDERATION_FRAME),
]
SERVER_OPTIONS: list[tuple[str, int | str]] = [
    *_SIZES,
    ("grpc.so_reuseport", 0),  # a port in use must be an error
    ("grpc.keepalive_time_ms", 2 * _KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_MS),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_metadata_size", 8_192),
]
CHANNEL_OPTIONS: list[tuple[str, int | str]] = [
    *_SIZES,
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),  # the queue is what tries again
    ("grpc.use_local_subchannel_pool", 1),  # a renewed leaf must not meet the connection of the old one
    ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 10_000),  # its name misleads: this is how long one attempt may take, the handshake included
    ("grpc.max_reconnect_backoff_ms", 5_000),
]

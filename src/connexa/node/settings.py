"""The node's settings (`[node]` in the TOML files); `connexa.settings` reads them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from connexa.discovery import DiscoverySettings

__all__ = ["ApiSettings", "BackupSettings", "LimitSettings", "NodeSettings", "PrivacySettings", "RepairSettings"]

STRICT_COPIES_MEAN = 60.0

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The local API."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="Port of the local API on 127.0.0.1; 0 takes a free one.")] = 7878


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What others may learn."""

    receipts: Annotated[bool, msgspec.Meta(description="Tell contacts that a message was delivered and read.")] = True
    read_receipts: Annotated[bool, msgspec.Meta(description="Tell contacts that a message was read.")] = True
    receipt_delay: Annotated[
        Seconds,
        msgspec.Meta(
            description="Longest wait before receipts are sent together, in seconds; in a group as much for each device that is in it."
        ),
    ] = 2.0
    strict: Annotated[bool, msgspec.Meta(description="Hide even from the homeserver when you write: own devices get copies later.")] = False
    own_copies_mean: Annotated[Seconds, msgspec.Meta(description="Mean of the random wait until own devices get copies, in seconds.")] = 2.0

    @property
    def copies_mean(self) -> float:
        """Mean wait of own copies in seconds: the setting, and a minute at least where privacy is strict (P38)."""
        return max(self.own_copies_mean, STRICT_COPIES_MEAN) if self.strict else self.own_copies_mean


class RepairSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What this node does about messages that do not arrive."""

    ask_after: Annotated[Seconds, msgspec.Meta(description="Mean wait before a missing message is asked for, in seconds.")] = 10.0


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of this node."""

    message_life: Annotated[int, msgspec.Meta(ge=60, le=2_592_000, description="Seconds until an undelivered message expires.")] = 2_592_000
    events_kept: Annotated[int, msgspec.Meta(ge=1000, description="Events that a face can replay.")] = 10_000
    submit_idle: Annotated[Seconds, msgspec.Meta(description="Seconds of silence after which the submit link closes.")] = 60.0
    submit_window: Annotated[int, msgspec.Meta(ge=1, le=4096, description="Envelopes sent and not yet committed.")] = 256
    push_window: Annotated[int, msgspec.Meta(ge=1, le=4096, description="Pushes that this node takes before it acknowledges.")] = 256
    passes_kept: Annotated[int, msgspec.Meta(ge=2, le=100, description="Passes held ready.")] = 20
    media_passes_kept: Annotated[int, msgspec.Meta(ge=0, le=64, description="Media passes held ready, each for 8 MiB of files.")] = 16
    reconnect_max: Annotated[Seconds, msgspec.Meta(description="Longest wait before the mailbox link is tried again.")] = 20.0
    history_silence: Annotated[Seconds, msgspec.Meta(description="Seconds after which another own device is asked for the history.")] = 60.0
    compare_every: Annotated[Seconds, msgspec.Meta(description="Seconds between two comparisons of what the own devices hold.")] = 86_400.0
    call_timeout: Annotated[Seconds, msgspec.Meta(description="Seconds to wait for an answer of the homeserver.")] = 20.0


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Backups that the node makes by itself, once the recovery words are confirmed."""

    directory: Annotated[str, msgspec.Meta(description="Where backups go; empty: beside the profile's data, in PROFILE.backups.")] = ""
    every: Annotated[float, msgspec.Meta(ge=0, description="Seconds between two backups; 0 makes none.")] = 86_400.0
    increments: Annotated[int, msgspec.Meta(ge=0, le=1000, description="Increments before the next whole backup.")] = 30
    kept: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Whole backups that are kept, each with its increments.")] = 2


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a node can be told."""

    api: ApiSettings = ApiSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    privacy: PrivacySettings = PrivacySettings()
    repair: RepairSettings = RepairSettings()
    limits: LimitSettings = LimitSettings()
    backup: BackupSettings = BackupSettings()
    device_name: Annotated[
        str, msgspec.Meta(max_length=64, description="Name of this device for the person's other devices; empty: the machine's.")
    ] = ""

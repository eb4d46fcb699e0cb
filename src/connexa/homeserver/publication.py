"""What the domain says about itself, signed and fresh: keys, endpoints, pass keys, limits, versions (identity §3, DESIGN 5.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connexa.crypto import Kind
from connexa.homeserver.domain_key import DomainKeys
from connexa.homeserver.passes import PassKeys
from connexa.homeserver.policies import policies_of
from connexa.homeserver.settings import ServerSettings
from connexa.identity import Endpoints, ServerInfo, issue_notice, issue_server_info
from connexa.wire import MAX_FRAME, OURS
from connexa.wire.v1.keys_pb2 import PassKey, Policy, Signed

__all__ = ["Publication", "policy_of"]

FRESH_SECONDS: Final = 3_600
LIFE_SECONDS: Final = 7 * 86_400


def policy_of(settings: ServerSettings, *, media: bool) -> Policy:
    """The limits that others must know."""
    limits = settings.limits
    return Policy(
        registration=settings.registration,
        max_envelope=limits.max_envelope,
        max_frame=MAX_FRAME,
        mailbox_messages=limits.mailbox_messages,
        mailbox_bytes=limits.mailbox_bytes,
        max_ttl_seconds=limits.max_ttl_seconds,
        passes_per_day=limits.passes_per_day,
        devices_per_person=limits.devices_per_person,
        send_per_second=limits.send_per_second,
        send_burst=limits.send_burst,
        group_devices=limits.group_members,
        blind_group_devices=limits.blind_group_members,
        key_packages=limits.key_packages,
        media_segments=limits.media_segments if media else 0,
        media_seconds=limits.media_seconds,
        media_passes_per_day=limits.media_passes_per_day,
    )


class Publication:
    """Signs the server info anew when it is an hour old or when something in it has changed."""

    def __init__(self, settings: ServerSettings, keys: DomainKeys, pass_keys: PassKeys, clock: Callable[[], float], *, media: bool) -> None:
        self._media = media
        self.take(settings)
        self.endpoints = settings.endpoints()
        self.keys = keys
        self._pass_keys = pass_keys
        self._clock = clock
        self._signed: Signed | None = None
        self._of: tuple[object, ...] = ()
        self._issued = 0

    def take(self, settings: ServerSettings) -> None:
        """Say from now on what these settings say."""
        self.settings = settings
        self.policy = policy_of(settings, media=self._media)

    def server_info(self) -> Signed:
        """The domain's word about itself, now."""
        now = int(self._clock())
        pass_keys = self._pass_keys.published(now)
        of = (self.keys.published, self.endpoints, self.policy.SerializeToString(), tuple((key.id, key.key) for key in pass_keys))
        if self._signed is None or self._of != of or not 0 <= now - self._issued < FRESH_SECONDS:
            self._signed = self._sign(now, self.endpoints, pass_keys)
            self._of, self._issued = of, now
        return self._signed

    def policies(self) -> bytes:
        """Every limit, what is kept and what is logged, in words, signed now."""
        keys = self.keys
        document = policies_of(self.settings)
        return issue_notice(
            Kind.POLICIES, document, domain=keys.domain, now=self._clock(), key=keys.current, key_id=keys.published.current.id
        )

    def _sign(self, now: int, endpoints: Endpoints, pass_keys: tuple[PassKey, ...]) -> Signed:
        info = ServerInfo(
            domain=self.keys.domain,
            keys=self.keys.published,
            endpoints=endpoints,
            issued=now,
            expires=now + LIFE_SECONDS,
            min_version=OURS.min,
            max_version=OURS.max,
            pass_keys=pass_keys,
            media_keys=self._pass_keys.published(now, media=True),
            policy=self.policy,
        )
        return issue_server_info(info, self.keys.current)

"""Keys and statements read back from the store: they were checked before they were stored, and reading them again costs signatures.

What is remembered here is a pure function of the stored bytes, so it is never stale.
"""

from __future__ import annotations

from functools import lru_cache

from connexa.crypto import HybridPublic, HybridSecret
from connexa.identity import DeviceList, UserPublic, read_device_list
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["stored_list", "stored_seal_key", "stored_seal_secret", "stored_user"]


@lru_cache(maxsize=4096)
def stored_user(packet: bytes) -> UserPublic:
    """A user key."""
    return UserPublic.from_packet(packet)


@lru_cache(maxsize=4096)
def stored_list(signed: bytes, packet: bytes) -> DeviceList:
    """A device list of the person with this user key."""
    return read_device_list(Signed.FromString(signed), stored_user(packet))


@lru_cache(maxsize=4096)
def stored_seal_key(raw: bytes) -> HybridPublic:
    """Somebody's sealing key."""
    return HybridPublic.from_bytes(raw)


@lru_cache(maxsize=64)
def stored_seal_secret(seed: bytes) -> HybridSecret:
    """The private half of a sealing key, of which every push needs this week's."""
    return HybridSecret.from_seed(seed)

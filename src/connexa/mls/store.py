"""Where a group lives between two messages: a small protocol that an application puts into its own database.

A group's state is a handful of named parts; an operation saves those that it changed in one call, which is one transaction. Parts that a
message changes are small; the tree, which is large, changes once an epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["MemoryStore", "Store"]


class Store(Protocol):
    """All calls for one operation of a group are durable together, or not at all."""

    def save(self, group_id: bytes, changed: Mapping[str, bytes | None]) -> None:
        """Keep these parts of the group's state in one transaction; `None` deletes a part, beyond recovery."""

    def load(self, group_id: bytes) -> Mapping[str, bytes] | None:
        """All parts of a group's state, or none for an unknown group."""

    def psk(self, psk_id: bytes) -> bytes | None:
        """The secret of an external pre-shared key, by its id (§8.4); never a default (V29)."""


class MemoryStore:
    """A store for tests and for groups that end with the program."""

    def __init__(self, psks: Mapping[bytes, bytes] | None = None) -> None:
        self.groups: dict[bytes, dict[str, bytes]] = {}
        self.psks: dict[bytes, bytes] = dict(psks or {})

    def save(self, group_id: bytes, changed: Mapping[str, bytes | None]) -> None:
        """Keep the parts."""
        parts = self.groups.setdefault(group_id, {})
        for name, content in changed.items():
            if content is None:
                parts.pop(name, None)
            else:
                parts[name] = content
        if not parts:
            del self.groups[group_id]

    def load(self, group_id: bytes) -> Mapping[str, bytes] | None:
        """The parts."""
        parts = self.groups.get(group_id)
        return None if parts is None else dict(parts)

    def psk(self, psk_id: bytes) -> bytes | None:
        """The secret that was put into `psks`."""
        return self.psks.get(psk_id)

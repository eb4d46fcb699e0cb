"""What a device that is removed from a group could have kept: a copy of its state, held against all that is said later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connexa.errors import ConnexaError
from connexa.mls.events import Application, Removed, Staged
from connexa.mls.group import Group
from connexa.mls.store import MemoryStore
from connexa.node.groups.book import AUTHENTICATION, RULES
from connexa.testing.world import Device


@dataclass(frozen=True, slots=True)
class Ghost:
    """The parts of a device's state at one moment, and the newest entry that was in them."""

    group: bytes
    parts: dict[str, bytes]
    seq: int

    @classmethod
    def of(cls, device: Device, group: bytes) -> Ghost:
        """Copy what the device has now."""
        parts = device.read("SELECT name, content FROM group_part WHERE public = ?", (group,))
        return cls(group, dict(parts), device.read("SELECT seq FROM mls_group WHERE public = ?", (group,))[0][0])

    def opens(self, log: Iterable[tuple[int, int, bytes]], now: int) -> tuple[list[bytes], bool]:
        """What it reads of the epochs after its removal, from a hub's log (number, epoch, message), by the state that it would not let go
        of; and whether it was removed at all."""
        kept, end = self.parts, None
        read: list[bytes] = []
        for seq, epoch, message in log:
            if seq <= self.seq:
                continue
            store = MemoryStore()
            store.save(self.group, kept)
            group = Group.open(self.group, auth=AUTHENTICATION, store=store, rules=RULES)
            try:
                event = group.process(message, now=now)
                if isinstance(event, Staged):
                    group.merge(event.commit, now=now)
            except ConnexaError:
                continue
            if isinstance(event, Removed):
                end = epoch
                continue
            if end is not None and epoch > end and isinstance(event, Application):
                read.append(event.data)
            kept = dict(store.load(self.group) or kept)
        return read, end is not None

"""Which links are open: one mailbox link for each device, one submit link for each pass, the newest of each (homeserver §2 trap 9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from connexa.errors import ConflictError, RefusedError
from connexa.homeserver.delivery import Arrived
from connexa.homeserver.link_pushes import Fresh
from connexa.identity import DeviceId, UserId
from connexa.wire.v1.groups_pb2 import GroupHints
from connexa.wire.v1.link_pb2 import Notice

__all__ = ["Elsewhere", "Links", "OpenMailbox", "OpenSubmit"]


class OpenMailbox(Protocol):
    """A logged-in link."""

    @property
    def sent_seq(self) -> int: ...

    def on_arrivals(self, fresh: list[Fresh]) -> None: ...

    def on_dirty(self) -> None: ...

    def notify(self, notice: Notice) -> None: ...

    def hint(self, hints: GroupHints) -> None: ...

    def end(self, error: ConflictError | RefusedError) -> None: ...


class OpenSubmit(Protocol):
    """A link that a pass opened."""

    def end(self, error: ConflictError | RefusedError) -> None: ...


class Elsewhere(Protocol):
    """Other processes that have links of this homeserver's devices."""

    def mail(self, device: bytes, seq: int) -> None: ...

    def hint(self, device: bytes, hints: GroupHints) -> None: ...


class Links:
    """All links that something may have to be told to."""

    def __init__(self) -> None:
        self.elsewhere: Elsewhere | None = None
        self._mailboxes: dict[bytes, OpenMailbox] = {}
        self._devices: dict[UserId, set[DeviceId]] = {}
        self._submits: dict[bytes, OpenSubmit] = {}
        self._recorded: set[bytes] = set()  # whose login is in the store
        self._stored: dict[bytes, int] = {}  # the newest row's number, committed or not, of each device that is here

    @property
    def mailboxes(self) -> int:
        """How many devices are here."""
        return len(self._mailboxes)

    def enter_mailbox(self, user: UserId, device: DeviceId, link: OpenMailbox, newest: int) -> None:
        """A device has logged in; an older link of it ends. `newest` is the newest number of any row."""
        older = self._mailboxes.get(device)
        self._stored[device] = newest
        self._mailboxes[device] = link
        self._recorded.discard(device)
        self._devices.setdefault(user, set()).add(device)
        if older is not None:
            older.end(_replaced())

    def leave_mailbox(self, user: UserId, device: DeviceId, link: OpenMailbox) -> None:
        """A link has ended; a newer one of the same device stays."""
        if self._mailboxes.get(device) is not link:
            return
        del self._mailboxes[device], self._stored[device]
        self._recorded.discard(device)
        devices = self._devices.get(user, set())
        devices.discard(device)
        if not devices:
            self._devices.pop(user, None)

    def recorded(self, device: bytes, link: OpenMailbox) -> None:
        """The login of a link is in the store: whoever logs in elsewhere from now on is newer."""
        if self._mailboxes.get(device) is link:
            self._recorded.add(device)

    def logged_in_elsewhere(self, device: bytes) -> None:
        """A login at another process is in the store; a link whose own is not there yet is newer."""
        if device in self._recorded:
            self._mailboxes[device].end(_replaced())

    def enter_submit(self, stream: bytes, link: OpenSubmit) -> None:
        """A pass was shown; an older link of it ends."""
        older = self._submits.get(stream)
        self._submits[stream] = link
        if older is not None:
            older.end(_replaced())

    def leave_submit(self, stream: bytes, link: OpenSubmit) -> None:
        """A link has ended."""
        if self._submits.get(stream) is link:
            del self._submits[stream]

    def stored(self, device: bytes, seq: int) -> int:
        """A row was stored inside an operation; returns the number of the one before it."""
        before = self._stored.get(device)
        if before is None:
            return 0
        self._stored[device] = seq
        return before

    def arrived(self, arrived: Arrived) -> None:
        """Hand committed rows to the devices that are here."""
        rows: dict[bytes, list[Fresh]] = {}
        for fresh in arrived:
            device = fresh[1].device
            if device in self._mailboxes:
                rows.setdefault(device, []).append(fresh)
            elif self.elsewhere is not None:
                self.elsewhere.mail(device, fresh[1].seq)
        for device, its in rows.items():
            if (link := self._mailboxes.get(device)) is not None:  # a push may end the link of a slow device
                link.on_arrivals(its)

    def arrived_elsewhere(self, device: bytes, seq: int) -> None:
        """Another process has committed rows of a device up to a number."""
        link = self._mailboxes.get(device)
        if link is not None:
            self._stored[device] = max(self._stored[device], seq)
            if seq > link.sent_seq:
                link.on_dirty()

    def look(self) -> None:
        """Anything may have been committed."""
        for link in tuple(self._mailboxes.values()):
            link.on_dirty()

    def look_for_missed(self) -> None:
        """Look where a row may have been committed whose operation nobody waited for any more."""
        for device, link in self._mailboxes.items():
            if self._stored[device] > link.sent_seq:
                link.on_dirty()

    def notify_user(self, user: UserId, notice: Notice) -> None:
        """Tell every device of a person that is here."""
        for device in tuple(self._devices.get(user, ())):
            self._mailboxes[device].notify(notice)

    def notify_device(self, device: DeviceId, notice: Notice) -> None:
        """Tell one device, if it is here."""
        if (link := self._mailboxes.get(device)) is not None:
            link.notify(notice)

    def hint_device(self, device: DeviceId, hints: GroupHints) -> None:
        """Tell one device, wherever it is, that there is something to read in its groups."""
        if not self.hint_here(device, hints) and self.elsewhere is not None:
            self.elsewhere.hint(device, hints)

    def hint_here(self, device: DeviceId, hints: GroupHints) -> bool:
        """The same of a device that is here; False where it is not."""
        link = self._mailboxes.get(device)
        if link is not None:
            link.hint(hints)
        return link is not None

    def expel(self, devices: Iterable[DeviceId]) -> None:
        """End the links of devices that are no longer anybody's."""
        for device in devices:
            if (link := self._mailboxes.get(device)) is not None:
                link.end(RefusedError("login.refused", "This device is not in its person's list any more."))


def _replaced() -> ConflictError:
    return ConflictError("link.replaced", "Another link of the same device or pass took over.")

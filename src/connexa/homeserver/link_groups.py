"""What a device keeps at its homeserver for groups, as questions on its mailbox link: key packages, aliases, Welcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from google.protobuf.message import Message

from connexa.errors import RefusedError
from connexa.homeserver.devices import Login
from connexa.homeserver.groups.aliases import change_aliases
from connexa.homeserver.groups.key_packages import check_packages, claim_packages, keep_packages, package_status
from connexa.homeserver.groups.welcomes import done, waiting
from connexa.homeserver.link_calls import Answer
from connexa.identity import DeviceId, UserId
from connexa.store import Execute
from connexa.wire import DEVICE_SIZE, MAX_DEVICES, malformed
from connexa.wire.v1.groups_pb2 import (
    GetWelcomes,
    KeyPackageStatus,
    KeyPackageStatusReply,
    OwnKeyPackages,
    PutAliases,
    PutKeyPackages,
    WelcomesDone,
    WelcomesReply,
)
from connexa.wire.v1.link_pb2 import Empty, KeyPackagesReply, Status

if TYPE_CHECKING:
    from connexa.homeserver.homeserver import Homeserver

__all__ = ["GROUP_ANSWERS"]

T = TypeVar("T")
ID_SIZE = 32


class DeviceLink(Protocol):
    """A device's own link, as far as these questions need it."""

    user: UserId
    device: DeviceId

    @property
    def house(self) -> Homeserver:
        """The homeserver."""

    def login(self) -> Login:
        """What the homeserver knows of the device."""

    def others(self) -> list[DeviceId]:
        """The person's other devices."""

    async def change(self, operation: Callable[[Execute], T]) -> T:
        """Run an operation of the device, unless it was removed meanwhile."""


async def put_key_packages(link: DeviceLink, asked: PutKeyPackages) -> Message:
    """Add to the device's pool."""
    pool = link.house.settings.limits.key_packages
    count = len(asked.one_time) + int(asked.HasField("last_resort"))
    if not link.house.package_uploads.take(link.device, asyncio.get_running_loop().time(), min(count, pool)):
        raise RefusedError("rate.limited", "This device uploads too many key packages.", retryable=True)
    checked = check_packages(asked, link.login().certificate, link.house.clock(), pool=pool)
    await link.change(lambda execute: keep_packages(execute, link.device, checked, pool=pool, anew=asked.anew))
    return Empty()


async def key_package_status(link: DeviceLink, asked: KeyPackageStatus) -> KeyPackageStatusReply:
    """What is left of it."""
    return package_status(link.house.database.read, link.device, link.house.clock())


async def own_key_packages(link: DeviceLink, asked: OwnKeyPackages) -> KeyPackagesReply:
    """Key packages of the person's other devices."""
    if len(asked.devices) > MAX_DEVICES or any(len(device) != DEVICE_SIZE for device in asked.devices):
        raise malformed("it names too many devices")
    wanted = [device for device in asked.devices if device != link.device] or link.others()
    if not wanted:
        return KeyPackagesReply(status=Status.STATUS_ACCEPTED)
    claimed = await link.change(lambda execute: claim_packages(execute, link.user, wanted, link.house.clock()))
    for device, _ in claimed:
        link.house.tell_few_packages(device)
    return KeyPackagesReply(status=Status.STATUS_ACCEPTED, packages=[package for _, package in claimed])


async def put_aliases(link: DeviceLink, asked: PutAliases) -> Message:
    """Register, renew and forget aliases."""
    most = link.house.settings.limits.aliases
    await link.change(lambda execute: change_aliases(execute, link.device, asked, link.house.clock(), most))
    return Empty()


async def welcomes(link: DeviceLink, asked: GetWelcomes) -> WelcomesReply:
    """The oldest Welcomes that wait for the device."""
    return waiting(link.house.database.read, link.device)


async def welcomes_done(link: DeviceLink, asked: WelcomesDone) -> Message:
    """Forget Welcomes that the device has joined by."""
    if any(len(welcome) != ID_SIZE for welcome in asked.ids):
        raise malformed("the id of a Welcome has the wrong size")
    await link.change(lambda execute: done(execute, link.device, list(asked.ids)))
    return Empty()


GROUP_ANSWERS: Final[dict[str, Answer]] = {
    "put_key_packages": put_key_packages,
    "key_package_status": key_package_status,
    "own_key_packages": own_key_packages,
    "put_aliases": put_aliases,
    "welcomes": welcomes,
    "welcomes_done": welcomes_done,
}

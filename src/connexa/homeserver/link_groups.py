"""What a device keeps at its homeserver for groups, as questions on its mailbox link: key packages, aliases, Welcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from google.protobuf.message import Message

from connexa.errors import RefusedError
from connexa.homeserver.groups.aliases import change_aliases
from connexa.homeserver.groups.key_packages import check_packages, claim_packages, keep_packages, package_status
from connexa.homeserver.groups.welcomes import done, waiting
from connexa.homeserver.link_calls import Answer
from connexa.identity import DeviceCertificate
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

__all__ = ["GroupAnswers"]

T = TypeVar("T")
ID_SIZE = 32


class Change(Protocol):
    """Runs an operation of the device, unless it was removed meanwhile."""

    async def __call__(self, operation: Callable[[Execute], T]) -> T: ...


class GroupAnswers:
    """The questions of one logged-in device."""

    def __init__(self, house: Homeserver, certificate: DeviceCertificate, change: Change) -> None:
        self._house = house
        self._certificate = certificate
        self._change = change

    def answers(self) -> dict[str, Answer]:
        """By the names of `link.proto`."""
        return {
            "put_key_packages": self.put_key_packages,
            "key_package_status": self.key_package_status,
            "own_key_packages": self.own_key_packages,
            "put_aliases": self.put_aliases,
            "welcomes": self.welcomes,
            "welcomes_done": self.welcomes_done,
        }

    async def put_key_packages(self, asked: PutKeyPackages) -> Message:
        """Add to the device's pool."""
        pool = self._house.settings.limits.key_packages
        count = len(asked.one_time) + int(asked.HasField("last_resort"))
        if not self._house.package_uploads.take(self._certificate.device, asyncio.get_running_loop().time(), min(count, pool)):
            raise RefusedError("rate.limited", "This device uploads too many key packages.", retryable=True)
        checked = check_packages(asked, self._certificate, self._house.clock(), pool=pool)
        await self._change(lambda execute: keep_packages(execute, self._certificate.device, checked, pool=pool, anew=asked.anew))
        return Empty()

    async def key_package_status(self, asked: KeyPackageStatus) -> KeyPackageStatusReply:
        """What is left of it."""
        return package_status(self._house.database.read, self._certificate.device, self._house.clock())

    async def own_key_packages(self, asked: OwnKeyPackages) -> KeyPackagesReply:
        """Key packages of the person's other devices."""
        if len(asked.devices) > MAX_DEVICES or any(len(device) != DEVICE_SIZE for device in asked.devices):
            raise malformed("it names too many devices")
        user, own = self._certificate.user, self._certificate.device
        wanted = [device for device in asked.devices if device != own] or self._others()
        if not wanted:
            return KeyPackagesReply(status=Status.STATUS_ACCEPTED)
        claimed = await self._change(lambda execute: claim_packages(execute, user, wanted, self._house.clock()))
        for device, _ in claimed:
            self._house.tell_few_packages(device)
        return KeyPackagesReply(status=Status.STATUS_ACCEPTED, packages=[package for _, package in claimed])

    def _others(self) -> list[bytes]:
        sql = "SELECT device FROM device WHERE user = ? AND device != ?"
        return [row[0] for row in self._house.database.read(sql, (self._certificate.user, self._certificate.device))]

    async def put_aliases(self, asked: PutAliases) -> Message:
        """Register, renew and forget aliases."""
        most = self._house.settings.limits.aliases
        await self._change(lambda execute: change_aliases(execute, self._certificate.device, asked, self._house.clock(), most))
        return Empty()

    async def welcomes(self, asked: GetWelcomes) -> WelcomesReply:
        """The oldest Welcomes that wait for the device."""
        return waiting(self._house.database.read, self._certificate.device)

    async def welcomes_done(self, asked: WelcomesDone) -> Message:
        """Forget Welcomes that the device has joined by."""
        if any(len(welcome) != ID_SIZE for welcome in asked.ids):
            raise malformed("the id of a Welcome has the wrong size")
        await self._change(lambda execute: done(execute, self._certificate.device, list(asked.ids)))
        return Empty()

"""Approving and revoking devices while the homeserver's answer is lost: what is stored here is never ahead of the list, nor short of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.errors import NetworkError
from connexa.node.account import own_device_list
from connexa.node.upkeep import Upkeep, own_certificates
from connexa.testing import Device, World
from connexa.wire.v1.keys_pb2 import Signed

PUT_LIST = Upkeep.put_list


async def lose_request(self: Upkeep, signed: Signed, new: list[Signed]) -> None:
    raise NetworkError("link.closed", "The link was lost before the list was sent.")


async def lose_answer(self: Upkeep, signed: Signed, new: list[Signed]) -> None:
    await PUT_LIST(self, signed, new)
    raise NetworkError("link.closed", "The program ended in this moment.")


def certified(device: Device) -> tuple[int, int]:
    """How many devices stand in the own list, and of how many the certificate is here for the next one."""
    home, account = device.node._home, device.node._account("")
    own = own_device_list(home.database.read, account)
    return len(own[1].devices) if own else 0, len(own_certificates(home, account))


async def test_a_revocation_that_never_left_is_not_shown_as_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World.open(tmp_path, domains=("a.example",)) as world:
        desk, phone = await world.person("alice@a.example", devices=2)
        device = phone.node.account("").device
        with monkeypatch.context() as patch:
            patch.setattr(Upkeep, "put_list", lose_request)
            with pytest.raises(NetworkError):
                await desk.node.revoke_device("", device)
        assert {one.id: one.listed for one in desk.node.devices("")}[device]
        assert certified(desk) == (2, 2)
        await desk.node.revoke_device("", device)
        assert certified(desk) == (1, 1)


async def test_a_device_in_the_list_has_its_certificate_here_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World.open(tmp_path, domains=("a.example",)) as world:
        (desk,) = await world.person("alice@a.example")
        phone = await world.device("phone", "alice@a.example")
        shown = await phone.node.link_account("alice@a.example")
        met = await desk.node.approve_device("", shown.code)
        digits = await phone.until_digits()
        monkeypatch.setattr(Upkeep, "put_list", lose_answer)
        with pytest.raises(NetworkError):
            await desk.node.confirm_device("", met.id, digits)
        assert certified(desk) == (2, 2)

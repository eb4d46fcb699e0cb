"""Accounts, their devices and the browsers of this node, as operations of the API."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery, JSONBody

from connexa.node.views import AccountView, ApprovalView, DeviceView, LinkCodeView, LinkingView

from .answers import CertificateAnswer, KeyAnswer, Listing, TokenAnswer
from .bodies import BrowserKey, CreateAccount, LinkAccount, NameAccount, NameDevice, Nothing, WithAccount, WithCode, WithDevice, WithDigits
from .given import GivenAccess, GivenNode

__all__ = ["HANDLERS"]


@get("/api/accounts")
async def list_accounts(node: GivenNode) -> Listing[AccountView]:
    """Accounts of this node."""
    return Listing(node.accounts())


@get("/api/account")
async def show_account(node: GivenNode, account: FromQuery[str] = "") -> AccountView:
    """One account."""
    return node.account(account)


@post("/api/account/create", status_code=200)
async def create_account(node: GivenNode, data: JSONBody[CreateAccount]) -> AccountView:
    """Register a new account at its homeserver."""
    return await node.create_account(data.address, data.invite, data.name)


@post("/api/account/link", status_code=200)
async def link_account(node: GivenNode, data: JSONBody[LinkAccount]) -> LinkCodeView:
    """Make this node another device of an account; the code is to be approved on the primary device."""
    return await node.link_account(data.address, data.name)


@get("/api/account/link")
async def show_linking(node: GivenNode, account: FromQuery[str]) -> LinkingView:
    """How far this node is in being linked to an account; the digits to type on the primary device."""
    return node.linking(account)


@post("/api/account/set", status_code=200)
async def set_account(node: GivenNode, data: JSONBody[NameAccount]) -> AccountView:
    """Change the name that contacts are shown."""
    return await node.rename_account(data.account, data.name)


@get("/api/account/export")
async def export_account(node: GivenNode, account: FromQuery[str] = "") -> CertificateAnswer:
    """The account's OpenPGP certificate."""
    return CertificateAnswer(certificate=node.export_openpgp(account))


@post("/api/account/key", status_code=200)
async def create_browser_key(access: GivenAccess, data: JSONBody[Nothing]) -> KeyAnswer:
    """Make a key that logs one browser in, once, within a minute."""
    key, expires = access.issue_key()
    return KeyAnswer(key=key, expires=expires)


@post("/api/account/login", status_code=200)
async def log_in(access: GivenAccess, data: JSONBody[BrowserKey]) -> Response[TokenAnswer]:
    """Exchange a browser's key for its cookie and its token; later calls show both."""
    login = access.exchange(data.key)
    cookie = Cookie(key=access.cookie_name, value=login.cookie, path="/api", httponly=True, samesite="strict", max_age=login.seconds)
    return Response(TokenAnswer(token=login.token, seconds=login.seconds), cookies=[cookie])


@get("/api/devices")
async def list_devices(node: GivenNode, account: FromQuery[str] = "") -> Listing[DeviceView]:
    """Own devices of an account."""
    return Listing(node.devices(account))


@post("/api/devices/approve", status_code=200)
async def approve_device(node: GivenNode, data: JSONBody[WithCode]) -> ApprovalView:
    """Meet the new device that shows this code; its digits let it in."""
    return await node.approve_device(data.account, data.code)


@post("/api/devices/confirm", status_code=200)
async def confirm_device(node: GivenNode, data: JSONBody[WithDigits]) -> DeviceView:
    """Let a new device in by the six digits that it shows: one try."""
    return await node.confirm_device(data.account, data.approval, data.digits)


@post("/api/devices/rename", status_code=200)
async def rename_device(node: GivenNode, data: JSONBody[NameDevice]) -> DeviceView:
    """Name an own device."""
    return await node.rename_device(data.account, data.device, data.name)


@post("/api/devices/revoke", status_code=200)
async def revoke_device(node: GivenNode, data: JSONBody[WithDevice]) -> DeviceView:
    """Shut an own device out."""
    return await node.revoke_device(data.account, data.device)


@post("/api/devices/history", status_code=200)
async def pull_history(node: GivenNode, data: JSONBody[WithAccount]) -> AccountView:
    """Take over the history of the other own devices once more."""
    return await node.pull_history(data.account)


HANDLERS = [
    list_accounts,
    show_account,
    create_account,
    link_account,
    show_linking,
    set_account,
    export_account,
    create_browser_key,
    log_in,
    list_devices,
    approve_device,
    confirm_device,
    rename_device,
    revoke_device,
    pull_history,
]

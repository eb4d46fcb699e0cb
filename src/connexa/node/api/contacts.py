"""Contacts, requests and invites, as operations of the API."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from connexa.node.views import ContactView, InviteView, RequestView, SafetyNumberView

from .answers import Done, Listing
from .bodies import AddContact, CreateInvite, NameContact, VerifyContact, WithContact, WithInvite, WithRequest, WithText
from .given import GivenNode

__all__ = ["HANDLERS"]


@get("/api/contacts")
async def list_contacts(node: GivenNode, account: FromQuery[str] = "") -> Listing[ContactView]:
    """People whom an account knows."""
    return Listing(node.contacts(account))


@get("/api/contacts/{who:str}")
async def show_contact(node: GivenNode, who: FromPath[str], account: FromQuery[str] = "") -> ContactView:
    """One contact, by address, name or user id."""
    return node.contact(account, who)


@get("/api/contacts/{who:str}/safety-number")
async def show_safety_number(node: GivenNode, who: FromPath[str], account: FromQuery[str] = "") -> SafetyNumberView:
    """The digits to compare with a contact, and the text of the QR code to show; of the key that answers now."""
    return node.safety_number(account, who)


@post("/api/contacts/add", status_code=200)
async def add_contact(node: GivenNode, data: JSONBody[AddContact]) -> ContactView:
    """Note an address as a contact."""
    return await node.add_contact(data.account, data.address, data.name)


@post("/api/contacts/rename", status_code=200)
async def rename_contact(node: GivenNode, data: JSONBody[NameContact]) -> ContactView:
    """Name a contact."""
    return await node.rename_contact(data.account, data.who, data.name)


@post("/api/contacts/verify", status_code=200)
async def verify_contact(node: GivenNode, data: JSONBody[VerifyContact]) -> ContactView:
    """Note that the safety number was compared."""
    return await node.verify_contact(data.account, data.who, data.proof, data.how)


@post("/api/contacts/block", status_code=200)
async def block_contact(node: GivenNode, data: JSONBody[WithContact]) -> ContactView:
    """Close the door to somebody."""
    return await node.block_contact(data.account, data.who)


@post("/api/contacts/unblock", status_code=200)
async def unblock_contact(node: GivenNode, data: JSONBody[WithContact]) -> ContactView:
    """Open the door again."""
    return await node.unblock_contact(data.account, data.who)


@post("/api/contacts/unverify", status_code=200)
async def unverify_contact(node: GivenNode, data: JSONBody[WithContact]) -> ContactView:
    """Take back that the safety number was compared."""
    return await node.unverify_contact(data.account, data.who)


@post("/api/contacts/trust", status_code=200)
async def trust_contact(node: GivenNode, data: JSONBody[WithContact]) -> ContactView:
    """Go on with the key that answers for a contact now, without having compared it."""
    return await node.trust_contact(data.account, data.who)


@post("/api/contacts/keep", status_code=200)
async def keep_contact(node: GivenNode, data: JSONBody[WithContact]) -> ContactView:
    """Stay with the key of a contact that was known before."""
    return await node.keep_contact(data.account, data.who)


@post("/api/contacts/remove", status_code=200)
async def remove_contact(node: GivenNode, data: JSONBody[WithContact]) -> Done:
    """Forget a contact."""
    await node.remove_contact(data.account, data.who)
    return Done()


@get("/api/requests")
async def list_requests(node: GivenNode, account: FromQuery[str] = "") -> Listing[RequestView]:
    """Strangers who ask; who they are and what they wrote shows when one is opened."""
    return Listing(node.requests(account))


@get("/api/requests/{request_id:str}")
async def show_request(node: GivenNode, request_id: FromPath[str], account: FromQuery[str] = "") -> RequestView:
    """Open a request; its sender learns nothing of it."""
    return node.request(account, request_id)


@post("/api/requests/accept", status_code=200)
async def accept_request(node: GivenNode, data: JSONBody[WithRequest]) -> ContactView:
    """Let somebody in."""
    return await node.accept_request(data.account, data.request)


@post("/api/requests/reject", status_code=200)
async def reject_request(node: GivenNode, data: JSONBody[WithRequest]) -> Done:
    """Turn a request down; nothing is sent."""
    await node.reject_request(data.account, data.request)
    return Done()


@get("/api/invites")
async def list_invites(node: GivenNode, account: FromQuery[str] = "") -> Listing[InviteView]:
    """Invites that an account gave out."""
    return Listing(node.invites(account))


@post("/api/invites/create", status_code=200)
async def create_invite(node: GivenNode, data: JSONBody[CreateInvite]) -> InviteView:
    """Make an invite to hand over."""
    return await node.create_invite(data.account, data.uses, data.days)


@post("/api/invites/accept", status_code=200)
async def accept_invite(node: GivenNode, data: JSONBody[WithText]) -> ContactView:
    """Become a contact of whoever gave this invite."""
    return await node.accept_invite(data.account, data.text)


@post("/api/invites/revoke", status_code=200)
async def revoke_invite(node: GivenNode, data: JSONBody[WithInvite]) -> Done:
    """Make an invite worthless."""
    await node.revoke_invite(data.account, data.invite)
    return Done()


HANDLERS = [
    list_contacts,
    show_contact,
    show_safety_number,
    add_contact,
    rename_contact,
    verify_contact,
    unverify_contact,
    trust_contact,
    keep_contact,
    block_contact,
    unblock_contact,
    remove_contact,
    list_requests,
    show_request,
    accept_request,
    reject_request,
    list_invites,
    create_invite,
    accept_invite,
    revoke_invite,
]

"""What is said and what is said about it, as operations of the API."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from connexa.node.search.views import SearchView
from connexa.node.views import ConversationView, MessageInfoView, MessageView, VersionView

from .answers import Done, Listing
from .given import GivenNode
from .message_bodies import DeleteMessage, EditMessage, ForwardMessage, ReactToMessage, SendMessage, SetTimer, spans_of

__all__ = ["HANDLERS"]


@post("/api/messages/send", status_code=200)
async def send_message(node: GivenNode, data: JSONBody[SendMessage]) -> MessageView:
    """Store a message in the outbox; it is on its way when this returns."""
    text, spans = spans_of(node, data.account, data.text, data.spans, markup=data.markup)
    return await node.send(
        data.account, data.to, text, subject=data.subject, reply_to=data.reply_to, message_id=data.message_id, spans=spans
    )


@get("/api/search")
async def search(
    node: GivenNode,
    q: Annotated[str, QueryParameter(min_length=1, max_length=1024)],
    account: FromQuery[str] = "",
    older: FromQuery[int | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
    newest: FromQuery[bool] = False,
) -> SearchView:
    """Find what was said: words, beginnings with *, "phrases", from: in: has: before: after:. The best first, or the newest."""
    return await node.search(account, q, older=older, limit=limit, newest_first=newest)


@get("/api/message/{message_id:str}")
async def show_message(node: GivenNode, message_id: FromPath[str], account: FromQuery[str] = "") -> MessageInfoView:
    """A message with what became of it at each device."""
    return node.message(account, message_id)


@get("/api/message/{message_id:str}/thread")
async def show_thread(node: GivenNode, message_id: FromPath[str], account: FromQuery[str] = "") -> Listing[MessageView]:
    """The thread that a message belongs to, oldest first: where it began, and all that answers it."""
    return Listing(node.talk(account).thread(message_id))


@get("/api/message/{message_id:str}/versions")
async def list_versions(node: GivenNode, message_id: FromPath[str], account: FromQuery[str] = "") -> Listing[VersionView]:
    """All wordings of a message, the first one first."""
    return Listing(node.talk(account).versions(message_id))


@post("/api/messages/edit", status_code=200)
async def edit_message(node: GivenNode, data: JSONBody[EditMessage]) -> MessageView:
    """Word a message of one's own anew, for everybody; earlier wordings stay to be seen."""
    text, spans = spans_of(node, data.account, data.text, data.spans, markup=data.markup)
    return await node.talk(data.account).edit(data.message, text, spans, said=data.name)


@post("/api/messages/react", status_code=200)
async def react_to_message(node: GivenNode, data: JSONBody[ReactToMessage]) -> MessageView:
    """React to a message, in place of the reaction before; no emoji takes it back."""
    return await node.talk(data.account).react(data.message, data.emoji, said=data.name)


@post("/api/messages/forward", status_code=200)
async def forward_message(node: GivenNode, data: JSONBody[ForwardMessage]) -> MessageView:
    """Say what a message says to somebody else; not who has said it."""
    return await node.forward(data.account, data.message, data.to, data.message_id)


@post("/api/messages/delete", status_code=200)
async def delete_message(node: GivenNode, data: JSONBody[DeleteMessage]) -> Done:
    """Delete a message on all own devices; `everywhere`: one of one's own, at everybody who has it."""
    if data.everywhere:
        await node.talk(data.account).withdraw(data.message)
    else:
        await node.delete_message(data.account, data.message)
    return Done()


@post("/api/conversations/timer", status_code=200)
async def set_timer(node: GivenNode, data: JSONBody[SetTimer]) -> ConversationView:
    """Let what is said from now on disappear; in a group, an admin may."""
    return await node.set_timer(data.account, data.conversation, data.seconds)


HANDLERS = [
    send_message,
    search,
    show_message,
    show_thread,
    list_versions,
    edit_message,
    react_to_message,
    forward_message,
    delete_message,
    set_timer,
]

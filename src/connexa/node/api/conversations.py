"""Conversations, as operations of the API."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from connexa.node.views import ConversationView, MessageView

from .answers import Done, Listing
from .bodies import ArchiveConversation, FavourConversation, KeepDraft, MuteConversation, PinConversation, WithConversation
from .given import GivenNode

__all__ = ["HANDLERS"]

Limit = Annotated[int, QueryParameter(ge=1, le=500)]


@get("/api/messages/{conversation_id:str}")
async def list_messages(
    node: GivenNode, conversation_id: FromPath[str], account: FromQuery[str] = "", before: FromQuery[int | None] = None, limit: Limit = 50
) -> Listing[MessageView]:
    """The newest messages of a conversation, oldest first; `before` is a cursor to page back from."""
    return Listing(node.messages(account, conversation_id, before=before, limit=limit))


@get("/api/conversations")
async def list_conversations(node: GivenNode, account: FromQuery[str] = "", archived: FromQuery[bool] = False) -> Listing[ConversationView]:
    """Conversations, newest first."""
    return Listing(node.conversations(account, archived=archived))


@get("/api/conversations/{conversation_id:str}")
async def show_conversation(node: GivenNode, conversation_id: FromPath[str], account: FromQuery[str] = "") -> ConversationView:
    """One conversation."""
    return node.conversation(account, conversation_id)


@post("/api/conversations/read", status_code=200)
async def mark_read(node: GivenNode, data: JSONBody[WithConversation]) -> Done:
    """Everything in this conversation was read."""
    await node.mark_read(data.account, data.conversation)
    return Done()


@post("/api/conversations/mute", status_code=200)
async def mute_conversation(node: GivenNode, data: JSONBody[MuteConversation]) -> ConversationView:
    """Silence a conversation, or let it speak again."""
    return await node.mute_conversation(data.account, data.conversation, data.muted)


@post("/api/conversations/archive", status_code=200)
async def archive_conversation(node: GivenNode, data: JSONBody[ArchiveConversation]) -> ConversationView:
    """Put a conversation away, or take it back."""
    return await node.archive_conversation(data.account, data.conversation, data.archived)


@post("/api/conversations/pin", status_code=200)
async def pin_conversation(node: GivenNode, data: JSONBody[PinConversation]) -> ConversationView:
    """Let a conversation stand above the others, or not."""
    return await node.pin_conversation(data.account, data.conversation, data.pinned)


@post("/api/conversations/favour", status_code=200)
async def favour_conversation(node: GivenNode, data: JSONBody[FavourConversation]) -> ConversationView:
    """Keep a conversation among the favourites, or not."""
    return await node.favour_conversation(data.account, data.conversation, data.favourite)


@post("/api/conversations/draft", status_code=200)
async def keep_draft(node: GivenNode, data: JSONBody[KeepDraft]) -> ConversationView:
    """Keep what is typed in a conversation, on all own devices."""
    return await node.set_draft(data.account, data.conversation, data.text, data.subject)


@post("/api/conversations/delete", status_code=200)
async def delete_conversation(node: GivenNode, data: JSONBody[WithConversation]) -> Done:
    """Delete a conversation on all own devices."""
    await node.delete_conversation(data.account, data.conversation)
    return Done()


HANDLERS = [
    list_messages,
    list_conversations,
    show_conversation,
    mark_read,
    mute_conversation,
    archive_conversation,
    pin_conversation,
    favour_conversation,
    keep_draft,
    delete_conversation,
]

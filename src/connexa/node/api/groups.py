"""Groups, as operations of the API."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from connexa.node.groups.views import GroupLinkView, GroupView

from .answers import ImageAnswer, Listing
from .bodies import (
    CreateGroup,
    GroupHistory,
    GroupImage,
    GroupMove,
    GroupName,
    GroupPersonRole,
    GroupTimer,
    GroupWithout,
    WithGroup,
    WithGroupPerson,
    WithText,
)
from .given import GivenNode

__all__ = ["HANDLERS"]


@get("/api/groups")
async def list_groups(node: GivenNode, account: FromQuery[str] = "", over: FromQuery[bool] = False) -> Listing[GroupView]:
    """Groups and invitations; with `over` those too that were left."""
    return Listing(node.groups(account).groups(over=over))


@get("/api/groups/{group:str}")
async def show_group(node: GivenNode, group: FromPath[str], account: FromQuery[str] = "") -> GroupView:
    """One group, by its id, how that begins, or its name."""
    return node.groups(account).group(group)


@get("/api/groups/{group:str}/avatar")
async def show_group_avatar(node: GivenNode, group: FromPath[str], account: FromQuery[str] = "") -> ImageAnswer:
    """The image of a group; empty without one."""
    return ImageAnswer(node.groups(account).avatar(group))


@get("/api/groups/{group:str}/link")
async def show_group_link(node: GivenNode, group: FromPath[str], account: FromQuery[str] = "") -> GroupLinkView:
    """The invitation link of a group: whoever has it can come in."""
    return node.groups(account).link(group)


@post("/api/groups/create", status_code=200)
async def create_group(node: GivenNode, data: JSONBody[CreateGroup]) -> GroupView:
    """Make a group."""
    return await node.groups(data.account).create(data.name)


@post("/api/groups/join", status_code=200)
async def join_group(node: GivenNode, data: JSONBody[WithText]) -> GroupView:
    """Come in by an invitation link."""
    return await node.groups(data.account).join(data.text)


@post("/api/groups/accept", status_code=200)
async def accept_group(node: GivenNode, data: JSONBody[WithGroup]) -> GroupView:
    """Accept an invitation."""
    return await node.groups(data.account).accept(data.group)


@post("/api/groups/leave", status_code=200)
async def leave_group(node: GivenNode, data: JSONBody[WithGroup]) -> GroupView:
    """Leave with all own devices, or decline an invitation."""
    return await node.groups(data.account).leave(data.group)


@post("/api/groups/invite", status_code=200)
async def invite_to_group(node: GivenNode, data: JSONBody[WithGroupPerson]) -> GroupView:
    """Invite a contact."""
    return await node.groups(data.account).invite(data.group, data.who)


@post("/api/groups/remove", status_code=200)
async def remove_from_group(node: GivenNode, data: JSONBody[WithGroupPerson]) -> GroupView:
    """Take somebody out."""
    return await node.groups(data.account).remove(data.group, data.who)


@post("/api/groups/anew", status_code=200)
async def begin_group_anew(node: GivenNode, data: JSONBody[GroupWithout]) -> GroupView:
    """Go on without a commit that keeps the group from going on, and without whoever is named."""
    return await node.groups(data.account).begin_anew(data.group, data.without)


@post("/api/groups/move", status_code=200)
async def move_group(node: GivenNode, data: JSONBody[GroupMove]) -> GroupView:
    """Let a group go to another homeserver of its members."""
    return await node.groups(data.account).move(data.group, data.to, stay=data.stay)


@post("/api/groups/role", status_code=200)
async def set_group_role(node: GivenNode, data: JSONBody[GroupPersonRole]) -> GroupView:
    """Give somebody a role."""
    return await node.groups(data.account).set_role(data.group, data.who, data.role)


@post("/api/groups/rename", status_code=200)
async def rename_group(node: GivenNode, data: JSONBody[GroupName]) -> GroupView:
    """Give a group another name."""
    return await node.groups(data.account).rename(data.group, data.name)


@post("/api/groups/avatar", status_code=200)
async def set_group_avatar(node: GivenNode, data: JSONBody[GroupImage]) -> GroupView:
    """Give a group an image, in base64; empty takes it away."""
    return await node.groups(data.account).set_avatar(data.group, data.image)


@post("/api/groups/timer", status_code=200)
async def set_group_timer(node: GivenNode, data: JSONBody[GroupTimer]) -> GroupView:
    """Let new messages disappear after so many seconds; 0: they stay."""
    return await node.groups(data.account).set_timer(data.group, data.seconds)


@post("/api/groups/history", status_code=200)
async def set_group_history(node: GivenNode, data: JSONBody[GroupHistory]) -> GroupView:
    """Say what newcomers are shown of what was said without them."""
    return await node.groups(data.account).set_history(data.group, data.rule, data.last)


@post("/api/groups/link", status_code=200)
async def make_group_link(node: GivenNode, data: JSONBody[WithGroup]) -> GroupView:
    """Make a new invitation link; the one before it ends."""
    return await node.groups(data.account).make_link(data.group)


@post("/api/groups/unlink", status_code=200)
async def end_group_link(node: GivenNode, data: JSONBody[WithGroup]) -> GroupView:
    """Let the invitation link end."""
    return await node.groups(data.account).end_link(data.group)


HANDLERS = [
    list_groups,
    show_group,
    show_group_avatar,
    show_group_link,
    create_group,
    join_group,
    accept_group,
    leave_group,
    invite_to_group,
    remove_from_group,
    begin_group_anew,
    move_group,
    set_group_role,
    rename_group,
    set_group_avatar,
    set_group_timer,
    set_group_history,
    make_group_link,
    end_group_link,
]

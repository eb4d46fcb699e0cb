"""The shape of what a hub is asked: sizes and counts, checked before anything is looked up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connexa.errors import UsageError
from connexa.homeserver.groups.aliases import ALIAS_SIZE
from connexa.homeserver.groups.refusals import HubRefused
from connexa.homeserver.groups.welcomes import MAX_WELCOME
from connexa.identity import check_domain
from connexa.wire import HASH_SIZE, ID_SIZE, malformed
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupMode, GroupPlace, GroupRequest, GroupState

__all__ = ["GROUP_SIZE", "MAX_EPOCH", "MAX_SEALED", "check_places", "check_request", "check_state"]

GROUP_SIZE: Final = 32
TOKEN_SIZE: Final = 32
MAX_MESSAGE: Final = 65_536
MAX_COMMIT: Final = 128 * 1024
MAX_SEALED: Final = 128 * 1024
MAX_ADDS: Final = 256
MAX_REF: Final = 64
MAX_EXTRA: Final = 1_024
MAX_EPOCH: Final = 2**62
MAX_OFFSET: Final = 2**31


def check_request(request: GroupRequest) -> None:
    """Refuse what is malformed or too large: `frame.malformed`, `group.too_large`."""
    if len(request.group) != GROUP_SIZE:
        raise malformed("a group id has the wrong size")
    right = request.WhichOneof("right")
    if right is not None and len(getattr(request, right)) != TOKEN_SIZE:
        raise malformed("a right has the wrong size")
    match request.WhichOneof("request"):
        case "create":
            if request.create.mode not in (GroupMode.GROUP_MODE_BLIND, GroupMode.GROUP_MODE_ASSISTED):
                raise malformed("a group has no known mode")
            if request.create.first.commit or not request.create.first.HasField("admins"):
                raise malformed("a new group has a commit, or no admins")
            _check_bundle(request.create.first)
        case "commit":
            _check_bundle(request.commit)
            if not request.commit.commit:
                raise malformed("a bundle has no commit")
        case "send":
            _fits(request.send.message, MAX_MESSAGE)
            if len(request.send.id) != ID_SIZE or not request.send.message:
                raise malformed("a message is empty, or its id has the wrong size")
        case "info":
            if request.info.offset >= MAX_OFFSET:
                raise malformed("it asks for a piece that nothing has")
        case None:
            raise malformed("it asks nothing of the group")


def _check_bundle(bundle: GroupBundle) -> None:
    _fits(bundle.commit, MAX_COMMIT)
    _fits(bundle.sealed, MAX_SEALED)
    _fits(bundle.welcome, MAX_WELCOME)
    if bundle.epoch >= MAX_EPOCH or len(bundle.join_hash) not in (0, HASH_SIZE) or not bundle.sealed:
        raise malformed("a bundle has no sealed part, or an epoch or a hash that is none")
    if max(len(bundle.adds), len(bundle.removes)) > MAX_ADDS:
        raise HubRefused("group.too_large", f"One commit adds or removes at most {MAX_ADDS} devices.")
    if any(len(alias) != ALIAS_SIZE for alias in bundle.removes):
        raise malformed("an alias has the wrong size")
    if any(not 1 <= len(add.ref) <= MAX_REF or len(add.extra) > MAX_EXTRA for add in bundle.adds):
        raise malformed("a reference or a sealed part has the wrong size")
    check_places([*(add.place for add in bundle.adds), *([bundle.own] if bundle.HasField("own") else [])])


def check_places(places: Iterable[GroupPlace]) -> None:
    """Refuse places that are malformed, or of which two would be one."""
    aliases, tokens = set(), set()
    for place in places:
        try:
            check_domain(place.domain)
        except UsageError:
            raise malformed("a place has no domain") from None
        if len(place.alias) != ALIAS_SIZE or len(place.token_hash) != HASH_SIZE:
            raise malformed("an alias or a hash has the wrong size")
        if place.alias in aliases or place.token_hash in tokens:
            raise malformed("a place is named twice")
        aliases.add(place.alias)
        tokens.add(place.token_hash)


def check_state(state: GroupState, sealed: bytes) -> None:
    """Refuse a state that no group can have."""
    _fits(sealed, MAX_SEALED)
    check_places(state.places)
    if not state.places or not sealed or len(state.join_hash) not in (0, HASH_SIZE):
        raise malformed("a state has nobody in it, no sealed part, or a hash that is none")


def _fits(content: bytes, limit: int) -> None:
    if len(content) > limit:
        raise HubRefused("group.too_large", f"A part of it is larger than {limit} bytes.")

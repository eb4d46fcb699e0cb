"""What groups know and say, to bytes and back; every size is held to its limit before anybody sees the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from connexa.content._codec import MAX_CONTENT
from connexa.content._fields import Malformed, need
from connexa.content._group import (
    GroupLack,
    GroupMessage,
    GroupPast,
    GroupPerson,
    GroupRole,
    HistoryKind,
    HistoryRule,
    JoinExtra,
    MemberCard,
    PastMessage,
    RoomRecord,
    Said,
    SharedChange,
    SharedState,
)
from connexa.content._said_codec import timer as _timer
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import MAX_ADMIN_KEYS, Address, check_domain, check_user_id
from connexa.wire import MAX_INTEGER, parse
from connexa.wire.v1 import group_state_pb2 as pb

__all__ = [
    "MAX_AVATAR",
    "MAX_GROUP_NAME",
    "MAX_GROUP_PEOPLE",
    "MAX_LEAVES",
    "MAX_PAST",
    "read_change",
    "read_extra",
    "read_record",
    "read_said",
    "read_state",
    "write_change",
    "write_extra",
    "write_record",
    "write_said",
    "write_state",
]

M = TypeVar("M", bound=Message)
VERSION = 1
MAX_GROUP_NAME = 128
MAX_AVATAR = 16_384
MAX_PAST = 100  # messages from before an invitation
MAX_GROUP_PEOPLE = 50
MAX_LEAVES = 80  # so that a commit with everything that belongs to it fits one frame
MAX_KEY_PACKAGE = 4_096
_MAX_BYTES = 262_144
_ROLES = {GroupRole.MEMBER: pb.GROUP_ROLE_MEMBER, GroupRole.ADMIN: pb.GROUP_ROLE_ADMIN, GroupRole.OWNER: pb.GROUP_ROLE_OWNER}
_ROLE_OF = {number: role for role, number in _ROLES.items()}


def _parsed(kind: type[M], raw: bytes) -> M:
    try:
        return parse(kind, raw, _MAX_BYTES)
    except ConnexaError:
        raise _malformed() from None


def _malformed() -> IntegrityError:
    return IntegrityError("group.malformed", "Something in a group does not follow the protocol.")


# ---- state


def write_state(state: SharedState) -> bytes:
    """The state as bytes: the same for the same state."""
    return _state_message(state).SerializeToString(deterministic=True)


def _state_message(state: SharedState) -> pb.SharedState:
    return pb.SharedState(
        version=VERSION,
        name=state.name,
        avatar=state.avatar,
        timer=state.timer,
        history=_rule_message(state.history),
        people=[_person_message(one) for one in state.people],
        cards=[_card_message(one) for one in state.cards],
        room_key=state.room_key,
        join_key=state.join_key,
        admin_keys=[pb.AdminKey(device=device, key=key) for device, key in state.admin_keys],
        admins=state.admins,
        moving=state.moving,
    )


def read_state(raw: bytes) -> SharedState:
    """The state of these bytes, or `IntegrityError`."""
    message = _parsed(pb.SharedState, raw)
    try:
        return _read_state(message)
    except (Malformed, ConnexaError):
        raise _malformed() from None


def _read_state(message: pb.SharedState) -> SharedState:
    need(message.version == VERSION and len(message.room_key) == 32 and len(message.join_key) in (0, 32))
    need(1 <= len(message.people) <= MAX_GROUP_PEOPLE and 1 <= len(message.cards) <= MAX_LEAVES)
    need(message.HasField("admins") and len(message.admin_keys) <= MAX_ADMIN_KEYS)
    need(all(len(one.device) == len(one.key) == 32 for one in message.admin_keys))
    return SharedState(
        name=_name(message.name),
        room_key=message.room_key,
        avatar=_avatar(message.avatar),
        timer=_timer(message.timer),
        history=_read_rule(message.history),
        people=tuple(_read_person(one) for one in message.people),
        cards=tuple(_read_card(one) for one in message.cards),
        join_key=message.join_key,
        admin_keys=tuple((one.device, one.key) for one in message.admin_keys),
        admins=message.admins,
        moving=_moving(message.moving),
    )


def _moving(domain: str) -> str:
    return check_domain(domain) if domain else ""


def _name(name: str) -> str:
    need(bool(name.strip()) and len(name.encode()) <= MAX_GROUP_NAME and name.isprintable())
    return name


def _avatar(avatar: bytes) -> bytes:
    need(len(avatar) <= MAX_AVATAR)
    return avatar


def _rule_message(rule: HistoryRule) -> pb.HistoryRule:
    return pb.HistoryRule(kind=pb.HistoryRule.Kind.Name(rule.kind.value), last=rule.last)


def _read_rule(message: pb.HistoryRule) -> HistoryRule:
    need(message.kind in HistoryKind._value2member_map_)
    kind = HistoryKind(message.kind)
    need(1 <= message.last <= MAX_PAST if kind is HistoryKind.LAST else message.last == 0)
    return HistoryRule(kind, message.last)


def _person_message(person: GroupPerson) -> pb.GroupPerson:
    return pb.GroupPerson(
        user=person.user,
        address=str(person.address),
        user_key=person.user_key,
        attestation=person.attestation,
        role=pb.GroupRole.Name(_ROLES[person.role]),
        by=person.by,
    )


def _read_person(message: pb.GroupPerson) -> GroupPerson:
    need(len(message.user_key) == 42 and len(message.by) in (0, 32) and message.role in _ROLE_OF)
    user, address = check_user_id(message.user), Address.from_wire(message.address)
    return GroupPerson(user, address, message.user_key, message.attestation, _ROLE_OF[message.role], message.by)


def _card_message(card: MemberCard) -> pb.MemberCard:
    return pb.MemberCard(
        user=card.user, certificate=card.certificate, key_package=card.key_package, proof=card.proof, token_hash=card.token_hash
    )


def _read_card(message: pb.MemberCard) -> MemberCard:
    need(1 <= len(message.key_package) <= MAX_KEY_PACKAGE and len(message.token_hash) == 32)
    return MemberCard(check_user_id(message.user), message.certificate, message.key_package, message.proof, message.token_hash)


# ---- changes


def write_change(change: SharedChange) -> bytes:
    """A change as bytes."""
    message = pb.SharedChange(
        version=VERSION,
        people=[_person_message(one) for one in change.people],
        cards=[_card_message(one) for one in change.cards],
        name=change.name,
        avatar=change.avatar,
        timer=change.timer,
        history=_rule_message(change.history) if change.history is not None else None,
        roles=[pb.RoleChange(user=user, role=pb.GroupRole.Name(_ROLES[role])) for user, role in change.roles],
        join_key=change.join_key,
        admin_key=change.admin_key,
        admins=change.admins,
        moving=change.moving,
    )
    return message.SerializeToString(deterministic=True)


def read_change(raw: bytes) -> SharedChange:
    """The change of these bytes, or `IntegrityError`: `group.newer` where a later program has written it, else `group.malformed`."""
    if _version_of(raw) > VERSION:
        raise IntegrityError("group.newer", "A newer program has changed the group in a way that this one cannot read.", "Update Connexa.")
    message = _parsed(pb.SharedChange, raw)
    try:
        return _read_change(message)
    except (Malformed, ConnexaError):
        raise _malformed() from None


def _version_of(raw: bytes) -> int:
    """The version that a change says it has, whatever else is in it."""
    try:
        return pb.SharedChange.FromString(raw[:_MAX_BYTES]).version
    except DecodeError:
        return 0


def _read_change(message: pb.SharedChange) -> SharedChange:
    need(message.version == VERSION)
    need(max(len(message.people), len(message.roles)) <= MAX_GROUP_PEOPLE and len(message.cards) <= MAX_LEAVES)
    need(all(one.role in _ROLE_OF for one in message.roles))
    need(not message.HasField("join_key") or len(message.join_key) in (0, 32))
    need(len(message.admin_key) in (0, 32))
    return SharedChange(
        people=tuple(_read_person(one) for one in message.people),
        cards=tuple(_read_card(one) for one in message.cards),
        name=_name(message.name) if message.HasField("name") else None,
        avatar=_avatar(message.avatar) if message.HasField("avatar") else None,
        timer=_timer(message.timer) if message.HasField("timer") else None,
        history=_read_rule(message.history) if message.HasField("history") else None,
        roles=tuple((check_user_id(one.user), _ROLE_OF[one.role]) for one in message.roles),
        join_key=message.join_key if message.HasField("join_key") else None,
        admin_key=message.admin_key,
        admins=message.admins if message.HasField("admins") else None,
        moving=_moving(message.moving) if message.HasField("moving") else None,
    )


# ---- what is said


def write_said(said: Said) -> bytes:
    """What is said, as application data."""
    message = pb.GroupSaid(version=VERSION)
    match said:
        case GroupMessage(number, content, timer):
            message.message.CopyFrom(pb.GroupMessage(id=number, content=content, timer=timer))
        case GroupPast(messages):
            message.past.messages.extend(_past_messages(messages))
        case GroupLack(after, until):
            message.lack.CopyFrom(pb.GroupLack(term=after[0], seq=after[1], until_term=until[0], until_epoch=until[1]))
    return message.SerializeToString(deterministic=True)


def _past_messages(messages: Sequence[PastMessage]) -> list[pb.PastMessage]:
    return [
        pb.PastMessage(id=one.id, user=one.user, device=one.device, address=str(one.address), content=one.content, timer=one.timer)
        for one in messages
    ]


def read_said(raw: bytes) -> Said:
    """What was said, or `IntegrityError`."""
    message = _parsed(pb.GroupSaid, raw)
    try:
        need(message.version == VERSION)
        match message.WhichOneof("kind"):
            case "message":
                one = message.message
                need(len(one.id) == 16 and 1 <= len(one.content) <= MAX_CONTENT)
                return GroupMessage(one.id, one.content, _timer(one.timer))
            case "past":
                need(1 <= len(message.past.messages) <= MAX_PAST)
                return GroupPast(tuple(_read_past(one) for one in message.past.messages))
            case "lack":
                lack = message.lack
                need(max(lack.term, lack.seq, lack.until_term, lack.until_epoch) < MAX_INTEGER)
                return GroupLack((lack.term, lack.seq), (lack.until_term, lack.until_epoch))
        raise Malformed
    except (Malformed, ConnexaError):
        raise _malformed() from None


def _read_past(one: pb.PastMessage) -> PastMessage:
    need(len(one.id) == 16 and len(one.device) == 32 and 1 <= len(one.content) <= MAX_CONTENT)
    return PastMessage(one.id, check_user_id(one.user), one.device, Address.from_wire(one.address), one.content, _timer(one.timer))


# ---- what joiners are given


def write_extra(extra: JoinExtra) -> bytes:
    """What goes to one device beside its Welcome, before it is sealed."""
    return pb.JoinExtra(token=extra.token, hub=extra.hub, term=extra.term).SerializeToString(deterministic=True)


def read_extra(raw: bytes) -> JoinExtra:
    """What came beside a Welcome, or `IntegrityError`."""
    message = _parsed(pb.JoinExtra, raw)
    try:
        need(len(message.token) == 32 and message.term < MAX_INTEGER)
        return JoinExtra(message.token, check_domain(message.hub), message.term)
    except (Malformed, ConnexaError):
        raise _malformed() from None


def write_record(record: RoomRecord) -> bytes:
    """What stands beside an epoch, before it is sealed."""
    return pb.RoomRecord(group_info=record.group_info, state=_state_message(record.state)).SerializeToString(deterministic=True)


def read_record(raw: bytes) -> RoomRecord:
    """What stood beside an epoch, or `IntegrityError`."""
    message = _parsed(pb.RoomRecord, raw)
    try:
        need(bool(message.group_info))
        return RoomRecord(message.group_info, _read_state(message.state))
    except (Malformed, ConnexaError):
        raise _malformed() from None

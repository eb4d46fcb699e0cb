"""What groups know and say, to bytes and back: limits before values, and nothing half read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.content import (
    MAX_AVATAR,
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
    SharedChange,
    SharedState,
    read_change,
    read_extra,
    read_record,
    read_said,
    read_state,
    write_change,
    write_extra,
    write_record,
    write_said,
    write_state,
)
from connexa.errors import IntegrityError
from connexa.identity import Address, Domain, UserId
from connexa.wire.v1.groups_pb2 import SignedAdmins
from connexa.wire.v1.keys_pb2 import Signed

USER = UserId(bytes([7]) * 32)
SIGNED = Signed(body=b"body", signature=bytes(64))
PERSON = GroupPerson(USER, Address.parse("alice@a.example"), bytes(42), SIGNED, GroupRole.OWNER)
CARD = MemberCard(USER, SIGNED, b"key package", SIGNED, bytes([7]) * 32)
STATE = SharedState(
    "Garden",
    bytes(32),
    b"image",
    60,
    HistoryRule(HistoryKind.LAST, 10),
    (PERSON,),
    (CARD,),
    bytes([1]) * 32,
    ((bytes(32), bytes([3]) * 32),),
    SignedAdmins(body=b"set"),
    "b.example",
)
CHANGE = SharedChange((PERSON,), (CARD,), "Garden", b"", 0, HistoryRule(), ((USER, GroupRole.ADMIN),), b"")
PAST = GroupPast((PastMessage(bytes(16), USER, bytes(32), Address.parse("alice@a.example"), b"content", 5),))


def test_everything_comes_back_as_it_was() -> None:
    assert read_state(write_state(STATE)) == STATE
    assert read_change(write_change(CHANGE)) == CHANGE
    assert read_change(write_change(SharedChange())) == SharedChange()
    for said in (GroupMessage(bytes(16), b"content", 60), PAST):
        assert read_said(write_said(said)) == said
    extra, record = JoinExtra(bytes(32), Domain("a.example")), RoomRecord(b"group info", STATE)
    assert read_extra(write_extra(extra)) == extra
    assert read_record(write_record(record)) == record


@pytest.mark.parametrize(
    "state",
    [
        replace(STATE, name=""),
        replace(STATE, name="x" * 129),
        replace(STATE, name="two\nlines"),
        replace(STATE, avatar=bytes(MAX_AVATAR + 1)),
        replace(STATE, timer=366 * 86_400),
        replace(STATE, history=HistoryRule(HistoryKind.LAST, 101)),
        replace(STATE, history=HistoryRule(HistoryKind.NONE, 1)),
        replace(STATE, room_key=bytes(31)),
        replace(STATE, join_key=bytes(31)),
        replace(STATE, people=()),
        replace(STATE, people=(PERSON,) * 51),
        replace(STATE, cards=(CARD,) * 81),
        replace(STATE, cards=(replace(CARD, key_package=bytes(4_097)),)),
        replace(STATE, people=(replace(PERSON, user_key=bytes(41)),)),
    ],
)
def test_a_state_beyond_a_limit_is_refused(state: SharedState) -> None:
    with pytest.raises(IntegrityError) as refused:
        read_state(write_state(state))
    assert refused.value.code == "group.malformed"


def test_a_cut_or_unknown_form_is_refused() -> None:
    whole = write_state(STATE)
    for raw in (b"", whole[:-1], whole + b"\x00", b"\xfa\x01\x00" + whole):
        with pytest.raises(IntegrityError):
            read_state(raw)
    for said in (GroupMessage(bytes(15), b"content"), GroupMessage(bytes(16), b""), GroupPast(()), GroupPast(PAST.messages * 101)):
        with pytest.raises(IntegrityError):
            read_said(write_said(said))
    with pytest.raises(IntegrityError):
        read_extra(write_extra(JoinExtra(bytes(31), Domain("a.example"))))


def test_a_change_of_a_later_program_is_told_from_a_broken_one() -> None:
    for raw, code in ((b"\x08\x02\xf8\x07\x01", "group.newer"), (b"\x08\x01\xf8\x07\x01", "group.malformed"), (b"\xff", "group.malformed")):
        with pytest.raises(IntegrityError) as refused:
            read_change(raw)
        assert refused.value.code == code

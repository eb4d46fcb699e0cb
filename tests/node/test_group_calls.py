"""What a node makes of a hub's answers: values, and errors that carry what one needs to go on."""

from __future__ import annotations

from typing import TypeVar

import pytest
from google.protobuf.message import Message

from connexa.errors import IntegrityError, NetworkError, RefusedError
from connexa.identity import Domain
from connexa.node.group_calls import (
    EpochTooOld,
    GroupAt,
    GroupMoved,
    GroupRefusedError,
    WrongEpoch,
    fetch_info,
    fetch_log,
    leave_group,
    send_message,
    submit_commit,
)
from connexa.wire.v1.groups_pb2 import (
    GroupBundle,
    GroupCall,
    GroupDone,
    GroupEntry,
    GroupInfoPiece,
    GroupMode,
    GroupPage,
    GroupRecord,
    GroupRefused,
    GroupReply,
    GroupStored,
    GroupTakeOver,
)

R = TypeVar("R", bound=Message)
AT = GroupAt(Domain("a.example"), b"g" * 32, 3, token=b"t" * 32)


class Hub:
    """Says what a test has written down, and keeps what it was asked."""

    def __init__(self, *replies: GroupReply) -> None:
        self.replies = list(replies)
        self.asked: list[GroupCall] = []

    async def call(self, request: Message, answer: type[R]) -> R:
        assert isinstance(request, GroupCall)
        self.asked.append(request)
        reply = self.replies.pop(0)
        assert isinstance(reply, answer)
        return reply


async def test_a_request_names_group_term_and_right() -> None:
    hub = Hub(GroupReply(stored=GroupStored(seq=4, epoch=2)), GroupReply(done=GroupDone()))
    stored = await send_message(hub, AT, epoch=2, message_id=b"i" * 16, message=b"m")
    await leave_group(hub, GroupAt(Domain("a.example"), b"g" * 32, 0, join_key=b"k" * 32))
    assert (stored.seq, stored.epoch) == (4, 2)
    first, second = (call.request for call in hub.asked)
    assert (hub.asked[0].hub, first.group, first.term, first.token, first.send.id) == ("a.example", b"g" * 32, 3, b"t" * 32, b"i" * 16)
    assert (second.WhichOneof("right"), second.WhichOneof("request")) == ("join_key", "leave")
    assert "t" * 32 not in repr(AT)


async def test_refusals_carry_what_one_needs_to_go_on() -> None:
    entries = GroupPage(entries=[GroupEntry(seq=9)])
    moved = GroupTakeOver(body=b"record")
    hub = Hub(
        GroupReply(refused=GroupRefused(code="group.wrong_epoch", retryable=True, epoch=5, entries=entries)),
        GroupReply(refused=GroupRefused(code="group.moved", hub="b.example", term=4, moved=moved)),
        GroupReply(refused=GroupRefused(code="group.epoch_too_old", epoch=5)),
        GroupReply(refused=GroupRefused(code="group.full", retryable=True)),
    )
    with pytest.raises(WrongEpoch) as wrong:
        await submit_commit(hub, AT, GroupBundle())
    assert (wrong.value.epoch, [entry.seq for entry in wrong.value.entries], wrong.value.retryable) == (5, [9], True)
    with pytest.raises(GroupMoved) as gone:
        await submit_commit(hub, AT, GroupBundle())
    assert (gone.value.hub, gone.value.term, gone.value.record) == ("b.example", 4, moved)
    with pytest.raises(EpochTooOld):
        await submit_commit(hub, AT, GroupBundle())
    with pytest.raises(GroupRefusedError) as full:
        await submit_commit(hub, AT, GroupBundle())
    assert (full.value.code, full.value.retryable) == ("group.full", True)


async def test_a_log_with_a_gap_and_an_answer_of_another_kind_are_refused() -> None:
    def page(*seqs: int, oldest: int = 1) -> GroupReply:
        return GroupReply(page=GroupPage(entries=[GroupEntry(seq=seq) for seq in seqs], oldest=oldest))

    hub = Hub(page(4, 5), page(8, 9, oldest=8), page(4, 6), page(3, 4), GroupReply(done=GroupDone()))
    assert [entry.seq for entry in (await fetch_log(hub, AT, after=3)).entries] == [4, 5]
    assert [entry.seq for entry in (await fetch_log(hub, AT, after=3)).entries] == [8, 9]  # what was between is not kept any more
    for _ in range(2):
        with pytest.raises(IntegrityError):
            await fetch_log(hub, AT, after=3)
    with pytest.raises(NetworkError):
        await fetch_log(hub, AT, after=3)


async def test_what_joiners_are_given_is_put_together_from_its_pieces() -> None:
    raw = GroupRecord(sealed=b"s" * 100, tree=b"t" * 50).SerializeToString()

    def piece(start: int, end: int, epoch: int = 7, total: int = len(raw)) -> GroupReply:
        mode = GroupMode.GROUP_MODE_ASSISTED
        return GroupReply(info=GroupInfoPiece(epoch=epoch, term=3, seq=12, mode=mode, total=total, piece=raw[start:end]))

    hub = Hub(piece(0, 60), piece(60, 200))
    info = await fetch_info(hub, AT)
    assert (info.epoch, info.term, info.seq, info.record.tree) == (7, 3, 12, b"t" * 50)
    assert [(call.request.info.offset, call.request.info.epoch) for call in hub.asked] == [(0, 0), (60, 7)]
    with pytest.raises(NetworkError):
        await fetch_info(Hub(piece(0, 60), piece(60, 200, epoch=8)), AT)
    with pytest.raises(NetworkError):
        await fetch_info(Hub(piece(0, 60), piece(0, 0)), AT)
    with pytest.raises(RefusedError):
        await fetch_info(Hub(piece(0, 60, total=2**30)), AT)

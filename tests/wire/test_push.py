"""Pushes put together by hand are the protobuf that they claim to be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connexa.wire import body_field, push_frame, push_item, stored_item
from connexa.wire.v1.link_pb2 import LinkDown, Push, PushItem
from connexa.wire.v1.message_pb2 import Packet

NUMBERS = st.integers(1, 2**62)
ROWS = st.lists(
    st.tuples(NUMBERS, st.integers(1, 2**40), st.integers(1, 3), st.binary(min_size=1, max_size=40_000), st.booleans()), max_size=4
)


@given(ROWS)
def test_a_frame_holds_the_items_that_were_put_in(rows: list[tuple[int, int, int, bytes, bool]]) -> None:
    expected, items = LinkDown(push=Push()), []
    for seq, accepted_at, kind, body, shared in rows:
        packet = Packet(device=bytes(32), sek=seq % 2**32, sealed=body[:100])
        stored = stored_item(accepted_at, kind, body[:16], packet.SerializeToString(), b"" if shared else body)
        items.append(push_item(seq, stored, body_field(body) if shared else b""))
        item = PushItem(seq=seq, accepted_at=accepted_at, envelope=body[:16], body=body, packet=packet)
        setattr(item, "class", kind)
        expected.push.items.append(item)
    assert LinkDown.FromString(push_frame(items)) == expected

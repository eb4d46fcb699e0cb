"""The memory network keeps order, loses what is under way, and lets both sides feel a reader that stopped."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import Ed25519Secret
from connexa.errors import IntegrityError, NetworkError
from connexa.testing import FakeClock, MemoryNetwork, SeededRandom
from connexa.wire.transport import FrameChannel, FrameHandler, FrameSink, LinkClosed

KEY = Ed25519Secret.from_seed(bytes(32))
SECONDS = 5.0


class Door:
    """A homeserver that only remembers."""

    def __init__(self) -> None:
        self.rooms: list[Room] = []

    def accept(self, sink: FrameSink) -> FrameHandler:
        self.rooms.append(Room(sink))
        return self.rooms[-1]


class Room:
    def __init__(self, sink: FrameSink) -> None:
        self.sink = sink
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.drained = asyncio.Event()
        self.closed = asyncio.Event()

    def on_frame(self, frame: bytes) -> None:
        self.got.put_nowait(frame)

    def on_drained(self) -> None:
        self.drained.set()

    def on_closed(self) -> None:
        assert not self.closed.is_set()
        self.closed.set()


async def opened(network: MemoryNetwork) -> tuple[FrameChannel, Room]:
    door = Door()
    network.attach("a.example", door, KEY.public)
    channel = await network.dialer("alice").dial("a.example", "anywhere:1", [KEY.public])
    return channel, door.rooms[0]


async def test_frames_keep_their_order_under_a_delay_that_changes() -> None:
    network = MemoryNetwork()
    channel, room = await opened(network)
    frames = [bytes([number]) for number in range(50)]
    for number, frame in enumerate(frames):
        network.delay("alice", "a.example", 0.02 if number % 3 else 0.001)
        channel.send(frame)
        room.sink.send(frame)
    async with asyncio.timeout(SECONDS):
        assert [await room.got.get() for _ in frames] == frames
        assert [await channel.receive() for _ in frames] == frames


async def test_a_close_code_arrives_behind_the_last_frame() -> None:
    channel, room = await opened(MemoryNetwork())
    room.sink.send(b"last")
    room.sink.close(4401)
    room.sink.send(b"too late")
    assert await channel.receive() == b"last"
    with pytest.raises(LinkClosed) as closed:
        await asyncio.wait_for(channel.receive(), SECONDS)
    assert closed.value.close_code == 4401
    await asyncio.wait_for(room.closed.wait(), SECONDS)


async def test_a_cut_loses_what_is_under_way_and_refuses_new_connections_until_it_heals() -> None:
    network = MemoryNetwork()
    channel, room = await opened(network)
    channel.send(b"lost")
    network.cut("alice", "a.example")
    with pytest.raises(LinkClosed) as closed:
        await asyncio.wait_for(channel.receive(), SECONDS)
    assert closed.value.close_code == 1006
    await asyncio.wait_for(room.closed.wait(), SECONDS)
    assert room.got.empty()
    with pytest.raises(NetworkError, match=r"link\.unreachable"):
        await network.dialer("alice").dial("a.example", "", [KEY.public])
    assert await network.dialer("bob").dial("a.example", "", [KEY.public])
    network.heal("alice", "a.example")
    assert await network.dialer("alice").dial("a.example", "", [KEY.public])


async def test_a_domain_under_another_key_is_refused_as_on_tls() -> None:
    network = MemoryNetwork()
    await opened(network)
    with pytest.raises(IntegrityError, match=r"certificate\.invalid"):
        await network.dialer("alice").dial("a.example", "", [Ed25519Secret.from_seed(bytes([1] * 32)).public])


async def test_a_node_that_does_not_read_is_felt_at_the_homeserver() -> None:
    channel, room = await opened(MemoryNetwork())
    frames = [bytes([number]) * 100_000 for number in range(40)]
    for frame in frames:
        room.sink.send(frame)
    for _ in range(10):
        await asyncio.sleep(0)
    assert room.sink.buffered() > 1_000_000
    assert not room.drained.is_set()
    assert [await channel.receive() for _ in frames[:35]] == frames[:35]
    await asyncio.wait_for(room.drained.wait(), SECONDS)
    assert [await channel.receive() for _ in frames[35:]] == frames[35:]


async def test_a_homeserver_that_pauses_is_felt_at_the_node() -> None:
    channel, room = await opened(MemoryNetwork())
    room.sink.pause()
    for _ in range(20):
        channel.send(bytes(100_000))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.drain(), 0.05)
    assert room.got.empty()
    room.sink.resume()
    await asyncio.wait_for(channel.drain(), SECONDS)
    assert room.got.qsize() == 20


@given(st.lists(st.integers(0, 200), max_size=20))
def test_seeded_randomness_repeats_by_its_seed_alone(lengths: list[int]) -> None:
    first, second = SeededRandom(7), SeededRandom(7)
    assert [first(length) for length in lengths] == [second(length) for length in lengths]
    assert [len(first(length)) for length in lengths] == lengths
    assert SeededRandom(7)(32) != SeededRandom(8)(32)
    assert SeededRandom(7).fork("a")(32) != SeededRandom(7).fork("b")(32)


def test_the_clock_stands_until_it_is_moved() -> None:
    clock = FakeClock(100.0)
    assert (clock(), clock()) == (100.0, 100.0)
    clock.advance(5)
    assert clock() == 105.0
    clock.set(1.0)
    assert clock() == 1.0
    with pytest.raises(ValueError, match="time goes on"):
        clock.advance(-1)


def test_a_running_clock_goes_on_and_can_be_moved_besides() -> None:
    clock = FakeClock(100.0, runs=True)
    before = clock()
    assert 100.0 <= before <= clock() < 200.0
    clock.advance(1000)
    assert clock() > 1100.0
    clock.set(50.0)
    assert 50.0 <= clock() < 60.0

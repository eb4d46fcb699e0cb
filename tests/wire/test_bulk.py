"""What is read by hand is what the general reader reads: never anything else, and never what that refuses."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from connexa.wire import MAX_FRAME, TokenReader, WireError, committed_frame, parse, parse_envelope, read_acks, read_sends
from connexa.wire.v1.link_pb2 import AckUp, Committed, LinkDown, LinkHello, LinkUp, NumberedEnvelope, Send
from connexa.wire.v1.message_pb2 import Envelope, Packet

DOMAIN = "b.example"
NUMBERS = st.integers(1, 2**63 - 1)
SENDS = st.lists(st.tuples(NUMBERS, st.binary(min_size=1, max_size=300)), min_size=1, max_size=5)
PACKETS = st.lists(
    st.builds(
        Packet,
        device=st.integers(0, 255).map(lambda n: bytes([n]) * 32),
        sek=st.integers(1, 2**28 - 1),
        sealed=st.sampled_from([2_160, 5_232, 250]).map(bytes),
    ),
    min_size=1,
    max_size=3,
)
ENVELOPES = st.builds(
    Envelope,
    version=st.just(1),
    id=st.binary(min_size=16, max_size=16),
    expires=NUMBERS,
    domain=st.just(DOMAIN),
    user=st.binary(min_size=32, max_size=32),
    token=st.binary(min_size=32, max_size=32),
    body=st.sampled_from([1, 127, 128, 272, 16_400]).map(lambda n: b"\n" * n),
    packets=PACKETS,
)
DAMAGE = st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["put", "change", "cut"]), st.integers(0, 255)), min_size=1, max_size=3)


TELLING = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 18, 26, 31, 32, 33, 34, 42, 50, 58, 66, 82, 90, 127, 128, 129, 255)


def damaged(raw: bytes, damage: list[tuple[int, str, int]]) -> bytes:
    """Bytes put in, changed and left out, mostly where the fields begin."""
    made = bytearray(raw)
    for at, how, byte in damage:
        place = at % (len(made) + 1)
        made[place : place + (how != "put")] = b"" if how == "cut" else bytes([byte])
    return bytes(made)


def parsed(raw: bytes, odd: bool) -> Envelope | None:
    try:
        return parse_envelope(raw, odd_packets=odd)
    except WireError:
        return None


def each_damage(raw: bytes) -> Iterator[bytes]:
    """One byte changed, put in or left out, everywhere."""
    for place in range(len(raw)):
        yield raw[:place] + raw[place + 1 :]
        for byte in TELLING:
            yield raw[:place] + bytes([byte]) + raw[place + 1 :]
            yield raw[:place] + bytes([byte]) + raw[place:]


def same(raw: bytes, odd: bool) -> bool:
    """Read it by hand; whether that gave something, which is then what the general reader finds."""
    found, expected = TokenReader(DOMAIN).read(raw, odd_packets=odd), parsed(raw, odd)
    if found is None:
        return False
    assert expected is not None
    assert (expected.version, expected.domain, expected.WhichOneof("right")) == (1, DOMAIN, "token")
    assert (found.id, found.expires, found.user) == (expected.id, expected.expires, expected.user)
    assert (found.token, found.body) == (expected.token, expected.body)
    assert [Packet.FromString(packet.raw) for packet in found.packets] == list(expected.packets)
    assert [(packet.device, packet.sek, packet.sealed) for packet in found.packets] == [
        (p.device, p.sek, p.sealed) for p in expected.packets
    ]
    return True


@given(ENVELOPES, st.booleans())
def test_envelopes_that_we_write_are_read(envelope: Envelope, odd: bool) -> None:
    raw = envelope.SerializeToString()
    assert same(raw, odd) == (parsed(raw, odd) is not None)


@given(ENVELOPES, st.booleans(), DAMAGE)
def test_no_other_envelope_passes(envelope: Envelope, odd: bool, damage: list[tuple[int, str, int]]) -> None:
    same(damaged(envelope.SerializeToString(), damage), odd)


def small(body: bytes = b"b", devices: int = 2) -> Envelope:
    envelope = Envelope(version=1, id=bytes(16), expires=300, domain=DOMAIN, user=bytes(32), token=bytes(32), body=body)
    envelope.packets.extend(Packet(device=bytes([n]) * 32, sek=200, sealed=b"sealed") for n in range(devices))
    return envelope


def test_no_envelope_passes_with_one_byte_that_is_wrong() -> None:
    for raw in each_damage(small().SerializeToString()):
        same(raw, odd=True)


def test_sizes_and_counts_are_those_of_the_general_reader() -> None:
    for envelope in (small(b""), small(bytes(16_400)), small(bytes(16_401)), small(devices=0), small(devices=8), small(devices=9)):
        raw = envelope.SerializeToString()
        assert same(raw, odd=True) == (parsed(raw, odd=True) is not None)
    begin, end = small(b"").SerializeToString().split(b"\x5a", 1)
    same(begin + b"\x52\x00\x5a" + end, odd=True)  # an empty body that is written


@given(ENVELOPES)
def test_an_envelope_for_another_domain_is_left_to_the_general_reader(envelope: Envelope) -> None:
    assert TokenReader("bbexample").read(envelope.SerializeToString(), odd_packets=True) is None


def test_a_domain_of_any_length_is_read() -> None:
    for length in range(1, 129):
        name = "a" * length
        envelope = Envelope(version=1, id=bytes(16), expires=1, domain=name, user=bytes(32), token=bytes(32), body=b"b")
        envelope.packets.append(Packet(device=bytes(32), sek=1, sealed=bytes(2_160)))
        assert TokenReader(name).read(envelope.SerializeToString(), odd_packets=False) is not None


def up(frame: bytes) -> LinkUp | None:
    try:
        return parse(LinkUp, frame, MAX_FRAME)
    except WireError:
        return None


def check_frame(frame: bytes) -> tuple[list[tuple[int, bytes]] | None, list[int] | None]:
    """Read a frame by hand, and hold what that gave to the general reader."""
    sends, acks, expected = read_sends(frame), read_acks(frame), up(frame)
    if sends is not None:
        assert expected is not None
        assert [(one.number, one.envelope) for one in expected.send.envelopes] == sends
    if acks is not None:
        assert expected is not None
        assert (expected.WhichOneof("frame"), list(expected.ack.seqs)) == ("ack", acks)
    return sends, acks


def send(items: list[tuple[int, bytes]]) -> bytes:
    numbered = [NumberedEnvelope(number=number, envelope=raw) for number, raw in items]
    return LinkUp(send=Send(envelopes=numbered)).SerializeToString()


@given(SENDS)
def test_frames_of_envelopes_are_read(items: list[tuple[int, bytes]]) -> None:
    assert check_frame(send(items)) == (items, None)


@given(st.lists(NUMBERS, min_size=1, max_size=100))
def test_frames_of_acknowledgements_are_read(numbers: list[int]) -> None:
    assert check_frame(LinkUp(ack=AckUp(seqs=numbers)).SerializeToString()) == (None, numbers)


@given(SENDS, st.lists(NUMBERS, min_size=1, max_size=9), DAMAGE)
def test_no_other_frame_passes(items: list[tuple[int, bytes]], numbers: list[int], damage: list[tuple[int, str, int]]) -> None:
    check_frame(damaged(send(items), damage))
    check_frame(damaged(LinkUp(ack=AckUp(seqs=numbers)).SerializeToString(), damage))


def test_no_frame_passes_with_one_byte_that_is_wrong() -> None:
    for frame in (send([(1, b"one"), (300, b"three")]), LinkUp(ack=AckUp(seqs=[1, 300, 70_000])).SerializeToString()):
        for raw in each_damage(frame):
            check_frame(raw)
    check_frame(b"\x42\x0c\x0a\x0a" + b"\xff" * 9 + b"\x01")  # a number beyond 63 bits


def test_frames_that_are_none_of_these_are_left_to_the_general_reader() -> None:
    for frame in (b"", LinkUp(hello=LinkHello(min=1, max=1)).SerializeToString(), LinkUp(send=Send()).SerializeToString()):
        assert check_frame(frame) == (None, None)
    assert check_frame(send([(1, b"x")] * 1_024))[0] is not None
    assert check_frame(send([(1, b"x")] * 1_025)) == (None, None)
    assert check_frame(send([(1, bytes(MAX_FRAME))])) == (None, None)


@given(NUMBERS)
def test_an_acknowledgement_is_what_it_claims_to_be(up_to: int) -> None:
    assert LinkDown.FromString(committed_frame(up_to)) == LinkDown(committed=Committed(up_to=up_to))

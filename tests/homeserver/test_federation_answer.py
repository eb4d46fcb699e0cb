"""The answerer's side of a stream against a dialler that takes every wrong turn."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import Ed25519Secret, sha256, system_random
from connexa.crypto.x509 import issue_leaf
from connexa.discovery import Remote
from connexa.errors import ConnexaError
from connexa.homeserver.federation import Caller, answer
from connexa.homeserver.federation.handshake import (
    Side,
    check_answerer_leaf,
    hello_of,
    open_proof,
    read_hello,
    seal_proof,
    statement,
)
from connexa.identity import Domain, Endpoint, PinState
from connexa.wire import OURS, VersionRange, parse
from connexa.wire.v1.federation_pb2 import Batch, BatchAck, DeliverDown, DeliverUp, FederationHello, Item
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import ClaimReply, LookupReply

from .domains import NoGroups

A, B = Domain("a.example"), Domain("b.example")
A_KEY, B_KEY = Ed25519Secret.generate(system_random), Ed25519Secret.generate(system_random)
B_LEAF = issue_leaf(B_KEY, B, now=time.time())
A_LEAF_HASH = sha256(b"the leaf that TLS showed")
STREAM = b"s" * 16
AT = Endpoint("localhost", 1)
REMOTE = Remote(A, PinState.PINNED, (A_KEY.public,), AT, AT, AT, None, None)
CALLER = Caller(REMOTE, A_LEAF_HASH)

Turn = Callable[[list[DeliverDown]], DeliverUp]


class House(NoGroups):
    """Remembers the batches that reach it."""

    domain = B
    domain_key = B_KEY
    leaf = B_LEAF

    def __init__(self) -> None:
        self.taken: list[int] = []

    def server_info(self) -> Signed:
        return Signed(body=b"info")

    def committed(self, domain: Domain, stream: bytes) -> int:
        return 7

    async def take_batch(self, domain, stream, first, items) -> BatchAck:
        self.taken.append(first)
        return BatchAck(committed=first + len(items) - 1)

    async def lookup_from(self, domain, request) -> LookupReply:
        raise NotImplementedError

    async def claim_from(self, domain, request) -> ClaimReply:
        raise NotImplementedError


OURS_SIDE = Side(A, b"n" * 32, OURS, A_LEAF_HASH)


def hello(_: list[DeliverDown]) -> DeliverUp:
    return DeliverUp(hello=hello_of(OURS_SIDE, stream=STREAM))


def signed(heard: list[DeliverDown], key: Ed25519Secret = A_KEY, ours: Side = OURS_SIDE) -> DeliverUp:
    leaf = check_answerer_leaf(heard[0].hello, [B_KEY.public], B, time.time())
    return DeliverUp(proof=seal_proof(statement(ours, read_hello(heard[0].hello, domain=B, leaf=leaf)), key))


def batch(first: int = 8, items: int = 1, stream: bytes = STREAM) -> Turn:
    return lambda _: DeliverUp(batch=Batch(stream=stream, first=first, items=[Item(envelope=b"e")] * items))


async def talk(*turns: Turn, again: Callable[[], None] = lambda: None) -> tuple[list[DeliverDown], str, House]:
    """What was answered, the code that ended it, and the house."""
    house, heard = House(), list[DeliverDown]()

    async def frames() -> AsyncIterator[DeliverUp]:
        for turn in turns:
            yield turn(heard)

    async def check_again() -> Caller:
        again()
        return CALLER

    try:
        async for frame in answer(house, CALLER, frames(), again=check_again, rng=system_random):
            heard.append(frame)
    except ConnexaError as error:
        return heard, error.code, house
    return heard, "", house


async def test_the_handshake_proves_both_domain_keys_and_then_batches_are_taken():
    heard, code, house = await talk(hello, signed, batch(8), batch(9, 3))
    assert (code, house.taken) == ("", [8, 9])
    assert heard[0].hello.committed == 7
    leaf = check_answerer_leaf(heard[0].hello, [B_KEY.public], B, time.time())
    body = statement(OURS_SIDE, read_hello(heard[0].hello, domain=B, leaf=leaf))
    open_proof(heard[1].proof, body, [A_KEY.public, B_KEY.public])
    assert [frame.ack.committed for frame in heard[2:]] == [8, 11]


def changed_hello(**fields: object) -> Turn:
    def turn(_: list[DeliverDown]) -> DeliverUp:
        made = hello_of(OURS_SIDE, stream=STREAM)
        made.MergeFrom(FederationHello(**fields))  # type: ignore[arg-type]
        return DeliverUp(hello=made)

    return turn


@pytest.mark.parametrize(
    ("turns", "code"),
    [
        ((), "link.timeout"),
        ((lambda _: DeliverUp(proof=seal_proof(b"x" * 60, A_KEY)),), "frame.malformed"),
        ((batch(),), "frame.malformed"),
        ((lambda _: DeliverUp(),), "frame.malformed"),
        ((changed_hello(domain="c.example"),), "domain.mismatch"),
        ((changed_hello(nonce=b"short"),), "frame.malformed"),
        ((changed_hello(stream=b"short"),), "frame.malformed"),
        ((changed_hello(min=9, max=9),), "version.unsupported"),
        ((changed_hello(min=2, max=1),), "frame.malformed"),
        ((hello, batch()), "frame.malformed"),
        ((hello, lambda heard: signed(heard, B_KEY)), "signature.invalid"),
        ((hello, lambda heard: signed(heard, ours=Side(A, b"m" * 32, OURS, A_LEAF_HASH))), "signature.invalid"),
        ((hello, lambda heard: signed(heard, ours=Side(A, b"n" * 32, VersionRange(1, 9), A_LEAF_HASH))), "signature.invalid"),
        ((hello, lambda heard: signed(heard, ours=Side(A, b"n" * 32, OURS, sha256(b"another leaf")))), "signature.invalid"),
        ((hello, lambda heard: signed(heard, ours=Side(Domain("c.example"), b"n" * 32, OURS, A_LEAF_HASH))), "signature.invalid"),
        ((hello, signed, hello), "frame.malformed"),
        ((hello, signed, batch(stream=b"t" * 16)), "frame.malformed"),
        ((hello, signed, batch(items=0)), "frame.malformed"),
        ((hello, signed, batch(items=257)), "frame.malformed"),
        ((hello, signed, batch(first=0)), "frame.malformed"),
        ((hello, signed, batch(first=2**63)), "frame.malformed"),
    ],
)
async def test_every_wrong_turn_ends_the_stream_with_its_code_and_takes_nothing(turns, code):
    _, ended, house = await talk(*turns)
    assert (ended, house.taken) == (code, [])


async def test_a_proof_of_an_earlier_stream_is_worth_nothing():
    first, _, _ = await talk(hello, signed)
    old = signed(first)
    _, code, house = await talk(hello, lambda _: old, batch())
    assert (code, house.taken) == ("signature.invalid", [])


async def test_f06_the_pin_is_looked_at_before_every_batch():
    asked = 0

    def once() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise ConnexaError("domain.unknown", "It was forgotten.")

    _, code, house = await talk(hello, signed, batch(8), batch(9), again=once)
    assert (code, house.taken) == ("domain.unknown", [8])


def test_an_answerer_may_not_claim_a_leaf_of_another_key_or_domain():
    for key, domain in ((A_KEY, B), (B_KEY, A)):
        other = hello_of(OURS_SIDE, leaf=issue_leaf(key, domain, now=time.time()).der)
        with pytest.raises(ConnexaError) as refused:
            check_answerer_leaf(other, [B_KEY.public], B, time.time())
        assert refused.value.code == "certificate.invalid"


@given(st.binary(max_size=400), st.integers(0, 2))
async def test_noise_in_any_place_ends_in_a_code(noise, place):
    def turn(_: list[DeliverDown]) -> DeliverUp:
        return parse(DeliverUp, noise, 1_000)

    turns: list[Turn] = [hello, signed, batch()]
    turns[place] = turn
    _, code, house = await talk(*turns)
    assert code
    assert house.taken == []

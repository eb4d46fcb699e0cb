"""P39: no bare token, which any hop could replay, but a proof under the weekly key over queue, body and packets; the homeserver has the
keys eight weeks ahead; a block drops the previous week's too."""

from __future__ import annotations

import hashlib
import hmac
import struct
from pathlib import Path

from connexa.pairwise import packets_hash, right_proof, week_of, weekly_key
from connexa.testing import World
from connexa.wire.v1.message_pb2 import Packet
from tests.pairwise.world import seeded

RNG = seeded(5)
KEY, ID, USER, BODY = RNG(32), RNG(16), RNG(32), RNG(272)
PACKETS = [Packet(device=RNG(32), sek=2_900, sealed=RNG(2_160)) for _ in range(3)]


def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _proof() -> bytes:
    return right_proof(KEY, ID, USER, _sha(BODY), packets_hash(PACKETS))


def test_p39_the_layout_is_the_protocols() -> None:
    packed = b"".join(p.device + struct.pack(">II", p.sek, len(p.sealed)) + p.sealed for p in PACKETS)
    expected = hmac.new(KEY, b"connexa/right/v1\0" + ID + USER + _sha(BODY) + _sha(packed), hashlib.sha256).digest()
    assert _proof() == expected


def test_p39_a_proof_fits_nothing_else() -> None:
    moved = [*PACKETS[1:], PACKETS[0]]
    changed = [Packet(device=p.device, sek=p.sek + 1, sealed=p.sealed) for p in PACKETS]
    others = [
        right_proof(RNG(32), ID, USER, _sha(BODY), packets_hash(PACKETS)),
        right_proof(KEY, RNG(16), USER, _sha(BODY), packets_hash(PACKETS)),
        right_proof(KEY, ID, RNG(32), _sha(BODY), packets_hash(PACKETS)),
        right_proof(KEY, ID, USER, _sha(BODY, b"x"), packets_hash(PACKETS)),
        *(right_proof(KEY, ID, USER, _sha(BODY), packets_hash(p)) for p in (moved, changed, PACKETS[:2], [])),
    ]
    assert len({*others, _proof()}) == len(others) + 1


def test_weekly_keys() -> None:
    prk = hmac.new(bytes(32), KEY, hashlib.sha256).digest()
    expected = hmac.new(prk, b"Connexa/1 delivery" + struct.pack(">Q", 2_976) + b"\1", hashlib.sha256).digest()
    assert weekly_key(KEY, 2_976) == expected
    assert len({weekly_key(KEY, week) for week in range(8)}) == 8
    assert weekly_key(KEY, 1) != weekly_key(RNG(32), 1)


async def test_p39_the_homeserver_has_eight_weeks_and_a_block_leaves_none_of_the_old_ones(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,), (bob,) = await world.person("alice@a.example"), await world.person("bob@b.example")
        await world.befriend(alice, bob)
        house, user = world.houses["b.example"].server, bytes.fromhex(bob.node.account().user)

        def kept() -> dict[int, bytes]:
            return dict(house.database.read("SELECT week, key FROM token_key WHERE user = ?", (user,)))

        this, before = week_of(world.clock()), kept()
        assert set(before) >= set(range(this, this + 8))
        await bob.node.block_contact("", "alice@a.example")
        after = await bob.until(lambda: found if (found := kept()) and found != before else None, what="the new keys")
        assert not set(after.values()) & set(before.values())

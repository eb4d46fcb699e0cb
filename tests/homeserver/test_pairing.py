"""The pairing slot: what it carries between two devices, and that it is good for one use within its time (P28)."""

from __future__ import annotations

from pathlib import Path

from tests.homeserver.village import settings_with, village


async def test_a_slot_carries_three_payloads_each_way_in_order(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        slot = v.rng(16)
        new = await v.pair(slot, "new")
        await new.expect("ready")
        new.say(pair_data={"payload": b"request"})
        old = await v.pair(slot, "old")
        await old.expect("ready")
        assert (await old.expect("pair_data")).payload == b"request"
        for said in (b"answer" * 2_000, b"grant" * 3_000, b"more"):
            old.say(pair_data={"payload": said})
            assert (await new.expect("pair_data")).payload == said
        for said in (b"reveal", b"done"):
            new.say(pair_data={"payload": said})
            assert (await old.expect("pair_data")).payload == said
        new.say(pair_data={"payload": b"a fourth"})
        assert await new.closed() == (4400, "frame.unexpected")


async def test_one_payload_waits_for_the_other_side_and_no_more(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        new = await v.pair(v.rng(16), "new")
        await new.expect("ready")
        new.say(pair_data={"payload": b"request"})
        new.say(pair_data={"payload": b"again"})
        assert await new.closed() == (4400, "frame.unexpected")


async def test_a_third_side_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        slot = v.rng(16)
        new, old = await v.pair(slot, "new"), await v.pair(slot, "old")
        await new.expect("ready")
        await old.expect("ready")
        third = await v.pair(slot, "third")
        assert await third.closed() == (4409, "pair.taken")
        old.say(pair_data={"payload": b"answer"})
        assert (await new.expect("pair_data")).payload == b"answer"


async def test_p28_a_slot_ends_for_both_when_one_leaves_and_is_never_good_again(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        slot = v.rng(16)
        new, old = await v.pair(slot, "new"), await v.pair(slot, "old")
        await new.expect("ready")
        await old.expect("ready")
        old.say(pair_data={"payload": b"answer"})
        assert (await new.expect("pair_data")).payload == b"answer"
        old.close()
        assert await new.closed() == (4503, "pair.gone")
        replayed = await v.pair(slot, "eve")
        assert await replayed.closed() == (4409, "pair.taken")


async def test_p28_a_slot_has_its_time_alone_and_again_once_both_are_there(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(pair_seconds=0.3)) as v:
        slot = v.rng(16)
        lonely = await v.pair(slot, "lonely")
        await lonely.expect("ready")
        assert await lonely.closed() == (4408, "link.timeout")
        late = await v.pair(slot, "late")
        assert await late.closed() == (4409, "pair.taken")
        other = v.rng(16)
        new, old = await v.pair(other, "new"), await v.pair(other, "old")
        for side in (new, old):
            await side.expect("ready")
            assert await side.closed() == (4408, "link.timeout")


async def test_a_pairing_payload_has_a_size_and_a_slot_a_name(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        for payload, refused in ((bytes(16_385), (4413, "frame.too_large")), (b"", (4400, "frame.malformed"))):
            side = await v.pair(v.rng(16), "side")
            await side.expect("ready")
            side.say(pair_data={"payload": payload})
            assert await side.closed() == refused
        assert await (await v.pair(bytes(15), "short")).closed() == (4400, "frame.malformed")

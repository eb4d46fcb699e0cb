"""P27: random keys, owner and counter bound to every chunk, a rollback shows, nothing of a backup counts before all of it was proved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connexa.backup import FRONT_BYTES, HEAD_BYTES, Front, Head, Sealer, key_of_words
from connexa.crypto import sha256
from connexa.errors import ConnexaError
from connexa.identity import UserSecret
from connexa.node.account import own_device_list
from connexa.testing import Device, World
from tests.backup.files import RECORDS, Owner, read, with_head

ALICE, MALLORY = Owner.make(1), Owner.make(2)
CHUNK = 64 * 1024 + 16
SMALL = ALICE.file(records=(b"account", b"one entry"))
LARGE = ALICE.file(records=(*RECORDS, *(bytes([n]) * 60_000 for n in range(1, 6))))
REFUSALS = {"backup.malformed", "backup.newer", "backup.locked", "backup.damaged"}


def _refusal(raw: bytes, owner: Owner = ALICE) -> str:
    with pytest.raises(ConnexaError) as refused:
        read(raw, owner.recovery)
    return refused.value.code


def test_every_bit_of_a_file_counts() -> None:
    for place in range(len(SMALL) * 8):
        if place > (FRONT_BYTES + 64) * 8 and place % 13:
            continue  # one tag covers the rest
        changed = bytearray(SMALL)
        changed[place // 8] ^= 1 << place % 8
        assert _refusal(bytes(changed)) in REFUSALS


def test_every_length_but_the_whole_one_is_refused() -> None:
    for length in range(0, len(SMALL), 7):
        assert _refusal(SMALL[:length]) in REFUSALS
    for more in (b"\0", bytes(16), SMALL[FRONT_BYTES:], SMALL):
        assert _refusal(SMALL + more) == "backup.damaged"


def test_chunks_stay_where_they_were_put() -> None:
    front, body = LARGE[:FRONT_BYTES], LARGE[FRONT_BYTES:]
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    assert len(chunks) >= 5
    wrong = (
        [chunks[1], chunks[0], *chunks[2:]],
        chunks[1:],
        chunks[:-1],
        [*chunks[:2], chunks[1], *chunks[2:]],
        [chunks[-1], *chunks[1:-1], chunks[0]],
        [*chunks, chunks[-1]],
    )
    for order in wrong:
        assert _refusal(front + b"".join(order)) == "backup.damaged"


def test_two_backups_do_not_mix() -> None:
    """Not even two of one owner under one key, with one counter."""
    head = ALICE.head(1)
    other = ALICE.file(ALICE.head(2), records=(b"account", b"one entry"))
    same = ALICE.file(with_head(head, counter=6), records=(b"account", b"one entry"))
    assert _refusal(SMALL[:FRONT_BYTES] + other[FRONT_BYTES:]) == "backup.damaged"
    assert _refusal(SMALL[:FRONT_BYTES] + same[FRONT_BYTES:]) == "backup.damaged"
    assert _refusal(head.raw + other[HEAD_BYTES:]) == "backup.locked"


def test_owner_counter_and_place_cannot_be_changed() -> None:
    head = ALICE.head(1)
    for changed in (with_head(head, counter=99), with_head(head, place=1, previous=b"p" * 32), with_head(head, series=bytes(16))):
        assert _refusal(changed.raw + SMALL[HEAD_BYTES:]) == "backup.locked"
    # Whoever knows the key of the content alone (P36) cannot make it somebody else's: the owner is bound to every chunk.
    stranger = UserSecret(MALLORY.user.seed, MALLORY.user.created)
    forged = Sealer(head, stranger, ALICE.recovery, ALICE.backup_key)
    chunks = b"".join([*(forged.add(record) for record in (b"account", b"one entry")), *forged.finish()])
    assert _refusal(SMALL[:FRONT_BYTES] + chunks) == "backup.damaged"


def test_whoever_keeps_the_files_cannot_swap_the_key() -> None:
    head = ALICE.head(1)
    swapped = MALLORY.file(head, records=(b"account", b"planted"))
    assert _refusal(swapped) == "backup.locked"
    identity = HEAD_BYTES + 84
    assert _refusal(SMALL[:identity] + swapped[identity:]) == "backup.damaged"
    assert _refusal(SMALL[: identity + 80] + swapped[identity + 80 :]) == "backup.damaged"
    assert _refusal(SMALL, MALLORY) == "backup.locked"


def test_another_version_and_no_backup_at_all_say_so() -> None:
    newer = bytearray(SMALL)
    newer[15] = 2
    assert _refusal(bytes(newer)) == "backup.newer"
    assert _refusal(b"") == _refusal(b"PK\x03\x04" * 100) == "backup.malformed"
    with pytest.raises(ConnexaError):
        Head.read(ALICE.head(1).raw[:-1])


async def _alice(world: World) -> tuple[Device, str, Path]:
    (alice,) = await world.person("alice@a.example")
    words = await alice.node.show_recovery()
    await alice.node.verify_recovery("", dict(enumerate(words, 1)))
    await alice.node.create_backup()
    await alice.node.add_contact("", "bob@b.example", "Bob")
    await alice.node.create_backup()
    return alice, " ".join(words), Path(alice.node.backup_schedule().directory)


async def test_nothing_is_loaded_of_a_series_that_does_not_hold(tmp_path: Path) -> None:
    async with World.open(tmp_path / "world") as world:
        _, words, directory = await _alice(world)
        base, increment = sorted(directory.iterdir())
        fresh = await world.device("fresh", "alice@a.example")
        tables = "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM person), (SELECT count(*) FROM remote),"
        tables += " (SELECT count(*) FROM recovery), (SELECT count(*) FROM own_device)"
        whole = {path: path.read_bytes() for path in (base, increment)}
        damaged = bytearray(whole[increment])
        damaged[-1] ^= 1
        for changes, code in (
            ({increment: bytes(damaged)}, "backup.damaged"),
            ({increment: whole[increment][:-1]}, "backup.damaged"),
            ({base: None}, "backup.incomplete"),
            ({base: whole[increment]}, "backup.incomplete"),
        ):
            trial = tmp_path / "trial"
            shutil.rmtree(trial, ignore_errors=True)
            trial.mkdir()
            for path, raw in {**whole, **changes}.items():
                if raw is not None:
                    (trial / path.name).write_bytes(raw)
            with pytest.raises(ConnexaError) as refused:
                await fresh.node.restore_backup(str(trial), words)
            assert refused.value.code == code
            assert fresh.node._home.database.read(tables) == [(0, 0, 0, 0, 0)]
        restored = await fresh.node.restore_backup(str(directory), words)
        assert (restored.files, [one.address for one in fresh.node.contacts()]) == (2, ["bob@b.example"])


async def test_files_that_do_not_follow_each_other_are_no_series(tmp_path: Path) -> None:
    """Two copies of one device go on from one base: their increments bear one series and one place, and do not mix."""
    async with World.open(tmp_path / "world") as world:
        _, words, directory = await _alice(world)
        base, increment = sorted(directory.iterdir())
        recovery = key_of_words(words)
        front = Front.open(base.read_bytes()[:FRONT_BYTES], recovery)
        records = read(increment.read_bytes(), recovery)[1]
        for previous, code in ((b"x" * 32, "backup.damaged"), (sha256(base.read_bytes()), None)):
            head = with_head(front.head, counter=2, place=1, previous=previous, salt=bytes(32))
            sealer = Sealer(head, front.user, recovery, front.backup_key)
            increment.write_bytes(sealer.front + b"".join([*(sealer.add(record) for record in records), *sealer.finish()]))
            fresh = await world.device("fresh", "alice@a.example") if code else world.devices[-1]
            if code is None:
                assert (await fresh.node.restore_backup(str(directory), words)).files == 2
                continue
            with pytest.raises(ConnexaError) as refused:
                await fresh.node.restore_backup(str(directory), words)
            assert refused.value.code == code and fresh.node.accounts() == []


async def test_a_rolled_back_backup_shows(tmp_path: Path) -> None:
    """The next list that is signed anyway carries the counter; whoever restores an older backup is told."""
    async with World.open(tmp_path / "world") as world:
        alice, words, directory = await _alice(world)
        old = tmp_path / "old"
        shutil.copytree(directory, old)
        for _ in range(3):
            await alice.node.create_backup()
        await world.linked(alice, "alice-phone")
        own = own_device_list(alice.node._home.database.read, alice.node._account(""))
        assert own is not None and own[1].backup == 5
        await alice.stop()
        fresh = await world.device("fresh", "alice@a.example")
        restored = await fresh.node.restore_backup(str(old), words)
        assert (restored.counter, restored.newest) == (2, 5)
        warnings = [event.fields.get("code") for event in fresh.node.replay() if event.kind == "trust.warning"]
        assert warnings == ["backup.old"]
        after = own_device_list(fresh.node._home.database.read, fresh.node._account(""))
        assert after is not None and after[1].backup == 5  # it never goes down
        assert key_of_words(words).raw

"""P37: a random salt in each backup, no session or prekey secret inside, and no list that is signed for a backup's sake."""

from __future__ import annotations

from pathlib import Path

from connexa.backup import FRONT_BYTES, key_of_words
from connexa.node.account import own_device_list
from connexa.testing import World
from tests.backup.files import Owner, read, with_head


def test_one_counter_twice_repeats_neither_key_nor_bytes() -> None:
    """A store that was put back makes the same version again: salts differ, so keys do, so no nonce is used twice with one key."""
    owner = Owner.make(1)
    first = owner.file(owner.head(1))
    second = owner.file(with_head(owner.head(1), salt=owner.head(2).salt))
    assert read(first, owner.recovery)[1] == read(second, owner.recovery)[1]
    blocks = {first[at : at + 16] for at in range(108, len(first), 16)}
    assert not any(second[at : at + 16] in blocks for at in range(108, len(second), 16))
    xored = bytes(a ^ b for a, b in zip(first[FRONT_BYTES:], second[FRONT_BYTES:], strict=True))
    assert xored.count(0) < len(xored) // 100  # one key stream twice would leave zeros where the contents agree


async def test_every_backup_has_a_salt_of_its_own(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        salts = [Path((await alice.node.create_backup()).path).read_bytes()[76:108] for _ in range(3)]
        assert len(set(salts)) == 3 and all(any(salt) for salt in salts)


async def test_no_session_prekey_or_device_secret_is_inside(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,), (bob,) = await world.person("alice@a.example"), await world.person("bob@b.example")
        await world.befriend(alice, bob)
        await alice.node.send("", "bob@b.example", "a word to find")
        await bob.until_text("alice@a.example", "a word to find")
        words = " ".join(await alice.node.show_recovery())
        raw = Path((await alice.node.create_backup()).path).read_bytes()
        _, records, _ = read(raw, key_of_words(words))
        inside, query = b"".join(records), alice.node._home.database.read
        assert b"a word to find" in inside and b"bob@b.example" in inside  # the search finds what is there
        account = query("SELECT seed, dsk, dik FROM account")[0]
        recovery = query("SELECT key, backup_key FROM recovery")[0]
        prekeys = [row[0] for row in query("SELECT secret FROM prekey")]
        sessions = [row[0] for row in query("SELECT sessions FROM session")]
        passes = [value for row in query("SELECT input, output FROM pass UNION SELECT input, output FROM stream") for value in row]
        assert len(prekeys) > 50 and sessions and passes
        for secret in (*account, *recovery, *prekeys, *sessions, *passes):
            assert len(secret) >= 32
            assert secret not in inside
            assert not any(secret[at : at + 32] in inside for at in range(0, len(secret) - 31, 32) if any(secret[at : at + 32])), secret[:4]


async def test_a_backup_causes_no_new_list(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")

        def newest() -> tuple[int, int]:
            own = own_device_list(alice.node._home.database.read, alice.node._account(""))
            assert own is not None
            return own[1].version, own[1].backup

        for _ in range(3):
            await alice.node.create_backup()
        assert newest() == (1, 0)
        world.clock.advance(16 * 86_400)  # past half of the list's life
        alice.node._running[1].mailbox._wakeups.upkeep.set()
        await alice.until(lambda: newest() if newest()[0] == 2 else None, what="the renewed list")
        assert newest() == (2, 3)

"""P36: what a linked device and a homeserver hold, together with every backup, never yields the user key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connexa.backup import FRONT_BYTES, Front, Head, RecoveryKey
from connexa.crypto import sha256
from connexa.errors import ConnexaError
from connexa.store import Store
from connexa.testing import World
from tests.backup.files import Owner


def _values(database: Store) -> Iterator[bytes]:
    """Everything that a store holds."""
    for (table,) in database.read("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        for row in database.read(f"SELECT * FROM {table}"):
            yield from (value.encode() if isinstance(value, str) else value for value in row if isinstance(value, bytes | str))


async def test_a_linked_device_and_the_homeserver_together_cannot_become_the_user(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        primary, phone = await world.person("alice@a.example", devices=2)
        words = await primary.node.show_recovery()
        await primary.node.verify_recovery("", dict(enumerate(words, 1)))
        made = Path((await primary.node.create_backup()).path)
        await phone.node.pull_history("")
        secrets = {
            "seed": primary.node._home.database.read("SELECT seed FROM account")[0][0],
            "recovery key": primary.node._home.database.read("SELECT key FROM recovery")[0][0],
            "backup key": primary.node._home.database.read("SELECT backup_key FROM recovery")[0][0],
        }
        secrets["user key"] = primary.node._account("").secret.key.seed  # type: ignore[union-attr]
        held = [*_values(phone.node._home.database), *_values(world.houses["a.example"].server.database)]
        assert len(held) > 100
        for name, secret in secrets.items():
            assert not any(secret in value for value in held), name
            assert secret not in made.read_bytes(), name
        # Nor does anything that they hold, taken as a key or made into one, open what wraps the seed.
        front = made.read_bytes()[:FRONT_BYTES]
        tried = {value[at : at + 32] for value in held for at in range(0, max(1, len(value) - 31), 32) if len(value) >= 32}
        for key in tried | {sha256(value) for value in held}:
            with pytest.raises(ConnexaError) as refused:
                Front.open(front, RecoveryKey(key))
            assert refused.value.code == "backup.locked"


async def test_a_linked_device_has_no_words_and_makes_no_backup(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        _, phone = await world.person("alice@a.example", devices=2)
        for attempt in (phone.node.show_recovery(), phone.node.show_recovery("", rotate=True), phone.node.create_backup()):
            with pytest.raises(ConnexaError) as refused:
                await attempt
            assert refused.value.code == "device.not_primary"
        assert phone.node._home.database.read("SELECT count(*) FROM recovery") == [(0,)]
        assert not Path(phone.node.backup_schedule().directory).exists()


def test_the_identity_is_a_piece_of_its_own_under_the_recovery_key_alone() -> None:
    """The key of the content opens the content and nothing of the identity, which lies under another label of another key."""
    owner = Owner.make(1)
    head = owner.head()
    sealed = owner.recovery.seal_identity(head, owner.user)
    assert owner.recovery.open_identity(head, sealed).seed == owner.user.seed
    for key in (owner.backup_key, owner.recovery.raw[::-1]):
        with pytest.raises(ConnexaError):
            RecoveryKey(key).open_identity(head, sealed)
    wrapped = owner.recovery.seal_backup_key(head, owner.user.seed + bytes(4))  # the same bytes under the other label
    assert wrapped[:32] != sealed[:32] and wrapped[32:] != sealed[32:]
    with pytest.raises(ConnexaError):
        owner.recovery.open_identity(Head(head.series, head.counter, 0, bytes(32), bytes(32)), sealed)

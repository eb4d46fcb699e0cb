"""Backup files made in memory, with everything that is random in them chosen."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from random import Random

from connexa.backup import FRONT_BYTES, Front, Head, Opener, RecoveryKey, Sealer
from connexa.identity import UserSecret

RECORDS = (b"account", b"contact", *(bytes([n % 251]) * 400 for n in range(200)))


@dataclass(frozen=True)
class Owner:
    """Somebody with keys."""

    user: UserSecret
    recovery: RecoveryKey
    backup_key: bytes

    @classmethod
    def make(cls, seed: int) -> Owner:
        rng = Random(seed).randbytes
        return cls(UserSecret.generate(rng, 1_800_000_000), RecoveryKey.generate(rng), rng(32))

    def head(self, seed: int = 1, *, counter: int = 5) -> Head:
        rng = Random(seed).randbytes
        return Head(rng(16), counter, 0, bytes(32), rng(32))

    def file(self, head: Head | None = None, records: tuple[bytes, ...] = RECORDS) -> bytes:
        """A whole file."""
        sealer = Sealer(head or self.head(), self.user, self.recovery, self.backup_key)
        written = sealer.front + b"".join(sealer.add(record) for record in records)
        return written + b"".join(sealer.finish())


def read(raw: bytes, recovery: RecoveryKey) -> tuple[Front, list[bytes], bytes]:
    """Read a whole file, or raise."""
    file = io.BytesIO(raw)
    front = Front.open(file.read(FRONT_BYTES), recovery)
    opener = Opener(front, file.read)
    records = list(opener.records())
    return front, records, opener.digest


def with_head(head: Head, **changes: object) -> Head:
    return replace(head, **changes)  # type: ignore[arg-type]

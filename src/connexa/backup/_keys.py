"""From the recovery key to the keys of one file. Every sealed piece stands behind a commitment to its key (P31).

The recovery key wraps two things apart from each other: the user's identity, never under a passphrase (P36), and the backup key, under
which the content lies.
"""

from __future__ import annotations

import struct
from typing import Final

from connexa.backup._head import Head
from connexa.crypto import TAG_BYTES, InvalidTag, Rng, Secret, aead_open, aead_seal, equal, hkdf
from connexa.errors import IntegrityError, RefusedError
from connexa.identity import UserSecret

__all__ = ["BACKUP_KEY_BYTES", "COMMIT_BYTES", "IDENTITY_BYTES", "RECOVERY_BYTES", "WRAPPED_BYTES", "RecoveryKey", "content_key"]

RECOVERY_BYTES: Final = 32
BACKUP_KEY_BYTES: Final = 32
COMMIT_BYTES: Final = 32
_IDENTITY: Final = struct.Struct(">32sI")
IDENTITY_BYTES: Final = COMMIT_BYTES + _IDENTITY.size + TAG_BYTES
WRAPPED_BYTES: Final = COMMIT_BYTES + BACKUP_KEY_BYTES + TAG_BYTES
_IDENTITY_LABEL: Final = b"Connexa/1 backup identity"
_KEY_LABEL: Final = b"Connexa/1 backup key"
_CONTENT_LABEL: Final = b"Connexa/1 backup"
_ONCE: Final = bytes(12)  # each key seals one piece: its salt is the file's own


class RecoveryKey(Secret):
    """The one secret that a person keeps: 256 random bits, shown as words."""

    __slots__ = ("raw",)

    raw: bytes

    def __init__(self, raw: bytes) -> None:
        if len(raw) != RECOVERY_BYTES:
            raise IntegrityError("recovery.malformed", "A recovery key has 32 bytes.")
        self.raw = raw

    @classmethod
    def generate(cls, rng: Rng) -> RecoveryKey:
        """A new one."""
        return cls(rng(RECOVERY_BYTES))

    def seal_identity(self, head: Head, user: UserSecret) -> bytes:
        """The user seed with its creation time, as a piece of its own."""
        return _seal(self.raw, head, _IDENTITY_LABEL, _IDENTITY.pack(user.seed, user.created))

    def open_identity(self, head: Head, sealed: bytes) -> UserSecret:
        """The user key; `backup.locked` where these are not the words of this backup."""
        try:
            return UserSecret(*_IDENTITY.unpack(_open(self.raw, head, _IDENTITY_LABEL, sealed)))
        except InvalidTag:
            raise RefusedError("backup.locked", "These words do not open this backup.", "Were they changed since it was made?") from None

    def seal_backup_key(self, head: Head, key: bytes) -> bytes:
        """The key of the content."""
        return _seal(self.raw, head, _KEY_LABEL, key)

    def open_backup_key(self, head: Head, sealed: bytes) -> bytes:
        """The key of the content; raises `InvalidTag`."""
        return _open(self.raw, head, _KEY_LABEL, sealed)


def content_key(backup_key: bytes, head: Head) -> tuple[bytes, bytes]:
    """The key of a file's chunks, and the commitment to it."""
    return _derive(backup_key, head, _CONTENT_LABEL + struct.pack(">Q", head.counter))


def _derive(secret: bytes, head: Head, label: bytes) -> tuple[bytes, bytes]:
    derived = hkdf(secret, salt=head.salt, info=label, length=64)
    return derived[:32], derived[32:]


def _seal(secret: bytes, head: Head, label: bytes, content: bytes) -> bytes:
    key, commit = _derive(secret, head, label)
    return commit + aead_seal(key, _ONCE, content, label + head.raw)


def _open(secret: bytes, head: Head, label: bytes, sealed: bytes) -> bytes:
    key, commit = _derive(secret, head, label)
    if not equal(commit, sealed[:COMMIT_BYTES]):
        raise InvalidTag
    return aead_open(key, _ONCE, sealed[COMMIT_BYTES:], label + head.raw)

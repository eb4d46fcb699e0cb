"""What is sealed beside MLS: changes in a commit's authenticated data, the record under the room key, the extra of a Welcome.

change   ChaCha20-Poly1305, key = MLS exporter("connexa group change", group id, 32) of the commit's epoch; of an external commit the
         key that follows from the room key; random nonce in front; associated data: group id
record   ChaCha20-Poly1305 under the key that follows from the room key; random nonce in front; associated data: group id
key      the room key for one device, beside the record: HPKE to the identity key of its certificate; info "connexa/record-key/v1" | 0 |
         group id
extra    HPKE to the key package's init key; info "connexa/group-extra/v1" | 0 | group id
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from connexa.content import (
    JoinExtra,
    RoomRecord,
    SharedChange,
    read_change,
    read_extra,
    read_record,
    write_change,
    write_extra,
    write_record,
)
from connexa.crypto import ZERO_SALT, Rng, X25519Public, X25519Secret, aead_open, aead_seal, hkdf, hpke_x25519_open, hpke_x25519_seal
from connexa.errors import IntegrityError
from connexa.mls.group import Group
from connexa.mls.staged import StagedCommit
from connexa.node.groups.cards import alias_of, identity_key_of
from connexa.wire import MAX_FRAME, parse
from connexa.wire.v1.group_state_pb2 import RecordKey, SealedRecord

__all__ = [
    "change_key",
    "EPOCH_GIVES",
    "next_room_key",
    "open_change",
    "open_extra",
    "open_record",
    "record_keys",
    "outside_key",
    "seal_change",
    "seal_extra",
    "seal_record",
]

EPOCH_GIVES = bytes(32)  # in a Welcome, for the room key: it is the one that follows from the epoch
_NONCE = 12
_PLACE = 8  # of an alias, which tells a device its key
_EXTRA = b"connexa/group-extra/v1\0"
_KEY = b"connexa/record-key/v1\0"


def change_key(group: Group) -> bytes:
    """The key of what the commits of this epoch change."""
    return group.export("connexa group change", group.group_id, 32)


def next_room_key(epoch: Group | StagedCommit, group_id: bytes) -> bytes:
    """The room key of an epoch in which a device is gone, before or after its commit is merged: whoever is in that epoch knows it."""
    return epoch.export("connexa room key", group_id, 32)


def outside_key(room_key: bytes) -> bytes:
    """The key of what an external commit changes: its maker knows the room key, and no epoch."""
    return _derived(room_key, b"connexa/group-change/v1")


def _derived(room_key: bytes, info: bytes) -> bytes:
    return hkdf(room_key, salt=ZERO_SALT, info=info, length=32)


def seal_change(key: bytes, group_id: bytes, change: SharedChange, rng: Rng) -> bytes:
    """A change as the authenticated data of a commit."""
    return _seal(key, group_id, write_change(change), rng)


def open_change(key: bytes, group_id: bytes, sealed: bytes) -> SharedChange:
    """What a commit changes beside the tree; nothing where it says nothing."""
    return read_change(_open(key, group_id, sealed)) if sealed else SharedChange()


def seal_record(room_key: bytes, group_id: bytes, record: RoomRecord, rng: Rng) -> bytes:
    """What stands beside an epoch, with its room key for each device that is in."""
    sealed = SealedRecord(record=_seal(_derived(room_key, b"connexa/room-record/v1"), group_id, write_record(record), rng))
    for card in record.state.cards:
        key = hpke_x25519_seal(identity_key_of(card), room_key, _KEY + group_id)
        sealed.keys.append(RecordKey(place=alias_of(card)[:_PLACE], sealed=key))
    return sealed.SerializeToString(deterministic=True)


def open_record(room_key: bytes, group_id: bytes, sealed: bytes) -> RoomRecord:
    """What stood beside an epoch, or `IntegrityError`."""
    record = parse(SealedRecord, sealed, MAX_FRAME).record
    return read_record(_open(_derived(room_key, b"connexa/room-record/v1"), group_id, record))


def record_keys(identity: X25519Secret, alias: bytes, group_id: bytes, sealed: bytes) -> Iterator[bytes]:
    """The room keys that lie beside a record for this device, whoever put them there."""
    for key in parse(SealedRecord, sealed, MAX_FRAME).keys:
        if key.place == alias[:_PLACE]:
            with contextlib.suppress(IntegrityError):
                yield hpke_x25519_open(identity, key.sealed, _KEY + group_id)


def seal_extra(init_key: bytes, group_id: bytes, extra: JoinExtra) -> bytes:
    """What one device needs beside its Welcome."""
    return hpke_x25519_seal(X25519Public(init_key), write_extra(extra), _EXTRA + group_id)


def open_extra(init_key: bytes, group_id: bytes, sealed: bytes) -> JoinExtra:
    """What came beside a Welcome; `init_key` is the private half."""
    return read_extra(hpke_x25519_open(X25519Secret.from_bytes(init_key), sealed, _EXTRA + group_id))


def _seal(key: bytes, group_id: bytes, plaintext: bytes, rng: Rng) -> bytes:
    nonce = rng(_NONCE)
    return nonce + aead_seal(key, nonce, plaintext, group_id)


def _open(key: bytes, group_id: bytes, sealed: bytes) -> bytes:
    if len(sealed) <= _NONCE:
        raise IntegrityError("group.malformed", "Something in a group does not follow the protocol.")
    return aead_open(key, sealed[:_NONCE], sealed[_NONCE:], group_id)

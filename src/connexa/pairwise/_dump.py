"""The stored form of a session: one version byte, fixed fields, then lists; no pickle, no JSON (pairwise §3).

Read back strictly: a wrong length, a trailing byte or another version is refused whole.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from connexa.errors import IntegrityError
from connexa.identity import DeviceId, UserId
from connexa.pairwise._parties import Binding
from connexa.pairwise._pq import PqChains, PqReceiving, PqSending
from connexa.pairwise._ratchet_state import OldChain, Ratchet, Receiving, Sending
from connexa.pairwise._session import Session

__all__ = ["dump_session", "load_session"]

_VERSION = 1
_INITIATOR, _CONFIRMED, _RETIRED = 1, 2, 4
_BINDING = struct.Struct(">BB64s32s32s32s32s32s32sQQQ")
_NUMBERS = struct.Struct(">IIIIIQQ")
_KEY = struct.Struct(">I32s")
_COUNT = struct.Struct(">H")
_KEY_COUNT = 15
_OLD = struct.Struct(">32sIQ")


def dump_session(session: Session) -> bytes:
    """The bytes that the store keeps."""
    binding, ratchet, pq = session.binding, session.ratchet, session.ratchet.pq
    sending, receiving = ratchet.sending, ratchet.receiving
    flags = _INITIATOR * binding.initiator | _CONFIRMED * session.confirmed | _RETIRED * session.retired
    parts = [
        _BINDING.pack(
            _VERSION,
            flags,
            binding.transcript,
            binding.local_user,
            binding.local_device,
            binding.remote_user,
            binding.remote_device,
            binding.remote_keys,
            binding.ephemeral,
            binding.created,
            session.heard,
            session.archived,
        ),
        _COUNT.pack(len(session.initial)),
        session.initial,
        _dump_keys(_key_fields(ratchet)),
        _NUMBERS.pack(sending.n, sending.previous, receiving.n, pq.sending.n, pq.receiving.n, receiving.stored, ratchet.lost),
        _dump_skipped(receiving.skipped),
        _dump_seen(receiving.seen),
        _dump_skipped(pq.receiving.skipped),
        bytes([len(ratchet.old)]),
    ]
    for old in ratchet.old:
        parts += [_OLD.pack(old.header, old.n, old.stored), _dump_skipped(old.skipped), _dump_seen(old.seen)]
    return b"".join(parts)


def load_session(raw: bytes) -> Session:
    """A stored session, or `IntegrityError`."""
    reader = _Reader(raw)
    version, flags, *fixed, created, heard, archived = reader.unpack(_BINDING)
    if version != _VERSION or flags & ~(_INITIATOR | _CONFIRMED | _RETIRED):
        raise _broken()
    transcript, local_user, local_device, remote_user, remote_device, remote_keys, ephemeral = fixed
    binding = Binding(
        transcript,
        UserId(local_user),
        DeviceId(local_device),
        UserId(remote_user),
        DeviceId(remote_device),
        remote_keys,
        ephemeral,
        bool(flags & _INITIATOR),
        created,
    )
    initial = reader.take(reader.unpack(_COUNT)[0])
    ratchet = _load_ratchet(reader)
    reader.end()
    return Session(binding, ratchet, initial, heard, bool(flags & _CONFIRMED), archived, bool(flags & _RETIRED))


def _load_ratchet(reader: _Reader) -> Ratchet:
    (
        root,
        own_secret,
        own_public,
        remote,
        send_header,
        send_next_header,
        send_chain,
        receive_header,
        receive_next_header,
        receive_chain,
        pq_root,
        pq_auth,
        pq_mac,
        pq_send_chain,
        pq_receive_chain,
    ) = reader.keys(_KEY_COUNT)
    send_n, send_previous, receive_n, pq_send_n, pq_receive_n, stored, lost = reader.unpack(_NUMBERS)
    skipped, seen, pq_skipped = reader.skipped(), reader.seen(), reader.skipped()
    old = []
    for _ in range(reader.take(1)[0]):
        header, n, since = reader.unpack(_OLD)
        old.append(OldChain(header, n, reader.skipped(), since, reader.seen()))
    pq_receiving = PqReceiving(pq_receive_chain, pq_receive_n, pq_skipped)
    return Ratchet(
        root,
        own_secret,
        own_public,
        remote,
        Sending(send_header, send_next_header, send_chain, send_n, send_previous),
        Receiving(receive_header, receive_next_header, receive_chain, receive_n, skipped, stored, seen),
        PqChains(pq_root, pq_auth, pq_mac, PqSending(pq_send_chain, pq_send_n), pq_receiving),
        tuple(old),
        lost,
    )


def _key_fields(ratchet: Ratchet) -> list[bytes]:
    sending, receiving, pq = ratchet.sending, ratchet.receiving, ratchet.pq
    return [
        ratchet.root,
        ratchet.own_secret,
        ratchet.own_public,
        ratchet.remote,
        sending.header,
        sending.next_header,
        sending.chain,
        receiving.header,
        receiving.next_header,
        receiving.chain,
        pq.root,
        pq.auth,
        pq.mac,
        pq.sending.chain,
        pq.receiving.chain,
    ]


def _dump_keys(keys: list[bytes]) -> bytes:
    """A u16 of bits that say which keys are there, then those, 32 bytes each."""
    present = sum(1 << i for i, key in enumerate(keys) if key)
    return _COUNT.pack(present) + b"".join(keys)


def _dump_skipped(skipped: Mapping[int, bytes]) -> bytes:
    return _COUNT.pack(len(skipped)) + b"".join(_KEY.pack(n, key) for n, key in skipped.items())


def _dump_seen(seen: bytes) -> bytes:
    return bytes([len(seen)]) + seen


class _Reader:
    """Walks over stored bytes; anything that does not fit is `session.broken`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, length: int) -> bytes:
        part = self._raw[self._at : self._at + length]
        if len(part) != length:
            raise _broken()
        self._at += length
        return part

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self.take(layout.size))

    def keys(self, count: int) -> list[bytes]:
        (present,) = self.unpack(_COUNT)
        if present >> count:
            raise _broken()
        return [self.take(32) if present >> i & 1 else b"" for i in range(count)]

    def skipped(self) -> dict[int, bytes]:
        (count,) = self.unpack(_COUNT)
        return dict(_KEY.iter_unpack(self.take(count * _KEY.size)))

    def seen(self) -> bytes:
        return self.take(self.take(1)[0])

    def end(self) -> None:
        if self._at != len(self._raw):
            raise _broken()


def _broken() -> IntegrityError:
    return IntegrityError("session.broken", "A stored session cannot be read.", "The database was changed or is from a newer version.")

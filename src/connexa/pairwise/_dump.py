"""The stored form of a session: who it is between, then its state, as fixed fields and lists; no pickle, no JSON (pairwise §3).

All sessions with a device are between the same two, so a set stores that once. Read back strictly: a wrong length, a trailing byte or
another version is refused whole.
"""

from __future__ import annotations

import struct

from connexa.identity import DeviceId, UserId
from connexa.pairwise._dump_pq import dump_pq, load_pq
from connexa.pairwise._parties import Binding
from connexa.pairwise._ratchet_state import OldChain, Ratchet, Receiving, Sending
from connexa.pairwise._session import Session
from connexa.pairwise._stored import Reader, broken, counted, dump_keys, dump_skipped, seconds

__all__ = ["dump_session", "dump_sessions", "load_session", "load_sessions"]

_Parties = tuple[UserId, DeviceId, UserId, DeviceId, bytes]

_VERSION = 1
_INITIATOR, _CONFIRMED, _RETIRED = 1, 2, 4
_PARTIES = struct.Struct(">B32s32s32s32s32s")
_BINDING = struct.Struct(">B64s32sIII")
_NUMBERS = struct.Struct(">IIIII")
_KEY_COUNT = 10
_MOST = 2**32 - 1
_OLD = struct.Struct(">32sII")


def dump_sessions(sessions: tuple[Session, ...]) -> bytes:
    """The bytes that the store keeps for all sessions with one device; none for no session."""
    if not sessions:
        return b""
    return _dump_parties(sessions[0].binding) + b"".join(_dump_state(session) for session in sessions)


def load_sessions(raw: bytes) -> tuple[Session, ...]:
    """Stored sessions, or `IntegrityError`."""
    if not raw:
        return ()
    reader, sessions = Reader(raw), []
    parties = _load_parties(reader)
    while reader.left:
        sessions.append(_load_state(reader, parties))
    return tuple(sessions)


def dump_session(session: Session) -> bytes:
    """One session by itself."""
    return _dump_parties(session.binding) + _dump_state(session)


def load_session(raw: bytes) -> Session:
    """One stored session, or `IntegrityError`."""
    reader = Reader(raw)
    session = _load_state(reader, _load_parties(reader))
    reader.end()
    return session


def _dump_parties(binding: Binding) -> bytes:
    local, remote = (binding.local_user, binding.local_device), (binding.remote_user, binding.remote_device)
    return _PARTIES.pack(_VERSION, *local, *remote, binding.remote_keys)


def _load_parties(reader: Reader) -> _Parties:
    version, local_user, local_device, remote_user, remote_device, remote_keys = reader.unpack(_PARTIES)
    if version != _VERSION:
        raise broken()
    return UserId(local_user), DeviceId(local_device), UserId(remote_user), DeviceId(remote_device), remote_keys


def _dump_state(session: Session) -> bytes:
    binding = session.binding
    flags = _INITIATOR * binding.initiator | _CONFIRMED * session.confirmed | _RETIRED * session.retired
    times = (seconds(time) for time in (binding.created, session.heard, session.archived))
    fixed = _BINDING.pack(flags, binding.transcript, binding.ephemeral, *times)
    return fixed + counted(session.initial) + _dump_ratchet(session.ratchet) + dump_pq(session.ratchet.pq)


def _load_state(reader: Reader, parties: _Parties) -> Session:
    flags, transcript, ephemeral, created, heard, archived = reader.unpack(_BINDING)
    if flags & ~(_INITIATOR | _CONFIRMED | _RETIRED):
        raise broken()
    binding = Binding(transcript, *parties, ephemeral, bool(flags & _INITIATOR), created)
    initial = reader.counted()
    ratchet = _load_ratchet(reader, initiator=binding.initiator)
    return Session(binding, ratchet, initial, heard, bool(flags & _CONFIRMED), archived, bool(flags & _RETIRED))


def _dump_ratchet(ratchet: Ratchet) -> bytes:
    sending, receiving = ratchet.sending, ratchet.receiving
    own = [ratchet.root, ratchet.own_secret, ratchet.own_public, ratchet.remote]
    chains = [sending.header, sending.next_header, sending.chain, receiving.header, receiving.next_header, receiving.chain]
    parts = [
        dump_keys(own + chains),
        _NUMBERS.pack(sending.n, sending.previous, receiving.n, seconds(receiving.stored), min(ratchet.lost, _MOST)),
        dump_skipped(receiving.skipped),
        counted(receiving.seen),
        bytes([len(ratchet.old)]),
    ]
    for old in ratchet.old:
        parts += [_OLD.pack(old.header, old.n, seconds(old.stored)), dump_skipped(old.skipped), counted(old.seen)]
    return b"".join(parts)


def _load_ratchet(reader: Reader, *, initiator: bool) -> Ratchet:
    root, own_secret, own_public, remote, *chains = reader.keys(_KEY_COUNT)
    send_header, send_next_header, send_chain, receive_header, receive_next_header, receive_chain = chains
    send_n, send_previous, receive_n, stored, lost = reader.unpack(_NUMBERS)
    sending = Sending(send_header, send_next_header, send_chain, send_n, send_previous)
    receiving = Receiving(receive_header, receive_next_header, receive_chain, receive_n, reader.skipped(), stored, reader.counted())
    old = tuple(_load_old(reader) for _ in range(reader.take(1)[0]))
    return Ratchet(root, own_secret, own_public, remote, sending, receiving, load_pq(reader, initiator=initiator), old, lost)


def _load_old(reader: Reader) -> OldChain:
    header, n, stored = reader.unpack(_OLD)
    return OldChain(header, n, reader.skipped(), stored, reader.counted())

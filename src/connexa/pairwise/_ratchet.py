"""The header-encrypted Double Ratchet (pairwise §3), salted by the post-quantum chains of §4.

After the public-domain specification, revision 3. Our own next ratchet key is made when we send, not when we receive: the
messages are the same, and opening one needs no randomness. States are never changed; a new one is returned after the body
has opened, so a refused message leaves everything as it was (P08).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from connexa.crypto import (
    InvalidKey,
    InvalidTag,
    Rng,
    X25519Public,
    X25519Secret,
    aead_open,
    aead_seal,
    equal,
    hkdf,
    hmac_sha256,
)
from connexa.pairwise import _pq
from connexa.pairwise._pq import PqChains
from connexa.pairwise._reject import Duplicate, Reason, Reject

__all__ = [
    "MAX_AGE",
    "MAX_CHAINS",
    "MAX_SKIPPED",
    "MAX_STEPS",
    "OVERHEAD",
    "OldChain",
    "Ratchet",
    "open_message",
    "seal_message",
]

MAX_STEPS = 1_000  # that one message may skip, old and new chain together
MAX_SKIPPED = 2_000  # stored keys of a session, for each of the two ratchets
MAX_CHAINS = 5  # receiving chains: the current one and four older
MAX_AGE = 30 * 86_400

_NONCE = 12
_COMMIT = 32
_HEADER = struct.Struct(">32sIIIIBB128s")
_SEALED_HEADER = _NONCE + _COMMIT + _HEADER.size + 16
_IDLE = bytes(128)
OVERHEAD = _SEALED_HEADER + _COMMIT + 16

_NOTHING: Mapping[int, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OldChain:
    """A finished receiving chain: its header key and the keys of messages that are still missing."""

    header: bytes
    skipped: Mapping[int, bytes]
    stored: int  # unix seconds of the newest key in it


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Ratchet:
    """One side's state; `b""` stands for what is not there yet, and nothing is ever derived from it (P11)."""

    root: bytes
    own_secret: bytes
    own_public: bytes
    remote: bytes
    send_header: bytes
    send_next_header: bytes
    send_chain: bytes  # empty: the next message takes a step first
    send_n: int
    send_previous: int
    receive_header: bytes
    receive_next_header: bytes
    receive_chain: bytes
    receive_n: int
    skipped: Mapping[int, bytes]
    stored: int
    old: tuple[OldChain, ...]  # newest first
    pq: PqChains
    lost: int = 0  # stored keys given up for age or number

    @classmethod
    def initiator(cls, root: bytes, header: tuple[bytes, bytes], remote: bytes, pq: PqChains) -> Ratchet:
        """A's state; her first message takes the first step towards B's signed prekey."""
        forth, back = header
        return cls(root, b"", b"", remote, b"", forth, b"", 0, 0, b"", back, b"", 0, _NOTHING, 0, (), pq)

    @classmethod
    def responder(cls, root: bytes, header: tuple[bytes, bytes], own: X25519Secret, pq: PqChains) -> Ratchet:
        """B's state, with the signed prekey as the first ratchet key; it cannot send before it has received."""
        forth, back = header
        return cls(root, own.raw, own.public.raw, b"", b"", back, b"", 0, 0, b"", forth, b"", 0, _NOTHING, 0, (), pq)

    @property
    def step_due(self) -> bool:
        """Whether the next message that we send begins a new chain."""
        return not self.send_chain


class _Header(NamedTuple):
    key: bytes
    previous: int
    n: int
    pq_epoch: int
    pq_n: int


def seal_message(state: Ratchet, plaintext: bytes, ad: bytes, rng: Rng) -> tuple[Ratchet, bytes]:
    """Encrypt one message; store the new state before the message leaves (P33)."""
    if state.step_due:
        state = _send_step(state, rng)
    pq, pq_n, pq_key = state.pq.send()
    nonce = rng(_NONCE)  # random, so that a store restored from an old copy repeats no (key, nonce) either
    header = _HEADER.pack(state.own_public, state.send_previous, state.send_n, _pq.EPOCH, pq_n, 0, 0, _IDLE)
    header_key, header_commit = _header_keys(state.send_header, nonce)
    sealed_header = nonce + header_commit + aead_seal(header_key, nonce, header, ad)
    key, body_nonce, commit = _message_keys(hmac_sha256(state.send_chain, b"\x01"), pq_key, nonce)
    head = sealed_header + commit
    message = head + aead_seal(key, body_nonce, plaintext, ad + head)
    chain = hmac_sha256(state.send_chain, b"\x02")
    return replace(state, send_chain=chain, send_n=state.send_n + 1, pq=pq), message


def open_message(state: Ratchet, message: bytes, ad: bytes, now: int, *, may_step: bool = True) -> tuple[Ratchet, bytes]:
    """Decrypt one message, or raise `Reject` or `Duplicate`; `may_step` False refuses messages of a new chain (P45)."""
    if len(message) < OVERHEAD:
        raise Reject(Reason.MALFORMED)
    state = _forget_old(state, now)
    sealed_header = message[:_SEALED_HEADER]
    if header := _open_header(state.receive_header, sealed_header, ad):
        after, ec_key = _in_current_chain(state, header, now)
    elif found := _find_old(state, sealed_header, ad):
        after, ec_key = _in_old_chain(state, *found)
        header = found[1]
    elif header := _open_header(state.receive_next_header, sealed_header, ad):
        if not may_step:
            raise Reject(Reason.STEP)
        after, ec_key = _in_next_chain(state, header, now)
    else:
        raise Reject(Reason.HEADER)
    pq, pq_key, lost = _pq_key(state.pq, header)
    plaintext = _open_body(message, ec_key, pq_key, ad)
    return replace(after, pq=pq, lost=after.lost + lost), plaintext


def _send_step(state: Ratchet, rng: Rng) -> Ratchet:
    if not state.remote:
        raise ValueError("a responder's session sends nothing before its first message came")
    own = X25519Secret.generate(rng)
    root, chain, next_header = _root_step(state.root, own, state.remote)
    return replace(
        state,
        root=root,
        own_secret=own.raw,
        own_public=own.public.raw,
        send_header=state.send_next_header,
        send_next_header=next_header,
        send_chain=chain,
        send_previous=state.send_n,
        send_n=0,
    )


def _in_current_chain(state: Ratchet, header: _Header, now: int) -> tuple[Ratchet, bytes]:
    if header.n < state.receive_n:
        key, rest = _take(state.skipped, header.n)
        return replace(state, skipped=rest), key
    if header.key != state.remote:
        raise Reject(Reason.STEP)
    if header.n - state.receive_n > MAX_STEPS:
        raise Reject(Reason.JUMP)
    chain, passed, key = _advance(state.receive_chain, state.receive_n, header.n)
    after = replace(state, receive_chain=chain, receive_n=header.n + 1)
    if passed:
        after = _within_limits(replace(after, skipped={**state.skipped, **passed}, stored=now))
    return after, key


def _in_old_chain(state: Ratchet, index: int, header: _Header) -> tuple[Ratchet, bytes]:
    chain = state.old[index]
    key, rest = _take(chain.skipped, header.n)
    kept = (OldChain(chain.header, rest, chain.stored),) if rest else ()
    return replace(state, old=state.old[:index] + kept + state.old[index + 1 :]), key


def _in_next_chain(state: Ratchet, header: _Header, now: int) -> tuple[Ratchet, bytes]:
    # An honest device takes its next step only after it has seen our answer to its last one.
    if state.receive_chain and state.step_due:
        raise Reject(Reason.STEP)
    missing = header.previous - state.receive_n
    if missing < 0 or (missing and not state.receive_chain):
        raise Reject(Reason.STEP)
    if missing + header.n > MAX_STEPS:
        raise Reject(Reason.JUMP)
    if header.key in (state.remote, state.own_public) or not state.own_secret:
        raise Reject(Reason.STEP)
    try:
        root, chain, next_header = _root_step(state.root, X25519Secret(state.own_secret), header.key)
    except InvalidKey:
        raise Reject(Reason.STEP) from None
    old = _finish_chain(state, header.previous, now)
    chain, passed, key = _advance(chain, 0, header.n)
    after = replace(
        state,
        root=root,
        remote=header.key,
        send_chain=b"",
        receive_header=state.receive_next_header,
        receive_next_header=next_header,
        receive_chain=chain,
        receive_n=header.n + 1,
        skipped=passed,
        stored=now,
        old=old,
    )
    return _within_limits(after), key


def _finish_chain(state: Ratchet, end: int, now: int) -> tuple[OldChain, ...]:
    if not state.receive_chain:
        return state.old
    passed: Mapping[int, bytes] = {}
    if end > state.receive_n:
        _, passed, last = _advance(state.receive_chain, state.receive_n, end - 1)
        passed = {**passed, end - 1: last}
    missing = {**state.skipped, **passed}
    if not missing:
        return state.old
    return (OldChain(state.receive_header, missing, now if passed else state.stored), *state.old)


def _within_limits(state: Ratchet) -> Ratchet:
    """Give up the oldest stored keys beyond the limits, and count them."""
    old, lost = state.old, 0
    if len(old) > MAX_CHAINS - 1:
        lost += sum(len(chain.skipped) for chain in old[MAX_CHAINS - 1 :])
        old = old[: MAX_CHAINS - 1]
    surplus = len(state.skipped) + sum(len(chain.skipped) for chain in old) - MAX_SKIPPED
    while surplus > 0 and old:
        oldest = old[-1]
        rest = _without_lowest(oldest.skipped, surplus)
        lost += len(oldest.skipped) - len(rest)
        surplus -= len(oldest.skipped) - len(rest)
        old = old[:-1] + ((OldChain(oldest.header, rest, oldest.stored),) if rest else ())
    skipped = state.skipped
    if surplus > 0:
        skipped = _without_lowest(skipped, surplus)
        lost += surplus
    return replace(state, old=old, skipped=skipped, lost=state.lost + lost) if lost else state


def _forget_old(state: Ratchet, now: int) -> Ratchet:
    """Give up stored keys that have waited for 30 days."""
    limit = now - MAX_AGE
    if state.skipped and state.stored < limit:
        state = replace(state, skipped=_NOTHING, lost=state.lost + len(state.skipped))
    if any(chain.stored < limit for chain in state.old):
        kept = tuple(chain for chain in state.old if chain.stored >= limit)
        gone = sum(len(chain.skipped) for chain in state.old) - sum(len(chain.skipped) for chain in kept)
        state = replace(state, old=kept, lost=state.lost + gone)
    return state


def _pq_key(pq: PqChains, header: _Header) -> tuple[PqChains, bytes, int]:
    if header.pq_epoch != _pq.EPOCH:
        raise Reject(Reason.STEP)
    if header.pq_n < pq.receive_n:
        key, rest = _take(pq.skipped, header.pq_n)
        return pq.received(pq.receive_chain, pq.receive_n, rest), key, 0
    if header.pq_n - pq.receive_n > MAX_STEPS:
        raise Reject(Reason.JUMP)
    chain, skipped = pq.receive_chain, pq.skipped
    passed = {}
    for n in range(pq.receive_n, header.pq_n):
        chain, passed[n] = _pq.step(chain, n)
    chain, key = _pq.step(chain, header.pq_n)
    if not passed:
        return pq.received(chain, header.pq_n + 1, skipped), key, 0
    skipped = {**skipped, **passed}
    kept = _without_lowest(skipped, len(skipped) - MAX_SKIPPED)
    return pq.received(chain, header.pq_n + 1, kept), key, len(skipped) - len(kept)


def _open_header(header_key: bytes, sealed: bytes, ad: bytes) -> _Header | None:
    if not header_key:
        return None
    nonce, commit = sealed[:_NONCE], sealed[_NONCE : _NONCE + _COMMIT]
    key, expected = _header_keys(header_key, nonce)
    if not equal(commit, expected):
        return None
    try:
        raw = aead_open(key, nonce, sealed[_NONCE + _COMMIT :], ad)
    except InvalidTag:
        raise Reject(Reason.HEADER) from None
    public, previous, n, pq_epoch, pq_n, kind, index, chunk = _HEADER.unpack(raw)
    if kind or index or chunk != _IDLE:
        raise Reject(Reason.MALFORMED)
    return _Header(public, previous, n, pq_epoch, pq_n)


def _find_old(state: Ratchet, sealed: bytes, ad: bytes) -> tuple[int, _Header] | None:
    for index, chain in enumerate(state.old):
        if header := _open_header(chain.header, sealed, ad):
            return index, header
    return None


def _open_body(message: bytes, ec_key: bytes, pq_key: bytes, ad: bytes) -> bytes:
    key, nonce, commit = _message_keys(ec_key, pq_key, message[:_NONCE])
    head = message[: _SEALED_HEADER + _COMMIT]
    if not equal(commit, head[_SEALED_HEADER:]):
        raise Reject(Reason.BODY)
    try:
        return aead_open(key, nonce, message[len(head) :], ad + head)
    except InvalidTag:
        raise Reject(Reason.BODY) from None


def _root_step(root: bytes, own: X25519Secret, remote: bytes) -> tuple[bytes, bytes, bytes]:
    shared = own.exchange(X25519Public(remote))
    out = hkdf(shared, salt=root, info=b"Connexa/1 DR root", length=96)
    return out[:32], out[32:64], out[64:]


def _header_keys(header_key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    out = hkdf(header_key, salt=nonce, info=b"Connexa/1 header", length=64)
    return out[:32], out[32:]


def _message_keys(ec_key: bytes, pq_key: bytes, nonce: bytes) -> tuple[bytes, bytes, bytes]:
    out = hkdf(ec_key, salt=pq_key, info=b"Connexa/1 msg" + nonce, length=76)
    return out[:32], out[32:44], out[44:]


def _advance(chain: bytes, first: int, n: int) -> tuple[bytes, dict[int, bytes], bytes]:
    """Walk a chain from `first` to `n`: the chain behind it, the keys passed, the key of `n`."""
    passed = {}
    for number in range(first, n):
        passed[number] = hmac_sha256(chain, b"\x01")
        chain = hmac_sha256(chain, b"\x02")
    return hmac_sha256(chain, b"\x02"), passed, hmac_sha256(chain, b"\x01")


def _take(skipped: Mapping[int, bytes], n: int) -> tuple[bytes, Mapping[int, bytes]]:
    key = skipped.get(n)
    if key is None:
        raise Duplicate
    return key, {number: kept for number, kept in skipped.items() if number != n}


def _without_lowest(skipped: Mapping[int, bytes], count: int) -> Mapping[int, bytes]:
    if count <= 0:
        return skipped
    return {n: skipped[n] for n in sorted(skipped)[count:]}

"""The header-encrypted Double Ratchet (pairwise §3), salted by the post-quantum chains of §4.

After the public-domain specification, revision 3. Our own next ratchet key is made when we send, not when we receive: the
messages are the same, and opening one needs no randomness. States are never changed; a new one is returned after the body
has opened, so a refused message leaves everything as it was (P08).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

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
    hmac_sha256_pair,
)
from connexa.pairwise._chunked import check_chunk
from connexa.pairwise._ratchet_state import OldChain, Ratchet, Receiving, Sending
from connexa.pairwise._reject import Reason, Reject
from connexa.pairwise._scka import CHUNK_SIZE
from connexa.pairwise._seen import came_late, came_next, refusal
from connexa.pairwise._skipped import MAX_AGE, MAX_SKIPPED, MAX_STEPS, without, without_lowest

__all__ = [
    "MAX_CHAINS",
    "OVERHEAD",
    "open_message",
    "seal_message",
]

MAX_CHAINS = 5  # receiving chains: the current one and four older

_NONCE = 12
_COMMIT = 32
_LAST = 2**32 - 1  # of a chain: the number behind it would fit neither a header nor a stored session (P33)
_HEADER = struct.Struct(f">32sIIII{CHUNK_SIZE}s")
_SEALED_HEADER = _NONCE + _COMMIT + _HEADER.size + 16
OVERHEAD = _SEALED_HEADER + _COMMIT + 16


class _Header(NamedTuple):
    nonce: bytes
    key: bytes
    previous: int
    n: int
    pq_epoch: int
    pq_n: int
    chunk: bytes


def seal_message(state: Ratchet, plaintext: bytes, ad: bytes, rng: Rng) -> tuple[Ratchet, bytes]:
    """Encrypt one message; store the new state before the message leaves (P33)."""
    if state.step_due:
        state = _send_step(state, rng)
    sending = state.sending
    pq, pq_epoch, pq_n, chunk, pq_key = state.pq.send(rng)
    nonce = rng(_NONCE)  # random, so that a store restored from an old copy repeats no (key, nonce) either
    header = _HEADER.pack(state.own_public, sending.previous, sending.n, pq_epoch, pq_n, chunk)
    keys = _header_keys(sending.header, nonce)
    chain, ec_key = _step(sending.chain)
    body_keys = _message_keys(ec_key, pq_key, nonce)
    head = nonce + keys[32:] + aead_seal(keys[:32], nonce, header, ad) + body_keys[44:]
    message = head + aead_seal(body_keys[:32], body_keys[32:44], plaintext, ad + head)
    moved = Sending(sending.header, sending.next_header, chain, sending.n + 1, sending.previous)
    return state.after(moved, state.receiving, pq), message


def open_message(state: Ratchet, message: bytes, ad: bytes, now: int, *, may_step: bool = True) -> tuple[Ratchet, bytes]:
    """Decrypt one message, or raise `Reject` or `Duplicate`; `may_step` False refuses messages of a new chain (P45)."""
    if len(message) < OVERHEAD:
        raise Reject(Reason.MALFORMED)
    state = _forget_old(state, now)
    sealed_header = message[:_SEALED_HEADER]
    if header := _open_header(state.receiving.header, sealed_header, ad):
        found, ec_key = _in_current_chain(state, header, now)
    elif old := _find_old(state, sealed_header, ad):
        header = old[1]
        found, ec_key = _in_old_chain(state, *old)
    elif header := _open_header(state.receiving.next_header, sealed_header, ad):
        if not may_step:
            raise Reject(Reason.STEP)
        found, ec_key = _in_next_chain(state, header, now)
    else:
        raise Reject(Reason.HEADER)
    pq, pq_key = state.pq.receive(header.pq_epoch, header.pq_n, now)
    plaintext = _open_body(message, ec_key, pq_key, ad)
    return found.after(found.sending, found.receiving, pq.after(header.pq_epoch, header.chunk, now)), plaintext


def _send_step(state: Ratchet, rng: Rng) -> Ratchet:
    if not state.remote:
        raise ValueError("a responder's session sends nothing before its first message came")
    own = X25519Secret.generate(rng)
    root, chain, next_header = _root_step(state.root, own, state.remote)
    sending = Sending(state.sending.next_header, next_header, chain, 0, state.sending.n)
    return replace(state, root=root, own_secret=own.raw, own_public=own.public.raw, sending=sending)


def _in_current_chain(state: Ratchet, header: _Header, now: int) -> tuple[Ratchet, bytes]:
    current = state.receiving
    if header.key != state.remote:
        raise Reject(Reason.CLONE)  # the other side took the same step twice
    if header.n < current.n:
        key, skipped, seen = _late(current, header)
        moved = Receiving(current.header, current.next_header, current.chain, current.n, skipped, current.stored, seen)
        return state.after(state.sending, moved, state.pq), key
    if header.n - current.n > MAX_STEPS:
        raise Reject(Reason.JUMP)
    chain, passed, key = _advance(current.chain, current.n, header.n)
    skipped, stored = ({**current.skipped, **passed}, now) if passed else (current.skipped, current.stored)
    seen = came_next(current.seen, len(passed), header.nonce)
    moved = Receiving(current.header, current.next_header, chain, header.n + 1, skipped, stored, seen)
    after = state.after(state.sending, moved, state.pq)
    return (_within_limits(after) if passed else after), key


def _in_old_chain(state: Ratchet, index: int, header: _Header) -> tuple[Ratchet, bytes]:
    chain = state.old[index]
    key, skipped, seen = _late(chain, header)
    kept = (OldChain(chain.header, chain.n, skipped, chain.stored, seen),) if skipped else ()
    return replace(state, old=state.old[:index] + kept + state.old[index + 1 :]), key


def _late(chain: Receiving | OldChain, header: _Header) -> tuple[bytes, Mapping[int, bytes], bytes]:
    """The stored key of a message that others have passed, and what remains; a key is there once (P09)."""
    back = chain.n - header.n
    if header.n not in chain.skipped:
        raise refusal(chain.seen, back, header.nonce)
    return chain.skipped[header.n], without(chain.skipped, header.n), came_late(chain.seen, back, header.nonce)


def _in_next_chain(state: Ratchet, header: _Header, now: int) -> tuple[Ratchet, bytes]:
    current = state.receiving
    # An honest device takes its next step only after it has seen our answer to its last one.
    if (current.chain and state.step_due) or not state.own_secret:
        raise Reject(Reason.STEP)
    if header.key in (state.remote, state.own_public):
        raise Reject(Reason.STEP)
    missing = header.previous - current.n
    if missing < 0 or (missing and not current.chain):
        raise Reject(Reason.STEP)
    if missing + header.n > MAX_STEPS:
        raise Reject(Reason.JUMP)
    try:
        root, chain, next_header = _root_step(state.root, X25519Secret(state.own_secret), header.key)
    except InvalidKey:
        raise Reject(Reason.STEP) from None
    chain, passed, key = _advance(chain, 0, header.n)
    after = replace(
        state,
        root=root,
        remote=header.key,
        sending=replace(state.sending, chain=b""),
        receiving=Receiving(current.next_header, next_header, chain, header.n + 1, passed, now, came_next(b"", header.n, header.nonce)),
        old=_finish_chain(state, header.previous, now),
    )
    return _within_limits(after), key


def _finish_chain(state: Ratchet, end: int, now: int) -> tuple[OldChain, ...]:
    """The old chains once the current one has ended with `end` messages."""
    current = state.receiving
    skipped, seen, stored = current.skipped, current.seen, current.stored
    if end > current.n:
        _, passed, last = _advance(current.chain, current.n, end - 1)
        skipped, stored = {**skipped, **passed, end - 1: last}, now
        seen = came_next(seen, len(passed), bytes(_NONCE))
    return (OldChain(current.header, end, skipped, stored, seen), *state.old) if skipped else state.old


def _within_limits(state: Ratchet) -> Ratchet:
    """Give up the oldest stored keys beyond the limits, and count them."""
    chains = [*state.old[: MAX_CHAINS - 1]]
    skipped = state.receiving.skipped
    lost = sum(len(chain.skipped) for chain in state.old[MAX_CHAINS - 1 :])
    surplus = len(skipped) + sum(len(chain.skipped) for chain in chains) - MAX_SKIPPED
    while surplus > 0 and chains:
        oldest = chains.pop()
        rest = without_lowest(oldest.skipped, surplus)
        gone = len(oldest.skipped) - len(rest)
        lost, surplus = lost + gone, surplus - gone
        if rest:
            chains.append(OldChain(oldest.header, oldest.n, rest, oldest.stored, oldest.seen))
    if surplus > 0:
        skipped = without_lowest(skipped, surplus)
        lost += surplus
    if not lost:
        return state
    return replace(state, old=tuple(chains), receiving=replace(state.receiving, skipped=skipped), lost=state.lost + lost)


def _forget_old(state: Ratchet, now: int) -> Ratchet:
    """Give up stored keys that have waited for 30 days."""
    if (pq := state.pq.without_old(now)) is not state.pq:
        state = replace(state, pq=pq)
    limit = now - MAX_AGE
    current = state.receiving
    if current.skipped and current.stored < limit:
        state = replace(state, receiving=replace(current, skipped={}), lost=state.lost + len(current.skipped))
    if any(chain.stored < limit for chain in state.old):
        kept = tuple(chain for chain in state.old if chain.stored >= limit)
        gone = sum(len(chain.skipped) for chain in state.old if chain.stored < limit)
        state = replace(state, old=kept, lost=state.lost + gone)
    return state


def _open_header(header_key: bytes, sealed: bytes, ad: bytes) -> _Header | None:
    if not header_key:
        return None
    nonce, commit = sealed[:_NONCE], sealed[_NONCE : _NONCE + _COMMIT]
    keys = _header_keys(header_key, nonce)
    if not equal(commit, keys[32:]):
        return None
    try:
        raw = aead_open(keys[:32], nonce, sealed[_NONCE + _COMMIT :], ad)
    except InvalidTag:
        raise Reject(Reason.HEADER) from None
    header = _Header(nonce, *_HEADER.unpack(raw))
    check_chunk(header.chunk)
    if _LAST in (header.n, header.pq_n):
        raise Reject(Reason.JUMP)
    return header


def _find_old(state: Ratchet, sealed: bytes, ad: bytes) -> tuple[int, _Header] | None:
    for index, chain in enumerate(state.old):
        if header := _open_header(chain.header, sealed, ad):
            return index, header
    return None


def _open_body(message: bytes, ec_key: bytes, pq_key: bytes, ad: bytes) -> bytes:
    keys = _message_keys(ec_key, pq_key, message[:_NONCE])
    head = message[: _SEALED_HEADER + _COMMIT]
    if not equal(keys[44:], head[_SEALED_HEADER:]):
        raise Reject(Reason.BODY)
    try:
        return aead_open(keys[:32], keys[32:44], message[len(head) :], ad + head)
    except InvalidTag:
        raise Reject(Reason.BODY) from None


def _root_step(root: bytes, own: X25519Secret, remote: bytes) -> tuple[bytes, bytes, bytes]:
    shared = own.exchange(X25519Public(remote))
    out = hkdf(shared, salt=root, info=b"Connexa/1 DR root", length=96)
    return out[:32], out[32:64], out[64:]


def _header_keys(header_key: bytes, nonce: bytes) -> bytes:
    """Key 32 | commitment 32."""
    return hkdf(header_key, salt=nonce, info=b"Connexa/1 header", length=64)


def _message_keys(ec_key: bytes, pq_key: bytes, nonce: bytes) -> bytes:
    """Key 32 | nonce 12 | commitment 32."""
    return hkdf(ec_key, salt=pq_key, info=b"Connexa/1 msg" + nonce, length=76)


def _advance(chain: bytes, first: int, n: int) -> tuple[bytes, dict[int, bytes], bytes]:
    """Walk a chain from `first` to `n`: the chain behind it, the keys passed, the key of `n`."""
    passed = {}
    for number in range(first, n):
        chain, passed[number] = _step(chain)
    chain, key = _step(chain)
    return chain, passed, key


def _step(chain: bytes) -> tuple[bytes, bytes]:
    """The next chain key and the message key."""
    return hmac_sha256_pair(chain, b"\x02", b"\x01")

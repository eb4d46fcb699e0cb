"""The stored form of the post-quantum chains, a part of that of a session (`_dump`).

Kept small, since an exchange of keys is under way most of the time: of a key that we offer only the seed is stored (its chunks are made
again), epochs follow one another, and the last use of a chain is a day.
"""

from __future__ import annotations

import struct

from connexa.crypto import MLKEM_PUBLIC_BYTES
from connexa.pairwise._chunked import CHUNKS, CIPHERTEXT, LENGTH, PART, ChunkedMlKem768, cut
from connexa.pairwise._pq import KEPT_EPOCHS, PqChains, PqReceiving, PqSending
from connexa.pairwise._stored import Reader, broken, dump_skipped, seconds

__all__ = ["dump_pq", "load_pq"]

_NUMBERS = struct.Struct(">BIIBBIHB")
_OPTIONAL = (32, 32, 64, MLKEM_PUBLIC_BYTES, LENGTH[CIPHERTEXT])  # mac, waiting chain, seed, key, answer: a flag for each
_DUE = 1 << len(_OPTIONAL)
_RECEIVING = struct.Struct(">32sIH")
_DAY = 86_400


def dump_pq(pq: PqChains) -> bytes:
    """The bytes inside a stored session."""
    agreement = pq.agreement
    answer = b"" if agreement.seed else b"".join(chunk[2:] for chunk in agreement.chunks)[: LENGTH[CIPHERTEXT]]
    optional = (agreement.mac, pq.waiting, agreement.seed, agreement.key, answer)
    flags = sum(1 << index for index, part in enumerate(optional) if part) | _DUE * pq.due
    present = sum(1 << index for index in agreement.parts)
    failed = min(agreement.broken, 255)
    parts = [
        _NUMBERS.pack(flags, pq.sending.n, agreement.epoch, agreement.cursor, failed, seconds(pq.since), present, len(pq.receiving)),
        pq.root,
        agreement.auth,
        pq.sending.chain,
        *optional,
        *(part for _, part in sorted(agreement.parts.items())),
    ]
    for chain in pq.receiving:
        parts += [_RECEIVING.pack(chain.chain, chain.n, seconds(chain.used) // _DAY), dump_skipped(chain.skipped)]
    return b"".join(parts)


def load_pq(reader: Reader, *, initiator: bool) -> PqChains:
    """The chains at this place of a stored session."""
    flags, n, epoch, cursor, failed, since, present, kept = reader.unpack(_NUMBERS)
    if flags >= _DUE << 1 or present >> max(CHUNKS.values()) or not 1 <= kept <= min(KEPT_EPOCHS, epoch + 1):
        raise broken()
    root, auth, chain = reader.take(32), reader.take(32), reader.take(32)
    mac, waiting, seed, key, answer = (reader.take(size) if flags >> i & 1 else b"" for i, size in enumerate(_OPTIONAL))
    parts = {index: reader.take(PART) for index in range(present.bit_length()) if present >> index & 1}
    sends_in = epoch - bool(waiting)
    agreement = ChunkedMlKem768(initiator, epoch, sends_in, auth, mac, seed, key, cut(CIPHERTEXT, answer), cursor, parts, failed)
    receiving = tuple(_load_receiving(reader, epoch - back) for back in range(kept))
    return PqChains(root, agreement, PqSending(chain, n), waiting, receiving, since, bool(flags & _DUE))


def _load_receiving(reader: Reader, epoch: int) -> PqReceiving:
    chain, n, day = reader.unpack(_RECEIVING)
    return PqReceiving(epoch, chain, n, reader.skipped(), day * _DAY)

"""A ciphertext that opens under two keys, which ChaCha20-Poly1305 allows whoever knows both: the tag is linear in each block.

For the tests of key commitment (P31): what they refuse must be what the AEAD alone would have opened.
"""

from __future__ import annotations

import random

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_P = 2**130 - 5
_TAG = 2**128
Key = tuple[bytes, bytes]  # key, nonce


def _one_time_key(key: Key) -> tuple[int, int]:
    """r and s of RFC 8439 section 2.6."""
    encryptor = Cipher(ChaCha20(key[0], bytes(4) + key[1]), None).encryptor()
    stream = encryptor.update(bytes(32))
    return int.from_bytes(stream[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, int.from_bytes(stream[16:], "little")


def _blocks(ad: bytes, ciphertext: bytes) -> list[bytes]:
    padded = ad + bytes(-len(ad) % 16) + ciphertext + bytes(-len(ciphertext) % 16)
    padded += len(ad).to_bytes(8, "little") + len(ciphertext).to_bytes(8, "little")
    return [padded[i : i + 16] for i in range(0, len(padded), 16)]


def _poly(r: int, blocks: list[bytes], without: int) -> int:
    """The polynomial of all blocks but one."""
    powers = ((int.from_bytes(block, "little") + _TAG) * pow(r, len(blocks) - i, _P) for i, block in enumerate(blocks) if i != without)
    return sum(powers) % _P


def opening_under_both(first: Key, second: Key, ad: bytes, ciphertext: bytes, free: tuple[int, int], rng: random.Random) -> bytes:
    """The ciphertext with a tag that holds under both keys; two of its whole 16-byte blocks are changed for it."""
    (r1, s1), (r2, s2) = _one_time_key(first), _one_time_key(second)
    offset = (len(ad) + 15) // 16
    while True:
        noise, block = rng.randbytes(16), free[1]
        ciphertext = ciphertext[: free[0] * 16] + noise + ciphertext[free[0] * 16 + 16 :]
        blocks, at = _blocks(ad, ciphertext), offset + block
        c1, c2 = _poly(r1, blocks, at), _poly(r2, blocks, at)
        slope = (pow(r1, len(blocks) - at, _P) - pow(r2, len(blocks) - at, _P)) % _P
        for carry in range(-5, 6):
            x = (c2 - c1 + s2 - s1 + carry * _TAG) * pow(slope, -1, _P) % _P - _TAG
            tags = [((c + (x + _TAG) * pow(r, len(blocks) - at, _P)) % _P + s) % _TAG for c, r, s in ((c1, r1, s1), (c2, r2, s2))]
            if 0 <= x < _TAG and tags[0] == tags[1]:
                whole = ciphertext[: block * 16] + x.to_bytes(16, "little") + ciphertext[block * 16 + 16 :]
                return whole + tags[0].to_bytes(16, "little")

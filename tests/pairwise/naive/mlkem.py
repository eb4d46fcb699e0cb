"""ML-KEM-768 encapsulation with its randomness given (FIPS 203, algorithms 5, 7-9, 11, 14, 17), as the standard writes it.

The library that we use draws this randomness itself; vectors need it named. Decapsulation and key generation are the library's.
"""

from __future__ import annotations

import hashlib

Q, N, K = 3329, 256, 3
Polynomial = list[int]


def encapsulate(ek: bytes, m: bytes) -> tuple[bytes, bytes]:
    """ML-KEM.Encaps_internal: (ciphertext 1,088, shared secret 32) for 32 random bytes m."""
    g = hashlib.sha3_512(m + hashlib.sha3_256(ek).digest()).digest()
    return _encrypt(ek, m, g[32:]), g[:32]


def _encrypt(ek: bytes, m: bytes, r: bytes) -> bytes:
    t = [_decode(ek[384 * i : 384 * (i + 1)], 12) for i in range(K)]
    rho = ek[384 * K :]
    a = [[_sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]
    y = [_ntt(_sample_cbd(_prf(r, i))) for i in range(K)]
    e1 = [_sample_cbd(_prf(r, K + i)) for i in range(K)]
    e2 = _sample_cbd(_prf(r, 2 * K))
    out = b""
    for i in range(K):
        u = _add(_inverse_ntt(_dot([a[j][i] for j in range(K)], y)), e1[i])
        out += _encode(_compress(u, 10), 10)
    mu = [round_half * ((Q + 1) // 2) for round_half in _decode(m, 1)]
    v = _add(_add(_inverse_ntt(_dot(t, y)), e2), mu)
    return out + _encode(_compress(v, 4), 4)


def _prf(r: bytes, number: int) -> bytes:
    return hashlib.shake_256(r + bytes([number])).digest(128)


def _bits(raw: bytes) -> list[int]:
    return [byte >> i & 1 for byte in raw for i in range(8)]


def _sample_cbd(raw: bytes) -> Polynomial:
    bits = _bits(raw)
    return [(bits[4 * i] + bits[4 * i + 1] - bits[4 * i + 2] - bits[4 * i + 3]) % Q for i in range(N)]


def _sample_ntt(seed: bytes) -> Polynomial:
    raw, out = hashlib.shake_128(seed).digest(3 * 1024), []
    for i in range(0, len(raw), 3):
        low, high = raw[i] + 256 * (raw[i + 1] % 16), raw[i + 1] // 16 + 16 * raw[i + 2]
        out += [number for number in (low, high) if number < Q]
    assert len(out) >= N
    return out[:N]


def _reversed_bits(number: int) -> int:
    return int(f"{number:07b}"[::-1], 2)


def _ntt(p: Polynomial) -> Polynomial:
    p, i, length = list(p), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta = pow(17, _reversed_bits(i), Q)
            i += 1
            for j in range(start, start + length):
                t = zeta * p[j + length] % Q
                p[j + length], p[j] = (p[j] - t) % Q, (p[j] + t) % Q
        length //= 2
    return p


def _inverse_ntt(p: Polynomial) -> Polynomial:
    p, i, length = list(p), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta = pow(17, _reversed_bits(i), Q)
            i -= 1
            for j in range(start, start + length):
                t = p[j]
                p[j] = (t + p[j + length]) % Q
                p[j + length] = zeta * (p[j + length] - t) % Q
        length *= 2
    return [3303 * number % Q for number in p]


def _multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    out = []
    for i in range(N // 2):
        gamma = pow(17, 2 * _reversed_bits(i) + 1, Q)
        a0, a1, b0, b1 = a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]
        out += [(a0 * b0 + a1 * b1 * gamma) % Q, (a0 * b1 + a1 * b0) % Q]
    return out


def _add(a: Polynomial, b: Polynomial) -> Polynomial:
    return [(x + y) % Q for x, y in zip(a, b, strict=True)]


def _dot(a: list[Polynomial], b: list[Polynomial]) -> Polynomial:
    total = [0] * N
    for x, y in zip(a, b, strict=True):
        total = _add(total, _multiply(x, y))
    return total


def _compress(p: Polynomial, d: int) -> Polynomial:
    return [(number * 2**d * 2 + Q) // (2 * Q) % 2**d for number in p]


def _encode(p: Polynomial, d: int) -> bytes:
    packed = sum(number << d * i for i, number in enumerate(p))
    return packed.to_bytes(32 * d, "little")


def _decode(raw: bytes, d: int) -> Polynomial:
    packed = int.from_bytes(raw, "little")
    return [packed >> d * i & (2**d - 1) for i in range(N)]

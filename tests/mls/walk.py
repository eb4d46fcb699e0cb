"""Every byte string that can still be reached from an object: where a secret lives on, this finds it.

The walk follows what the garbage collector follows (attributes, slots, containers, closures), opens the private keys of the
cryptographic library, which hide their bytes from it, and stops at modules, classes and the globals of functions: what is reachable
through those belongs to the program, not to the object.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable, Iterator

__all__ = ["leaked", "reachable_bytes"]

_ELSEWHERE = (types.ModuleType, type, types.BuiltinFunctionType, types.CodeType, types.FrameType)
_RAW_FORMS = ("private_bytes_raw", "private_numbers")


def reachable_bytes(*roots: object) -> Iterator[bytes]:
    """Each byte string below the roots, private keys in their raw form."""
    seen: set[int] = set()
    held: list[object] = []  # keeps what was made during the walk alive, so that no id comes twice
    waiting: list[object] = list(roots)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _ELSEWHERE):
            continue
        seen.add(id(thing))
        held.append(thing)
        if isinstance(thing, bytes | bytearray | memoryview):
            yield bytes(thing)
        elif isinstance(thing, str):
            yield thing.encode(errors="surrogateescape")
        elif isinstance(thing, int) and thing.bit_length() > 64:
            yield thing.to_bytes((thing.bit_length() + 7) // 8, "big")
        else:
            waiting += _below(thing)


def _below(thing: object) -> Iterable[object]:
    if isinstance(thing, types.FunctionType):
        return [thing.__closure__, thing.__defaults__, thing.__kwdefaults__, thing.__dict__]
    if isinstance(thing, types.MethodType):
        return [thing.__self__, thing.__func__]
    raw = _raw_key(thing)
    return [*gc.get_referents(thing), *raw]


def _raw_key(thing: object) -> list[object]:
    """The bytes of a private key object of the cryptographic library."""
    if not type(thing).__module__.startswith("cryptography."):
        return []
    if hasattr(thing, "private_bytes_raw"):
        return [thing.private_bytes_raw()]
    if hasattr(thing, "private_numbers"):
        return [thing.private_numbers().private_value]
    return []


def leaked(secrets: Iterable[bytes], *roots: object) -> list[bytes]:
    """Which of the secrets lie somewhere below the roots, whole, alone or inside a longer byte string."""
    wanted = {secret for secret in secrets if len(secret) >= 16}
    assert wanted, "a walk that looks for nothing finds nothing"
    found: set[bytes] = set()
    for held in reachable_bytes(*roots):
        found |= {secret for secret in wanted - found if len(held) >= len(secret) and secret in held}
    return sorted(found)

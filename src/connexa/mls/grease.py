"""GREASE (RFC 9420 §13.5): numbers that mean nothing, put where others have to ignore what they do not know, so that they go on doing so.

Whether a key package is greased is its maker's choice; `one_in_sixteen` is the usual one. Nothing here adds to what a client supports.
"""

from __future__ import annotations

from dataclasses import replace

from connexa.crypto import Rng
from connexa.mls.extensions import Extensions
from connexa.mls.nodes import Capabilities
from connexa.mls.registry import GREASE

__all__ = ["grease_capabilities", "grease_extensions", "one_in_sixteen"]

_VALUES = sorted(GREASE)


def one_in_sixteen(rng: Rng) -> bool:
    """Whether this one is greased: enough to find those who cannot bear it, too little to mark the maker."""
    return rng(1)[0] % 16 == 0


def grease_capabilities(capabilities: Capabilities, rng: Rng) -> Capabilities:
    """The same capabilities with a meaningless value somewhere in each list but the versions."""
    return replace(
        capabilities,
        cipher_suites=_greased(capabilities.cipher_suites, rng),
        extensions=_greased(capabilities.extensions, rng),
        proposals=_greased(capabilities.proposals, rng),
        credentials=_greased(capabilities.credentials, rng),
    )


def grease_extensions(extensions: Extensions, capabilities: Capabilities, rng: Rng) -> Extensions:
    """The same extensions and a meaningless one: a type that greased capabilities list, since a leaf has to (V08)."""
    listed = [kind for kind in capabilities.extensions if kind in GREASE and extensions.get(kind) is None]
    return extensions.put(listed[0], rng(rng(1)[0] % 16)) if listed else extensions


def _greased(types: tuple[int, ...], rng: Rng) -> tuple[int, ...]:
    choice, place = rng(2)
    at = place % (len(types) + 1)
    return (*types[:at], _VALUES[choice % len(_VALUES)], *types[at:])

"""Messaging Layer Security (RFC 9420): groups whose members agree on keys, usable without the rest of Connexa.

Sans-IO: bytes in, bytes out; clock and randomness are arguments. It imports only `connexa.crypto` and `connexa.errors`.
"""

from __future__ import annotations

from connexa.mls.errors import (
    CryptoError,
    DecodeError,
    EpochError,
    GenerationGap,
    MissingPSK,
    MLSError,
    RemovedFromGroup,
    ReplayError,
    StaleCommit,
    UnknownProposal,
    UnsupportedSuite,
    ValidationError,
)

__all__ = [
    "CryptoError",
    "DecodeError",
    "EpochError",
    "GenerationGap",
    "MLSError",
    "MissingPSK",
    "RemovedFromGroup",
    "ReplayError",
    "StaleCommit",
    "UnknownProposal",
    "UnsupportedSuite",
    "ValidationError",
]

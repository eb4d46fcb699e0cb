"""The numbers of RFC 9420: §17, and the enums of its structs. Where the wire may hold unknown numbers they stay `int`."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "DEFAULT_EXTENSIONS",
    "DEFAULT_PROPOSALS",
    "GREASE",
    "MLS10",
    "PRIVATE_RANGE",
    "CipherSuite",
    "ContentType",
    "CredentialType",
    "ExtensionType",
    "LeafNodeSource",
    "NodeType",
    "PSKType",
    "ProposalOrRefType",
    "ProposalType",
    "ResumptionUsage",
    "SenderType",
    "WireFormat",
]

MLS10 = 1
"""ProtocolVersion mls10, the only one."""


class CipherSuite(IntEnum):
    """§17.1. 4 and 6 (X448, Ed448) are known and not built."""

    MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 = 1
    MLS_128_DHKEMP256_AES128GCM_SHA256_P256 = 2
    MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519 = 3
    MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448 = 4
    MLS_256_DHKEMP521_AES256GCM_SHA512_P521 = 5
    MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448 = 6
    MLS_256_DHKEMP384_AES256GCM_SHA384_P384 = 7
    # Ours, of the private range: the number of draft-ietf-mls-pq-ciphersuites is not assigned.
    EXPERIMENTAL_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519 = 0xF647


class WireFormat(IntEnum):
    """§17.2."""

    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ExtensionType(IntEnum):
    """§17.3, and `last_resort` of draft-ietf-mls-extensions."""

    APPLICATION_ID = 1
    RATCHET_TREE = 2
    REQUIRED_CAPABILITIES = 3
    EXTERNAL_PUB = 4
    EXTERNAL_SENDERS = 5
    LAST_RESORT = 0x000A


class ProposalType(IntEnum):
    """§17.4."""

    ADD = 1
    UPDATE = 2
    REMOVE = 3
    PSK = 4
    REINIT = 5
    EXTERNAL_INIT = 6
    GROUP_CONTEXT_EXTENSIONS = 7


class CredentialType(IntEnum):
    """§17.5."""

    BASIC = 1
    X509 = 2


class ContentType(IntEnum):
    """§6."""

    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    """§6."""

    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


class NodeType(IntEnum):
    """§7.8."""

    LEAF = 1
    PARENT = 2


class LeafNodeSource(IntEnum):
    """§7.2."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


class ProposalOrRefType(IntEnum):
    """§12.4."""

    PROPOSAL = 1
    REFERENCE = 2


class PSKType(IntEnum):
    """§8.4."""

    EXTERNAL = 1
    RESUMPTION = 2


class ResumptionUsage(IntEnum):
    """§8.4."""

    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


DEFAULT_PROPOSALS = frozenset(range(1, 8))
"""Every member supports them; capabilities do not list them (§7.2)."""

DEFAULT_EXTENSIONS = frozenset(range(1, 6))

GREASE = frozenset(0x0A0A + 0x1010 * i for i in range(15))
"""§13.5: 0x0A0A, 0x1A1A … 0xEAEA mean nothing and are ignored."""

PRIVATE_RANGE = range(0xF000, 0x10000)
"""§17: numbers for private use."""

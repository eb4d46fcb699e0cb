"""Messaging Layer Security (RFC 9420): groups whose members agree on keys, usable without the rest of Connexa.

Sans-IO: bytes in, bytes out; clock and randomness are arguments. It imports only `connexa.crypto` and `connexa.errors`. `Group` is where to
begin; docs/mls.md shows how.
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
from connexa.mls.events import Application, Event, Member, ProposalStored, ReInitStaged, Removed, Staged
from connexa.mls.extensions import NO_EXTENSIONS, Extensions, ExternalSender, RequiredCapabilities
from connexa.mls.external import propose_from_outside, propose_self_add
from connexa.mls.framing import MLSMessage, Sender
from connexa.mls.group import ALL_PENDING, Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.key_schedule import GroupContext
from connexa.mls.leaf_change import LeafChange
from connexa.mls.lifecycle import branch, newest_branch, reinit, resync
from connexa.mls.nodes import Capabilities, Credential, LeafNode, Lifetime
from connexa.mls.policy import (
    AuthenticationService,
    BasicAuthentication,
    ProposalFacts,
    Resync,
    Rules,
    X509Authentication,
    padded_length,
)
from connexa.mls.proposal_list import Listed
from connexa.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Unknown,
    Update,
)
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK
from connexa.mls.public_group import PublicCommit, PublicGroup
from connexa.mls.registry import CipherSuite, CredentialType, ExtensionType, ProposalType, ResumptionUsage, SenderType, WireFormat
from connexa.mls.secret_tree import Windows
from connexa.mls.staged import StagedCommit
from connexa.mls.store import MemoryStore, Store
from connexa.mls.suite import Suite, get_suite
from connexa.mls.tree_validation import VerifiedLeaves
from connexa.mls.welcome import GroupInfo, Welcome, split

__all__ = [
    "ALL_PENDING",
    "NO_EXTENSIONS",
    "Add",
    "Application",
    "AuthenticationService",
    "BasicAuthentication",
    "Capabilities",
    "CipherSuite",
    "Credential",
    "CredentialType",
    "CryptoError",
    "DecodeError",
    "EpochError",
    "Event",
    "ExtensionType",
    "Extensions",
    "ExternalInit",
    "ExternalPSK",
    "ExternalSender",
    "GenerationGap",
    "Group",
    "GroupContext",
    "GroupContextExtensions",
    "GroupInfo",
    "KeyPackage",
    "KeyPackageBundle",
    "LeafChange",
    "LeafNode",
    "Lifetime",
    "Listed",
    "MLSError",
    "MLSMessage",
    "Member",
    "MemoryStore",
    "MissingPSK",
    "PreSharedKey",
    "PreSharedKeyID",
    "Proposal",
    "ProposalFacts",
    "ProposalStored",
    "ProposalType",
    "PublicCommit",
    "PublicGroup",
    "ReInit",
    "ReInitStaged",
    "Remove",
    "Removed",
    "RemovedFromGroup",
    "ReplayError",
    "RequiredCapabilities",
    "ResumptionPSK",
    "ResumptionUsage",
    "Resync",
    "Rules",
    "Sender",
    "SenderType",
    "Staged",
    "StagedCommit",
    "StaleCommit",
    "Store",
    "Suite",
    "Unknown",
    "UnknownProposal",
    "UnsupportedSuite",
    "Update",
    "ValidationError",
    "VerifiedLeaves",
    "Welcome",
    "Windows",
    "WireFormat",
    "X509Authentication",
    "branch",
    "get_suite",
    "newest_branch",
    "padded_length",
    "propose_from_outside",
    "propose_self_add",
    "reinit",
    "resync",
    "split",
]

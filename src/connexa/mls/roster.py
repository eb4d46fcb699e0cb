"""What the rules ask about all members at once: is this key taken, is this client here, does everybody support that type.

Kept in step with the leaves, so that a commit that touches three of a thousand members looks at three of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from connexa.mls.errors import ValidationError
from connexa.mls.nodes import LeafNode
from connexa.mls.policy import AuthenticationService
from connexa.mls.registry import DEFAULT_EXTENSIONS, DEFAULT_PROPOSALS, GREASE

__all__ = ["Roster"]


class Roster:
    """The members' keys, clients and capabilities, counted."""

    __slots__ = (
        "_auth",
        "clients",
        "credential_types",
        "credentials",
        "encryption_keys",
        "extensions",
        "proposals",
        "signature_keys",
        "size",
    )

    def __init__(self, auth: AuthenticationService, leaves: Iterable[LeafNode] = ()) -> None:
        self._auth = auth
        self.size = 0
        self.clients: set[bytes] = set()
        self.encryption_keys: set[bytes] = set()
        self.signature_keys: set[bytes] = set()
        self.credential_types: Counter[int] = Counter()  # in use
        self.credentials: Counter[int] = Counter()  # these three: how many members support the type
        self.extensions: Counter[int] = Counter()
        self.proposals: Counter[int] = Counter()
        for leaf in leaves:
            self.add(leaf)

    def copy(self) -> Roster:
        """Another one that changes by itself."""
        other = Roster(self._auth)
        other.size = self.size
        other.clients = self.clients.copy()
        other.encryption_keys = self.encryption_keys.copy()
        other.signature_keys = self.signature_keys.copy()
        other.credential_types = self.credential_types.copy()
        other.credentials = self.credentials.copy()
        other.extensions = self.extensions.copy()
        other.proposals = self.proposals.copy()
        return other

    def add(self, leaf: LeafNode) -> None:
        """Count a leaf in, unless its keys or its client are here already (V05, V06, V28)."""
        client = self._auth.client(leaf.credential, leaf.signature_key)
        if leaf.signature_key in self.signature_keys:
            raise ValidationError("V05", "Two members would have one signature key.")
        if leaf.encryption_key in self.encryption_keys:
            raise ValidationError("V06", "Two members would have one encryption key.")
        if client in self.clients:
            raise ValidationError("V28", "This client is in the group already.")
        self.size += 1
        self.clients.add(client)
        self.signature_keys.add(leaf.signature_key)
        self.encryption_keys.add(leaf.encryption_key)
        self._count(leaf, 1)

    def remove(self, leaf: LeafNode) -> None:
        """Count a member's leaf out."""
        self.size -= 1
        self.clients.remove(self._auth.client(leaf.credential, leaf.signature_key))
        self.signature_keys.remove(leaf.signature_key)
        self.encryption_keys.remove(leaf.encryption_key)
        self._count(leaf, -1)

    def all_support_extension(self, extension_type: int) -> bool:
        """Whether every member supports the extension type."""
        return extension_type in DEFAULT_EXTENSIONS or self.extensions[extension_type] == self.size

    def all_support_proposal(self, proposal_type: int) -> bool:
        """Whether every member supports the proposal type."""
        return proposal_type in DEFAULT_PROPOSALS or self.proposals[proposal_type] == self.size

    def all_support_credential(self, credential_type: int) -> bool:
        """Whether every member supports the credential type."""
        return self.credentials[credential_type] == self.size

    def used_credential_types(self) -> list[int]:
        """The credential types of the members."""
        return [kind for kind, count in self.credential_types.items() if count]

    def _count(self, leaf: LeafNode, step: int) -> None:
        capabilities = leaf.capabilities
        self.credential_types[leaf.credential.credential_type] += step
        for counter, types in (
            (self.credentials, capabilities.credentials),
            (self.extensions, capabilities.extensions),
            (self.proposals, capabilities.proposals),
        ):
            for kind in set(types) - GREASE:  # a type that is listed twice is supported once, and what means nothing not at all (V42)
                counter[kind] += step

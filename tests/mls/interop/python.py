"""`rfc9420`, the other MLS in Python: handshakes as PublicMessages only, no Update of its own.

Its faults that this adapter goes around: it expands its exports with the context where RFC 9420 §8.5 has the hash of the context; it
keeps proposals as pending after somebody else's commit has used them; it makes up a value for a PSK that it does not know.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rfc9420 import DefaultCryptoProvider, ProtocolMLSGroup, Sender, SenderType
from rfc9420.extensions.extensions import build_capabilities_data
from rfc9420.messages.data_structures import CipherSuite, Credential, PreSharedKeyID, PSKType, Signature, Welcome
from rfc9420.messages.key_packages import KeyPackage, LeafNode
from rfc9420.messages.messages import ContentType, MLSCiphertext, MLSMessage, MLSPlaintext, WireFormat

from .member import Committed, Member, Psk

SUITES = (1, 2, 3, 5, 7)
FOREVER = (1 << 63) - 1


class Python:
    """A member that runs on `rfc9420`."""

    def __init__(self, name: str, suite: int) -> None:
        self.name, self.leaf, self.suite = name, 0, suite
        self.crypto = DefaultCryptoProvider(suite)
        self.signer = _signature_key(suite)
        self.bundle: tuple[KeyPackage, bytes, bytes] | None = None  # with the private init and encryption keys
        self.psks: dict[bytes, bytes] = {}
        self.group: Any = None

    def key_package(self) -> bytes:
        return bytes(MLSMessage.from_key_package(self._bundle()).serialize())

    def _bundle(self) -> KeyPackage:
        init, encryption = self.crypto.generate_key_pair(), self.crypto.generate_key_pair()
        public = self.crypto.signature_public_from_private(self.signer)
        leaf = LeafNode(
            encryption_key=encryption[1],
            signature_key=public,
            capabilities=build_capabilities_data(list(SUITES), [], include_grease=False),
            credential=Credential(self.name.encode(), public),
            lifetime_not_after=FOREVER,
        )
        leaf = replace(leaf, signature=Signature(self.crypto.sign_with_label(self.signer, b"LeafNodeTBS", leaf.tbs_serialize())))
        chosen = self.crypto.active_ciphersuite
        suite = CipherSuite(chosen.kem, chosen.kdf, chosen.aead, suite_id=self.suite)
        package = KeyPackage(cipher_suite=suite, init_key=init[1], leaf_node=leaf)
        signature = self.crypto.sign_with_label(self.signer, b"KeyPackageTBS", package.tbs_serialize())
        package = replace(package, signature=Signature(signature))
        self.bundle = package, init[0], encryption[0]
        return package

    def create(self, group_id: bytes) -> None:
        self._own(ProtocolMLSGroup.create(group_id, self._bundle(), self.crypto))
        assert self.bundle is not None
        self.group._ratchet_tree.get_node(0).private_key = self.bundle[2]

    def join(self, welcome: bytes, ratchet_tree: bytes | None) -> None:
        assert self.bundle is not None and ratchet_tree is None
        package, init, encryption = self.bundle
        read = Welcome.deserialize(MLSMessage.deserialize(welcome).content)
        self._own(
            ProtocolMLSGroup.from_welcome(
                read, init, self.crypto, key_package=package, encryption_private_key=encryption, welcome_psk_resolver=self._psk
            )
        )

    def _own(self, group: Any) -> None:
        group.set_strict_psk_binders(False)
        group.set_external_psk_provider(self._psk)
        self.group = group

    def _psk(self, named: PreSharedKeyID) -> bytes:
        assert named.psk_id is not None
        return self.psks[named.psk_id]

    def learn(self, psk: Psk) -> None:
        self.psks[psk.id] = psk.secret

    def commit(self, *, add: Sequence[bytes] = (), remove: Sequence[Member] = (), psks: Sequence[Psk] = ()) -> Committed:
        group, signer = self.group, self.signer
        proposals = [group.create_remove_proposal(member.leaf, signer) for member in remove]
        proposals += [group.create_add_proposal(KeyPackage.deserialize(MLSMessage.deserialize(raw).content), signer) for raw in add]
        proposals += [group.create_psk_proposal(PreSharedKeyID(PSKType.EXTERNAL, psk_id=psk.id), signer) for psk in psks]
        for proposal in proposals:
            group.process_proposal(proposal, Sender(group.get_own_leaf_index(), SenderType.MEMBER))
        made = group.create_commit(signer)
        group.apply_own_commit(made)
        welcomes = [bytes(MLSMessage.from_welcome(welcome).serialize()) for welcome in made.welcomes]
        return Committed(
            _public(made.commit_message), welcomes[0] if welcomes else None, tuple(_public(proposal) for proposal in proposals)
        )

    def process(self, message: bytes, sender: Member) -> bytes | None:
        read = MLSMessage.deserialize(message)
        if read.wire_format == WireFormat.PRIVATE_MESSAGE:
            return bytes(self.group.unprotect(MLSCiphertext.deserialize(read.content))[1])
        plain = MLSPlaintext.deserialize(read.content)
        content = plain.auth_content.tbs.framed_content
        if content.content_type == ContentType.PROPOSAL:
            self.group.process_proposal(plain, content.sender)
            return None
        if content.sender.sender_type == SenderType.NEW_MEMBER_COMMIT:
            self.group.process_external_commit(plain)
        else:
            self.group.process_commit(plain, content.sender.sender)
        self.group._pending_proposals = []
        return None

    def encrypt(self, body: bytes) -> bytes:
        made = self.group.protect(body, signing_key=self.signer)
        return bytes(MLSMessage.from_private_message(made).serialize())

    def exported(self, label: str, context: bytes, length: int) -> bytes:
        return bytes(self.group.export_secret(label.encode(), self.crypto.hash(context), length))

    def authenticator(self) -> bytes:
        return bytes(self.group.get_epoch_authenticator())

    def group_info(self) -> bytes:
        return b"\0\1\0\4" + bytes(self.group.export_group_info(self.signer))


def _public(message: MLSPlaintext) -> bytes:
    return bytes(MLSMessage.from_public_message(message.auth_content).serialize())


def _signature_key(suite: int) -> bytes:
    """Ed25519 for suites 1 and 3; a scalar well below the order of the curve for the others."""
    return secrets.token_bytes({1: 32, 2: 31, 3: 32, 5: 65, 7: 47}[suite])

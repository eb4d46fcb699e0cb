"""mls-rs behind its UniFFI binding: suite 1, basic credentials, commits by value, no PSK, no external commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mls_rs_uniffi import mls_rs_uniffi as mls

from .member import Committed, Member, Psk

SUITES = (1,)


class Rust:
    """A member that runs on mls-rs. It can remove only those whom it has heard: the binding names people by what a message shows."""

    def __init__(self, name: str, suite: int = 1) -> None:
        assert suite in SUITES
        self.name, self.leaf = name, 0
        keys = mls.generate_signature_keypair(mls.CipherSuite.CURVE25519_AES128)
        self.client = mls.Client(name.encode(), keys, mls.client_config_default())
        self.heard: dict[str, Any] = {}
        self.group: Any = None

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package_message().to_bytes())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes, ratchet_tree: bytes | None) -> None:
        tree = mls.RatchetTree(bytes=ratchet_tree) if ratchet_tree else None
        self.group = self.client.join_group(tree, mls.Message.from_bytes(welcome)).group

    def commit(self, *, add: Sequence[bytes] = (), remove: Sequence[Member] = (), psks: Sequence[Psk] = ()) -> Committed:
        assert not psks and not (add and remove)
        if remove:
            made = self.group.remove_members([self.heard[member.name] for member in remove])
        else:
            made = self.group.add_members([mls.Message.from_bytes(package) for package in add]) if add else self.group.commit()
        self.group.process_incoming_message(made.commit_message)  # this binding applies its own commit as it comes back
        return Committed(made.commit_message.to_bytes(), made.welcome_message and made.welcome_message.to_bytes())

    def process(self, message: bytes, sender: Member) -> bytes | None:
        received = self.group.process_incoming_message(mls.Message.from_bytes(message))
        if not received.is_application_message():
            return None
        self.heard[sender.name] = received.sender
        return bytes(received.data)

    def propose_add(self, key_package: bytes) -> bytes:
        return bytes(self.group.propose_add_members([mls.Message.from_bytes(key_package)])[0].to_bytes())

    def propose_remove(self, member: Member) -> bytes:
        return bytes(self.group.propose_remove_members([self.heard[member.name]])[0].to_bytes())

    def encrypt(self, body: bytes) -> bytes:
        return bytes(self.group.encrypt_application_message(body).to_bytes())

    def exported(self, label: str, context: bytes, length: int) -> bytes:
        return bytes(self.group.export_secret(label.encode(), context, length))

    def authenticator(self) -> None:
        return None

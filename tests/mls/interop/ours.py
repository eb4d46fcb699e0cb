"""A member that runs on `connexa.mls`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from connexa.crypto import system_random
from connexa.mls import lifecycle
from connexa.mls.events import Application, Staged
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.external import propose_self_add
from connexa.mls.framing import MLSMessage
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.nodes import Capabilities, Credential, Lifetime
from connexa.mls.policy import DEFAULT_RULES, BasicAuthentication, Rules
from connexa.mls.proposals import ReInit
from connexa.mls.psk import ResumptionPSK
from connexa.mls.registry import CredentialType, ResumptionUsage
from connexa.mls.staged import StagedCommit
from connexa.mls.store import MemoryStore
from connexa.mls.suite import SUITES as BUILT
from connexa.mls.suite import get_suite

from .member import Committed, Member, Psk

NOW = int(time.time()) + 3_600  # the others read the machine's clock, and make key packages as the tests go on
CAPABILITIES = Capabilities(cipher_suites=tuple(int(number) for number in BUILT), credentials=(CredentialType.BASIC,))
LIFETIME = Lifetime(NOW - 7_200, NOW + 86_400)
ANYBODY = BasicAuthentication(lambda identity, key: True)
Wire = Literal["private", "public"]


class Ours:
    """A member of ours; `wire` says how its handshakes travel."""

    def __init__(self, name: str, suite: int, *, wire: Wire = "private", rules: Rules = DEFAULT_RULES) -> None:
        self.name, self.leaf, self.wire, self.suite, self.rules = name, 0, wire, get_suite(suite), rules
        self.signer = self.suite.generate_signature_key(system_random)
        self.store = MemoryStore()
        self.bundle: KeyPackageBundle
        self.group: Group

    def _bundle(self) -> KeyPackageBundle:
        credential = Credential.basic(self.name.encode())
        return KeyPackage.generate(self.suite, credential, self.signer, capabilities=CAPABILITIES, lifetime=LIFETIME, rng=system_random)

    def key_package(self, suite: int | None = None) -> bytes:
        """A fresh one, for another suite if one is named: from then on this member is of that suite, with another signature key."""
        if suite is not None and suite != self.suite.number:
            self.suite = get_suite(suite)
            self.signer = self.suite.generate_signature_key(system_random)
        self.bundle = self._bundle()
        return MLSMessage(self.bundle.key_package).encode()

    def create(self, group_id: bytes) -> None:
        self.bundle = self._bundle()
        self.group = Group.create(group_id, self.suite, self.bundle, auth=ANYBODY, store=self.store, rules=self.rules, now=NOW)

    def join(self, welcome: bytes, ratchet_tree: bytes | None, *, resuming: Group | None = None) -> None:
        self.group = Group.join(
            welcome, self.bundle, auth=ANYBODY, store=self.store, ratchet_tree=ratchet_tree, resuming=resuming, rules=self.rules, now=NOW
        )

    def learn(self, psk: Psk) -> None:
        self.store.psks[psk.id] = psk.secret

    def commit(self, *, add: Sequence[bytes] = (), remove: Sequence[Member] = (), psks: Sequence[Psk] = ()) -> Committed:
        removed, ids = [member.leaf for member in remove], [psk.id for psk in psks]
        return self._merged(self.group.commit(add=add, remove=removed, psk=ids, wire=self.wire, now=NOW))

    def process(self, message: bytes, sender: Member) -> bytes | None:
        event = self.group.process(message, now=NOW)
        if isinstance(event, Staged):
            self.group.merge(event.commit, now=NOW)
        if not isinstance(event, Application):
            return None
        assert event.sender == sender.leaf
        return event.data

    def propose_add(self, key_package: bytes) -> bytes:
        return self.group.propose_add(key_package, wire=self.wire, now=NOW)

    def propose_remove(self, member: Member) -> bytes:
        return self.group.propose_remove(member.leaf, wire=self.wire, now=NOW)

    def propose_update(self) -> bytes:
        return self.group.propose_update(wire=self.wire, now=NOW)

    def encrypt(self, body: bytes) -> bytes:
        return self.group.encrypt(body)

    def exported(self, label: str, context: bytes, length: int) -> bytes:
        return self.group.export(label, context, length)

    def authenticator(self) -> bytes:
        return self.group.epoch_authenticator

    def group_info(self) -> bytes:
        return self.group.group_info()

    def external_join(self, group_info: bytes, *, resync: bool = False) -> bytes:
        self.bundle = self._bundle()
        self.group, staged = Group.external_join(
            group_info, self.bundle, auth=ANYBODY, store=self.store, resync_leaf=self.leaf if resync else None, rules=self.rules, now=NOW
        )
        self.group.merge(staged, now=NOW)
        return staged.commit

    def propose_self_add(self, group_info: bytes) -> bytes:
        self.bundle = self._bundle()
        return propose_self_add(group_info, self.bundle)

    def commit_without_tree(self, *, add: Sequence[bytes]) -> Committed:
        """The tree goes another way than the Welcome."""
        made = self._merged(self.group.commit(add=add, tree="external", wire=self.wire, now=NOW))
        return replace(made, ratchet_tree=self.group.ratchet_tree())

    def commit_resumption(self, epoch: int) -> Committed:
        """A commit with the resumption PSK of an earlier epoch of this group."""
        psk = ResumptionPSK(ResumptionUsage.APPLICATION, self.group.group_id, epoch)
        return self._merged(self.group.commit(psk=[psk], wire=self.wire, now=NOW))

    def commit_extensions(self, extensions: Extensions) -> Committed:
        return self._merged(self.group.commit(extensions=extensions, wire=self.wire, now=NOW))

    def reinit(self, group_id: bytes, suite: int) -> Committed:
        return self._merged(self.group.commit(reinit=ReInit(group_id, suite, NO_EXTENSIONS), wire=self.wire, now=NOW))

    def reinit_create(self, members: Sequence[bytes]) -> Committed:
        """The group that follows this one after its ReInit, of these members."""
        reinit = self.group.reinit
        assert reinit is not None
        self.key_package(reinit.cipher_suite)
        self.group, staged = lifecycle.reinit(self.group, self.bundle, members, auth=ANYBODY, store=self.store, now=NOW)
        return self._merged(staged)

    def branch(self, group_id: bytes, members: Sequence[bytes]) -> Committed:
        self.key_package()
        self.group, staged = lifecycle.branch(self.group, group_id, self.bundle, members, auth=ANYBODY, store=self.store, now=NOW)
        return self._merged(staged)

    def resume(self, kind: str, welcome: bytes, ratchet_tree: bytes | None) -> None:
        self.join(welcome, ratchet_tree, resuming=self.group)

    def _merged(self, staged: StagedCommit) -> Committed:
        self.group.merge(staged, now=NOW)
        return Committed(staged.commit, staged.welcome)

"""People and their groups, for the tests of this room: seeded randomness, a fixed clock, real keys, and what a refusal has to be."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from connexa.crypto import Rng
from connexa.crypto.mls import SignatureSecret
from connexa.errors import ConnexaError
from connexa.mls import MLSError
from connexa.mls.events import Removed, Staged
from connexa.mls.extensions import Extensions
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.nodes import Capabilities, Credential, LeafNode, Lifetime
from connexa.mls.policy import AuthenticationService, BasicAuthentication, Rules
from connexa.mls.registry import CredentialType
from connexa.mls.staged import StagedCommit
from connexa.mls.store import MemoryStore
from connexa.mls.suite import Suite, get_suite

NOW = 1_800_000_000
SUITE = get_suite(1)
LIFETIME = Lifetime(NOW - 3_600, NOW + 60 * 86_400)
CAPABILITIES = Capabilities(cipher_suites=(1, 2, 3, 5, 7), credentials=(CredentialType.BASIC,))


class Anybody:
    """An authentication service that knows everybody, by any credential; names of `strangers` it does not."""

    def __init__(self, strangers: Iterable[bytes] = ()) -> None:
        self.strangers = set(strangers)

    def validate(self, credential: Credential, signature_key: bytes, *, now: int) -> bool:
        return credential.content not in self.strangers

    def client(self, credential: Credential, signature_key: bytes) -> bytes:
        return credential.content

    def successor(self, old: LeafNode, new: LeafNode) -> bool:
        return old.credential.content == new.credential.content


AUTH = BasicAuthentication(lambda _identity, _key: True)
NO_RULES = Rules()
NO_EXTENSIONS = Extensions()


def seeded(seed: int) -> Rng:
    """Randomness that a test can repeat."""
    return random.Random(seed).randbytes


@dataclass
class Person:
    """Somebody with a signing key, a store and a name that is the identity of a basic credential."""

    name: str
    rng: Rng
    suite: Suite
    signer: SignatureSecret
    store: MemoryStore = field(default_factory=MemoryStore)
    auth: AuthenticationService = field(default=AUTH)

    @classmethod
    def make(cls, name: str, seed: int, suite: Suite = SUITE) -> Person:
        rng = seeded(seed)
        return cls(name, rng, suite, suite.generate_signature_key(rng))

    @property
    def identity(self) -> bytes:
        return self.name.encode()

    def bundle(
        self,
        *,
        signer: SignatureSecret | None = None,
        credential: Credential | None = None,
        capabilities: Capabilities = CAPABILITIES,
        lifetime: Lifetime = LIFETIME,
        extensions: Extensions = NO_EXTENSIONS,
        leaf_extensions: Extensions = NO_EXTENSIONS,
        last_resort: bool = False,
    ) -> KeyPackageBundle:
        """A fresh key package of theirs."""
        return KeyPackage.generate(
            self.suite,
            credential or Credential.basic(self.identity),
            signer or self.signer,
            capabilities=capabilities,
            lifetime=lifetime,
            extensions=extensions,
            leaf_extensions=leaf_extensions,
            last_resort=last_resort,
            rng=self.rng,
        )

    def create(
        self, group_id: bytes, *, bundle: KeyPackageBundle | None = None, rules: Rules = NO_RULES, extensions: Extensions = NO_EXTENSIONS
    ) -> Group:
        return Group.create(
            group_id,
            self.suite,
            bundle or self.bundle(),
            auth=self.auth,
            store=self.store,
            extensions=extensions,
            rules=rules,
            now=NOW,
            rng=self.rng,
        )

    def join(self, welcome: bytes | None, bundle: KeyPackageBundle, *, rules: Rules = NO_RULES, now: int = NOW, **more) -> Any:
        assert welcome is not None
        return Group.join(welcome, bundle, auth=self.auth, store=self.store, rules=rules, now=now, rng=self.rng, **more)

    def external_join(
        self, group_info: bytes, *, bundle: KeyPackageBundle | None = None, rules: Rules = NO_RULES, now: int = NOW, **more
    ) -> tuple[Any, StagedCommit]:
        return Group.external_join(
            group_info, bundle or self.bundle(), auth=self.auth, store=self.store, rules=rules, now=now, rng=self.rng, **more
        )

    def restarted(self, group: Group, *, from_store: bool = False, rules: Rules = NO_RULES) -> Any:
        """The same group as a new program finds it."""
        if from_store:
            return Group.open(group.group_id, auth=self.auth, store=self.store, rules=rules, rng=self.rng)
        return Group.load(group.dump(), auth=self.auth, store=self.store, rules=rules, rng=self.rng)

    def forget_state(self) -> None:
        """A lost disk."""
        self.store.groups.clear()


class Room:
    """A group and everybody in it, all in step."""

    def __init__(
        self,
        *names: str,
        group_id: bytes = b"room",
        suite: Suite = SUITE,
        rules: Rules = NO_RULES,
        extensions: Extensions = NO_EXTENSIONS,
        capabilities: Capabilities = CAPABILITIES,
        psks: Mapping[bytes, bytes] | None = None,
        auth: AuthenticationService = AUTH,
        seed: int = 1,
    ) -> None:
        self.rules = rules
        self.people = {name: Person.make(name, seed * 1000 + number, suite) for number, name in enumerate(names)}
        for person in self.people.values():
            person.store.psks.update(psks or {})
            person.auth = auth
        first, *others = self.people.values()
        bundle = first.bundle(capabilities=capabilities)
        self.groups: dict[str, Any] = {first.name: first.create(group_id, bundle=bundle, rules=rules, extensions=extensions)}
        if others:
            self.add(first.name, others, capabilities=capabilities)

    def __getitem__(self, name: str) -> Any:
        """Somebody's group; a story knows which events come from it."""
        return self.groups[name]

    def leaf(self, name: str) -> Any:
        """Where that person's leaf is."""
        identity = name.encode()
        return next(member.leaf for member in self.groups[name].members() if member.credential.identity == identity)

    def others(self, name: str) -> Iterator[Any]:
        """Everybody else's groups."""
        return (group for other, group in self.groups.items() if other != name)

    def add(self, by: str, people: Iterable[Person], *, capabilities: Capabilities = CAPABILITIES) -> Any:
        """Somebody lets people in."""
        people = list(people)
        bundles = {person.name: person.bundle(capabilities=capabilities) for person in people}
        staged = self.commit(by, add=[bundle.key_package for bundle in bundles.values()])
        assert staged.welcome is not None
        for person in people:
            self.people[person.name] = person
            self.groups[person.name] = person.join(staged.welcome, bundles[person.name], rules=self.rules)
        return staged

    def commit(self, by: str, **what) -> Any:
        """A commit that everybody merges; who is removed leaves the room."""
        staged = self.groups[by].commit(now=NOW, **what)
        self.deliver(by, staged.commit)
        self.groups[by].merge(staged, now=NOW)
        return staged

    def deliver(self, by: str, message: bytes) -> None:
        """Everybody else processes it, and merges what it stages."""
        for name, group in list(self.groups.items()):
            if name == by:
                continue
            event = group.process(message, now=NOW)
            if isinstance(event, Staged):
                group.merge(event.commit, now=NOW)
            elif isinstance(event, Removed):
                del self.groups[name]

    def warm(self) -> Room:
        """The same room after everybody has committed a path, so that no parent is blank."""
        for name in list(self.groups):
            self.commit(name, update=True)
        return self

    def agree(self) -> None:
        """All are in one epoch with one key."""
        assert len({group.epoch_authenticator for group in self.groups.values()}) == 1


def assert_typed(error: BaseException) -> None:
    """Of our one root, with a code and a rule or none."""
    assert isinstance(error, MLSError) and isinstance(error, ConnexaError)
    assert error.code.startswith("mls.") and error.message


@contextmanager
def refused(*groups: Group, rule: str, error: type[MLSError] = MLSError) -> Iterator[pytest.ExceptionInfo[Any]]:
    """What happens inside is refused by this rule, and has changed no byte of these groups."""
    before = [group.dump() for group in groups]
    with pytest.raises(error) as caught:
        yield caught
    assert_typed(caught.value)
    assert caught.value.rule == rule, f"refused by {caught.value.rule}: {caught.value}"
    assert [group.dump() for group in groups] == before, "a refusal changed the state"

"""People with their groups, for the tests of whole groups: each has a store, a key and a seeded randomness."""

from __future__ import annotations

from typing import Any

from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.framing import MLSMessage
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.nodes import Capabilities, Credential, Lifetime
from connexa.mls.policy import DEFAULT_RULES, BasicAuthentication, Rules
from connexa.mls.store import MemoryStore
from connexa.mls.suite import Suite, get_suite
from connexa.testing.randomness import SeededRandom

NOW = 1_800_000_000
DAY = 86_400
AUTH = BasicAuthentication(lambda identity, key: True)
LIFE = Lifetime(NOW - DAY, NOW + 60 * DAY)
PLAIN = Capabilities(cipher_suites=(1, 2, 3, 5, 7), extensions=(0xF000,), proposals=(0xF0F0,), credentials=(1, 2))


class Person:
    """One client; `group` is the group of the story."""

    group: Any  # a Group; a story knows which event comes

    def __init__(self, name: str, suite: int = 1, capabilities: Capabilities = PLAIN, rules: Rules = DEFAULT_RULES) -> None:
        self.name = name
        self.suite: Suite = get_suite(suite, experimental=True)
        self.rng = SeededRandom(name)
        self.signer = self.suite.generate_signature_key(self.rng)
        self.capabilities = capabilities
        self.rules = rules
        self.store = MemoryStore()
        self.begun: dict[str, Any] = {"auth": AUTH, "store": self.store, "rules": rules, "rng": self.rng}

    def bundle(self, **options: Any) -> KeyPackageBundle:
        wanted: dict[str, Any] = {"capabilities": self.capabilities, "lifetime": LIFE, "rng": self.rng} | options
        return KeyPackage.generate(self.suite, Credential.basic(self.name.encode()), self.signer, **wanted)

    def create(self, group_id: bytes = b"group", extensions: Extensions = NO_EXTENSIONS) -> Any:
        self.group = Group.create(group_id, self.suite, self.bundle(), now=NOW, extensions=extensions, **self.begun)
        return self.group

    def join(self, welcome: bytes | None, bundle: KeyPackageBundle, **options: Any) -> Any:
        assert welcome is not None
        self.group = Group.join(welcome, bundle, now=NOW, **({"joined": ()} | self.begun | options))
        return self.group

    def external_join(self, group_info: bytes, **options):
        self.group, staged = Group.external_join(group_info, self.bundle(), now=NOW, **self.begun, **options)
        return staged

    def reopen(self) -> None:
        """A restart: from the store, which has to hold what the dump holds."""
        dump = self.group.dump()
        assert Group.open(self.group.group_id, **self.begun).dump() == dump
        self.group = Group.load(dump, **self.begun)
        assert self.group.dump() == dump


def package(bundle: KeyPackageBundle) -> bytes:
    """As it travels."""
    return MLSMessage(bundle.key_package).encode()


def agree(*people: Person) -> None:
    """All are in one state: authenticator, exports, members."""
    first = people[0].group
    for person in people:
        group = person.group
        assert group.epoch == first.epoch, person.name
        assert group.epoch_authenticator == first.epoch_authenticator
        assert group.export("test", b"context", 40) == first.export("test", b"context", 40)
        assert [m.signature_key for m in group.members()] == [m.signature_key for m in first.members()]


def add(author: Person, *newcomers: Person, others: tuple[Person, ...] = (), **options) -> None:
    """The author adds the newcomers, everybody follows."""
    bundles = [one.bundle() for one in newcomers]
    staged = author.group.commit(add=[package(bundle) for bundle in bundles], now=NOW, **options)
    deliver(author, staged, others)
    for one, bundle in zip(newcomers, bundles, strict=True):
        one.join(staged.welcome, bundle)


def deliver(author: Person, staged, others) -> None:
    """A commit reaches everybody, its author first."""
    author.group.merge(staged, now=NOW)
    for other in others:
        event = other.group.process(staged.commit, now=NOW)
        other.group.merge(event.commit, now=NOW)


def party(*names: str, suite: int = 1, rules: Rules = DEFAULT_RULES, **options) -> list[Person]:
    """Some people in one group that the first one made."""
    people = [Person(name, suite, rules=rules) for name in names]
    people[0].create(**options)
    if len(people) > 1:
        add(people[0], *people[1:])
    agree(*people)
    return people

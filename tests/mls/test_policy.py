"""What an application decides: whom a credential names, who may do what, how messages are padded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connexa.mls import (
    Credential,
    CredentialType,
    Group,
    KeyPackage,
    LeafNode,
    MemoryStore,
    MLSMessage,
    ProposalFacts,
    ProposalType,
    Rules,
    ValidationError,
    X509Authentication,
    get_suite,
    padded_length,
)
from connexa.testing.randomness import SeededRandom
from tests.mls.people import LIFE, NOW, PLAIN, Person, add, agree, package, party

SUITE = get_suite(2)


def test_padding_hides_the_length_in_steps():
    assert [padded_length(length) for length in (0, 1, 64, 65, 1024, 1025, 5000)] == [0, 64, 64, 128, 1024, 1152, 5120]
    for length in range(1, 100_000, 997):
        assert length <= padded_length(length) <= max(length + 63, length * 9 // 8 + 1)
    alice, bob = party("alice", "bob")
    assert len(alice.group.encrypt(b"a" * 10)) == len(alice.group.encrypt(b"a" * 40))
    assert len(alice.group.encrypt(b"", pad=5000)) > 5000
    assert bob.group.decrypt(alice.group.encrypt(b"padded", pad=5000), now=NOW).data == b"padded"


def no_removes(facts: ProposalFacts) -> bool:
    """Only Alice removes."""
    alice = isinstance(facts.sender, LeafNode) and facts.sender.credential.identity == b"alice"
    return alice or facts.proposal_type != ProposalType.REMOVE


def test_rules_say_who_may_do_what():
    rules = Rules(permits=no_removes)
    alice, bob, carol = party("alice", "bob", "carol", rules=rules)
    with pytest.raises(ValidationError) as refused:
        bob.group.propose_remove(2, now=NOW)
    assert refused.value.code == "mls.policy"
    with pytest.raises(ValidationError):
        bob.group.commit(remove=[2], now=NOW)
    assert alice.group.commit(remove=[2], now=NOW).removed == (2,)
    rebel = Group.load(bob.group.dump(), auth=bob.begun["auth"], store=MemoryStore())  # without the rules
    for message in (rebel.propose_remove(2, now=NOW), rebel.commit(remove=[2], by_ref=(), now=NOW).commit):
        with pytest.raises(ValidationError) as seen:
            alice.group.process(message, now=NOW)
        assert seen.value.code == "mls.policy"
    agree(alice, carol)


def test_a_group_has_a_largest_size():
    alice, bob = party("alice", "bob", rules=Rules(max_members=2))
    with pytest.raises(ValidationError) as refused:
        alice.group.commit(add=[package(Person("carol").bundle())], now=NOW)
    assert refused.value.code == "mls.policy"
    big, *_ = party("big", "one", "two")
    with pytest.raises(ValidationError):
        bob.external_join(big.group.group_info())


class Authority:
    """A root that names the members of a group."""

    def __init__(self) -> None:
        self.key = derive_private_key(0xABCDEF, SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
        self.root = self._certificate(self.name, self.key.public_key(), ca=True)

    def issue(self, name: str, secret) -> Credential:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return Credential.x509([self._certificate(subject, secret.key.public_key(), ca=False)])

    def _certificate(self, subject, public, *, ca: bool) -> bytes:
        at = datetime.fromtimestamp(NOW, UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
        builder = builder.serial_number(1 + ca).not_valid_before(at - timedelta(1)).not_valid_after(at + timedelta(30))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)


class Certified(Person):
    """A client with a certificate."""

    def __init__(self, name: str, authority: Authority) -> None:
        super().__init__(name, 2)
        self.credential = authority.issue(name, self.signer)
        self.begun["auth"] = X509Authentication([authority.root])

    def bundle(self, **options: Any):
        wanted: dict[str, Any] = {"capabilities": PLAIN, "lifetime": LIFE, "rng": self.rng} | options
        return KeyPackage.generate(self.suite, self.credential, self.signer, **wanted)


def test_members_show_certificates():
    authority = Authority()
    alice, bob = (Certified(name, authority) for name in ("alice", "bob"))
    alice.create()
    add(alice, bob)
    assert bob.group.epoch_authenticator == alice.group.epoch_authenticator
    assert bob.group.member(0).credential.credential_type == CredentialType.X509
    staged = bob.group.commit(update=True, now=NOW)
    alice.group.merge(alice.group.process(staged.commit, now=NOW).commit, now=NOW)
    with pytest.raises(ValidationError) as late:
        alice.group.commit(add=[package(Certified("carol", authority).bundle())], now=NOW + 40 * 86_400)
    assert late.value.rule in ("V11", "V12")


def test_a_certificate_is_for_its_key_and_from_its_root():
    authority = Authority()
    alice = Certified("alice", authority)
    alice.create()
    mallory = Certified("mallory", authority)
    stolen = KeyPackage.generate(SUITE, alice.credential, mallory.signer, capabilities=PLAIN, lifetime=LIFE, rng=SeededRandom("stolen"))
    basic = Person("mallory", 2).bundle()
    for bundle in (stolen, basic):
        with pytest.raises(ValidationError) as refused:
            alice.group.commit(add=[MLSMessage(bundle.key_package).encode()], now=NOW)
        assert refused.value.rule == "V12"
    with pytest.raises(ValidationError) as nobody:
        Group.create(b"g", SUITE, mallory.bundle(), auth=X509Authentication([]), store=MemoryStore(), now=NOW)
    assert nobody.value.rule == "V12"

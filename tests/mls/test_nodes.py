"""Credentials, capabilities, leaves, parents, paths, extensions and key packages: encodings, signatures, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import system_random
from connexa.mls.codec import V, decode
from connexa.mls.errors import CryptoError, DecodeError, MLSError, ValidationError
from connexa.mls.extensions import NO_EXTENSIONS, Extensions, ExternalSender, RequiredCapabilities
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import (
    Capabilities,
    Credential,
    HPKECiphertext,
    LeafNode,
    Lifetime,
    ParentNode,
    UpdatePath,
    UpdatePathNode,
)
from connexa.mls.registry import ExtensionType, LeafNodeSource
from connexa.mls.suite import SUITES, Suite

ONE = SUITES[1]
SIGNER = ONE.generate_signature_key(system_random)
CAPABILITIES = Capabilities(cipher_suites=(1, 0x1A1A), extensions=(0xF000,), proposals=(0x2A2A,), credentials=(1, 2))
ALICE = Credential.basic(b"alice")


def _leaf(suite: Suite = ONE, **options: object) -> LeafNode:
    signer = SIGNER if suite is ONE else suite.generate_signature_key(system_random)
    arguments = {"extensions": NO_EXTENSIONS, **options}
    return LeafNode.sign(suite, signer, suite.generate_key_pair(system_random).public, ALICE, CAPABILITIES, **arguments)  # type: ignore[arg-type]


LEAVES = {
    "key package": _leaf(lifetime=Lifetime(1, 2)),
    "update": _leaf(group_id=b"g", leaf_index=3),
    "commit": _leaf(parent_hash=bytes(32), group_id=b"g", leaf_index=3, extensions=Extensions(((0xF000, b"x" * 70),))),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_comes_back_as_it_was_made(name: str) -> None:
    leaf = LEAVES[name]
    read = decode(LeafNode.read, leaf.encode())
    assert read == leaf
    assert (read.raw, read.tbs) == (leaf.raw, leaf.tbs)
    read.verify(ONE, b"g", 3)


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_is_signed_for_its_place(name: str) -> None:
    leaf = LEAVES[name]
    for group_id, index in ((b"h", 3), (b"g", 4)):
        if leaf.leaf_node_source == LeafNodeSource.KEY_PACKAGE:
            leaf.verify(ONE, group_id, index)
        else:
            with pytest.raises(CryptoError) as refused:
                leaf.verify(ONE, group_id, index)
            assert refused.value.rule == "V03"


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_with_any_byte_changed_is_refused(name: str) -> None:
    raw = LEAVES[name].raw
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 0x11]) + raw[position + 1 :]
        with pytest.raises(MLSError):
            decode(LeafNode.read, changed).verify(ONE, b"g", 3)


def test_a_leaf_without_a_real_key_is_refused() -> None:
    leaf = LeafNode.sign(ONE, SIGNER, bytes(32), ALICE, CAPABILITIES, extensions=NO_EXTENSIONS)
    with pytest.raises(CryptoError) as refused:
        leaf.verify(ONE, b"", 0)
    assert refused.value.rule == "V45"


def test_a_leaf_of_no_known_source() -> None:
    raw = bytearray(LEAVES["update"].raw)
    at = LEAVES["update"].tbs.rindex(b"\2\0")
    for source in (0, 4, 255):
        raw[at] = source
        with pytest.raises(DecodeError) as refused:
            decode(LeafNode.read, bytes(raw))
        assert refused.value.rule == "V02"


PATH = UpdatePath(LEAVES["commit"], (UpdatePathNode(b"k" * 32, (HPKECiphertext(b"e" * 32, b"c" * 48),) * 2), UpdatePathNode(b"l", ())))
BUNDLE = KeyPackage.generate(ONE, ALICE, SIGNER, capabilities=CAPABILITIES, lifetime=Lifetime(0, 9), rng=system_random)
SENDER = ExternalSender(b"key", ALICE)
CHAIN = Credential.x509([b"leaf", b"root" * 30])
ENCODED: list[tuple[Callable, object]] = [
    (LeafNode.read, LEAVES["commit"]),
    (ParentNode.read, ParentNode(b"k", b"h", (1, 5, 70_000))),
    (UpdatePath.read, PATH),
    (KeyPackage.read, BUNDLE.key_package),
    (Credential.read, CHAIN),
    (Credential.read, Credential(0x5A5A, b"opaque")),
    (Capabilities.read, CAPABILITIES),
    (Capabilities.read, Capabilities(extensions=tuple(range(0xF000, 0xF100)))),
    (RequiredCapabilities.read, RequiredCapabilities((1,), (2,), (3,))),
    (Extensions.read, Extensions(((5, b""), (1, b"x" * 100)))),
]


@pytest.mark.parametrize(("read", "made"), ENCODED, ids=lambda x: type(x).__name__)
def test_every_struct_comes_back_and_no_part_of_it_does(read: Callable, made: object) -> None:
    encoded = made.encode()  # type: ignore[attr-defined]
    again = decode(read, encoded)
    assert again.encode() == encoded
    for cut in range(len(encoded)):
        with pytest.raises(DecodeError):
            decode(read, encoded[:cut])
    with pytest.raises(DecodeError):
        decode(read, encoded + b"\0")


@given(st.binary(max_size=300), st.sampled_from([read for read, _ in ENCODED]))
def test_noise_is_refused_or_comes_back(noise: bytes, read: Callable) -> None:
    try:
        found = decode(read, noise)
    except MLSError:
        return
    assert found.encode() == noise


def test_half_a_type_and_part_of_an_index() -> None:
    with pytest.raises(DecodeError):
        decode(Capabilities.read, b"\1\0" + bytes(4))
    with pytest.raises(DecodeError):
        decode(ParentNode.read, V(b"k") + V(b"h") + V(bytes(6)))


def test_extensions_are_unique_and_keep_their_order() -> None:
    twice = Extensions(((5, b"a"),)).encode()[1:] * 2
    for make in (lambda: Extensions(((5, b"a"), (5, b"a"))), lambda: decode(Extensions.read, V(twice))):
        with pytest.raises(ValidationError) as refused:
            make()
        assert refused.value.rule == "V42"
    some = NO_EXTENSIONS.put(0xF001, b"1").put(0xF000, b"2").put(0xF001, b"3")
    assert some.entries == ((0xF001, b"3"), (0xF000, b"2"))
    assert some.without(0xF001).types() == (0xF000,)
    assert some.get(0xF000) == b"2"
    assert some.get(1) is None


def test_what_the_known_extensions_hold() -> None:
    required = RequiredCapabilities((0xF000,), (), (1,))
    every = (
        NO_EXTENSIONS.with_application_id(b"id")
        .with_ratchet_tree(b"tree")
        .with_external_pub(b"pub")
        .with_required_capabilities(required)
        .with_external_senders([SENDER, SENDER])
        .with_last_resort()
    )
    again = decode(Extensions.read, every.encode())
    assert (again.application_id, again.ratchet_tree, again.external_pub) == (b"id", b"tree", b"pub")
    assert again.required_capabilities == required
    assert again.external_senders == (SENDER, SENDER)
    assert again.last_resort
    assert (NO_EXTENSIONS.application_id, NO_EXTENSIONS.external_pub, NO_EXTENSIONS.ratchet_tree) == (None, None, None)
    assert (NO_EXTENSIONS.required_capabilities, NO_EXTENSIONS.external_senders, NO_EXTENSIONS.last_resort) == (None, (), False)
    for kind in (
        ExtensionType.APPLICATION_ID,
        ExtensionType.EXTERNAL_PUB,
        ExtensionType.REQUIRED_CAPABILITIES,
        ExtensionType.EXTERNAL_SENDERS,
    ):
        broken = every.put(kind, (every.get(kind) or b"") + b"\0")
        with pytest.raises(DecodeError):
            _ = (broken.application_id, broken.external_pub, broken.required_capabilities, broken.external_senders)


def test_an_x509_credential_is_a_chain() -> None:
    assert CHAIN.certificates == (b"leaf", b"root" * 30)
    assert ALICE.certificates == ()
    assert ALICE.identity == b"alice"
    with pytest.raises(DecodeError):
        decode(Credential.read, b"\0\2" + V(b"\5cut"))


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda s: str(int(s.number)))
def test_a_key_package_is_its_owners(suite: Suite) -> None:
    signer = suite.generate_signature_key(system_random)
    bundle = KeyPackage.generate(
        suite, ALICE, signer, capabilities=CAPABILITIES, lifetime=Lifetime(5, 9), rng=system_random, last_resort=True
    )
    package = decode(KeyPackage.read, bundle.key_package.encode())
    package.validate(suite)
    assert package == bundle.key_package
    assert package.extensions.last_resort
    assert ExtensionType.LAST_RESORT in package.leaf_node.capabilities.extensions
    assert bundle.init_sk.public == package.init_key != package.leaf_node.encryption_key == bundle.enc_sk.public
    assert package.ref(suite) == suite.ref_hash("MLS 1.0 KeyPackage Reference", package.raw)
    assert "redacted" in repr(bundle)
    assert [package.leaf_node.lifetime.holds(now) for now in (4, 5, 9, 10)] == [False, True, True, False]  # type: ignore[union-attr]


def _package(**changes: object) -> KeyPackage:
    return replace(BUNDLE.key_package, **changes)  # type: ignore[arg-type]


def test_what_a_key_package_is_refused_for() -> None:
    package = BUNDLE.key_package
    signature = package.signature[:-1] + bytes([package.signature[-1] ^ 1])
    broken = {
        "V13": [
            (SUITES[3], package),
            (ONE, _package(version=2)),
            (ONE, _package(init_key=package.leaf_node.encryption_key)),
            (ONE, _package(signature=signature)),
            (ONE, _package(raw=package.raw[:5] + bytes([package.raw[5] ^ 1]) + package.raw[6:])),
        ],
        "V04": [(ONE, _package(leaf_node=LEAVES["update"])), (ONE, _package(leaf_node=LEAVES["commit"]))],
        "V45": [(ONE, _package(init_key=bytes(32)))],
        "V03": [(ONE, _package(leaf_node=replace(package.leaf_node, signature=signature)))],
    }
    for rule, cases in broken.items():
        for suite, case in cases:
            with pytest.raises(MLSError) as refused:
                case.validate(suite)
            assert refused.value.rule == rule

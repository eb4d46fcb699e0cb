"""V45 (RFC 9420 §5.1.1): no all-zero shared secret, no point off its curve or in another form, no key of another length, anywhere."""

from __future__ import annotations

from operator import methodcaller

import pytest

from connexa.mls import CryptoError
from connexa.mls.nodes import UpdatePathNode
from connexa.mls.proposals import Update
from connexa.mls.suite import get_suite
from tests.mls.hostile import Hostile, Path, add_refused, forge_leaf, forge_package, join_refused
from tests.mls.kit import LIFETIME, NOW, Person, Room, refused
from tests.mls.naive_tree import NaiveTree

FIELD = 2**255 - 19
LOW_ORDER = [
    bytes(32),
    b"\1" + bytes(31),
    (FIELD - 1).to_bytes(32, "little"),
    FIELD.to_bytes(32, "little"),
    (FIELD + 1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]
LENGTHS = [b"", bytes(31), b"\x09" * 31, b"\x09" * 33, b"\x09" * 65]
SMALL_SIGNERS = [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xee" + b"\xff" * 30 + b"\x7f"]
CURVES = {2: 65, 5: 133, 7: 97}


def points(suite: int) -> list[bytes]:
    """What is no point, or not in the one form."""
    good = get_suite(suite).generate_key_pair(Person.make("any", 3).rng).public
    half = (len(good) - 1) // 2
    compressed = bytes([2 + (good[-1] & 1)]) + good[1 : 1 + half]
    off_curve = good[:-1] + bytes([good[-1] ^ 1])
    hybrid = bytes([6 + (good[-1] & 1)]) + good[1:]
    return [compressed, off_curve, hybrid, good[1:], good + b"\0", b"\0", b"", b"\4" + bytes(2 * half), b"\4" + b"\xff" * (2 * half)]


BAD_KEYS = [(1, key) for key in (*LOW_ORDER, *LENGTHS)] + [(3, LOW_ORDER[0])]
BAD_POINTS = [(suite, key) for suite in CURVES for key in points(suite)]
ROOMS: dict[int, tuple[Room, Hostile]] = {}


def room_of(suite: int) -> tuple[Room, Hostile]:
    if suite not in ROOMS:
        room = Room("alice", "bob", "carol", suite=get_suite(suite)).warm()
        ROOMS[suite] = room, Hostile(room, "bob")
    return ROOMS[suite]


@pytest.mark.parametrize(("suite", "key"), BAD_KEYS + BAD_POINTS)
def test_encryption_keys(suite: int, key: bytes) -> None:
    room, bob = room_of(suite)
    dave = Person.make("dave", 9, get_suite(suite))
    with refused(rule="V45", error=CryptoError):
        dave.suite.check_encryption_key(key)
    with refused(rule="V45", error=CryptoError):
        dave.suite.encrypt_with_label(key, "Welcome", b"", b"", dave.rng)
    add_refused(room, bob, forge_package(dave, init_key=key).key_package, "V45")
    add_refused(room, bob, forge_package(dave, leaf=forge_leaf(dave, encryption_key=key, lifetime=LIFETIME)).key_package, "V45")
    with refused(room["alice"], rule="V45", error=CryptoError):
        room["alice"].process(bob.propose(Update(bob.leaf_node(encryption_key=key))), now=NOW)


@pytest.mark.parametrize(("suite", "key"), [BAD_KEYS[0], BAD_KEYS[-2], *((suite, points(suite)[0]) for suite in CURVES)])
def test_keys_of_a_path_and_of_a_tree(suite: int, key: bytes) -> None:
    room, bob = room_of(suite)
    for path in (Path(leaf=lambda fields: {**fields, "encryption_key": key}), Path(publish=lambda at, new: key if at == 0 else new)):
        with refused(room["alice"], rule="V45", error=CryptoError):
            room["alice"].process(bob.commit(path=path), now=NOW)
    for place in (1, 3):
        tree = bob.tree
        tree.nodes[place] = type(tree.nodes[place])(key, tree.nodes[place].parent_hash)
        join_refused(bob, "V45", tree=tree)
    tree = bob.tree
    tree.add(forge_leaf(Person.make("odd", 10, get_suite(suite)), encryption_key=key, lifetime=LIFETIME))
    join_refused(bob, "V45", tree=tree)


@pytest.mark.parametrize("key", [*SMALL_SIGNERS, b"", bytes(31), b"\x09" * 33])
def test_signature_keys(key: bytes) -> None:
    room, bob = room_of(1)
    dave = Person.make("dave", 9)
    with refused(rule="V45", error=CryptoError):
        dave.suite.check_signature_key(key)
    honest = forge_leaf(dave, lifetime=LIFETIME)
    raw = honest.raw.replace(b"\x20" + dave.signer.public, bytes([len(key)]) + key)
    leaf = type(honest).read(raw, 0)[0]
    add_refused(room, bob, forge_package(dave, leaf=leaf).key_package, "V45")
    tree: NaiveTree = bob.tree
    tree.add(leaf)
    join_refused(bob, "V45", tree=tree)


@pytest.mark.parametrize("suite", CURVES)
def test_signature_keys_on_curves(suite: int) -> None:
    for key in points(suite):
        with refused(rule="V45", error=CryptoError):
            get_suite(suite).check_signature_key(key)


@pytest.mark.parametrize("kem_output", [*LOW_ORDER, *LENGTHS])
def test_encapsulations(kem_output: bytes) -> None:
    room, bob = room_of(1)
    suite = get_suite(1)
    key = suite.generate_key_pair(bob.rng)
    with refused(rule="V45", error=CryptoError):
        suite.decrypt_with_label(key, "Welcome", b"", kem_output, bytes(48))
    with refused(rule="V45", error=CryptoError):
        suite.open_init_secret(key, kem_output)

    def damage(nodes: list[UpdatePathNode]) -> list[UpdatePathNode]:
        return [
            UpdatePathNode(node.encryption_key, tuple(type(one)(kem_output, one.ciphertext) for one in node.encrypted_path_secret))
            for node in nodes
        ]

    for name in ("alice", "carol"):
        with refused(room[name], rule="V45", error=CryptoError):
            room[name].process(bob.commit(path=Path(nodes=damage)), now=NOW)


def test_a_groups_external_key() -> None:
    room, bob = room_of(1)
    newcomer = Person.make("dave", 9)
    for key in (LOW_ORDER[0], LENGTHS[1]):
        info = bob.group_info(extensions=methodcaller("with_external_pub", key))
        with refused(rule="V45", error=CryptoError):
            newcomer.external_join(info)
    assert not newcomer.store.groups and room

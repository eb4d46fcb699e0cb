"""V02 (RFC 9420 §2.1.1, §6, §7): an optional that is neither absent nor present, and a type that no struct knows, are no MLS."""

from __future__ import annotations

import pytest

from connexa.mls import DecodeError
from connexa.mls.codec import V, decode, optional, rv
from connexa.mls.content import AuthenticatedContent
from connexa.mls.framing import MLSMessage
from connexa.mls.nodes import LeafNode
from connexa.mls.proposals import Commit
from connexa.mls.psk import PreSharedKeyID
from connexa.mls.ratchet_tree import RatchetTree
from tests.mls.kit import LIFETIME, NOW, SUITE, Person, Room, refused
from tests.mls.messages import every_kind

ROOM = Room("alice", "bob", "carol").warm()
KINDS = every_kind(ROOM)
SENDER_AT = 4 + len(V(ROOM["bob"].group_id)) + 8
UNKNOWN = (0, 5, 9, 0x80, 0xFF)


def changed(message: bytes, at: int, value: int) -> bytes:
    assert message[at] != value
    return message[:at] + bytes([value]) + message[at + 1 :]


@pytest.mark.parametrize("octet", [2, 3, 0x40, 0xFF])
def test_an_optional_is_there_or_not(octet: int) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(lambda buf, pos: optional(rv, buf, pos), bytes([octet]) + V(b"value"))
    assert caught.value.rule == "V02"


@pytest.mark.parametrize("octet", [2, 0x80, 0xFF])
def test_the_path_of_a_commit_is_there_or_not(octet: int) -> None:
    pathless = Commit((), None).encode()
    with pytest.raises(DecodeError) as caught:
        decode(Commit.read, pathless[:-1] + bytes([octet]))
    assert caught.value.rule == "V02"


@pytest.mark.parametrize("value", UNKNOWN)
def test_no_other_sender_type(value: int) -> None:
    for kind in ("public_proposal", "public_commit"):
        with refused(ROOM["bob"], rule="V02", error=DecodeError):
            ROOM["bob"].process(changed(KINDS[kind], SENDER_AT, value), now=NOW)


@pytest.mark.parametrize("value", UNKNOWN)
def test_no_other_content_type(value: int) -> None:
    at = SENDER_AT + 1 + 4 + len(V(b""))  # behind the member's index and the authenticated data
    for kind in ("public_proposal", "public_commit"):
        with refused(ROOM["bob"], rule="V02", error=DecodeError):
            ROOM["bob"].process(changed(KINDS[kind], at, value), now=NOW)
    for kind in ("private_proposal", "private_commit", "application"):
        with refused(ROOM["bob"], rule="V02", error=DecodeError):
            ROOM["bob"].process(changed(KINDS[kind], SENDER_AT, value), now=NOW)


@pytest.mark.parametrize("value", [0, 4, 0xFF])
def test_no_other_leaf_node_source(value: int) -> None:
    leaf = Person.make("dave", 4).bundle().key_package.leaf_node
    at = leaf.raw.index(bytes([1]) + LIFETIME.encode())
    with pytest.raises(DecodeError) as caught:
        decode(LeafNode.read, changed(leaf.raw, at, value))
    assert caught.value.rule == "V02"
    package = KINDS["key_package"]
    inside = package.index(LIFETIME.encode()) - 1
    for enter in (lambda raw: ROOM["bob"].propose_add(raw, now=NOW), lambda raw: ROOM["bob"].commit(add=[raw], now=NOW)):
        with refused(ROOM["bob"], rule="V02", error=DecodeError):
            enter(changed(package, inside, value))


@pytest.mark.parametrize("value", [0, 3, 0xFF])
def test_no_other_node_type(value: int) -> None:
    tree = ROOM["bob"].ratchet_tree()
    first = len(tree) - len(decode(rv, tree))  # the first node: present, a leaf
    assert tree[first : first + 2] == b"\1\1"
    for damaged in (changed(tree, first + 1, value), changed(tree, first, 2)):
        with pytest.raises(DecodeError) as caught:
            RatchetTree.decode(SUITE, damaged)
        assert caught.value.rule == "V02"
        newcomer = Person.make("eve", 5)
        with refused(ROOM["bob"], rule="V02", error=DecodeError):
            newcomer.external_join(ROOM["bob"].group_info(tree=False), ratchet_tree=damaged)
        assert not newcomer.store.groups


@pytest.mark.parametrize("value", [0, 3, 0xFF])
def test_no_other_kind_of_item_in_a_commit(value: int) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(Commit.read, V(bytes([value]) + V(bytes(32))) + b"\0")
    assert caught.value.rule == "V02"


@pytest.mark.parametrize("encoded", [b"\0" + V(b"id") + V(bytes(32)), b"\3" + V(b"id") + V(bytes(32)), b"\2\0", b"\2\4"])
def test_no_other_kind_or_usage_of_a_pre_shared_key(encoded: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(PreSharedKeyID.read, encoded + V(b"group") + bytes(8) + V(bytes(32)))
    assert caught.value.rule == "V02"


@pytest.mark.parametrize("wire_format", [0, 6, 0x0A0A, 0xFFFF])
def test_no_other_wire_format(wire_format: int) -> None:
    number = wire_format.to_bytes(2, "big")
    with pytest.raises(DecodeError):
        decode(AuthenticatedContent.read, number + KINDS["public_commit"][4:])
    for message in KINDS.values():
        with refused(ROOM["bob"], rule="V02", error=DecodeError):
            ROOM["bob"].process(message[:2] + number + message[4:], now=NOW)
    with pytest.raises(DecodeError):
        MLSMessage.decode(b"\0\2" + KINDS["application"][2:])  # and no other version

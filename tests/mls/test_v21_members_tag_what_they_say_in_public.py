"""V21 (RFC 9420 §6.2): a member's PublicMessage has the right membership tag, anybody else's has none; compared in constant time."""

from __future__ import annotations

import ast
import inspect

import pytest

from connexa.mls import CryptoError, DecodeError, MLSError
from connexa.mls import suite as suite_module
from connexa.mls.codec import V
from connexa.mls.content import Sender
from connexa.mls.proposals import Remove
from connexa.mls.registry import SenderType
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused
from tests.mls.messages import every_kind

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
KINDS = every_kind(ROOM)


@pytest.mark.parametrize("tag", [bytes(32), b"", bytes(31), bytes(33)])
def test_a_wrong_tag(tag: bytes) -> None:
    for message in (BOB.propose(Remove(0), membership_tag=tag), BOB.commit(membership_tag=tag)):
        for name in ("alice", "carol"):
            with refused(ROOM[name], rule="V21", error=CryptoError):
                ROOM[name].process(message, now=NOW)


def test_the_tag_of_another_message() -> None:
    one, other = KINDS["public_proposal"], BOB.propose(Remove(0))
    with refused(ROOM["carol"], rule="V21", error=CryptoError):
        ROOM["carol"].process(one[:-32] + other[-32:], now=NOW)


def test_the_tag_of_another_epoch() -> None:
    room = Room("alice", "bob", "carol")
    old = Hostile(room, "bob")
    room.commit("alice", update=True)
    new = Hostile(room, "bob")
    signed = new.sign(Remove(0))
    tag = new.suite.mac(old.epoch.secrets.membership_key, signed.signed(new.context.encode()) + signed.auth_data())
    with refused(room["carol"], rule="V21", error=CryptoError):
        room["carol"].process(new.protect(signed, membership_tag=tag), now=NOW)


def test_the_tag_covers_signature_and_confirmation_tag() -> None:
    for kind in ("public_proposal", "public_commit"):
        message = KINDS[kind]
        for at in range(4, len(message)):
            damaged = message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
            with pytest.raises(MLSError) as caught:
                ROOM["carol"].process(damaged, now=NOW)
            assert caught.value.rule in {"V01", "V02", "V21", "V22", "V25", "V40", "V32", "V42"}, (at, caught.value)


def test_a_member_without_a_tag_is_no_message() -> None:
    message = KINDS["public_proposal"]
    with refused(ROOM["carol"], rule="V01", error=DecodeError):
        ROOM["carol"].process(message[:-33], now=NOW)


@pytest.mark.parametrize("kind", ["new_member_proposal", "external_commit"])
def test_others_have_no_tag(kind: str) -> None:
    with refused(ROOM["carol"], rule="V01", error=DecodeError):
        ROOM["carol"].process(KINDS[kind] + V(bytes(32)), now=NOW)


def test_a_right_tag_over_a_wrong_signature() -> None:
    message = BOB.propose(Remove(0), signer=ROOM.people["carol"].signer)
    with refused(ROOM["alice"], rule="V21", error=CryptoError):
        ROOM["alice"].process(message, now=NOW)


def test_nobody_speaks_from_anothers_leaf() -> None:
    message = BOB.propose(Remove(0), sender=Sender(SenderType.MEMBER, ROOM.leaf("carol")))
    with refused(ROOM["alice"], rule="V21", error=CryptoError):
        ROOM["alice"].process(message, now=NOW)


def test_tags_are_compared_in_constant_time() -> None:
    tree = ast.parse(inspect.getsource(suite_module.Suite.verify_mac).lstrip())
    assert any(isinstance(node, ast.Call) and getattr(node.func, "id", "") == "equal" for node in ast.walk(tree))
    assert not any(isinstance(node, ast.Compare) for node in ast.walk(tree))

"""V18 (RFC 9420 §12.4.3.1): a member's leaf signs the GroupInfo, and the joiner computes the confirmation tag itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import CryptoError, MLSError
from connexa.mls.welcome import GroupInfo
from tests.mls.hostile import Hostile, join_refused
from tests.mls.kit import Person, Room, refused

ROOM = Room("alice", "bob", "carol", "dave", "erin").warm()
ROOM.commit("alice", remove=[ROOM.leaf("dave")])
BLANK = 3
BOB = Hostile(ROOM, "bob")


def with_a_flipped_bit(info: GroupInfo) -> GroupInfo:
    raw = info.raw[:-1] + bytes([info.raw[-1] ^ 1])
    return GroupInfo.read(raw, 0)[0]


def test_a_wrong_signature() -> None:
    join_refused(BOB, "V18", tree=BOB.tree, info=with_a_flipped_bit)


def test_the_signature_of_another_member() -> None:
    join_refused(BOB, "V18", tree=BOB.tree, signed_by=ROOM.people["carol"].signer)
    join_refused(BOB, "V18", tree=BOB.tree, signer=ROOM.leaf("carol"))


@pytest.mark.parametrize("signer", [BLANK, 5, 7, 8, 2**32 - 1])
def test_a_signer_who_is_nobody(signer: int) -> None:
    join_refused(BOB, "V18", tree=BOB.tree, signer=signer)


@pytest.mark.parametrize("tag", [bytes(32), b"", bytes(31), bytes(33)])
def test_a_wrong_confirmation_tag(tag: bytes) -> None:
    newcomer = Person.make("newcomer", 45)
    bundle = newcomer.bundle()
    with refused(rule="V18", error=CryptoError):
        newcomer.join(BOB.welcome(bundle, tag=tag), bundle)
    assert not newcomer.store.groups


def test_a_tag_of_another_transcript() -> None:
    newcomer = Person.make("newcomer", 45)
    bundle = newcomer.bundle()

    def other(info: GroupInfo) -> GroupInfo:
        context = replace(info.group_context, confirmed_transcript_hash=bytes(32))
        return GroupInfo.sign(BOB.suite, context, info.extensions, info.confirmation_tag, info.signer, BOB.epoch.signer)

    with refused(rule="V18", error=MLSError):
        newcomer.join(BOB.welcome(bundle, info=other), bundle)


def test_an_honest_one_of_the_same_author_is_joined() -> None:
    newcomer = Person.make("newcomer", 45)
    bundle = newcomer.bundle()
    assert newcomer.join(BOB.welcome(bundle), bundle).epoch == ROOM["bob"].epoch + 1

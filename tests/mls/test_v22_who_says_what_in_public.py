"""V22 (RFC 9420 §6, §6.2): no application data in a PublicMessage, no commit of an external sender or of a proposal's newcomer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.content import Body, FramedContent, Sender, sign_content
from connexa.mls.framing import MLSMessage, PublicMessage, protect_public
from connexa.mls.proposals import Commit, Remove
from connexa.mls.registry import SenderType, WireFormat
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused
from tests.mls.messages import every_kind

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
OUTSIDERS = [Sender(SenderType.EXTERNAL, 0), Sender(SenderType.NEW_MEMBER_PROPOSAL), Sender(SenderType.NEW_MEMBER_COMMIT)]


@pytest.mark.parametrize("data", [b"", b"hello", bytes(1_000)])
def test_application_data_is_sealed_or_refused(data: bytes) -> None:
    message = BOB.say(data)
    assert isinstance(MLSMessage.decode(message).body, PublicMessage)  # it is well-formed
    for name in ("alice", "carol"):
        for take in (ROOM[name].process, ROOM[name].decrypt):
            with refused(ROOM[name], rule="V22", error=ValidationError):
                take(message, now=NOW)


@pytest.mark.parametrize("sender", OUTSIDERS, ids=lambda sender: sender.type.name)
def test_nor_does_anybody_else_say_any(sender: Sender) -> None:
    with refused(ROOM["alice"], rule="V22", error=ValidationError):
        ROOM["alice"].process(BOB.say(b"hello", sender=sender), now=NOW)


@pytest.mark.parametrize("sender", OUTSIDERS[:2], ids=lambda sender: sender.type.name)
def test_no_commits_from_outside(sender: Sender) -> None:
    for path in (False, True):
        with refused(ROOM["alice"], rule="V22", error=ValidationError):
            ROOM["alice"].process(BOB.commit(Remove(2), path=path, sender=sender), now=NOW)


def test_no_proposals_of_a_newcomer_by_commit() -> None:
    with refused(ROOM["alice"], rule="V22", error=ValidationError):
        ROOM["alice"].process(BOB.propose(Remove(2), sender=OUTSIDERS[2]), now=NOW)


def test_our_own_framing_makes_none_either() -> None:
    said: list[tuple[Sender, Body]] = [(Sender(SenderType.MEMBER, 1), b"hello"), *((sender, Commit((), None)) for sender in OUTSIDERS[:2])]
    for sender, body in said:
        content = FramedContent.make(b"room", 7, sender, body)
        signed = replace(sign_content(BOB.suite, WireFormat.PUBLIC_MESSAGE, content, BOB.epoch.signer), confirmation_tag=bytes(32))
        with refused(rule="V22", error=ValidationError):
            protect_public(BOB.suite, signed, BOB.context.encode(), BOB.epoch.secrets.membership_key)


@pytest.mark.parametrize("kind", ["welcome", "group_info", "key_package"])
def test_other_messages_are_none_to_members(kind: str) -> None:
    for take in (ROOM["alice"].process, ROOM["bob"].decrypt):
        with refused(ROOM["alice"], ROOM["bob"], rule="V22", error=ValidationError):
            take(every_kind(ROOM)[kind], now=NOW)

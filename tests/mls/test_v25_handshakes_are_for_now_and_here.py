"""V25 (RFC 9420 §12.4.2): proposals and commits are for this group and its current epoch; those of another epoch are never applied."""

from __future__ import annotations

import pytest

from connexa.mls import EpochError, MLSError
from connexa.mls.proposals import Remove
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused
from tests.mls.messages import every_kind

HANDSHAKES = (
    "public_proposal",
    "private_proposal",
    "add_proposal",
    "public_commit",
    "private_commit",
    "new_member_proposal",
    "external_commit",
)


@pytest.mark.parametrize("kind", HANDSHAKES)
def test_no_handshake_of_the_epoch_before(kind: str) -> None:
    room = Room("alice", "bob", "carol").warm()
    message = every_kind(room)[kind]
    room.commit("carol", update=True)
    for name in ("bob", "carol"):
        with refused(room[name], rule="V25", error=EpochError) as caught:
            room[name].process(message, now=NOW)
        assert (caught.value.expected, caught.value.got) == (room[name].epoch, room[name].epoch - 1)


@pytest.mark.parametrize("kind", HANDSHAKES)
def test_none_of_an_epoch_to_come(kind: str) -> None:
    room = Room("alice", "bob", "carol").warm()
    behind = room.people["bob"].restarted(room["bob"])
    room.commit("carol", update=True)
    with refused(behind, rule="V25", error=EpochError) as caught:
        behind.process(every_kind(room)[kind], now=NOW)
    assert caught.value.got == behind.epoch + 1


@pytest.mark.parametrize("epoch", [0, 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("private", [False, True])
def test_no_other_number_either(epoch: int, private: bool) -> None:
    room = Room("alice", "bob", "carol").warm()
    bob = Hostile(room, "bob")
    for message in (bob.propose(Remove(2), epoch=epoch, private=private), bob.commit(epoch=epoch, private=private)):
        with refused(room["alice"], rule="V25", error=EpochError):
            room["alice"].process(message, now=NOW)


@pytest.mark.parametrize("group_id", [b"", b"other", b"room\0", b"Room"])
@pytest.mark.parametrize("private", [False, True])
def test_no_message_of_another_group(group_id: bytes, private: bool) -> None:
    room = Room("alice", "bob", "carol").warm()
    bob = Hostile(room, "bob")
    messages = [bob.propose(Remove(2), group_id=group_id, private=private), bob.commit(group_id=group_id, private=private)]
    if private:
        messages.append(bob.say(b"hello", group_id=group_id, private=True))
    for message in messages:
        with refused(room["alice"], rule="V25", error=MLSError):
            room["alice"].process(message, now=NOW)


def test_late_application_messages_are_read_and_late_handshakes_are_not() -> None:
    room = Room("alice", "bob", "carol").warm()
    said = room["bob"].encrypt(b"before")
    proposed = room["bob"].propose_update(now=NOW)
    for _ in range(3):
        room.commit("carol", update=True)
    with refused(room["alice"], rule="V25", error=EpochError):
        room["alice"].process(proposed, now=NOW)
    assert room["alice"].process(said, now=NOW).data == b"before"


def test_application_messages_older_than_what_is_kept() -> None:
    room = Room("alice", "bob", "carol").warm()
    said = room["bob"].encrypt(b"too late")
    for _ in range(4):
        room.commit("carol", update=True)
    with refused(room["alice"], rule="V25", error=EpochError):
        room["alice"].process(said, now=NOW)


def test_application_messages_that_took_too_long() -> None:
    room = Room("alice", "bob", "carol").warm()
    said = room["bob"].encrypt(b"too late")
    room.commit("carol", update=True)
    with refused(room["alice"], rule="V25", error=EpochError):
        room["alice"].process(said, now=NOW + 2 * 86_400 + 1)
    assert room["alice"].process(said, now=NOW + 2 * 86_400).data == b"too late"

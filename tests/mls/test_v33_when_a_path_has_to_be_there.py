"""V33 (RFC 9420 §12.4, §17.4): an Update, a Remove, an ExternalInit, new extensions and an empty list need a path.

What an application defines needs what it says, and what nobody defined is refused.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.framing import MLSMessage, PublicMessage
from connexa.mls.policy import Rules
from connexa.mls.proposals import Add, Commit, GroupContextExtensions, Remove, Unknown, Update
from tests.mls.hostile import Hostile
from tests.mls.kit import CAPABILITIES, NOW, Person, Room, refused

WITH, WITHOUT = 0xF201, 0xF202
RULES = Rules(custom_proposals={WITH: True, WITHOUT: False})
ABLE = replace(CAPABILITIES, proposals=(WITH, WITHOUT))


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol", rules=RULES, capabilities=ABLE).warm()


def package() -> Add:
    return Add(Person.make("dave", 9).bundle(capabilities=ABLE).key_package)


def test_without_a_path_they_are_refused(room: Room) -> None:
    alice, bob, carol = room["alice"], Hostile(room, "bob"), Hostile(room, "carol")
    message, update = carol.referred(Update(carol.leaf_node()))
    alice.process(message, now=NOW)
    same = GroupContextExtensions(Extensions())
    for listed in ((), (Remove(2),), (update,), (same,), (package(), Remove(2)), (Unknown(WITH, b""),), (Unknown(WITHOUT, b""), same)):
        for private in (False, True):
            with refused(alice, rule="V33", error=ValidationError):
                alice.process(bob.commit(*listed, path=False, private=private), now=NOW)


def test_others_go_without(room: Room) -> None:
    bob = Hostile(room, "bob")
    for listed in ((package(),), (Unknown(WITHOUT, b"x"),), (Unknown(WITHOUT, b"x"), package())):
        room["alice"].process(bob.commit(*listed, path=False), now=NOW)


def has_path(raw: bytes) -> bool:
    message = MLSMessage.decode(raw).body
    assert isinstance(message, PublicMessage) and isinstance(message.content.body, Commit)
    return message.content.body.path is not None


def test_ours_have_one_when_they_need_it(room: Room) -> None:
    alice = room["alice"]
    add = package().key_package
    needing: list[dict] = [{}, {"remove": [2]}, {"extensions": Extensions()}, {"update": True}, {"add": [add], "remove": [1]}]
    needing += [{"custom": [Unknown(WITH, b"")]}, {"add": [add], "force_path": True}]
    for what in needing:
        assert has_path(alice.commit(wire="public", now=NOW, **what).commit), what
    assert not has_path(alice.commit(wire="public", add=[add], now=NOW).commit)
    many = [Person.make(f"m{number}", 20 + number).bundle(capabilities=ABLE).key_package for number in range(10)]
    assert has_path(alice.commit(wire="public", add=many, now=NOW).commit)
    assert not has_path(alice.commit(wire="public", add=many[:9], now=NOW).commit)


@pytest.mark.parametrize("kind", [0, 8, 0xF203, 0x0A0A, 0xFFFF])
def test_a_type_that_nobody_defined(room: Room, kind: int) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    for act in (lambda: alice.propose_custom(Unknown(kind, b""), now=NOW), lambda: alice.commit(custom=[Unknown(kind, b"")], now=NOW)):
        with refused(alice, rule="V33", error=ValidationError):
            act()
    for message in (bob.propose(Unknown(kind, b"")), bob.commit(Unknown(kind, b""))):
        with refused(alice, rule="V33", error=ValidationError):
            alice.process(message, now=NOW)

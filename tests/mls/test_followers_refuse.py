"""A server that follows a group in public holds handshakes to every rule that needs no secret: the same rule objects, the same ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connexa.mls import MLSError
from connexa.mls.content import Sender
from connexa.mls.extensions import Extensions
from connexa.mls.nodes import Credential
from connexa.mls.proposals import Add, ExternalInit, GroupContextExtensions, PreSharedKey, ProposalRef, ReInit, Remove, Unknown, Update
from connexa.mls.psk import ExternalPSK, PreSharedKeyID
from connexa.mls.public_group import PublicCommit, PublicGroup
from connexa.mls.registry import SenderType
from tests.mls.hostile import Hostile, Path, Ref, forge_package
from tests.mls.kit import AUTH, CAPABILITIES, LIFETIME, NOW, Person, Room, assert_typed

ROOM = Room("alice", "bob", "carol", "dave").warm()
DAVE = Person.make("new", 9)
OTHER_KEY = ROOM["alice"].member(2).leaf_node.encryption_key
PSK = PreSharedKey(PreSharedKeyID(ExternalPSK(b"x"), bytes(32)))
NEXT = ReInit(b"next", 1, Extensions())
UNKNOWN = Extensions(((0xF102, b""),))
Author = Callable[[Hostile], bytes]


def leaf(**change) -> Path:
    return Path(leaf=lambda fields: {**fields, **change})


def without_parent_hash(fields: dict) -> dict:
    return {key: value for key, value in fields.items() if key != "parent_hash"}


def package(**how) -> Add:
    return Add(forge_package(DAVE, **how).key_package)


HANDSHAKES: list[tuple[str, str, Author]] = [
    ("V01", "bytes that follow", lambda bob: bob.propose(Remove(2)) + b"\0"),
    ("V03", "a path's leaf of another place", lambda bob: bob.commit(path=leaf(leaf_index=2))),
    ("V04", "an update's leaf in a path", lambda bob: bob.commit(path=Path(leaf=without_parent_hash))),
    ("V05", "a member's signature key", lambda bob: bob.commit(Add(DAVE.bundle(signer=ROOM.people["carol"].signer).key_package))),
    ("V06", "a member's encryption key", lambda bob: bob.commit(package(encryption_key=OTHER_KEY))),
    ("V07", "an update with the old key", lambda bob: bob.propose(Update(bob.leaf_node(encryption_key=bob.tree.nodes[2].encryption_key)))),
    ("V08", "an extension that is not listed", lambda bob: bob.propose(package(leaf=Hostile.leaf_of(DAVE, UNKNOWN)))),
    ("V10", "no type of the members'", lambda bob: bob.commit(package(capabilities=replace(CAPABILITIES, credentials=(7,))))),
    ("V11", "an expired key package", lambda bob: bob.propose(package(lifetime=replace(LIFETIME, not_after=NOW - 1)))),
    ("V12", "somebody else's name", lambda bob: bob.commit(path=leaf(credential=Credential.basic(b"other")))),
    ("V13", "another suite", lambda bob: bob.propose(package(cipher_suite=3))),
    ("V21", "another's signature", lambda bob: bob.propose(Remove(2), signer=ROOM.people["carol"].signer)),
    ("V22", "application data", lambda bob: bob.say(b"hello")),
    ("V23", "nobody's leaf", lambda bob: bob.propose(Remove(2), sender=Sender(SenderType.MEMBER, 9))),
    ("V25", "another epoch", lambda bob: bob.propose(Remove(2), epoch=1)),
    ("V25", "another group", lambda bob: bob.propose(Remove(2), group_id=b"other")),
    ("V26", "the committer removes itself", lambda bob: bob.commit(Remove(1), path=False)),
    ("V27", "nobody is removed", lambda bob: bob.commit(Remove(9))),
    ("V27", "somebody is removed twice", lambda bob: bob.commit(Remove(2), Remove(2))),
    ("V28", "a client who is here", lambda bob: bob.commit(Add(Person.make("carol", 10).bundle().key_package))),
    ("V29", "a short nonce", lambda bob: bob.propose(PreSharedKey(PreSharedKeyID(ExternalPSK(b"x"), b"")))),
    ("V29", "one key twice", lambda bob: bob.commit(PSK, PSK)),
    ("V30", "extensions that nobody supports", lambda bob: bob.commit(GroupContextExtensions(UNKNOWN), extensions=UNKNOWN)),
    ("V31", "a ReInit and more", lambda bob: bob.commit(NEXT, Remove(2))),
    ("V32", "an ExternalInit of a member", lambda bob: bob.commit(ExternalInit(bytes(32)))),
    ("V32", "from outside without one", lambda bob: bob.commit(sender=Sender(SenderType.NEW_MEMBER_COMMIT), signer=DAVE.signer)),
    ("V33", "no path", lambda bob: bob.commit(Remove(2), path=False)),
    ("V33", "a type that nobody defined", lambda bob: bob.propose(Unknown(0xF200, b""))),
    ("V34", "a node less", lambda bob: bob.commit(path=Path(nodes=lambda nodes: nodes[1:]))),
    ("V35", "a key of the tree", lambda bob: bob.commit(path=Path(publish=lambda at, key: bob.tree.nodes[5].encryption_key))),
    ("V36", "a leaf of another path", lambda bob: bob.commit(path=leaf(parent_hash=bytes(32)))),
    ("V39", "a proposal that is not here", lambda bob: bob.commit(Ref(ProposalRef(bytes(32)), Remove(2), 0))),
    ("V40", "an external sender where there is none", lambda bob: bob.propose(Remove(2), sender=Sender(SenderType.EXTERNAL, 0))),
    ("V45", "a key that is none", lambda bob: bob.propose(package(init_key=bytes(32)))),
]


@pytest.mark.parametrize(("rule", "what", "author"), HANDSHAKES, ids=[f"{rule} {what}" for rule, what, _ in HANDSHAKES])
def test_a_follower_refuses_by_the_same_rule_as_members(rule: str, what: str, author: Author) -> None:
    hub = PublicGroup.begin(ROOM["alice"].group_info(), auth=AUTH, now=NOW)
    before, message = hub.dump(), author(Hostile(ROOM, "bob"))
    with pytest.raises(MLSError) as caught:
        hub.process(message, now=NOW)
    assert_typed(caught.value)
    assert caught.value.rule == rule, what
    assert hub.dump() == before
    with pytest.raises(MLSError) as members:
        ROOM["alice"].process(message, now=NOW)
    assert members.value.rule in {rule, "V21"}  # the membership tag comes first, where the forger has not the right one


def test_a_follower_takes_what_is_right() -> None:
    room = Room("alice", "bob", "carol").warm()
    hub = PublicGroup.begin(room["alice"].group_info(), auth=AUTH, now=NOW)
    for name, what in (("bob", {"update": True}), ("carol", {"add": [DAVE.bundle().key_package]}), ("alice", {"remove": [3]})):
        staged = room[name].commit(now=NOW, wire="public", **what)
        seen = hub.process(staged.commit, now=NOW)
        assert isinstance(seen, PublicCommit)
        hub.merge(seen)
        room.deliver(name, staged.commit)
        room[name].merge(staged, now=NOW)
        hub = PublicGroup.load(hub.dump(), auth=AUTH)
        assert hub.context == room[name].context and hub.ratchet_tree() == room[name].ratchet_tree()

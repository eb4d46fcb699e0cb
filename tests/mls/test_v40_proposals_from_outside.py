"""V40 (RFC 9420 §6.1, §12.1.8): external senders are those of the group's list, sign with their key and propose what they may; who wants to
join proposes nothing but that."""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError, ValidationError
from connexa.mls.content import Sender
from connexa.mls.extensions import Extensions, ExternalSender
from connexa.mls.external import propose_from_outside, propose_self_add
from connexa.mls.nodes import Credential
from connexa.mls.proposals import Add, ExternalInit, GroupContextExtensions, PreSharedKey, Proposal, ReInit, Remove, Unknown, Update
from connexa.mls.psk import ExternalPSK, PreSharedKeyID
from connexa.mls.registry import SenderType
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Person, Room, refused

SERVER, OTHER = Person.make("server", 70), Person.make("other", 71)
EXTENSIONS = Extensions().with_external_senders(
    [
        ExternalSender(SERVER.signer.public, Credential.basic(b"server")),
        ExternalSender(OTHER.signer.public, Credential.basic(b"other")),
    ]
)
NEWCOMER = Person.make("dave", 9)
PACKAGE = NEWCOMER.bundle()


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol", extensions=EXTENSIONS)


def test_what_they_may_is_taken(room: Room) -> None:
    psk = PreSharedKeyID(ExternalPSK(b"x"), bytes(32))
    may: list[Proposal] = [
        Add(PACKAGE.key_package),
        Remove(2),
        PreSharedKey(psk),
        ReInit(b"next", 1, Extensions()),
        GroupContextExtensions(Extensions()),
    ]
    for proposal in may:
        room["alice"].process(propose_from_outside(room["alice"].context, 0, SERVER.signer, proposal), now=NOW)
    room["alice"].process(propose_from_outside(room["alice"].context, 1, OTHER.signer, Remove(1)), now=NOW)
    assert len(room["alice"].pending) == 6


def test_what_they_may_not_is_refused(room: Room) -> None:
    leaf = Hostile(room, "bob").leaf_node()
    refusals: list[tuple[Proposal, str]] = [(Update(leaf), "V40"), (ExternalInit(bytes(32)), "V32"), (Unknown(0xF200, b""), "V40")]
    for proposal, rule in refusals:
        message = propose_from_outside(room["alice"].context, 0, SERVER.signer, proposal)
        with refused(room["alice"], rule=rule, error=ValidationError):
            room["alice"].process(message, now=NOW)


@pytest.mark.parametrize("index", [2, 3, 1000, 2**32 - 1])
def test_nobody_outside_the_list(room: Room, index: int) -> None:
    message = propose_from_outside(room["alice"].context, index, SERVER.signer, Remove(2))
    with refused(room["alice"], rule="V40", error=ValidationError):
        room["alice"].process(message, now=NOW)


def test_nobody_where_there_is_no_list() -> None:
    room = Room("alice", "bob", "carol")
    message = propose_from_outside(room["alice"].context, 0, SERVER.signer, Remove(2))
    with refused(room["alice"], rule="V40", error=ValidationError):
        room["alice"].process(message, now=NOW)


def test_each_signs_with_the_own_key(room: Room) -> None:
    for index, signer in ((0, OTHER.signer), (1, SERVER.signer), (0, room.people["bob"].signer)):
        message = propose_from_outside(room["alice"].context, index, signer, Remove(2))
        with refused(room["alice"], rule="V40", error=CryptoError):
            room["alice"].process(message, now=NOW)


def test_newcomers_propose_themselves_alone(room: Room) -> None:
    bob = Hostile(room, "bob")
    outside = Sender(SenderType.NEW_MEMBER_PROPOSAL)
    for proposal in (Remove(2), GroupContextExtensions(Extensions()), ReInit(b"next", 1, Extensions()), Unknown(0xF200, b"")):
        with refused(room["alice"], rule="V40", error=ValidationError):
            room["alice"].process(bob.propose(proposal, sender=outside), now=NOW)
    for somebody in (Person.make("erin", 10), Person.make("frank", 11)):
        message = bob.propose(Add(PACKAGE.key_package), sender=outside, signer=somebody.signer)
        with refused(room["alice"], rule="V40", error=CryptoError):
            room["alice"].process(message, now=NOW)


def test_an_honest_newcomer_is_added(room: Room) -> None:
    room["alice"].process(propose_self_add(room["bob"].group_info(), PACKAGE), now=NOW)
    staged = room["alice"].commit(now=NOW)
    assert NEWCOMER.join(staged.welcome, PACKAGE).epoch == staged.epoch


def test_what_comes_from_outside_is_held_to_every_rule(room: Room) -> None:
    alice = room["alice"]
    double = Person.make("bob", 12).bundle()
    alice.process(propose_self_add(alice.group_info(), double), now=NOW)
    assert not alice.commit(now=NOW).added
    for proposal, rule in ((Remove(9), "V27"), (PreSharedKey(PreSharedKeyID(ExternalPSK(b"x"), b"short")), "V29")):
        with refused(alice, rule=rule, error=ValidationError):
            alice.process(propose_from_outside(alice.context, 0, SERVER.signer, proposal), now=NOW)


def test_nothing_from_outside_is_of_another_epoch_or_group(room: Room) -> None:
    old = propose_from_outside(room["alice"].context, 0, SERVER.signer, Remove(2))
    room.commit("bob", update=True)
    with refused(room["alice"], rule="V25"):
        room["alice"].process(old, now=NOW)
    elsewhere = Room("alice", "bob", group_id=b"elsewhere", extensions=EXTENSIONS)
    with refused(room["alice"], rule="V25"):
        room["alice"].process(propose_from_outside(elsewhere["alice"].context, 0, SERVER.signer, Remove(1)), now=NOW)

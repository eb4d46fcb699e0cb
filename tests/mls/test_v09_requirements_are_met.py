"""V09 (RFC 9420 §7.3, §11.1): whoever comes, and whoever renews a leaf, supports what the group requires."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.extensions import Extensions, RequiredCapabilities
from connexa.mls.nodes import Capabilities
from connexa.mls.proposals import Update
from tests.mls.hostile import Hostile, Path, add_refused
from tests.mls.kit import CAPABILITIES, NOW, Person, Room, refused

REQUIRED = RequiredCapabilities(extensions=(0xF100,), proposals=(0xF200,), credentials=(1, 2))
ABLE = replace(CAPABILITIES, extensions=(0xF100,), proposals=(0xF200,), credentials=(1, 2))
EXTENSIONS = Extensions().with_required_capabilities(REQUIRED)
ROOM = Room("alice", "bob", "carol", extensions=EXTENSIONS, capabilities=ABLE)
BOB = Hostile(ROOM, "bob")
UNABLE = [replace(ABLE, extensions=()), replace(ABLE, proposals=()), replace(ABLE, credentials=(1,))]


@pytest.mark.parametrize("capabilities", UNABLE)
def test_newcomers(capabilities: Capabilities) -> None:
    add_refused(ROOM, BOB, Person.make("dave", 4).bundle(capabilities=capabilities).key_package, "V09", alone=False)


@pytest.mark.parametrize("capabilities", UNABLE)
def test_renewed_leaves(capabilities: Capabilities) -> None:
    room = Room("alice", "bob", "carol", extensions=EXTENSIONS, capabilities=ABLE)
    bob = Hostile(room, "bob")
    message, ref = bob.referred(Update(bob.leaf_node(capabilities=capabilities)))
    room["alice"].process(message, now=NOW)
    with refused(room["alice"], rule="V09", error=ValidationError):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)
    with refused(room["alice"], rule="V09", error=ValidationError):
        room["alice"].process(Hostile(room, "carol").commit(ref), now=NOW)
    with refused(room["alice"], rule="V09", error=ValidationError):
        room["alice"].process(bob.commit(path=Path(leaf=lambda fields: {**fields, "capabilities": capabilities})), now=NOW)


@pytest.mark.parametrize("capabilities", UNABLE)
def test_creators_and_joiners(capabilities: Capabilities) -> None:
    with refused(rule="V09", error=ValidationError):
        erin = Person.make("erin", 6)
        erin.create(b"new", bundle=erin.bundle(capabilities=capabilities), extensions=EXTENSIONS)
    dave = Person.make("dave", 4)
    bundle = dave.bundle(capabilities=capabilities)
    with refused(rule="V09", error=ValidationError):
        dave.join(BOB.welcome(bundle), bundle)
    with refused(rule="V09", error=ValidationError):
        dave.external_join(ROOM["alice"].group_info(), bundle=bundle)
    assert not dave.store.groups


def test_who_has_it_all_comes() -> None:
    room = Room("alice", "bob", extensions=EXTENSIONS, capabilities=ABLE)
    room.add("alice", [Person.make("dave", 4)], capabilities=replace(ABLE, extensions=(0xF101, 0xF100), credentials=(3, 2, 1)))
    room.agree()

"""V32 (RFC 9420 §12.2, §12.4.3.2): an external commit holds one ExternalInit, perhaps the Remove of the joiner's own old leaf, and keys.

Nothing else, and nothing by reference; it has a path, and the key in the path's leaf signed it. Members' commits hold no ExternalInit.
"""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError, MLSError, ValidationError
from connexa.mls.content import Sender
from connexa.mls.extensions import Extensions
from connexa.mls.policy import Resync, Rules
from connexa.mls.proposals import Add, ExternalInit, GroupContextExtensions, Proposal, ReInit, Remove, Unknown, Update
from connexa.mls.registry import SenderType
from tests.mls.hostile import Hostile, Path, Ref
from tests.mls.kit import NOW, Person, Room, refused

OUTSIDE = Sender(SenderType.NEW_MEMBER_COMMIT)


class Outsider(Hostile):
    """Somebody who is no member, and writes external commits by hand with a copy of a member's view."""

    def __init__(self, room: Room, person: Person) -> None:
        super().__init__(room, "bob")
        self.person = person
        external = self.suite.derive_key_pair(self.epoch.secrets.external_secret)
        self.kem_output, self.init = self.suite.seal_init_secret(external.public, self.rng)

    @property
    def begin(self) -> ExternalInit:
        return ExternalInit(self.kem_output)

    def join(self, *listed: Proposal | Ref, signer=None, path: Path | bool = True, **how) -> bytes:
        signer = signer or self.person.signer
        return self.commit(*listed, sender=OUTSIDE, signer=signer, init_secret=self.init, path=path, **how)


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol").warm()


@pytest.fixture
def outsider(room: Room) -> Outsider:
    return Outsider(room, Person.make("dave", 9))


def everybody_refuses(room: Room, message: bytes, rule: str = "V32") -> None:
    for group in room.groups.values():
        with refused(group, rule=rule):
            group.process(message, now=NOW)


def test_by_hand_an_honest_one_is_taken(room: Room, outsider: Outsider) -> None:
    message = outsider.join(outsider.begin)
    for group in room.groups.values():
        group.merge(group.process(message, now=NOW).commit, now=NOW)
    room.agree()


def test_members_commit_no_external_init(room: Room, outsider: Outsider) -> None:
    bob = Hostile(room, "bob")
    for name in ("alice", "carol"):
        for message in (bob.commit(outsider.begin), bob.propose(outsider.begin), bob.propose(outsider.begin, private=True)):
            with refused(room[name], rule="V32", error=ValidationError):
                room[name].process(message, now=NOW)


def test_one_external_init(room: Room, outsider: Outsider) -> None:
    everybody_refuses(room, outsider.join())
    everybody_refuses(room, outsider.join(Remove(room.leaf("carol"))))
    everybody_refuses(room, outsider.join(outsider.begin, outsider.begin))


def test_one_removal(room: Room) -> None:
    outsider = Outsider(room, Person.make("carol", 9))
    everybody_refuses(room, outsider.join(outsider.begin, Remove(room.leaf("carol")), Remove(room.leaf("alice"))))


def test_nobody_elses_removal(room: Room, outsider: Outsider) -> None:
    for name in ("alice", "carol"):
        message = outsider.join(outsider.begin, Remove(room.leaf(name)))
        with refused(room["bob"], rule="V12", error=ValidationError):
            room["bob"].process(message, now=NOW)
    everybody_refuses(room, outsider.join(outsider.begin, Remove(3)), "V27")


def test_nothing_else(room: Room, outsider: Outsider) -> None:
    package = Person.make("erin", 10).bundle().key_package
    others: list[Proposal] = [
        Add(package),
        Update(outsider.leaf_node()),
        GroupContextExtensions(Extensions()),
        ReInit(b"next", 1, Extensions()),
        Unknown(0xF200, b""),
    ]
    for other in others:
        for listed in ((outsider.begin, other), (other, outsider.begin)):
            for group in room.groups.values():
                with refused(group, rule="V32"):
                    group.process(outsider.join(*listed), now=NOW)


def test_nothing_by_reference(room: Room) -> None:
    outsider = Outsider(room, Person.make("carol", 9))
    message, ref = Hostile(room, "bob").referred(Remove(room.leaf("carol")))
    for name in ("alice", "carol"):
        room[name].process(message, now=NOW)
    for name in ("alice", "carol"):
        with refused(room[name], rule="V32", error=ValidationError):
            room[name].process(outsider.join(outsider.begin, ref), now=NOW)
        with refused(room[name], rule="V32", error=ValidationError):
            room[name].process(outsider.join(ref, path=True), now=NOW)


def test_never_without_a_path(room: Room, outsider: Outsider) -> None:
    everybody_refuses(room, outsider.join(outsider.begin, path=False))


def test_signed_by_the_key_of_its_leaf(room: Room, outsider: Outsider) -> None:
    for signer in (room.people["bob"].signer, Person.make("other", 11).signer):
        for group in room.groups.values():
            with refused(group, rule="V32", error=CryptoError):
                group.process(outsider.join(outsider.begin, signer=signer), now=NOW)


def test_never_sealed(room: Room, outsider: Outsider) -> None:
    with pytest.raises(MLSError):
        room["alice"].process(outsider.join(outsider.begin, private=True), now=NOW)


@pytest.mark.parametrize("kem_output", [b"", bytes(32), b"x" * 31, b"x" * 33])
def test_an_init_secret_that_cannot_be_opened(room: Room, outsider: Outsider, kem_output: bytes) -> None:
    everybody_refuses(room, outsider.join(ExternalInit(kem_output)), "V45")


def test_an_init_secret_of_something_else(room: Room, outsider: Outsider) -> None:
    other, _ = outsider.suite.seal_init_secret(outsider.suite.generate_key_pair(outsider.rng).public, outsider.rng)
    everybody_refuses(room, outsider.join(ExternalInit(other)), "V38")
    everybody_refuses(room, outsider.commit(outsider.begin, sender=OUTSIDE, signer=outsider.person.signer), "V38")


def test_rules_may_ask_for_more_or_refuse() -> None:
    for resync in (Resync.WITH_PSK, Resync.REFUSE):
        room = Room("alice", "bob", "carol", rules=Rules(resync=resync))
        carol = room.people["carol"]
        with pytest.raises(MLSError):
            carol.external_join(room["alice"].group_info(), resync_leaf=room.leaf("carol"), rules=room.rules)
        _, staged = carol.external_join(room["alice"].group_info(), resync_leaf=room.leaf("carol"))  # she keeps to other rules
        before = room["bob"].dump()
        with pytest.raises(MLSError):
            room["bob"].process(staged.commit, now=NOW)
        assert room["bob"].dump() == before


def test_a_resync_with_a_key_that_only_the_old_device_has() -> None:
    room = Room("alice", "bob", "carol", rules=Rules(resync=Resync.WITH_PSK))
    carol = room.people["carol"]
    group, staged = carol.external_join(
        room["alice"].group_info(), resync_leaf=room.leaf("carol"), resuming=room["carol"], rules=room.rules
    )
    for name in ("alice", "bob"):
        room[name].merge(room[name].process(staged.commit, now=NOW).commit, now=NOW)
    group.merge(staged, now=NOW)
    assert group.epoch_authenticator == room["bob"].epoch_authenticator


def test_before_it_is_merged_nothing_is_ours() -> None:
    room = Room("alice", "bob")
    dave = Person.make("dave", 9)
    group, _ = dave.external_join(room["alice"].group_info())
    assert not group.active and not dave.store.groups
    for act in (lambda: group.encrypt(b"early"), lambda: group.commit(now=NOW), lambda: group.propose_update(now=NOW)):
        with pytest.raises(MLSError):
            act()
    assert not dave.store.groups

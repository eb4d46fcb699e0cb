"""One group, two implementations, every suite that both have: whoever begins it, all agree after every commit and read each other.

ts-mls and mls-rs do everything below; `rfc9420` makes no valid path (it signs no new leaf), so it commits additions alone.
"""

from __future__ import annotations

from functools import partial

import pytest

from connexa.mls.extensions import NO_EXTENSIONS, RequiredCapabilities
from connexa.mls.registry import CredentialType

from .conftest import Maker
from .member import GROUP_ID, Psk, Room
from .ours import Ours, Wire
from .typescript import Refused, Script, TypeScript

SCRIPT = [("ts-mls", suite) for suite in (1, 2, 3, 5, 7)]
FULL = [*SCRIPT, ("mls-rs", 1)]
PARTLY = [("rfc9420", suite) for suite in (1, 2, 3, 5, 7)]
EACH = pytest.mark.parametrize(("peer", "suite"), FULL, indirect=["peer"])
EACH_SCRIPT = pytest.mark.parametrize("suite", [1, 2, 3, 5, 7])
FIRST = pytest.mark.parametrize("ours_first", [True, False], ids=["ours", "theirs"])


def makers(peer: Maker, suite: int, ours_first: bool, wire: Wire = "private") -> tuple[Maker, Maker]:
    ours = partial(Ours, suite=suite, wire=wire)
    theirs = partial(peer, suite=suite)
    return (ours, theirs) if ours_first else (theirs, ours)


@pytest.mark.parametrize(
    ("peer", "suite", "ours_first"),
    # Both sides begin under the suite that everybody has; under the others, whose curves are slow in TypeScript, they take turns.
    [*((peer, 1, first) for peer in ("ts-mls", "mls-rs") for first in (True, False)), *(("ts-mls", s, s in (2, 5)) for s in (2, 3, 5, 7))],
    indirect=["peer"],
)
def test_a_group_grows_rekeys_and_shrinks(peer: Maker, suite: int, ours_first: bool) -> None:
    one, other = makers(peer, suite, ours_first)
    alice, bob, carol, dave = one("alice"), other("bob"), one("carol"), other("dave")
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.commit(bob, [carol, dave])
    room.talk()
    for member in (alice, bob, carol, dave):
        room.commit(member)
    room.commit(alice, remove=[dave])
    room.commit(carol, remove=[bob])
    room.commit(alice, [other("erin"), one("frank")])
    for member in room.members[-2:]:
        room.commit(member)
    room.talk()


@EACH
def test_proposals_by_reference_sealed_and_in_the_clear(peer: Maker, suite: int) -> None:
    """Each side proposes additions, removals and our own update; the other side commits them by reference."""
    for wire in ("private", "public"):
        alice, bob = Ours("alice", suite, wire=wire), peer("bob", suite)
        alice.create(GROUP_ID)
        room = Room([alice])
        room.commit(alice, [bob])
        room.talk()
        carol = peer("carol", suite)
        room.spread(alice.propose_add(carol.key_package()), alice)
        made = bob.commit()
        room.spread(made.commit, bob)
        assert made.welcome is not None
        carol.join(made.welcome, made.ratchet_tree)
        room.seat(carol)
        room.agree()
        room.talk()
        room.spread(alice.propose_update(), alice)
        room.commit(carol)
        room.spread(bob.propose_remove(carol), bob)  # type: ignore[attr-defined]
        room.spread(alice.commit().commit, alice, without=[carol])
        room.agree()
        room.talk()


@pytest.mark.parametrize(
    ("peer", "suite", "wire"), [(*each, "private") for each in SCRIPT] + [(*each, "public") for each in PARTLY], indirect=["peer"]
)
@FIRST
def test_an_external_psk_goes_into_the_epoch(peer: Maker, suite: int, wire: Wire, ours_first: bool) -> None:
    psk = Psk(b"agreed elsewhere", bytes(range(48)))
    one, other = makers(peer, suite, ours_first, wire)
    alice, bob, carol = one("alice"), other("bob"), one("carol")
    for member in (alice, bob, carol):
        member.learn(psk)  # type: ignore[attr-defined]
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.commit(bob, psks=[psk])
    room.commit(alice, psks=[psk])
    if wire == "private":  # rfc9420 counts a path too short when the same commit adds a member
        room.commit(alice, [carol], psks=[psk])
    room.talk()


@pytest.mark.parametrize(("peer", "suite"), PARTLY, indirect=["peer"])
@FIRST
def test_the_other_python_follows_us_and_adds(peer: Maker, suite: int, ours_first: bool) -> None:
    """Handshakes in the clear, as it knows no others."""
    one, other = makers(peer, suite, ours_first, "public")
    alice, bob, carol, dave = one("alice"), other("bob"), one("carol"), other("dave")
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.talk()
    room.commit(bob, [carol, dave])
    room.talk()
    for member in list(room.members):
        if isinstance(member, Ours):
            room.commit(member)
            room.talk()
    leaver, stayer = (dave, carol) if ours_first else (carol, dave)
    room.commit(stayer, remove=[leaver])
    room.talk()


@EACH_SCRIPT
def test_external_joins_and_a_resync(typescript: TypeScript, suite: int) -> None:
    alice, bob = Ours("alice", suite), Script(typescript, "bob", suite)
    alice.create(GROUP_ID)
    room = Room([alice])
    room.spread(bob.external_join(alice.group_info()), bob)
    room.seat(bob)
    room.agree()
    carol = Ours("carol", suite)
    room.spread(carol.external_join(bob.group_info()), carol)
    room.seat(carol)
    room.agree()
    room.talk()
    for lost, source in ((bob, alice), (carol, bob)):  # each in turn has lost its state and takes its own place again
        room.members.remove(lost)
        room.spread(lost.external_join(source.group_info(), resync=True), lost)
        room.seat(lost)
        room.agree()
        room.talk()
    for member in list(room.members):
        room.commit(member)
    room.talk()


@EACH_SCRIPT
def test_a_newcomer_proposes_itself(typescript: TypeScript, suite: int) -> None:
    alice, bob, carol = Ours("alice", suite), Script(typescript, "bob", suite), Ours("carol", suite)
    alice.create(GROUP_ID)
    room = Room([alice])
    for newcomer, committer in ((bob, alice), (carol, bob)):
        room.spread(newcomer.propose_self_add(alice.group_info()), newcomer)
        made = committer.commit()
        room.spread(made.commit, committer)
        assert made.welcome is not None
        newcomer.join(made.welcome, made.ratchet_tree)
        room.seat(newcomer)
        room.agree()
        room.talk()


@EACH_SCRIPT
def test_the_resumption_psk_of_an_earlier_epoch(typescript: TypeScript, suite: int) -> None:
    alice, bob = Ours("alice", suite), Script(typescript, "bob", suite)
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.commit(bob)
    room.spread(alice.commit_resumption(1).commit, alice)
    room.agree()
    room.spread(bob.commit_of([{"kind": "resumption", "epoch": 2}]).commit, bob)
    room.agree()
    room.talk()


@EACH_SCRIPT
def test_group_context_extensions_replace_each_other(typescript: TypeScript, suite: int) -> None:
    """required_capabilities, which every implementation knows. ts-mls can propose it, and commits it without the path that it needs."""
    required = [RequiredCapabilities(credentials=(CredentialType.BASIC,)), RequiredCapabilities()]
    alice, bob = Ours("alice", suite), Script(typescript, "bob", suite)
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.spread(bob.propose_extensions([("required_capabilities", required[0].encode())]), bob)
    room.commit(alice)
    assert alice.group.required_capabilities == required[0]
    room.spread(alice.commit_extensions(NO_EXTENSIONS.with_required_capabilities(required[1])).commit, alice)
    room.agree()
    room.commit(bob, [Script(typescript, "carol", suite)])
    room.talk()


@EACH_SCRIPT
def test_the_tree_goes_another_way_than_the_welcome(typescript: TypeScript, suite: int) -> None:
    alice, bob = Ours("alice", suite), Script(typescript, "bob", suite)
    alice.create(GROUP_ID)
    made = alice.commit_without_tree(add=[bob.key_package()])
    assert made.welcome is not None
    with pytest.raises(Refused):
        bob.join(made.welcome, None)
    bob.join(made.welcome, made.ratchet_tree)
    room = Room([alice])
    room.seat(bob)
    room.agree()
    room.talk()


@EACH_SCRIPT
def test_grease_of_the_others_means_nothing(typescript: TypeScript, suite: int) -> None:
    alice, bob = Ours("alice", suite), Script(typescript, "bob", suite, grease=True)
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.commit(bob, [Ours("carol", suite)])
    room.talk()


@pytest.mark.parametrize("suite", [1, 7])
@FIRST
def test_a_reinit_leads_to_a_group_of_another_suite(typescript: TypeScript, suite: int, ours_first: bool) -> None:
    after = {1: 2, 7: 1}[suite]
    alice, bob = Ours("alice", suite), Script(typescript, "bob", suite)
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    first, second = (alice, bob) if ours_first else (bob, alice)
    room.spread(first.reinit(b"the next group", after).commit, first)
    room.agree()
    made = first.reinit_create([second.key_package(after)])
    assert made.welcome is not None
    second.resume("reinit", made.welcome, made.ratchet_tree)
    first.leaf, second.leaf = 0, 1
    room.agree()
    room.talk()
    for member in (alice, bob):
        room.commit(member)
    room.talk()


@pytest.mark.parametrize("suite", [1, 5])
@FIRST
def test_a_branch_holds_a_part_of_the_group(typescript: TypeScript, suite: int, ours_first: bool) -> None:
    alice, bob, carol = Ours("alice", suite), Script(typescript, "bob", suite), Ours("carol", suite)
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob, carol])
    first, second = (alice, bob) if ours_first else (bob, alice)
    made = first.branch(b"a branch", [second.key_package()])
    assert made.welcome is not None
    second.resume("branch", made.welcome, made.ratchet_tree)
    first.leaf, second.leaf = 0, 1
    branch = Room([first, second])
    branch.agree()
    branch.talk()
    for member in (alice, bob):
        branch.commit(member)
    branch.talk()

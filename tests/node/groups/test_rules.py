"""Who may do what in a group: the one function that the committer and every member run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.content import GroupPerson, GroupRole, HistoryRule, MemberCard, SharedChange, SharedState
from connexa.crypto import Ed25519Secret
from connexa.errors import RefusedError
from connexa.identity import Address, GroupAdmins, UserId, issue_admins
from connexa.node.groups.cards import device_of
from connexa.node.groups.rules import Act, Removal, person_in, state_after
from connexa.wire.v1.groups_pb2 import KeyPackageProof
from connexa.wire.v1.keys_pb2 import Signed

NEXT_KEY = bytes([9]) * 32
OWNER, ADMIN, MEMBER, STRANGER = (UserId(bytes([number]) * 32) for number in range(1, 5))


GROUP = bytes(32)
KEYS = {user: Ed25519Secret.from_seed(user) for user in (OWNER, ADMIN, MEMBER, STRANGER)}


def card(user: UserId, device: int = 1) -> MemberCard:
    proof = KeyPackageProof(user=user, device=bytes([device]) + user[1:], alias=user[:31] + bytes([device]))
    signed = Signed(body=proof.SerializeToString())
    return MemberCard(user, Signed(), b"%d of %d" % (device, user[0]), signed, bytes([device, user[0]]) * 16)


def person(user: UserId, role: GroupRole = GroupRole.MEMBER, by: bytes = b"") -> GroupPerson:
    return GroupPerson(user, Address.parse(f"p{user[0]}@a.example"), bytes(42), Signed(), role, by)


STATE = SharedState(
    "Garden",
    bytes(32),
    people=(person(OWNER, GroupRole.OWNER), person(ADMIN, GroupRole.ADMIN), person(MEMBER)),
    cards=(card(OWNER), card(ADMIN), card(MEMBER), card(MEMBER, 2)),
    join_key=bytes([5]) * 32,
    admin_keys=((device_of(card(OWNER)), KEYS[OWNER].public.raw), (device_of(card(ADMIN)), KEYS[ADMIN].public.raw)),
    admins=issue_admins(GroupAdmins(GROUP, 3, (KEYS[OWNER].public.raw, KEYS[ADMIN].public.raw), ()), KEYS[OWNER]),
)
NEW = SharedChange(people=(person(STRANGER, by=ADMIN),), cards=(card(STRANGER),))
OUTSIDE = SharedChange(people=(person(STRANGER),), cards=(card(STRANGER),))


def after(act: Act, state: SharedState = STATE) -> SharedState:
    return state_after(state, act, room_key=NEXT_KEY)


def gone(by: UserId, *cards: MemberCard, asked: UserId | None = None) -> Act:
    return Act(by, removed=tuple(Removal(one, asked or by) for one in cards))


def test_admins_bring_people_in_and_members_do_not() -> None:
    state = after(Act(ADMIN, added=NEW.cards, change=NEW))
    assert person_in(state, STRANGER) == NEW.people[0]
    assert state.room_key == STATE.room_key
    with pytest.raises(RefusedError):
        after(Act(MEMBER, added=NEW.cards, change=replace(NEW, people=(person(STRANGER, by=MEMBER),))))


@pytest.mark.parametrize(
    "act",
    [
        Act(ADMIN, added=NEW.cards, change=replace(NEW, people=(person(STRANGER, GroupRole.ADMIN, ADMIN),))),
        Act(ADMIN, added=NEW.cards, change=replace(NEW, people=(person(STRANGER, by=OWNER),))),
        Act(ADMIN, added=NEW.cards, change=replace(NEW, people=NEW.people * 2)),
        Act(ADMIN, added=NEW.cards, change=replace(NEW, people=(person(MEMBER, by=ADMIN),))),
        Act(ADMIN, change=replace(NEW, cards=())),
        Act(ADMIN, added=NEW.cards, change=SharedChange()),
        Act(ADMIN, added=(), change=NEW),
        Act(ADMIN, added=(card(STRANGER),), change=SharedChange(cards=(card(STRANGER),))),
        Act(MEMBER, added=(card(MEMBER, 3),), change=SharedChange()),
        Act(MEMBER, added=(), change=SharedChange(cards=(card(MEMBER, 3),))),
        Act(MEMBER, added=(card(MEMBER),), change=SharedChange(cards=(card(MEMBER),))),
        Act(MEMBER, added=(card(ADMIN, 2),), change=SharedChange(cards=(card(ADMIN, 2),))),
    ],
)
def test_nobody_comes_in_twice_or_with_a_role_or_without_a_device(act: Act) -> None:
    with pytest.raises(RefusedError) as refused:
        after(act)
    assert refused.value.code == "group.not_allowed"


def test_everybody_has_their_own_devices_in_and_out() -> None:
    state = after(Act(MEMBER, added=(card(MEMBER, 3),), change=SharedChange(cards=(card(MEMBER, 3),))))
    assert card(MEMBER, 3) in state.cards
    state = after(gone(MEMBER, card(MEMBER, 2)))
    assert person_in(state, MEMBER) is not None
    assert state.room_key == NEXT_KEY
    assert state.join_key == b""


@pytest.mark.parametrize(
    ("by", "whom"), [(ADMIN, OWNER), (ADMIN, ADMIN), (MEMBER, ADMIN), (MEMBER, OWNER), (STRANGER, MEMBER)], ids=lambda user: f"{user[0]}"
)
def test_nobody_removes_whom_their_role_does_not_reach(by: UserId, whom: UserId) -> None:
    if by == whom:
        assert person_in(after(gone(by, card(whom))), whom) is None  # oneself
        return
    with pytest.raises(RefusedError):
        after(gone(by, card(whom)))


def test_who_asks_to_go_is_let_go_by_anybody_and_the_last_owner_has_an_heir() -> None:
    state = after(gone(MEMBER, card(OWNER), asked=OWNER))
    assert [(one.user, one.role) for one in state.people] == [(ADMIN, GroupRole.OWNER), (MEMBER, GroupRole.MEMBER)]
    state = after(gone(MEMBER, card(ADMIN), asked=ADMIN), state)
    assert state.people == (person(MEMBER, GroupRole.OWNER),)
    with pytest.raises(RefusedError):
        after(gone(OWNER, card(STRANGER)))  # whose leaf nobody has


def test_roles_are_the_owners_to_give() -> None:
    promote = SharedChange(roles=((MEMBER, GroupRole.ADMIN),))
    state = after(Act(OWNER, change=promote))
    assert person_in(state, MEMBER) == person(MEMBER, GroupRole.ADMIN)
    for act in (
        Act(ADMIN, change=promote),
        Act(OWNER, change=SharedChange(roles=((STRANGER, GroupRole.ADMIN),))),
        Act(OWNER, change=SharedChange(roles=((OWNER, GroupRole.MEMBER),))),
        Act(STRANGER, True, OUTSIDE.cards, change=replace(OUTSIDE, roles=((STRANGER, GroupRole.OWNER),))),
    ):
        with pytest.raises(RefusedError):
            after(act)


@pytest.mark.parametrize(
    "change",
    [
        SharedChange(name="Mine"),
        SharedChange(avatar=b"x"),
        SharedChange(timer=1),
        SharedChange(history=HistoryRule()),
        SharedChange(join_key=b""),
    ],
)
def test_what_the_group_is_called_and_does_is_the_admins_matter(change: SharedChange) -> None:
    assert after(Act(ADMIN, change=change)) != STATE or change.history == STATE.history
    for act in (
        Act(MEMBER, change=change),
        Act(STRANGER, True, OUTSIDE.cards, change=replace(change, people=OUTSIDE.people, cards=OUTSIDE.cards)),
    ):
        with pytest.raises(RefusedError):
            after(act)


def test_the_link_lets_one_person_in_and_nobody_where_there_is_none() -> None:
    act = Act(STRANGER, True, OUTSIDE.cards, change=OUTSIDE)
    assert person_in(after(act), STRANGER) == person(STRANGER)
    with pytest.raises(RefusedError):
        after(act, replace(STATE, join_key=b""))
    with pytest.raises(RefusedError):
        after(replace(act, removed=(Removal(card(MEMBER), STRANGER),)))
    with pytest.raises(RefusedError):
        after(replace(act, added=(card(MEMBER, 3),), change=SharedChange(cards=(card(MEMBER, 3),))))


def test_a_device_that_comes_again_sheds_nothing() -> None:
    old, new = card(MEMBER), replace(card(MEMBER), key_package=b"another")
    act = Act(MEMBER, True, (new,), (Removal(old, MEMBER),), SharedChange(cards=(new,)))
    state = after(act, replace(STATE, join_key=b""))
    assert (new in state.cards, old in state.cards, state.room_key) == (True, False, STATE.room_key)

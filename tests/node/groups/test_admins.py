"""Who may say where a group is: the keys that count, the set that the hub is told, and what a proof has to show a member."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.node.groups.test_rules import ADMIN, GROUP, KEYS, MEMBER, OUTSIDE, OWNER, STATE, STRANGER, after, card, gone

from connexa.content import GroupRole, SharedChange, SharedState
from connexa.crypto import Ed25519Secret
from connexa.errors import ConnexaError
from connexa.identity import Address, Domain, GroupAdmins, UserId, issue_admins, sign_take_over
from connexa.node.groups.admins import admins_of, checked_record, hubs_wanted, next_set, places_of, signers_left
from connexa.node.groups.cards import device_of
from connexa.node.groups.rules import Act
from connexa.wire.v1.groups_pb2 import GroupTakeOver, KeyPackageProof, SignedAdmins, TakeOver
from connexa.wire.v1.keys_pb2 import Signed

A, B, C, D = (Domain(f"{name}.example") for name in "abcd")
HOMES = {OWNER: A, ADMIN: B, MEMBER: C}
SPREAD = replace(STATE, people=tuple(replace(one, address=Address.parse(f"p@{HOMES[one.user]}")) for one in STATE.people))
NEW_KEY = Ed25519Secret.from_seed(bytes([77]) * 32).public.raw


def shows(user: UserId, key: bytes = NEW_KEY, device: int = 1) -> Act:
    return Act(user, change=SharedChange(admin_key=key), device=device_of(card(user, device)))


def names(
    user: UserId, *hubs: Domain, keys: tuple[UserId, ...] = (OWNER, ADMIN), signer: UserId = OWNER, version: int = 4, group: bytes = GROUP
) -> SignedAdmins:
    return issue_admins(GroupAdmins(group, version, tuple(KEYS[one].public.raw for one in keys), hubs), KEYS[signer])


def test_the_keys_that_count_are_of_devices_of_people_with_a_role() -> None:
    state = after(Act(OWNER, added=(card(OWNER, 2),), change=SharedChange(cards=(card(OWNER, 2),))))
    state = after(shows(OWNER, device=2), state)
    assert [key for _, key in state.admin_keys] == [KEYS[OWNER].public.raw, KEYS[ADMIN].public.raw, NEW_KEY]  # as the cards
    demoted = after(Act(OWNER, change=SharedChange(roles=((ADMIN, GroupRole.MEMBER),))), state)
    assert [key for _, key in demoted.admin_keys] == [KEYS[OWNER].public.raw, NEW_KEY]
    assert [key for _, key in after(gone(OWNER, card(OWNER, 2)), state).admin_keys] == [KEYS[OWNER].public.raw, KEYS[ADMIN].public.raw]
    assert after(shows(ADMIN), state=after(gone(OWNER, card(MEMBER, 2)))).admin_keys[1] == (device_of(card(ADMIN)), NEW_KEY)


@pytest.mark.parametrize(
    "act",
    [
        shows(MEMBER),
        shows(ADMIN, KEYS[OWNER].public.raw),
        shows(OWNER, bytes(32)),
        Act(STRANGER, True, OUTSIDE.cards, change=replace(OUTSIDE, admin_key=NEW_KEY)),
        Act(MEMBER, change=SharedChange(admins=names(MEMBER))),
        Act(STRANGER, True, OUTSIDE.cards, change=replace(OUTSIDE, admins=names(OWNER))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, keys=(OWNER,)))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, keys=(ADMIN, OWNER)))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, keys=(OWNER, ADMIN, STRANGER)))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, D))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, B, version=5))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, B, signer=MEMBER))),
        Act(OWNER, change=SharedChange(admins=names(OWNER, B, group=bytes([1]) * 32))),
        Act(OWNER, change=SharedChange(admins=STATE.admins)),
        Act(ADMIN, change=SharedChange(moving=B)),
        Act(STRANGER, True, OUTSIDE.cards, change=replace(OUTSIDE, moving=B)),
    ],
)
def test_nobody_takes_a_say_that_is_not_theirs(act: Act) -> None:
    with pytest.raises(ConnexaError) as refused:
        after(act, SPREAD)
    assert refused.value.code in ("group.not_allowed", "group.bad_admins")


def test_an_owner_moves_the_group_to_a_fallback_until_that_is_none() -> None:
    state = after(Act(ADMIN, change=SharedChange(admins=names(ADMIN, B, C, signer=ADMIN))), SPREAD)
    assert admins_of(state).fallback_hubs == (B, C)
    assert after(Act(OWNER, change=SharedChange(moving=D)), state).moving == ""
    moving = after(Act(OWNER, change=SharedChange(moving=B)), state)
    assert (moving.moving, after(Act(ADMIN, change=SharedChange(name="On the way")), moving).moving) == (B, B)
    assert after(Act(OWNER, change=SharedChange(moving="")), moving).moving == ""
    assert after(Act(ADMIN, change=SharedChange(admins=names(ADMIN, A, C, version=5))), moving).moving == ""


def test_two_devices_have_two_places() -> None:
    for other in (replace(card(MEMBER, 3), token_hash=card(OWNER).token_hash), replace(card(MEMBER, 3), proof=alias_of_another())):
        with pytest.raises(ConnexaError) as refused:
            after(Act(MEMBER, added=(other,), change=SharedChange(cards=(other,))))
        assert refused.value.code == "group.not_allowed"
    assert len({place.SerializeToString() for place in places_of(SPREAD)}) == len(SPREAD.cards)


def alias_of_another() -> Signed:
    proof = KeyPackageProof.FromString(card(MEMBER, 3).proof.body)
    proof.alias = KeyPackageProof.FromString(card(OWNER).proof.body).alias
    return Signed(body=proof.SerializeToString())


def test_fallbacks_are_those_that_somebody_is_sure_of_and_two_admins_do_not_undo_each_other() -> None:
    def fallbacks(state: SharedState, *known: str) -> tuple[Domain, ...]:
        return hubs_wanted(state, A, lambda domain: domain in known)

    assert (fallbacks(SPREAD, B, C), fallbacks(SPREAD, A, C), fallbacks(SPREAD)) == ((B, C), (C,), ())
    for knowing in ((C,), (B,), (B, C), ()):
        key, state = KEYS[OWNER], SPREAD
        for known in (knowing, (C,), knowing, (B,), knowing, (C,)):
            signed = next_set(state, A, lambda domain, sure=known: domain in sure, key)  # type: ignore[misc]
            state = replace(state, admins=signed) if signed else state
        assert next_set(state, A, lambda domain: domain in (B, C), key) is None
        assert admins_of(state).fallback_hubs == (B, C)
    assert next_set(SPREAD, A, lambda _: True, KEYS[MEMBER]) is None  # who has no key in the set makes none
    assert (signers_left(SPREAD, A), signers_left(SPREAD, B), signers_left(SPREAD, D)) == (1, 1, 2)


def test_a_proof_is_of_enough_people_who_have_a_say_now() -> None:
    state = replace(SPREAD, admins=names(OWNER, B))
    body = TakeOver(group=GROUP, term=1, hub=B, old_hub=A, epoch=3, tag=bytes(32), state=bytes(32)).SerializeToString()

    def record(*signers: UserId) -> GroupTakeOver:
        return GroupTakeOver(body=body, signatures=[sign_take_over(body, KEYS[one], 0) for one in signers])

    assert len(checked_record(state, record(ADMIN, STRANGER)).signatures) == 1
    left = replace(state, admin_keys=state.admin_keys[:1])  # the admin has gone, and nobody has told the hub yet
    for bad, known in (
        (record(STRANGER), state),
        (record(), state),
        (record(ADMIN), left),
        (record(OWNER), replace(state, admins=names(OWNER))),
    ):
        with pytest.raises(ConnexaError) as refused:
            checked_record(known, bad)
        assert refused.value.code == "group.bad_take_over"
    assert checked_record(left, record(OWNER))

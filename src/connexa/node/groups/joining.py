"""Joining by a Welcome: whoever has added this device is checked, and everybody in the group, before the group is there."""

from __future__ import annotations

from dataclasses import replace

from connexa.content import SharedState, read_state, write_state
from connexa.crypto import sha256
from connexa.errors import ConnexaError, IntegrityError, RefusedError
from connexa.identity import read_admins
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackageBundle
from connexa.node.account import Account
from connexa.node.groups.acts import unknown_leaf
from connexa.node.groups.book import AUTHENTICATION, NO_PLACE, RULES, UNPROVED, Parts, add_group, all_groups, changed, group_named, group_of
from connexa.node.groups.cards import by_signature_key, check_card, device_of
from connexa.node.groups.choices import has_accepted
from connexa.node.groups.mending import check_roles
from connexa.node.groups.pool import load_bundle
from connexa.node.groups.rules import person_in
from connexa.node.groups.sealing import EPOCH_GIVES, next_room_key, open_extra
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, first
from connexa.node.people import person_by_user
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import KeptWelcome

__all__ = ["SHARED_STATE", "check_members", "take_welcome"]

SHARED_STATE = 0xF001  # GroupInfo extension of a Welcome: SharedState of its epoch


def take_welcome(execute: Execute, home: Home, account: Account, kept: KeptWelcome) -> bool:
    """Join; False where the Welcome is of no use, so that it need not be kept any longer."""
    row = first(execute, "SELECT bundle, alias, last_resort FROM key_package WHERE account = ? AND ref = ?", (account.id, kept.ref))
    if row is None or row[1] != kept.alias:
        return False
    execute("SAVEPOINT welcome")
    try:
        _join(execute, home, account, kept, load_bundle(row[0]))
    except ConnexaError as error:
        execute("ROLLBACK TO welcome")
        execute("RELEASE welcome")
        home.events.record(execute, str(account.address), "group.refused", home.clock(), code=error.code)
        return False
    execute("RELEASE welcome")
    if not row[2]:
        execute("DELETE FROM key_package WHERE account = ? AND ref = ?", (account.id, kept.ref))
    return True


def _join(execute: Execute, home: Home, account: Account, kept: KeptWelcome, bundle: KeyPackageBundle) -> None:
    now = home.clock()
    # Who cannot follow a group any more may be removed and brought in again without having read that.
    joined = [
        one.public for one in all_groups(execute, account.id) if one.is_live and not one.trouble and one.waits not in (NO_PLACE, UNPROVED)
    ]
    store = Parts(execute, account.id)
    group = Group.join(kept.welcome, bundle, auth=AUTHENTICATION, store=store, joined=joined, rules=RULES, now=int(now), rng=home.rng)
    raw = group.welcome_extensions.get(SHARED_STATE)
    if raw is None:
        raise IntegrityError("group.malformed", "A Welcome does not say what the group's members know.")
    shared = read_state(raw)
    if shared.room_key == EPOCH_GIVES:
        shared = replace(shared, room_key=next_room_key(group, group.group_id))
    extra = open_extra(bundle.init_sk.raw, group.group_id, kept.extra)
    if extra.hub != kept.hub:
        raise IntegrityError("group.malformed", "A Welcome names another hub than the one that handed it over.")
    check_members(group, shared, account)
    if sha256(extra.token) not in [card.token_hash for card in shared.cards if device_of(card) == account.device]:
        raise unknown_leaf()
    known = group_named(execute, account.id, group.group_id)
    if known is not None and known.is_live:
        check_roles(known.shared, shared)
    # On another device, or before a backup was restored; a device that brings its owner's others in may not have told them yet.
    accepted = has_accepted(execute, account.id, group.group_id) or _is_own_doing(group, shared, account)
    inviter = b"" if accepted else _inviter(execute, account, shared)
    accepted = accepted or not inviter
    state = GroupStanding.MEMBER if accepted else GroupStanding.INVITED
    number = add_group(execute, account.id, group.group_id, extra.hub, kept.alias, extra.token, state, now)
    execute(
        "UPDATE mls_group SET shared = ?, inviter = ?, term = ?, seq = ?, began = ? WHERE id = ?",
        (write_state(shared), inviter, extra.term, kept.seq, kept.seq, number),
    )
    execute("DELETE FROM group_wish WHERE mls_group = ? AND kind = 'join'", (number,))
    execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (number,))
    kind = "group.invited" if state is GroupStanding.INVITED else "group.new"
    home.events.record(execute, str(account.address), kind, now, conversation=group.group_id.hex())
    changed(execute, home, account, group_of(execute, number).public, state=state.value)


def _is_own_doing(group: Group, shared: SharedState, account: Account) -> bool:
    """Whether another own device, whose owner is in the group therefore, has brought this one in."""
    signer = group.member(group.welcome_signer) if group.welcome_signer is not None else None
    card = by_signature_key(shared.cards).get(signer.signature_key) if signer is not None else None
    return card is not None and card.user == account.user_id


def _inviter(execute: Execute, account: Account, shared: SharedState) -> bytes:
    """Who has invited this person: a contact; empty where they made the group or came by its link."""
    me = person_in(shared, account.user_id)
    by = me.by if me else b""
    if by and by != account.user_id:
        person = person_by_user(execute, account.id, by)
        if person is None or not person.answers:
            raise RefusedError("group.stranger", "Somebody who is no contact has invited this account to a group.")
    return by


def check_members(group: Group, shared: SharedState, account: Account) -> None:
    """Check that every leaf is somebody's and every card has its leaf, and that ours is among them."""
    people = {person.user: person for person in shared.people}
    read_admins(shared.admins, group.group_id)
    for card in shared.cards:
        if card.user not in people:
            raise unknown_leaf()
        check_card(card, people[card.user], 0)
    devices = {device_of(card) for card in shared.cards}
    if len(people) != len(shared.people) or len(devices) != len(shared.cards) or people.keys() != {card.user for card in shared.cards}:
        raise IntegrityError("group.malformed", "Somebody is in a group twice, or without a device.")
    leaves = {member.leaf: member.signature_key for member in group.members()}
    owners = by_signature_key(shared.cards)
    own = owners.get(leaves[group.own_leaf])
    if owners.keys() != set(leaves.values()) or len(leaves) != len(shared.cards) or own is None or own.user != account.user_id:
        raise unknown_leaf()

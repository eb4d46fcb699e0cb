"""From a commit to what it does in the words of people: whose leaves come and go, who has asked for it."""

from __future__ import annotations

from connexa.content import MemberCard, SharedChange, SharedState
from connexa.errors import IntegrityError
from connexa.identity import UserId
from connexa.mls.framing import MLSMessage, PrivateMessage, PublicMessage
from connexa.mls.group import Group
from connexa.mls.proposals import Add, Commit, ExternalInit, Remove
from connexa.mls.registry import SenderType
from connexa.mls.staged import StagedCommit
from connexa.node.groups.cards import by_signature_key, check_card, device_of
from connexa.node.groups.rules import Act, Removal, person_in
from connexa.node.groups.sealing import change_key, open_change, outside_key

__all__ = ["act_of", "check_act", "read_change_of", "unknown_leaf"]


def unknown_leaf() -> IntegrityError:
    """A leaf of which nobody has shown whose it is."""
    return IntegrityError("group.bad_card", "A device in the group does not prove whose it is.")


def read_change_of(message: bytes, group: Group, shared: SharedState) -> tuple[SharedChange, bytes]:
    """What a commit changes beside the tree, and the signature key of its maker where it comes from outside (else empty)."""
    body = MLSMessage.decode(message).body
    if isinstance(body, PrivateMessage):
        return open_change(change_key(group), group.group_id, body.authenticated_data), b""
    if not isinstance(body, PublicMessage) or body.content.sender.type is not SenderType.NEW_MEMBER_COMMIT:
        raise IntegrityError("group.malformed", "A commit of a member of this group would be private.")
    commit = body.content.body
    if not isinstance(commit, Commit) or commit.path is None:
        raise IntegrityError("group.malformed", "A commit from outside has no path.")
    change = open_change(outside_key(shared.room_key), group.group_id, body.content.authenticated_data)
    return change, commit.path.leaf_node.signature_key


def act_of(
    group: Group, staged: StagedCommit, shared: SharedState, change: SharedChange, outside: bytes = b"", offender: bytes = b""
) -> Act:
    """What a commit does; `group` is as it was before, `outside` the signature key of a committer who was no member.

    The `offender` made a commit that held for nobody, which counts as asking to go.
    """
    owners = by_signature_key(shared.cards)

    def owner(leaf: int) -> MemberCard:
        member = group.member(leaf)
        card = owners.get(member.signature_key) if member else None
        if card is None:
            raise unknown_leaf()
        return card

    from_outside = any(isinstance(one.proposal, ExternalInit) for one in staged.proposals)
    new = by_signature_key(change.cards)
    if from_outside and (len(change.cards) != 1 or outside not in new):
        raise unknown_leaf()
    maker = new[outside] if from_outside else owner(staged.sender)
    by = maker.user
    added: list[MemberCard] = [new[outside]] if from_outside else []
    removed: list[Removal] = []
    for one in staged.proposals:
        match one.proposal:
            case Add(package):
                card = new.get(package.leaf_node.signature_key)
                if card is None or card.key_package != package.encode():
                    raise unknown_leaf()
                added.append(card)
            case Remove(leaf):
                card, asked = owner(leaf), by if one.ref is None else owner(one.sender.index).user
                removed.append(Removal(card, UserId(offender if card.user == offender else asked)))
            case _:
                pass
    return Act(by, from_outside, tuple(added), tuple(removed), change, device_of(maker))


def check_act(act: Act, shared: SharedState) -> None:
    """Check what newcomers show: their devices' cards.

    No clock and no pin decides here: what one member refuses, all refuse. Whether somebody's domain speaks for them is shown beside them.
    """
    people = {person.user: person for person in act.change.people}
    for card in act.added:
        owner = people.get(card.user) or person_in(shared, card.user)
        if owner is None:
            raise unknown_leaf()
        check_card(card, owner, 0)

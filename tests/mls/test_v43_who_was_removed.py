"""V43 (RFC 9420 §12.4.2, §14): a removed member processes and sends nothing further, and its state is deleted."""

from __future__ import annotations

import pytest

from connexa.errors import NotFoundError
from connexa.mls import MLSError, RemovedFromGroup
from connexa.mls.events import Removed
from connexa.mls.group import Group
from tests.mls.kit import NOW, Room
from tests.mls.messages import every_kind
from tests.mls.walk import leaked

NAMES = ("alice", "bob", "carol", "dave")


@pytest.mark.parametrize("wire", ["public", "private"])
@pytest.mark.parametrize("by_reference", [False, True])
def test_nothing_further(wire, by_reference: bool) -> None:
    room = Room(*NAMES).warm()
    carol, leaf = room["carol"], room.leaf("carol")
    held = carol._state.epoch
    secrets = [getattr(held.secrets, name) for name in held.secrets.__slots__]
    secrets += [held.path.leaf_key.raw, *(key.raw for key in held.path.node_keys.values())]
    before = every_kind(room)
    if by_reference:
        room.deliver("bob", room["bob"].propose_remove(leaf, now=NOW, wire=wire))
    assert leaked(secrets, carol) and leaked(secrets, room.people["carol"].store.groups)
    what = {} if by_reference else {"remove": [leaf]}
    staged = room["alice"].commit(now=NOW, wire=wire, **what)
    event = carol.process(staged.commit, now=NOW)
    assert isinstance(event, Removed) and event.sender == room.leaf("alice")
    del held

    assert not carol.active
    assert not room.people["carol"].store.groups
    assert not leaked(secrets, carol, room.people["carol"].store.groups)
    acts = [
        lambda: carol.encrypt(b"still here"),
        lambda: carol.commit(now=NOW),
        lambda: carol.propose_update(now=NOW),
        lambda: carol.propose_remove(0, now=NOW),
        lambda: carol.group_info(),
        lambda: carol.export("label", b"", 32),
        lambda: carol.dump(),
        lambda: carol.members(),
        lambda: carol.resumption_psk(0),
        lambda: carol.epoch_authenticator,
        lambda: carol.merge(staged, now=NOW),
        *(lambda message=message: carol.process(message, now=NOW) for message in (*before.values(), staged.commit)),
        lambda: carol.decrypt(before["application"], now=NOW),
    ]
    for act in acts:
        with pytest.raises(RemovedFromGroup) as caught:
            act()
        assert caught.value.rule == "V43"
    person = room.people["carol"]
    with pytest.raises(NotFoundError):
        Group.open(b"room", auth=person.auth, store=person.store)


def test_who_was_removed_cannot_read_on_with_an_old_copy() -> None:
    """A device that keeps its state against the rules: what comes after its removal does not open."""
    room = Room(*NAMES).warm()
    copy = room.people["carol"].restarted(room["carol"])
    room.commit("alice", remove=[room.leaf("carol")])
    for message in (
        room["bob"].encrypt(b"among us"),
        room["bob"].propose_update(now=NOW),
        room["alice"].commit(update=True, now=NOW).commit,
    ):
        with pytest.raises(MLSError):
            copy.process(message, now=NOW)
    secret = room["bob"].export("label", b"", 32)
    assert secret not in {copy.export("label", b"", 32)}
    assert not leaked([secret], copy)


def test_others_do_not_hear_who_was_removed() -> None:
    room = Room(*NAMES).warm()
    copy = room.people["carol"].restarted(room["carol"])
    old = copy.encrypt(b"before the removal arrived")
    room.commit("alice", remove=[room.leaf("carol")])
    for message in (copy.propose_update(now=NOW), copy.commit(update=True, now=NOW).commit):
        for group in room.groups.values():
            with pytest.raises(MLSError):
                group.process(message, now=NOW)
    assert room["bob"].process(old, now=NOW).data == b"before the removal arrived"  # of the epoch in which she was a member


def test_a_resync_of_our_own_client_ends_the_old_state() -> None:
    room = Room(*NAMES).warm()
    _, staged = room.people["carol"].external_join(room["alice"].group_info(), resync_leaf=room.leaf("carol"))
    event = room["carol"].process(staged.commit, now=NOW)
    assert isinstance(event, Removed) and event.sender is None
    with pytest.raises(RemovedFromGroup):
        room["carol"].encrypt(b"still here")

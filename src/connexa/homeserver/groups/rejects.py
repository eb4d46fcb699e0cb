"""A commit that does not hold, in a group whose hub is blind: an admin's device puts another one in its place (groups §5.6).

Nothing is taken out of the log. The group goes on from the epoch of the new commit, whatever the void ones have said of epochs and places.
"""

from __future__ import annotations

from dataclasses import replace

from connexa.crypto import sha256
from connexa.homeserver.groups.ledger import GroupRow, Member, keep_places
from connexa.homeserver.groups.refusals import HubRefused, not_allowed
from connexa.identity import GroupAdmins, verify_reject
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupMode

__all__ = ["go_back"]


def go_back(execute: Execute, row: GroupRow, admins: GroupAdmins, bundle: GroupBundle, now: float) -> tuple[GroupRow, list[Member]]:
    """Make room for the commit of a bundle that rejects the newest one; the group as it was before that, and whose places go."""
    reject = verify_reject(bundle.reject, admins)
    if row.mode != GroupMode.GROUP_MODE_BLIND or bundle.adds or bundle.removes or bundle.HasField("own"):
        raise not_allowed("A commit that takes another's place changes no places beside those that its refusal names.")
    if reject.instead != sha256(bundle.commit):
        raise not_allowed("The refusal of a commit is for another one in its place.")
    if reject.seq != row.began:
        raise HubRefused("group.wrong_epoch", "Another commit came meanwhile.", retryable=True, epoch=row.epoch)
    gone = keep_places(execute, row.id, reject.places, row.seq + 1, now)
    execute("UPDATE mls_group SET epoch = ? WHERE id = ?", (bundle.epoch, row.id))
    return replace(row, epoch=bundle.epoch), gone

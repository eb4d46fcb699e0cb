"""What stands beside an epoch at the hub, as a device reads it that comes from outside: whose word it takes for what the group is now.

A room key that the device knows itself, from a link or from when it was in, is word enough. Where somebody has been removed since, there is
another one, which lies there sealed to each device that is in; anybody could have sealed that.
"""

from __future__ import annotations

from connexa.content import RoomRecord
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import read_take_over
from connexa.mls.framing import MLSMessage
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.welcome import GroupInfo
from connexa.node.account import Account
from connexa.node.groups.book import GroupRow, open_group
from connexa.node.groups.cards import by_signature_key, device_of
from connexa.node.groups.moving import VOID
from connexa.node.groups.pool import SUITE
from connexa.node.groups.sealing import open_record, record_keys
from connexa.node.home import Home, Query
from connexa.wire.v1.groups_pb2 import GroupTakeOver

__all__ = ["believed_record", "leaves_beside"]


def believed_record(query: Query, home: Home, account: Account, row: GroupRow, sealed: bytes, room_keys: list[bytes]) -> RoomRecord:
    """The record, opened by one of these room keys or by the one that lies there for this device; `seal.broken`, `group.bad_record`."""
    refused: ConnexaError = IntegrityError("seal.broken", "What stands beside the epoch does not open.")
    for key in room_keys:
        try:
            return open_record(key, row.public, sealed)
        except ConnexaError as error:
            refused = error
    for key in record_keys(account.dik, row.alias, row.public, sealed) if row.is_live else ():
        record = open_record(key, row.public, sealed)
        _check_signer(query, home, row, record)
        return record
    raise refused


def _check_signer(query: Query, home: Home, row: GroupRow, record: RoomRecord) -> None:
    """Believe a device alone that was in the group with this one, of an epoch that is not before the one that is known here.

    Whoever was gone by then can sign only as nobody of that epoch, and hand on only what is older.
    """
    void = row.trouble == VOID
    known_epoch = read_take_over(GroupTakeOver.FromString(row.took)).epoch if void else open_group(query, home, row).epoch
    known = {(card.user, device_of(card)) for card in row.shared.cards}
    info = _group_info(record)
    signer = by_signature_key(record.state.cards).get(leaves_beside(record).get(info.signer, b""))
    if signer is None or (signer.user, device_of(signer)) not in known or info.group_context.epoch < known_epoch:
        raise IntegrityError("group.bad_record", "What stands beside the epoch was not signed by anybody whom this device knows there.")


def leaves_beside(record: RoomRecord) -> dict[int, bytes]:
    """The leaves of the tree beside an epoch, and the keys that they sign with."""
    encoded = _group_info(record).extensions.ratchet_tree
    if encoded is None:
        raise IntegrityError("group.malformed", "What stands beside the epoch has no tree.")
    return {leaf: node.signature_key for leaf, node in RatchetTree.decode(SUITE, encoded).members()}


def _group_info(record: RoomRecord) -> GroupInfo:
    body = MLSMessage.decode(record.group_info).body
    if not isinstance(body, GroupInfo):
        raise IntegrityError("group.malformed", "What stands beside the epoch does not tell of one.")
    return body

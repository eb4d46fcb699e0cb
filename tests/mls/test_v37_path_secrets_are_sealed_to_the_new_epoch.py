"""V37 (RFC 9420 §12.4.2): path secrets are sealed under the provisional context: new epoch, new tree, new extensions, old transcript."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import CryptoError
from connexa.mls.extensions import Extensions
from connexa.mls.key_schedule import GroupContext
from connexa.mls.proposals import GroupContextExtensions
from tests.mls.hostile import Hostile, Path
from tests.mls.kit import NOW, Room, refused

ROOM = Room("alice", "bob", "carol", "dave").warm()
BOB = Hostile(ROOM, "bob")
WRONG = {
    "the old epoch": lambda context: replace(context, epoch=context.epoch - 1),
    "the old tree": lambda context: replace(context, tree_hash=BOB.context.tree_hash),
    "another group": lambda context: replace(context, group_id=b"other"),
    "another suite": lambda context: replace(context, cipher_suite=3),
    "another transcript": lambda context: replace(context, confirmed_transcript_hash=bytes(32)),
    "no context": lambda context: GroupContext(0, b"", 0, b"", b"", Extensions()),
    "other extensions": lambda context: replace(context, extensions=Extensions().with_external_senders([])),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("private", [False, True])
def test_sealed_under_another_context(wrong: str, private: bool) -> None:
    message = BOB.commit(path=Path(context=WRONG[wrong]), private=private)
    for name in ("alice", "carol", "dave"):
        with refused(ROOM[name], rule="V45", error=CryptoError):
            ROOM[name].process(message, now=NOW)


def test_new_extensions_are_in_it() -> None:
    extensions = Extensions().with_external_senders([])
    proposal = GroupContextExtensions(extensions)
    honest = BOB.commit(proposal, extensions=extensions)
    old = BOB.commit(
        proposal, extensions=extensions, path=Path(context=lambda context: replace(context, extensions=BOB.context.extensions))
    )
    for name in ("alice", "carol"):
        ROOM[name].process(honest, now=NOW)
        with refused(ROOM[name], rule="V45", error=CryptoError):
            ROOM[name].process(old, now=NOW)

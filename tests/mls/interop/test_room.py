"""The room itself, with two implementations that know nothing of ours: what fails here is the harness, or they."""

from __future__ import annotations

from functools import partial

import pytest

from .conftest import Maker
from .member import GROUP_ID, Room
from .typescript import Script, TypeScript


@pytest.mark.parametrize("peer", ["mls-rs"], indirect=True)
@pytest.mark.parametrize("rust_first", [True, False])
def test_the_others_agree_with_each_other(peer: Maker, typescript: TypeScript, rust_first: bool) -> None:
    script = partial(Script, typescript, suite=1)
    one, other = (peer, script) if rust_first else (script, peer)
    alice, bob, carol = one("alice"), other("bob"), one("carol")
    alice.create(GROUP_ID)
    room = Room([alice])
    room.commit(alice, [bob])
    room.commit(bob, [carol])
    room.talk()
    room.commit(carol)
    room.commit(bob, remove=[carol])
    room.talk()

"""What the node's groups let their members do to each other, whatever the library could."""

from __future__ import annotations

from typing import Any

import pytest
from tests.mls.people import NOW, Person, agree, deliver, package, party

from connexa.mls import NO_EXTENSIONS, CipherSuite, Extensions, ReInit, ValidationError
from connexa.node.groups.book import RULES

ENDING = ReInit(b"another group", CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, NO_EXTENSIONS)
NOT_THEIRS: dict[str, dict[str, Any]] = {
    "to end the group": {"reinit": ENDING},
    "to change what it is made of": {"extensions": Extensions().with_external_senders(())},
    "to bind it to a key": {"psk": [b"shared"]},
}


@pytest.mark.parametrize("what", NOT_THEIRS)
def test_no_member_has_it_in_hand(what: str) -> None:
    alice, bob, mallory = party("alice", "bob", "mallory")
    for one in (alice, bob, mallory):
        one.store.psks[b"shared"] = b"k" * 32
    for one in (alice, bob):
        one.group._rules = RULES
    before = alice.group.dump()
    with pytest.raises(ValidationError) as refused:
        alice.group.process(mallory.group.commit(**NOT_THEIRS[what], now=NOW).commit, now=NOW)
    assert refused.value.code == "mls.policy" and alice.group.dump() == before


def test_members_come_and_go() -> None:
    alice, bob, _ = party("alice", "bob", "carol", rules=RULES)
    dave, erin = Person("dave", rules=RULES), Person("erin", rules=RULES)
    bundle = dave.bundle()
    staged = alice.group.commit(add=[package(bundle)], remove=[2], force_path=True, now=NOW)
    deliver(alice, staged, (bob,))
    dave.join(staged.welcome, bundle)
    deliver(erin, erin.external_join(alice.group.group_info()), (alice, bob, dave))
    agree(alice, bob, dave, erin)

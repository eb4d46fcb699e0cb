"""P19: sealed sender. The certificate's signer is the pinned domain key, it had not expired when its homeserver accepted the envelope, and
it names who the session and its associated data name; foreign-domain, self-signed and expired certificates change nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.content import ContactState, Text
from connexa.crypto import Ed25519Secret
from connexa.pairwise import Reason, Reject, SessionSet, open_sealed, seal, verify_sender, week_of
from connexa.testing import FakeClock
from connexa.wire.v1.keys_pb2 import Signed
from tests.node.correspondents import Device as Node
from tests.node.correspondents import befriend
from tests.pairwise.world import NOW, Device, acquainted

ALICE, BOB, CAROL = Device.make("a", 1), Device.make("b", 2), Device.make("c", 3)
KEY = BOB.bundle().seal_key
WEEK = week_of(NOW)
MESSAGE = bytes(range(256)) * 2 + bytes(29) + b"\x80"
DAY = 86_400


def test_p19_the_sender_is_who_its_domain_says() -> None:
    sender, _, _ = BOB.unseal_from(ALICE, ALICE.seal_to(BOB, b"", MESSAGE))
    assert sender == ALICE.sender


def _refused(certificate: Signed, keys: list[Ed25519Secret], at: int = NOW) -> bool:
    unsealed = open_sealed(BOB.sek[1], BOB.id, WEEK, seal(KEY, certificate, b"", MESSAGE))
    try:
        verify_sender(unsealed, [key.public for key in keys], at)
    except Reject as refusal:
        return refusal.reason is Reason.IDENTITY
    return False


def test_p19_foreign_self_signed_and_expired_certificates_are_refused() -> None:
    good = ALICE.sender_certificate()
    assert not _refused(good, [ALICE.domain_key])
    assert not _refused(good, [CAROL.domain_key, ALICE.domain_key])  # while keys rotate there are two
    assert _refused(good, [CAROL.domain_key])
    assert _refused(good, [])
    himself = replace(ALICE, domain_key=ALICE.dsk)
    assert _refused(himself.sender_certificate(), [ALICE.domain_key])
    assert not _refused(good, [ALICE.domain_key], NOW + DAY)  # accepted at the last moment, however late it is opened
    assert _refused(good, [ALICE.domain_key], NOW + DAY + 1)


def test_p19_the_certificate_must_be_the_sessions() -> None:
    alice, bob = acquainted()
    _, message = alice.send(b"x")
    for sender in (CAROL.sender, replace(alice.device.sender, device=CAROL.id), replace(alice.device.sender, keys=bytes(32))):
        with pytest.raises(Reject) as refused:
            bob.sessions.receive(sender, message, NOW)
        assert refused.value.reason is Reason.IDENTITY
    assert isinstance(bob.sessions.receive(alice.device.sender, message, NOW).sessions, SessionSet)


async def test_p19_no_certificate_but_the_own_one_brings_a_message_in(pair: tuple[Node, Node], clock: FakeClock) -> None:
    """The whole inbox: each of these stands around a good message of a good session, and none of them leaves a trace of it."""
    alice, bob = pair
    await befriend(alice, bob)
    mallory = Ed25519Secret.from_seed(bytes(range(32)))
    certificates = [
        alice.sender_certificate(key=mallory),  # signed by nobody whom Bob knows
        alice.sender_certificate(key=bob.domain_key),  # by Bob's own domain, in the name of hers
        alice.sender_certificate(key=bob.domain_key, domain="b.example"),  # by Bob's domain in its own name: she is not there
        alice.sender_certificate(key=alice.account.dsk),  # by herself
        alice.sender_certificate(life=-1),  # over when it was accepted
        bob.sender_certificate(),  # good, and somebody else's
    ]
    for sender in certificates:
        envelope = await alice.write([bob], Text("in whose name?"), sender=sender, counter=1)
        await bob.take(bob.pushed(envelope))
        assert bob.texts() == []
    envelope = await alice.write([bob], Text("in mine"), counter=1)
    await bob.take(bob.pushed(envelope))
    assert bob.texts() == ["in mine"]
    assert bob.state_of(alice) == ContactState.ACCEPTED.value


async def test_p19_what_waited_between_servers_still_opens(pair: tuple[Node, Node], clock: FakeClock) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    envelope, accepted = await alice.write([bob], Text("a slow way"), counter=1), clock()
    clock.advance(6 * DAY)
    await bob.take(bob.pushed(envelope, accepted_at=accepted + DAY + 60))  # it says it was accepted after its certificate had ended
    assert bob.texts() == []
    envelope = await alice.write([bob], Text("a slow way"), counter=1)
    await bob.take(bob.pushed(envelope, accepted_at=clock()))
    assert bob.texts() == ["a slow way"]

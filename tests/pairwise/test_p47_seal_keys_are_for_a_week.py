"""P47: a sealed-sender key is signed for one UTC week and the sender uses that week's only, so nobody is tagged by a key of their own;
eight are uploaded ahead; a device that is away for longer is no target until it is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.crypto import Kind
from connexa.errors import IntegrityError
from connexa.identity.statement import seal_statement
from connexa.pairwise import SEAL_KEY_WEEKS, make_seal_key, read_prekey, verify_seal_key, week_of
from connexa.testing import World
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.keys_pb2 import Prekey, Signed
from connexa.wire.v1.link_pb2 import Right, Status
from tests.homeserver.test_directory import claim, look, with_token
from tests.homeserver.village import village
from tests.pairwise.world import NOW, Device

BOB = Device.make("b", 2)


def _forge(kind: Kind, signed: Signed, **changes: object) -> Signed:
    """The same prekey with other fields, signed by the same device."""
    message = Prekey.FromString(signed.body)
    for name, value in changes.items():
        setattr(message, name, value)
    return seal_statement(kind, message, BOB.dsk)


def test_p47_a_seal_key_is_for_its_week() -> None:
    week = week_of(NOW)
    assert verify_seal_key(BOB.sek[0], BOB.certificate, NOW).id == week
    for other in (week - 1, week + 1, week + 7):
        signed, _ = make_seal_key(BOB.owner, other, BOB.rng)
        with pytest.raises(IntegrityError):
            verify_seal_key(signed, BOB.certificate, NOW)
    ahead, _ = make_seal_key(BOB.owner, week + 7, BOB.rng)
    assert read_prekey(Kind.SEK, ahead, BOB.certificate, NOW).id == week + 7  # a homeserver takes it now


@pytest.mark.parametrize("changes", [{"id": 5}, {"starts": 0}, {"expires": NOW + 10 * WEEK_SECONDS}])
def test_p47_nobody_is_tagged_by_a_key_of_their_own(changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        verify_seal_key(_forge(Kind.SEK, BOB.sek[0], **changes), BOB.certificate, NOW)


async def test_p47_a_device_that_was_away_for_too_long_is_no_target(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        v.clock.advance(2 * WEEK_SECONDS)  # its sealed-sender keys were for two weeks
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        reply = await client.call(claim=with_token(v, claim(v, Right(), user=bob.user.id), bob))
        assert (reply.status, len(reply.bundles)) == (Status.STATUS_ACCEPTED, 0)
        assert len((await client.call(lookup=with_token(v, look(v, Right(), user=bob.user.id), bob))).seks) == 0
        assert v.house.database.first("SELECT count(*) FROM prekey WHERE type = 'otp'") == (6,)  # and nothing was spent


async def test_p47_eight_weeks_are_ahead_and_mail_waits_for_a_device_that_is_away_for_longer(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,), (bob,) = await world.person("alice@a.example"), await world.person("bob@b.example")
        house = world.houses["b.example"].server
        weeks = [row[0] for row in house.database.read("SELECT id FROM prekey WHERE type = 'sek' ORDER BY id")]
        this = week_of(world.clock())
        assert weeks == list(range(this, this + SEAL_KEY_WEEKS + 1))
        await bob.stop()
        await house.writer.run(lambda execute: execute("DELETE FROM prekey WHERE type = 'sek'"))  # as if the eight weeks were over
        sent = await alice.node.send("", "bob@b.example", "when you are back")
        reason = await alice.until(lambda: alice.node.message("", sent.id).message.reason or None, what="the word that it waits")
        assert (reason, alice.node.message("", sent.id).message.state) == ("devices.away", "queued")

"""An admin's device puts a commit in the place of one that does not hold; a blind hub takes that from the admins' keys alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import Ed25519Secret, sha256
from connexa.errors import IntegrityError
from connexa.identity import CommitReject, GroupAdmins, issue_reject, verify_reject
from connexa.testing import SeededRandom
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupReply

from .kit import B, Band, C, region


def code(reply: GroupReply) -> str:
    return reply.refused.code if reply.WhichOneof("reply") == "refused" else reply.WhichOneof("reply") or ""


def rejecting(band: Band, seq: int, *, epoch: int, key: Ed25519Secret | None = None, **changes: Any) -> GroupBundle:
    """A commit of this epoch in the place of entry `seq`, after which those whom the band knows are in it."""
    band.epoch, now = epoch, band.epoch
    bundle = band.bundle()
    band.epoch = now
    places = tuple(seat.alias for seat in band.seats)
    values: dict[str, Any] = {"group": band.id, "seq": seq, "instead": sha256(bundle.commit), "places": places} | changes
    bundle.reject.CopyFrom(issue_reject(CommitReject(**values), key or band.admins[0]))
    return bundle


async def band_of_three(world: Any, *, admins: int = 2) -> Band:
    band = await Band.found(world, admins=admins)
    await band.commit(add=[band.seat(B), band.seat(C)])
    return band


async def test_the_group_goes_on_from_the_epoch_that_holds_and_with_the_places_that_were_taken(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await band_of_three(world)
        founder, victim, rogue = band.seats
        bad = (await band.ask(rogue, commit=band.bundle(remove=[founder, victim]))).stored
        assert code(await band.ask(victim, send=band.words())) == "group.unknown"
        band.seats.remove(rogue)
        assert code(await band.ask(founder, commit=rejecting(band, bad.seq, epoch=band.epoch))) == "stored"
        band.epoch += 1
        assert code(await band.ask(victim, send=band.words())) == "stored"
        assert code(await band.ask(rogue, send=band.words())) == "group.unknown"
        assert [entry.epoch for entry in (await band.log(victim)).entries if entry.kind == 3] == [0, 1, 1]


async def test_of_two_that_are_put_in_one_place_one_wins(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await band_of_three(world)
        bad = (await band.ask(band.seats[2], commit=band.bundle())).stored
        first, second = (rejecting(band, bad.seq, epoch=band.epoch, key=key) for key in band.admins)
        assert code(await band.ask(band.seats[0], commit=first)) == "stored"
        assert code(await band.ask(band.seats[1], commit=second)) == "group.wrong_epoch"
        assert code(await band.ask(band.seats[0], commit=first)) == "stored"  # the answer was lost


async def test_what_a_hub_does_not_take(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await band_of_three(world)
        bad = (await band.ask(band.seats[2], commit=band.bundle())).stored
        here: dict[str, Any] = {"seq": bad.seq, "epoch": band.epoch}
        adding = rejecting(band, **here)
        adding.removes.append(band.seats[2].alias)
        for bundle, refusal in (
            (rejecting(band, **here, key=Ed25519Secret.generate(band.rng)), "group.bad_reject"),
            (rejecting(band, **here, instead=band.rng(32)), "group.not_allowed"),
            (rejecting(band, **here, group=band.rng(32)), "group.bad_reject"),
            (rejecting(band, **here, places=()), "group.bad_reject"),
            (rejecting(band, seq=1, epoch=band.epoch), "group.wrong_epoch"),
            (adding, "group.not_allowed"),
        ):
            assert code(await band.ask(band.seats[0], commit=bundle)) == refusal
        assert code(await band.ask(band.seat(B), commit=rejecting(band, **here))) == "group.unknown"  # a key is no place
        assert (await band.info()).epoch == bad.epoch


def test_a_rejection_is_read_only_as_it_was_signed() -> None:
    rng = SeededRandom("reject")
    key, group = Ed25519Secret.generate(rng), rng(32)
    admins = GroupAdmins(group, 1, (key.public.raw,), ())
    reject = CommitReject(group, 7, rng(32), (rng(32),))
    signed = issue_reject(reject, key)
    assert verify_reject(signed, admins) == reject
    signed.body = signed.body + b"\x18\x01"
    with pytest.raises(IntegrityError):
        verify_reject(signed, admins)
    for broken in (b"short", rng(33)):
        with pytest.raises(IntegrityError):
            verify_reject(issue_reject(CommitReject(group, 7, rng(32), (broken,)), key), admins)

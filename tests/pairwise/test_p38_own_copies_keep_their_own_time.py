"""P38: copies for own devices leave on their own clock, several together, in units of 4 KiB, and no send causes one: their time and size
would tell who has sent. The mean is 2 s, and a minute where privacy is strict."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.content import OWN_COPY_UNIT, OwnCopies, OwnCopy, batch_own_copies, decode
from connexa.identity import Address, UserId
from connexa.node.own_mail import _exponential
from connexa.node.settings import PrivacySettings
from connexa.pairwise import seal_body
from connexa.wire.v1.message_pb2 import Envelope
from tests.pairwise.tap import Tap

BOB = Address.parse("bob@b.example")
MOST = 14_336


@given(sizes=st.lists(st.integers(1, MOST), max_size=20))
def test_p38_own_copies_leave_in_units_of_4_kib(sizes: list[int]) -> None:
    sent = [OwnCopy(UserId(bytes(32)), BOB, bytes(size), n.to_bytes(16, "big"), n) for n, size in enumerate(sizes)]
    read: list[OwnCopy] = []
    for raw in batch_own_copies(sent, 7):
        body = decode(raw).body
        assert isinstance(body, OwnCopies)
        read += body.copies
        assert (len(seal_body(raw, lambda n: bytes(n), OWN_COPY_UNIT).ciphertext) - 16) % OWN_COPY_UNIT == 0
        assert len(raw) < OWN_COPY_UNIT or len(body.copies) == 1
    assert read == sent


async def test_p38_no_send_causes_a_copy_and_many_go_in_one(two_people: Path, tmp_path: Path) -> None:
    post = await Tap.open(two_people, tmp_path, seed=38)
    try:
        await post.settle()
        post.raws.clear()
        alice, phone, bob = post.devices[0], post.devices[1], post.devices[3]
        for number in range(7):
            await alice.say(bob.address, f"word {number}" + "x" * 100 * number)
            await alice.send_out()
        assert [envelope.WhichOneof("right") for envelope in post.envelopes] == ["token"] * 7
        assert post.mail[phone.id] == []
        await alice.work()  # the clock of the copies has come round
        own = [envelope for envelope in post.envelopes if envelope.WhichOneof("right") == "own"]
        assert len(own) == 1
        assert len(own[0].body) - 16 == OWN_COPY_UNIT
        assert not _shared(own[0], [envelope for envelope in post.envelopes if envelope is not own[0] and envelope.token])
        await post.settle()
        assert {entry.text[:6] for entry in phone.entries()} >= {f"word {number}" for number in range(7)}
    finally:
        post.close()


def _shared(own: Envelope, others: list[Envelope]) -> bool:
    """A body or an id in common would join the logged-in link to the sealed one (pairwise §5)."""
    return any(own.id == other.id or own.body == other.body for other in others)


def test_p38_waits_are_exponential_with_that_mean() -> None:
    places = 10_000
    waits = [_exponential((place + 0.5) / places, 60.0) for place in range(places)]
    assert sum(waits) / places == pytest.approx(60.0, rel=0.03)  # cut at four means
    assert max(waits) == 240.0
    assert min(waits) < 0.1
    assert sum(1 for wait in waits if wait < 60.0 * 0.693147) / places == pytest.approx(0.5, abs=0.01)  # the median of that distribution


def test_p38_the_mean_is_two_seconds_and_a_minute_where_privacy_is_strict() -> None:
    assert PrivacySettings().copies_mean == 2.0
    assert PrivacySettings(strict=True).copies_mean == 60.0
    assert PrivacySettings(strict=True, own_copies_mean=300.0).copies_mean == 300.0

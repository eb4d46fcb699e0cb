"""A short fuzz run with the tests, the million frames with the slow ones, and that the runner itself can find something."""

from __future__ import annotations

from random import Random

import pytest

from connexa.errors import UsageError
from connexa.mls.framing import MLSMessage
from connexa.mls.registry import WireFormat
from connexa.wire.v1 import federation_pb2, keys_pb2, link_pb2, message_pb2

from .__main__ import main
from .mutation import MOST, mutate
from .runner import Outcome, run
from .target import Target, all_targets

CODES = frozenset({"frame.malformed"})


def fuzz(target: Target, frames: int = 300) -> Outcome:
    return run([target], frames=frames, seconds=60, seed=3, progress=lambda _: None)


def test_every_message_of_the_wire_is_a_target() -> None:
    names = {target.name for target in all_targets()}
    for file in (federation_pb2, keys_pb2, link_pb2, message_pb2):
        assert {f"wire.{name}" for name in file.DESCRIPTOR.message_types_by_name} <= names


def test_every_kind_of_message_of_groups_is_a_seed() -> None:
    (target,) = [target for target in all_targets() if target.name == "mls.message"]
    assert {MLSMessage.decode(seed).wire_format for seed in target.seeds} == set(WireFormat)


def test_every_seed_is_read_without_a_refusal() -> None:
    for target in all_targets():
        assert target.seeds
        for seed in target.seeds:
            target.read(seed)


def test_a_hundred_frames_for_each_parser() -> None:
    assert main(["--frames", str(100 * len(all_targets())), "--seed", "7"]) == 0


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_million_mutated_frames_find_only_documented_refusals() -> None:
    assert main(["--frames", "1000000"]) == 0


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_million_mutated_messages_of_groups_find_only_documented_refusals() -> None:
    assert main(["--target", "mls.*", "--frames", "1000000", "--seed", "9420"]) == 0


def test_an_exception_of_another_kind_is_a_surprise() -> None:
    outcome = fuzz(Target("bad", (b"abc",), lambda raw: raw.decode("ascii"), CODES))
    assert "UnicodeDecodeError" in outcome.surprises["bad"].trace
    assert outcome.frames == 300
    assert outcome.accepted > 0


def test_an_undocumented_code_is_a_surprise() -> None:
    def read(raw: bytes) -> None:
        raise UsageError("something.else", "no")

    assert "something.else" in fuzz(Target("bad", (b"abc",), read, CODES)).surprises["bad"].trace


def test_refusals_and_acceptances_are_counted() -> None:
    def read(raw: bytes) -> None:
        if raw[:1] != b"a":
            raise UsageError("frame.malformed", "no")

    outcome = fuzz(Target("good", (b"abc",), read, CODES))
    assert outcome.surprises == {}
    assert outcome.accepted > 0
    assert outcome.refused > 0
    assert outcome.accepted + outcome.refused == 300


def test_the_same_seed_makes_the_same_frames() -> None:
    seeds = (bytes(100), b"honest")
    first, again, other = ([mutate(random, seeds) for _ in range(200)] for random in (Random(1), Random(1), Random(2)))
    assert first == again != other
    assert max(map(len, first)) <= MOST

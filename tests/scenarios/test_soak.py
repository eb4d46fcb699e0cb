"""The soak: messages between two people with three devices each over a post that loses, doubles and reorders, with restarts in between.

`SOAK_SEED` repeats a run, `SOAK_MESSAGES` makes it longer (`make soak`: a hundred thousand); the figures and the seed are printed (`-s`
shows them).
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from connexa.node.link_frames import PushedItem
from connexa.testing import Ledger, Post, PostDevice

LOSS = DOUBLES = 0.05
RESTART_EVERY = 500
PUSHED_EVERY = 4  # messages between two rounds of pushes
TENDED_EVERY = 20  # messages between two rounds of receipts, copies and requests
TENDED_SECONDS = 3.0


@pytest.mark.timeout(600)
async def test_a_thousand_messages_over_a_bad_post(two_people: Path, tmp_path: Path) -> None:
    await soak(two_people, tmp_path, 1_000)


@pytest.mark.slow
@pytest.mark.timeout(7_200)
async def test_many_thousand_messages_over_a_bad_post(two_people: Path, tmp_path: Path) -> None:
    await soak(two_people, tmp_path, int(os.environ.get("SOAK_MESSAGES") or 20_000))


async def soak(founded: Path, folder: Path, messages: int) -> None:
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
    began, post, weather, ledger = time.perf_counter(), await Post.open(founded, folder, seed=seed), Weather(seed), Ledger()
    await post.settle()
    first = {device.name: [entry.message for entry in device.entries()] for device in post.devices}
    accepted = post.accepted
    for number in range(1, messages + 1):
        device = weather.choose(post.devices)
        await ledger.say(device, other(device), f"message {number}")
        await device.send_out()
        if number % PUSHED_EVERY == 0:
            for one in post.devices:
                await one.take(weather.over(post.collect(one)))
        if number % TENDED_EVERY == 0:
            post.clock.advance(TENDED_SECONDS)
            for one in post.devices:
                await one.work()
        if number % RESTART_EVERY == 0:
            weather.choose(post.devices).restart()
        if number % 10_000 == 0:
            print(f"\n  {number} messages after {time.perf_counter() - began:.0f} s", end="", flush=True)
    await post.settle(lambda: all(ledger.figures(device, first[device.name]).sound for device in post.devices))
    seconds = time.perf_counter() - began
    figures = {device.name: ledger.figures(device, first[device.name]) for device in post.devices}
    print(
        f"\nSOAK_SEED={seed} messages={messages} devices={len(post.devices)} envelopes={post.accepted - accepted}"
        f" copies={weather.copies} lost={weather.lost} doubled={weather.doubled} restarts={messages // RESTART_EVERY}"
        f" seconds={seconds:.0f} ({seconds / messages * 1000:.2f} ms a message)"
    )
    for name, found in figures.items():
        print(f"  {name}: {found}")
    post.close()
    assert weather.lost and weather.doubled
    assert all(found.sound for found in figures.values()), f"SOAK_SEED={seed}"


def other(device: PostDevice) -> str:
    """Whom a device talks to."""
    return "bob@a.example" if device.address == "alice@a.example" else "alice@a.example"


class Weather:
    """What the post does to pushes on their way, as the seed has it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.copies = self.lost = self.doubled = 0

    def choose(self, devices: list[PostDevice]) -> PostDevice:
        return self._random.choice(devices)

    def over(self, items: list[PushedItem]) -> list[PushedItem]:
        """Lose some, double some, and mix them."""
        there: list[PushedItem] = []
        for item in items:
            self.copies += 1
            if self._random.random() < LOSS:
                self.lost += 1
                continue
            there.append(item)
            if self._random.random() < DOUBLES:
                self.doubled += 1
                there.append(item)
        self._random.shuffle(there)
        return there

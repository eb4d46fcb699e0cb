"""Two people with three devices each and a post that does what it likes, as a state machine over whole nodes.

Every device is the node's code on its own encrypted file. Envelopes are lost, doubled, mixed and delayed for each device alone; programs
are killed at a commit, with it or without it, and started again; older copies of a file are put back; time passes.
When the post is honest again, every device in use shows exactly what was said, once, in each speaker's order, and nobody had to help;
only the order of a device that was put back is its own.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from connexa.node.link_frames import PushedItem
from connexa.testing import Figures, Killed, Ledger, Post, PostDevice

DEVICES = st.integers(0, 5)
PLACES = st.integers(0, 31)
ALICE, BOB = "alice@a.example", "bob@a.example"


class TwoPeople(RuleBasedStateMachine):
    """`founded` is where the stores lie that each example begins with a copy of."""

    founded: Path

    @initialize(seed=st.integers(0, 1 << 16))
    def begin(self, seed: int) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(prefix="cx-", dir="/tmp", ignore_cleanup_errors=True)
        self.post = self.runner.run(Post.open(self.founded, Path(self.folder.name), seed=seed))
        self.ledger = Ledger()
        self.runner.run(self.post.settle())
        self.before = {device.id: [entry.message for entry in device.entries()] for device in self.post.devices}
        self.copies: dict[bytes, Path] = {}
        self.put_back: set[bytes] = set()

    @rule(who=DEVICES, count=st.integers(1, 3), sent=st.booleans())
    def say(self, who: int, count: int, sent: bool) -> None:
        device = self._device(who)
        for _ in range(count):
            self.runner.run(self.ledger.say(device, BOB if device.address == ALICE else ALICE, f"text {len(self.ledger.said)}"))
        if sent:
            self.runner.run(device.send_out())

    @rule(who=DEVICES, places=st.lists(st.tuples(PLACES, st.booleans()), min_size=1, max_size=6))
    def push(self, who: int, places: list[tuple[int, bool]]) -> None:
        """Some of what lies there for a device, in any order; what is to come again stays."""
        device, mail = self._device(who), self._mail(who)
        for place, again in places:
            if mail:
                number = place % len(mail)
                self.runner.run(device.take([mail[number] if again else mail.pop(number)]))

    @rule(who=DEVICES, places=st.lists(PLACES, min_size=1, max_size=3))
    def lose(self, who: int, places: list[int]) -> None:
        mail = self._mail(who)
        for place in places:
            if mail:
                mail.pop(place % len(mail))

    @rule(who=DEVICES)
    def work(self, who: int) -> None:
        self.runner.run(self._device(who).work())

    @rule(who=DEVICES, commit=st.integers(1, 6), whole=st.booleans())
    def be_killed(self, who: int, commit: int, whole: bool) -> None:
        """The program ends at one of its next commits, whatever it is doing; the homeserver pushes again what was not confirmed."""
        device, mail = self._device(who), self._mail(who)
        device.writer.kill_at(commit, whole=whole)
        try:
            self.runner.run(device.work())
            for item in mail[:2]:
                self.runner.run(device.take([item]))
                mail.remove(item)
        except Killed:
            pass
        device.restart()

    @rule(who=DEVICES)
    def keep_a_copy(self, who: int) -> None:
        device = self._device(who)
        self.copies[device.id] = Path(self.folder.name) / f"{device.name}.copy"
        device.copy_store(self.copies[device.id])

    @precondition(lambda self: self.copies)
    @rule(who=DEVICES)
    def put_the_copy_back(self, who: int) -> None:
        """Not before everybody has heard what was said there: else nobody is left who knows it. What others say then is under way."""
        device = self._device(who)
        if device.id not in self.copies:
            return
        self.runner.run(self.post.settle(self._sound))
        self.post.clock.advance(2 * 3_600.0)  # a second copy within the hour would wait
        for other in range(6):
            if self._device(other) is not device:
                self.say(other, 1, sent=True)
        device.put_back(self.copies[device.id])
        self.put_back.add(device.id)

    @rule(minutes=st.sampled_from([1, 10, 70, 1_500]))
    def wait(self, minutes: int) -> None:
        self.post.clock.advance(minutes * 60.0)

    def teardown(self) -> None:
        if not hasattr(self, "post"):
            return
        try:
            self.runner.run(self.post.settle(self._sound))
            assert self._sound(), {device.name: self._figures(device) for device in self.post.devices}
        finally:
            self.post.close()
            self.runner.close()
            self.folder.cleanup()

    def _sound(self) -> bool:
        return all(self._figures(device).sound for device in self.post.devices)

    def _figures(self, device: PostDevice) -> Figures:
        return self.ledger.figures(device, self.before[device.id], self.put_back)

    def _device(self, who: int) -> PostDevice:
        return self.post.devices[who % len(self.post.devices)]

    def _mail(self, who: int) -> list[PushedItem]:
        return self.post.mail[self._device(who).id]


def test_two_people_agree_whatever_the_post_does(two_people: Path) -> None:
    run(two_people, examples=6, steps=25)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_two_people_agree_whatever_the_post_does_for_long(two_people: Path) -> None:
    run(two_people, examples=200, steps=60)


def run(founded: Path, *, examples: int, steps: int) -> None:
    machine = type("TwoPeople", (TwoPeople,), {"founded": founded})
    bounds = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=bounds)

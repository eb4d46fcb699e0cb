"""Two devices and a post that does what it likes, as a state machine over sessions alone (issue: model-based tests; P09, P10, P18, P45).

Whatever is lost, doubled, mixed, delayed, cut off before a commit or put back from an older copy: nothing opens twice, nothing opens that
was not said, and once the post is honest again the two understand each other without anybody's help.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connexa.pairwise import Duplicate, Reason, Reject, SessionSet

from .world import NOW, End, two_ends

SIDES = st.sampled_from([0, 1])
PLACES = st.integers(0, 31)
EVIDENCE = (Reason.JUMP, Reason.STEP, Reason.BODY)
DAY = 86_400
PREKEYS_LAST = 5 * DAY  # seconds that the prekeys of this test are good for
PATIENCE = 12  # messages each way within which an honest post must bring them together, or else after a day


@dataclass
class Side:
    """One end, what is on its way to it, and an older copy of it."""

    end: End
    to_come: list[tuple[bytes, tuple[bytes, bytes]]] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    copy: End | None = None


class TwoDevices(RuleBasedStateMachine):
    """Each packet keeps its plaintext beside it, so that the machine knows what should come of it."""

    @initialize(seed=st.integers(0, 7))
    def begin(self, seed: int) -> None:
        alice, bob = two_ends(2 * seed + 1)
        self.sides = Side(alice), Side(bob)

    @rule(side=SIDES, count=st.integers(1, 4))
    def say(self, side: int, count: int) -> None:
        here, there = self.sides[side], self.sides[1 - side]
        for _ in range(count):
            plaintext = b"%d says %d" % (side, len(here.said))
            here.said.append(plaintext)
            there.to_come.append((plaintext, here.end.send(plaintext)))

    @rule(side=SIDES, places=st.lists(st.tuples(PLACES, st.booleans()), min_size=1, max_size=6))
    def deliver(self, side: int, places: list[tuple[int, bool]]) -> None:
        """Some of what is on its way, in any order; what is to come again stays on its way."""
        here = self._reached(side)
        for place, again in places:
            number = place % len(here.to_come)
            plaintext, packet = here.to_come[number] if again else here.to_come.pop(number)
            before = list(here.end.opened)
            self._receive(here.end, packet)
            assert here.end.opened in (before, [*before, plaintext])
            if not here.to_come:
                return

    @rule(side=SIDES, place=PLACES)
    def lose(self, side: int, place: int) -> None:
        here = self._reached(side)
        here.to_come.pop(place % len(here.to_come))

    @rule(side=SIDES, place=PLACES)
    def stop_before_the_commit(self, side: int, place: int) -> None:
        here = self._reached(side)
        before = _copy(here.end)
        self._receive(here.end, here.to_come[place % len(here.to_come)][1])
        _restore(here.end, before)

    @rule(side=SIDES)
    def restart(self, side: int) -> None:
        end = self.sides[side].end
        end.sessions = SessionSet.load(end.sessions.dump())

    @rule(side=SIDES)
    def keep_a_copy(self, side: int) -> None:
        self.sides[side].copy = _copy(self.sides[side].end)

    @precondition(lambda self: any(side.copy for side in self.sides))
    @rule(side=SIDES)
    def put_the_copy_back(self, side: int) -> None:
        """As the node does it: the numbers of the mailbox link show it, and nothing of the old store is used to send."""
        here = self.sides[side] if self.sides[side].copy else self.sides[1 - side]
        assert here.copy is not None
        _restore(here.end, here.copy)
        here.end.sessions = here.end.sessions.retired()

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        for side in self.sides:
            side.end.now = min(side.end.now + hours * 3_600, NOW + PREKEYS_LAST - DAY)

    @invariant()
    def nothing_opens_twice_and_nothing_is_invented(self) -> None:
        for side, other in (self.sides, self.sides[::-1]):
            assert len(side.end.opened) == len(set(side.end.opened))
            assert set(side.end.opened) <= set(other.said)

    def teardown(self) -> None:
        """The post is honest again: what they say from now on arrives, whatever is still to come in between.

        Where each holds a session that the other has lost, nothing opens, and neither can tell it from a stranger's noise: a day later
        they begin anew.
        """
        if not hasattr(self, "sides"):
            return
        if not self._understood():
            for side in self.sides:
                side.end.now += DAY
            assert self._understood()

    def _understood(self) -> bool:
        for _ in range(PATIENCE):
            for side in (0, 1):
                self.say(side, 1)
                here = self.sides[1 - side]
                for _, packet in here.to_come:
                    self._receive(here.end, packet)
                here.to_come.clear()
            if all(other.said[-1] in side.end.opened for side, other in (self.sides, self.sides[::-1])):
                return True
        return False

    def _reached(self, side: int) -> Side:
        """A side with something on its way to it; hypothesis leaves rules out now and then, also the one to speak."""
        if not self.sides[side].to_come:
            self.say(1 - side, 3)
        return self.sides[side]

    def _receive(self, end: End, packet: tuple[bytes, bytes]) -> None:
        """What a node makes of a packet: a refused one changes nothing, and evidence of a broken session begins a new one. Where none
        opens it that is no evidence, unless the newest session is a day old.
        """
        before = end.sessions.dump()
        try:
            end.receive(packet)
        except Duplicate:
            assert end.sessions.dump() == before
        except Reject as refusal:
            assert end.sessions.dump() == before
            if refusal.reason is Reason.CLONE:
                end.sessions = end.sessions.after_clone()
            elif refusal.reason in EVIDENCE or (refusal.reason is Reason.HEADER and _a_day_old(end)):
                end.sessions = end.sessions.retired()


def _a_day_old(end: End) -> bool:
    return bool(end.sessions.sessions) and max(session.binding.created for session in end.sessions.sessions) + DAY <= end.now


def _copy(end: End) -> End:
    """Everything that stands in a node's store: what was seen, too."""
    return replace(end, device=replace(end.device, seen=set(end.device.seen)), opened=list(end.opened), events=list(end.events))


def _restore(end: End, copy: End) -> None:
    end.sessions, end.opened, end.events = copy.sessions, list(copy.opened), list(copy.events)
    end.device.seen = set(copy.device.seen)


TestTwoDevices = TwoDevices.TestCase
TestTwoDevices.settings = settings(stateful_step_count=50)


def test_a_beginning_that_was_lost_with_an_older_copy_and_comes_late_keeps_them_apart_for_a_day_at_most() -> None:
    both = TwoDevices()
    both.begin(0)
    both.keep_a_copy(0)
    both.say(0, 3)
    both.lose(1, 0)
    both.put_the_copy_back(0)
    both.say(0, 1)
    both.deliver(1, [(2, False)])
    both.teardown()


def test_two_who_hold_a_session_each_that_the_other_has_lost_are_apart_for_a_day_at_most() -> None:
    both = TwoDevices()
    both.begin(0)
    both.keep_a_copy(0)
    both.keep_a_copy(1)
    both.say(0, 2)
    both.put_the_copy_back(0)
    both.say(1, 2)
    both.deliver(0, [(0, False)])
    both.put_the_copy_back(1)
    both.teardown()

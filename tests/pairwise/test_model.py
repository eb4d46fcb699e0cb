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
PREKEYS_LAST = 5 * 86_400  # seconds that the prekeys of this test are good for
PATIENCE = 12  # messages each way within which an honest post must bring them together


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
            side.end.now = min(side.end.now + hours * 3_600, NOW + PREKEYS_LAST)

    @invariant()
    def nothing_opens_twice_and_nothing_is_invented(self) -> None:
        for side, other in (self.sides, self.sides[::-1]):
            assert len(side.end.opened) == len(set(side.end.opened))
            assert set(side.end.opened) <= set(other.said)

    def teardown(self) -> None:
        """The post is honest again: what they say from now on arrives, whatever is still to come in between."""
        if not hasattr(self, "sides"):
            return
        understood = False
        for _ in range(PATIENCE):
            for side in (0, 1):
                self.say(side, 1)
                here = self.sides[1 - side]
                for _, packet in here.to_come:
                    self._receive(here.end, packet)
                here.to_come.clear()
            understood = all(other.said[-1] in side.end.opened for side, other in (self.sides, self.sides[::-1]))
            if understood:
                break
        assert understood

    def _reached(self, side: int) -> Side:
        """A side with something on its way to it; hypothesis leaves rules out now and then, also the one to speak."""
        if not self.sides[side].to_come:
            self.say(1 - side, 3)
        return self.sides[side]

    def _receive(self, end: End, packet: tuple[bytes, bytes]) -> None:
        """What a node makes of a packet: a refused one changes nothing, and evidence of a broken session begins a new one."""
        before = end.sessions.dump()
        try:
            end.receive(packet)
        except Duplicate:
            assert end.sessions.dump() == before
        except Reject as refusal:
            assert end.sessions.dump() == before
            if refusal.reason is Reason.CLONE:
                end.sessions = end.sessions.after_clone()
            elif refusal.reason in EVIDENCE:
                end.sessions = end.sessions.retired()


def _copy(end: End) -> End:
    """Everything that stands in a node's store: what was seen, too."""
    return replace(end, device=replace(end.device, seen=set(end.device.seen)), opened=list(end.opened), events=list(end.events))


def _restore(end: End, copy: End) -> None:
    end.sessions, end.opened, end.events = copy.sessions, list(copy.opened), list(copy.events)
    end.device.seen = set(copy.device.seen)


TestTwoDevices = TwoDevices.TestCase
TestTwoDevices.settings = settings(max_examples=60, stateful_step_count=50)

"""Groups on one core, suite 1, beside mls-rs and ts-mls in the same run: at 2, 100 and 1,000 members, and how it grows beyond.

Processor time in milliseconds, the median of the rounds; the contenders take turns. "commit" is a commit with a path, made and applied;
"process" is somebody else's, checked and applied; both on a *warm* tree, where one member below each node beside the committer's path has
committed before, so that each of these nodes has a key. Over *blank* parents every member is sealed to by itself. "add" is the addition of
one member. With 1,000 members ts-mls warms no tree: that alone would take it a minute.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from tests.mls.interop.member import GROUP_ID
from tests.mls.interop.ours import Ours

from connexa.mls.policy import DEFAULT_RULES, Rules

from .mls_joiner import Joined, Joiner
from .row import Row

SIZES = (2, 100, 1000)
ROUNDS = 9
MESSAGES = 50
BODY = bytes(100)
PROMISED = {
    "mls.1000.commit": 5.0,
    "mls.1000.process": 3.0,
    "mls.1000.encrypt": 0.1,
    "mls.1000.decrypt": 0.2,
    "mls.1000.join.ratio_mls_rs": 1.5,
}
MASS = (1000, 2000)
PROMISED_GROWTH = 2.5  # times the time for twice the members; four would be quadratic
HUGE = 10_000
MEBIBYTE = 1 << 20

Times = dict[str, dict[str, list[float]]]  # seconds by operation and contender


@dataclass
class Contender:
    """One implementation: how its members come to be, the clock that counts for it, and how many joins and rounds it has the time for."""

    make: Callable[[str], Any]
    clock: Callable[[], float]
    joins: int = 64
    rounds: int = ROUNDS
    members: list[Any] = field(default_factory=list)  # the creator, then those who joined; all that take part
    warm: bool = False

    def timed(self, times: list[float], work: Callable[[], Any]) -> Any:
        """What the work gives; its processor time goes to `times`."""
        begin = self.clock()
        made = work()
        times.append(self.clock() - begin)
        return made


def rows() -> Iterator[Row]:
    """Measure everything."""
    for size in SIZES:
        times: Times = defaultdict(lambda: defaultdict(list))
        with ExitStack() as closing:
            contenders = _contenders(size, closing)
            # A group of two has one join, so it is made anew for each round.
            for _ in range(ROUNDS if size == 2 else 1):
                _measure(contenders, size, 1 if size == 2 else ROUNDS, times)
        yield from _compared(size, times)
    yield from _mass_adds()
    yield from _huge()


def _contenders(size: int, closing: ExitStack) -> dict[str, Contender]:
    """Ours, and the others as far as they are installed."""
    from .mls_peers import contenders  # it needs `Contender`

    return {"": _ours(), **contenders(size, closing)}


def _ours(rules: Rules = DEFAULT_RULES) -> Contender:
    return Contender(lambda name: Ours(name, 1, rules=rules), time.process_time)


def _measure(contenders: dict[str, Contender], size: int, rounds: int, times: Times) -> None:
    """All operations of all contenders, in a group of that size for each."""
    joins = {who: _grown(one, size, times["add_all"][who]) for who, one in contenders.items()}
    for turn in range(max(map(len, joins.values()))):
        for who, one in contenders.items():
            for join in joins[who][turn : turn + 1]:
                one.timed(times["join"][who], join)
    for who, one in contenders.items():
        _warm(one, times, who)
    for turn in range(rounds):
        for who, one in contenders.items():
            if turn < one.rounds:
                _round(one, turn, times, who)


def _grown(one: Contender, size: int, taken: list[float]) -> list[Callable[[], None]]:
    """A group of that size by one commit, and the joins of those members that will take part, still to be done.

    They are the leftmost leaves below the nodes beside the creator's path, so that the path is warm when each of them has committed.
    """
    creator = one.make("creator")
    creator.create(GROUP_ID)
    others = {leaf: one.make(f"member {leaf}") for leaf in range(1, size)}
    packages = [other.key_package() for other in others.values()]
    made = one.timed(taken, lambda: creator.commit(add=packages))
    one.members = [creator]
    leaves = [1 << height for height in reversed(range((size - 1).bit_length()))]
    one.warm = len(leaves) <= one.joins

    def join(leaf: int) -> None:
        others[leaf].join(made.welcome, None)
        others[leaf].leaf = leaf
        one.members.append(others[leaf])

    return [partial(join, leaf) for leaf in leaves[: one.joins]]


def _warm(one: Contender, times: Times, who: str) -> None:
    """Each member commits once, from the widest subtree down; the first finds blank parents."""
    for author in one.members[1:]:
        blank = author is one.members[1]
        taken = times["commit_blank"][who] if blank else []
        commit = one.timed(taken, author.commit).commit
        for member in one.members:
            if member is not author:
                taken = times["process_blank"][who] if blank and member is one.members[0] else []
                one.timed(taken, partial(member.process, commit, author))


def _round(one: Contender, turn: int, times: Times, who: str) -> None:
    _talk(one, times, who)
    if one.warm:
        _commit(one, "commit", "process", times, who)
    newcomer = one.make(f"newcomer {turn}").key_package()
    _commit(one, "add", "process_add", times, who, add=[newcomer])


def _commit(one: Contender, name: str, processing: str, times: Times, who: str, add: Sequence[bytes] = ()) -> None:
    """The creator commits, and the member farthest from it follows."""
    creator, other = one.members[:2]
    commit = one.timed(times[name][who], lambda: creator.commit(add=add)).commit
    one.timed(times[processing][who], lambda: other.process(commit, creator))


def _talk(one: Contender, times: Times, who: str) -> None:
    creator, other = one.members[:2]
    messages: list[bytes] = []
    sent: list[float] = []
    read: list[float] = []
    one.timed(sent, lambda: messages.extend([creator.encrypt(BODY) for _ in range(MESSAGES)]))
    one.timed(read, lambda: [other.process(message, creator) for message in messages])
    times["encrypt"][who].append(sent[0] / MESSAGES)
    times["decrypt"][who].append(read[0] / MESSAGES)


def _compared(size: int, times: Times) -> Iterator[Row]:
    """A row for each operation and contender, then how ours stands to each of the others."""
    for operation, by_contender in times.items():
        name = f"mls.{size}.{operation}"
        medians = {who: 1_000 * statistics.median(taken) for who, taken in by_contender.items() if taken}
        for who, milliseconds in medians.items():
            full = f"{name}.{who}".rstrip(".")
            yield Row.measured(full, milliseconds, "ms", PROMISED.get(full))
        for who in medians:
            if who:
                ratio, full = medians[""] / medians[who], f"{name}.ratio_{who}"
                yield Row(name=full, value=round(ratio, 3), unit="times", promised=PROMISED.get(full), against=who, ratio=ratio)


def _mass_adds() -> Iterator[Row]:
    """Many members in one commit: twice the members cost twice the time."""
    seconds = {}
    for count in MASS:
        taken: list[float] = []
        _grown(_ours(Rules(max_members=count + 1)), count + 1, taken)
        seconds[count] = taken[0]
        yield Row.measured(f"mls.mass_add.{count}", 1_000 * taken[0], "ms")
    yield Row.measured("mls.mass_add.growth", seconds[2000] / seconds[1000], "times", PROMISED_GROWTH)


def _huge() -> Iterator[Row]:
    """Ten thousand members: all added in one commit, and one of them joining in a process of its own."""
    creator = Ours("creator", 1, rules=Rules(max_members=HUGE))
    creator.create(GROUP_ID)
    others = [Ours(f"member {number}", 1) for number in range(1, HUGE)]
    packages = [other.key_package() for other in others]
    begin = time.process_time()
    made = creator.commit(add=packages)
    yield Row.measured(f"mls.{HUGE}.add_all", 1_000 * (time.process_time() - begin), "ms")
    assert made.welcome is not None
    bundle = others[HUGE // 2].bundle
    secrets = bundle.init_sk.raw, bundle.enc_sk.raw, bundle.sig_sk.raw
    given = msgspec.msgpack.encode(Joiner(made.welcome, bundle.key_package.encode(), *secrets, HUGE))
    ran = subprocess.run([sys.executable, "-m", "bench.mls_joiner"], input=given, stdout=subprocess.PIPE, check=True, timeout=120)
    joined = msgspec.msgpack.decode(ran.stdout, type=Joined)
    yield Row.measured(f"mls.{HUGE}.join", 1_000 * joined.seconds, "ms")
    yield Row.measured(f"mls.{HUGE}.join.peak", joined.peak / MEBIBYTE, "MiB")
    yield Row.measured(f"mls.{HUGE}.join.memory", (joined.peak - joined.before) / MEBIBYTE, "MiB")

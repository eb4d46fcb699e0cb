"""`python -m tests.fuzz --frames 1000000`: mutated frames through every parser; exit 1 when one of them surprises."""

from __future__ import annotations

import argparse
import fnmatch
import resource
import sys
import time
from collections.abc import Sequence

from .runner import Outcome, Surprise, run
from .target import all_targets

MEMORY = 4 << 30


def main(arguments: Sequence[str]) -> int:
    """Run, print progress and a closing line; the exit code."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="how many in all")
    parser.add_argument("--seconds", type=float, default=3_600.0, help="stop after this time at the latest")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same frames")
    parser.add_argument("--target", default="*", help="only targets that match, such as wire.*")
    parser.add_argument("--list", action="store_true", help="print the targets and stop")
    options = parser.parse_args(arguments)
    targets = [target for target in all_targets() if fnmatch.fnmatch(target.name, options.target)]
    if options.list or not targets:
        print("\n".join(target.name for target in targets) or "no target has that name")
        return 0 if targets else 2
    started = time.monotonic()
    outcome = run(targets, frames=options.frames, seconds=options.seconds, seed=options.seed, progress=_Progress())
    for surprise in outcome.surprises.values():
        _show(surprise)
    failed = len(outcome.surprises)
    seconds, name = outcome.slowest
    print(
        f"{outcome.frames:,} frames through {len(targets)} parsers in {time.monotonic() - started:.1f} s (seed {options.seed}): "
        f"{outcome.refused:,} refused, {outcome.accepted:,} read; the slowest took {seconds * 1_000:.0f} ms ({name})"
    )
    print(f"{len(targets) - failed} passed, {failed} failed")
    return 1 if failed else 0


class _Progress:
    """A line on standard error every few seconds."""

    def __init__(self) -> None:
        self.next = time.monotonic() + 5

    def __call__(self, outcome: Outcome) -> None:
        if (now := time.monotonic()) >= self.next:
            print(f"  {outcome.frames:,} frames, {len(outcome.surprises)} surprises", file=sys.stderr, flush=True)
            self.next = now + 5


def _show(surprise: Surprise) -> None:
    print(f"{surprise.target} was surprised by {len(surprise.frame)} bytes: {surprise.frame[:2_048].hex()}\n{surprise.trace}")


if __name__ == "__main__":
    # A frame that asks for more memory than this is a surprise like any other.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.exit(main(sys.argv[1:]))

"""`python -m tests.mutation [WORD]`: take out each guard whose name holds the word, and say whether a test noticed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutation.guards import GUARDS
from tests.mutation.run import survives


def main() -> int:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    guards = [guard for guard in GUARDS if word in guard.name]
    unproved = 0
    with ThreadPoolExecutor(2) as pool:
        for guard, survived in zip(guards, pool.map(survives, guards), strict=True):
            print(f"{'SURVIVED' if survived else 'noticed ':<8}  {guard.name}", flush=True)
            unproved += survived
    print(f"{len(guards) - unproved} passed, {unproved} failed")
    return 1 if unproved else 0


if __name__ == "__main__":
    sys.exit(main())

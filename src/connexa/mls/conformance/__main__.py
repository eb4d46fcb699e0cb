"""`python -m connexa.mls.conformance FILE…`: one line a file, then what was skipped or failed, and why; 1 when a case failed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from connexa.errors import ConnexaError
from connexa.mls.conformance import run
from connexa.mls.conformance.kinds import KINDS


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 all passed or skipped, 1 a case failed, 2 a file that is no file of vectors."""
    parser = argparse.ArgumentParser(
        prog="python -m connexa.mls.conformance",
        description="Run official MLS test vectors.",
        epilog="kinds: " + ", ".join(KINDS),
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    worst = 0
    for path in parser.parse_args(arguments).files:
        try:
            report = run(path)
        except ConnexaError as refused:
            sys.stderr.write(f"{path}: {refused}\n{refused.hint}\n")
            worst = max(worst, refused.exit_code)
        else:
            sys.stdout.write("\n".join(report.lines()) + "\n")
            worst = max(worst, 1 if report.failed else 0)
    return worst


if __name__ == "__main__":
    sys.exit(main())

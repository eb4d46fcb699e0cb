"""Run the tests of a guard against a copy of the sources in which it is taken out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.guards import Guard

__all__ = ["source_of", "survives", "proofs_of"]

ROOT = Path(__file__).parents[2]
ROOMS = {"P": "tests/pairwise", "V": "tests/mls"}
TESTS_FAILED = 1  # pytest's exit code; an import that breaks is another one and proves nothing
SECONDS = 300


def source_of(guard: Guard) -> str:
    """The file in which the guard stands."""
    return (ROOT / "src/connexa" / guard.file).read_text()


def proofs_of(guard: Guard) -> list[str]:
    """The test files of the ids that a guard serves."""
    of_ids = [str(path) for number in guard.ids for path in sorted((ROOT / ROOMS[number[0]]).glob(f"test_{number.lower()}_*.py"))]
    return [*of_ids, *guard.also]


def survives(guard: Guard) -> bool:
    """Whether all tests pass without the guard: then nothing proves it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "src")
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        Path(copy, "connexa", guard.file).write_text(source_of(guard).replace(guard.text, guard.without))
        # Failing examples are not kept for the tests of the real sources.
        env = {**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_STORAGE_DIRECTORY": str(Path(folder, "examples"))}
        options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-o", f"pythonpath={ROOT} {copy}"]
        argv = [sys.executable, "-m", "pytest", *options, *proofs_of(guard)]
        ran = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
        if ran.returncode not in (0, TESTS_FAILED):
            raise RuntimeError(f"the tests did not run without “{guard.name}”:\n{ran.stdout[-2000:]}")
        return ran.returncode == 0

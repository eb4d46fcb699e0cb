"""A group of people at three homeservers, and everything that can happen to it, in an order that a seed repeats.

Whole nodes and homeservers work on the memory network; time leaps, so that retries cost nothing. While people talk, come, go, change the
group and take new devices, calls between homeservers are lost, heard twice or not answered, links break, domains are cut off, programs
are killed at a commit, with it or without it, and started again, the hub too.

When all is well again, every device in the group shows one epoch, one roster and every message that was accepted while it was in; what
was said without a device it does not show, and what it kept from before it was removed opens nothing of it.

`GROUPS_SEED` plays another one, `GROUPS_SIZE="24 64 2000"` a larger one (people, devices, operations). Each run is a process of its own,
for Python walks through sets in an order that only its environment can fix.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_group_agrees_whatever_happens(tmp_path: Path, root: Path) -> None:
    run(tmp_path, root, seed=3, people=6, devices=8, operations=60)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_larger_group_agrees_whatever_happens(tmp_path: Path, root: Path, seed: int) -> None:
    run(tmp_path, root, seed=seed, people=8, devices=12, operations=100)


def run(folder: Path, root: Path, *, seed: int, people: int, devices: int, operations: int) -> None:
    seed = int(os.environ.get("GROUPS_SEED") or seed)
    print(f"\n  GROUPS_SEED={seed}", flush=True)
    size = os.environ.get("GROUPS_SIZE") or f"{people} {devices} {operations}"
    words = [sys.executable, "-m", "tests.scenarios.group_model", str(folder), str(seed), *size.split()]
    paths = os.pathsep.join((str(root), str(root / "src")))
    played = subprocess.run(words, cwd=root, env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": paths}, check=False)
    assert played.returncode == 0

"""A group of people at three homeservers, and everything that can happen to it, in an order that a seed repeats.

Whole nodes and homeservers work on the memory network; time leaps, so that retries cost nothing. While people talk, come, go, change the
group and take new devices, calls between homeservers are lost, heard twice or not answered, links break, domains are cut off, programs
are killed at a commit, with it or without it, and started again, the hub too. Once in each story the hub is killed and stays away until
another homeserver has taken its place.

When all is well again, every device in the group shows one epoch, one roster and every message that was accepted while it was in; what
was said without a device it does not show, and what it kept from before it was removed opens nothing of it.

`GROUPS_SEED="7 8 9" pytest tests/scenarios/test_model_groups.py -k short -s` plays others and says in a line what happened in each;
`GROUPS_SIZE="24 64 2000"` larger ones (people, devices, operations). Each run is a process of its own, for Python walks through sets in an
order that only its environment can fix.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_group_agrees_whatever_happens_in_a_short_time(tmp_path: Path, root: Path) -> None:
    run(tmp_path, root, seed=3, people=6, devices=8, operations=60)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_larger_group_agrees_whatever_happens_in_a_longer_time(tmp_path: Path, root: Path, seed: int) -> None:
    run(tmp_path, root, seed=seed, people=12, devices=24, operations=200)


def run(folder: Path, root: Path, *, seed: int, people: int, devices: int, operations: int) -> None:
    size = os.environ.get("GROUPS_SIZE") or f"{people} {devices} {operations}"
    failed = [one for one in (os.environ.get("GROUPS_SEED") or str(seed)).split() if not ends_well(folder / one, root, one, size)]
    assert not failed, f'GROUPS_SEED="{" ".join(failed)}" GROUPS_SIZE="{size}"'


def ends_well(folder: Path, root: Path, seed: str, size: str) -> bool:
    """Play one story; it prints what has happened, or why it has not ended well."""
    print(f"\n  GROUPS_SEED={seed}", flush=True)
    folder.mkdir()
    words = [sys.executable, "-m", "tests.scenarios.group_model", str(folder), seed, *size.split()]
    paths = os.pathsep.join((str(root), str(root / "src")))
    env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": paths}
    return subprocess.run(words, cwd=root, env=env, check=False).returncode == 0

"""The demo as it is shown: real processes, a round trip, and nothing to read in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connexa.cli.demo.story import ANSWER, MESSAGE, REQUEST


@pytest.mark.xdist_group("processes")
def test_the_demo_runs_once(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    before = set(Path("/tmp").glob("connexa-demo-*"))
    command = [sys.executable, "-m", "connexa.cli", "dev", "demo", "--once", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["v"] == 1
    assert len(facts["people"]) == 2
    assert [len(person["devices"]) for person in facts["people"]] == [2, 2]
    seen = [seen for step in facts["steps"] for seen in step["seen"]]
    for text in (REQUEST, ANSWER, MESSAGE):
        assert {one["party"] for one in seen if one["text"] == text} & {"alice's laptop", "alice's phone"}
        assert {one["party"] for one in seen if one["text"] == text} & {"bob's laptop", "bob's phone"}
    assert not any(one["text"] for one in seen if one["party"].endswith(".example"))
    assert "bytes of ciphertext" in "".join(one["what"] for one in seen if one["party"] == "b.example")
    assert facts["searched"]["hits"] == []
    assert facts["searched"]["files"] > 10
    assert list(tmp_path.glob("connexa-*")) == []
    assert set(Path("/tmp").glob("connexa-demo-*")) <= before

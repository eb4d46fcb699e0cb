"""Documents that say what the code says, and fail when they stop."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from connexa.wire import STATUSES
from connexa.wire.v1.link_pb2 import Status


def test_the_generated_pages_are_what_the_code_says(root: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/generate_docs.py", "--check"], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_protocol_lists_every_status_as_the_code_has_it(root: Path) -> None:
    rows = re.findall(r"^\| (\d+) ([A-Z_]+) \| `([a-z._]+)` \| (\d+) \| (yes|no) \|$", (root / "docs" / "protocol.md").read_text(), re.M)
    written = {(int(number), name, code, int(http), retried == "yes") for number, name, code, http, retried in rows}
    assert written == {
        (int(status), Status.Name(status).removeprefix("STATUS_"), meaning.code, meaning.http, meaning.retried)
        for status, meaning in STATUSES.items()
    }

"""The guide's program runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path


def test_the_guide_runs(root: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (root / "docs" / "mls.md").read_text(), re.M | re.S)
    assert len(blocks) >= 4
    exec(compile("\n".join(blocks), "docs/mls.md", "exec"), {"__name__": "guide"})

"""The official vectors of RFC 9420, by suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connexa.mls.suite import SUITES, Suite

__all__ = ["cases"]


def cases(vectors: Path, name: str) -> list[tuple[Suite, dict[str, Any]]]:
    """The cases of a file whose suites are built; 4 and 6 (X448) are not."""
    found = json.loads((vectors / "mls" / f"{name}.json").read_text())
    return [(SUITES[c["cipher_suite"]], c) for c in found if c["cipher_suite"] not in (4, 6)]

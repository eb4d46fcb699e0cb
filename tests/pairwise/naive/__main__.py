"""Write the frozen vectors anew, on purpose: `python -m tests.pairwise.naive`. Whoever does it changes the protocol, and says so."""

from __future__ import annotations

from tests.pairwise.naive.vectors import FILES, FOLDER, written

for file in FILES:
    (FOLDER / f"{file}.json").write_text(written(file))
    print(f"{file}.json")

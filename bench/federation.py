"""Messages between people of two homeservers on one machine: links, a durable queue, mutual TLS, mailboxes.

As `link` does it. Each hop is durable before it answers; the cost is that of both homeservers.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .link import KIBIBYTE, PAIRS, SEALED, Load, closed, closed_rows, homeservers, open_loop, open_rows
from .row import Row

PROMISED_PER_SECOND = 8_000
PROMISED_LIGHT_P50_MS = 10.0


def rows() -> Iterator[Row]:
    """What `python -m bench federation` prints."""
    with tempfile.TemporaryDirectory(prefix="connexa-bench-") as name, homeservers(Path(name), "a.example", "b.example") as towns:
        (here, sending), (there, receiving) = towns
        pids = [sending, receiving]

        async def measure() -> list[Row]:
            senders = await here.settle([f"p{number}" for number in range(PAIRS)])
            recipients = await there.settle([f"q{number}" for number in range(PAIRS)])
            load = Load(here, senders, there, recipients)
            await load.open()
            found = [*closed_rows("federation.closed", await closed(load, pids, KIBIBYTE, 2.0), PROMISED_PER_SECOND)]
            found += closed_rows("federation.closed.sealed", await closed(load, pids, SEALED, 1.0))
            light = await open_loop(load, pids, 50, 1.0)
            load.close()
            found += open_rows("federation.open.50", light, p50=PROMISED_LIGHT_P50_MS)
            return found

        yield from asyncio.run(measure())

"""The two implementations beside which `bench mls` measures, as the interop tests use them."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

from tests.mls.interop.typescript import Script, TypeScript, missing

from .mls import Contender

__all__ = ["contenders"]

# By size of the group, joins and rounds: with 1,000 members ts-mls takes half a second for each.
PATIENCE_FOR_TS_MLS = {2: (1, 9), 100: (7, 3), 1000: (2, 2)}


def contenders(size: int, closing: ExitStack) -> dict[str, Contender]:
    """Whatever of them is installed; what is not is said."""
    found = {}
    try:
        from tests.mls.interop.rust import Rust

        found["mls_rs"] = Contender(Rust, time.process_time)
    except ImportError as absent:
        print(f"without the rows of mls-rs: {absent}", file=sys.stderr)
    if reason := missing():
        print(f"without the rows of ts-mls: {reason}", file=sys.stderr)
    else:
        host = closing.enter_context(TypeScript())
        found["ts_mls"] = Contender(lambda name: Script(host, name, 1), lambda: host.spent, *PATIENCE_FOR_TS_MLS[size])
    return found

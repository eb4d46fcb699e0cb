"""The public test kit: what stories about Connexa programs are told with.

`FakeClock` and `SeededRandom` stand where programs take a clock and randomness; `MemoryNetwork` carries real frames between real
homeservers and nodes in one process, with cuts, losses and delays. Nothing in here is for production.
"""

from __future__ import annotations

from .api import NodeClient
from .clock import FakeClock
from .network import MemoryDialer, MemoryNetwork
from .program import Ended, Program, run_program
from .proxy import TcpProxy
from .randomness import SeededRandom
from .remotes import FederationPort, MemoryRemotes

__all__ = [
    "Ended",
    "FakeClock",
    "FederationPort",
    "MemoryDialer",
    "MemoryNetwork",
    "MemoryRemotes",
    "NodeClient",
    "Program",
    "SeededRandom",
    "TcpProxy",
    "run_program",
]

"""The public test kit: what stories about Connexa programs are told with.

`FakeClock` and `SeededRandom` stand where programs take a clock and randomness; `MemoryNetwork` carries real frames between real
homeservers and nodes in one process, with cuts, losses and delays. Nothing in here is for production.
"""

from __future__ import annotations

from .api import NodeClient
from .clock import FakeClock
from .network import MemoryDialer, MemoryNetwork
from .program import Ended, Program, run_program
from .program_world import ProgramDevice, ProgramServer, ProgramWorld, free_ports
from .proxy import TcpProxy
from .randomness import SeededRandom
from .remotes import FederationPort, MemoryRemotes
from .world import Device, House, World

__all__ = [
    "Device",
    "Ended",
    "FakeClock",
    "FederationPort",
    "House",
    "MemoryDialer",
    "MemoryNetwork",
    "MemoryRemotes",
    "NodeClient",
    "Program",
    "ProgramDevice",
    "ProgramServer",
    "ProgramWorld",
    "SeededRandom",
    "TcpProxy",
    "World",
    "free_ports",
    "run_program",
]

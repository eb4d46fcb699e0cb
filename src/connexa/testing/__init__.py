"""The public test kit: what stories about Connexa programs are told with. Nothing in here is for production.

`World` is two homeservers and people with several devices in one process, on the memory network; `ProgramWorld` is the same with real
processes over TLS sockets, each behind a `TcpProxy` that can be cut, stalled and slowed, and each to be killed and started again.
On a `LeapingLoop` a world waits for no clock and no thread, and what happens in it follows from its seed.
Underneath: `FakeClock` and `SeededRandom` stand where programs take a clock and randomness, `MemoryNetwork` and `MemoryRemotes` carry
real frames with cuts, losses and delays, `Program` and `NodeClient` are a child process and its local API.
`fill_log` gives a stopped node years of messages.
`Post` is many devices without links and an adversary between them, fast enough for models and soaks; a `Ledger` says what must come out.
"""

from __future__ import annotations

from .api import NodeClient
from .clock import FakeClock
from .filling import fill_log
from .inline import Killed
from .leaping import LeapingLoop
from .ledger import Figures, Ledger
from .network import Fate, MemoryDialer, MemoryNetwork
from .post import Post, PostDevice, Said, found_people
from .program import Ended, Program, run_program
from .program_world import ProgramDevice, ProgramServer, ProgramWorld, free_ports
from .proxy import TcpProxy
from .randomness import SeededRandom
from .remotes import FederationPort, MemoryRemotes
from .web import serve_web
from .world import Device, House, World

__all__ = [
    "Killed",
    "found_people",
    "Said",
    "PostDevice",
    "Post",
    "Ledger",
    "Figures",
    "Device",
    "Ended",
    "FakeClock",
    "Fate",
    "FederationPort",
    "House",
    "LeapingLoop",
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
    "fill_log",
    "free_ports",
    "run_program",
    "serve_web",
]

"""Federation: how homeservers of different domains find, trust and serve each other.

Incoming: `trust` (who may connect), `callers` (who is calling), `servicer` and `answer` (the calls), `incoming` (each number of a stream
once), `introduction` (the door for domains not known yet). Outgoing: `queue` (durable), `pump` (sends one domain's queue), `remotes` (the
way out over gRPC). Above the transport everything runs unchanged on the memory network of the test kit.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own log goes to stderr, a line for each stranger's handshake, and names addresses

from .answer import answer
from .callers import Caller, Callers
from .incoming import Delivery, Incoming
from .introduction import INTRODUCE_PATH, Door
from .pins import RemoteTable
from .queue import Outcomes, OutgoingQueue, QueueBounds, Runs, Waiting, begin_anew
from .remote import DeliverStream, House, RemoteCaller
from .remotes import GrpcRemotes, OwnSide
from .servicer import FederationServer
from .trust import MAX_HOT, Trust

__all__ = [
    "INTRODUCE_PATH",
    "MAX_HOT",
    "Caller",
    "Callers",
    "DeliverStream",
    "Delivery",
    "Door",
    "FederationServer",
    "GrpcRemotes",
    "House",
    "Incoming",
    "Outcomes",
    "OutgoingQueue",
    "OwnSide",
    "QueueBounds",
    "RemoteCaller",
    "RemoteTable",
    "Runs",
    "Trust",
    "Waiting",
    "begin_anew",
    "answer",
]

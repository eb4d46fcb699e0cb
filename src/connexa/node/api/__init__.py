"""The node's local API: HTTP and WebSocket on loopback, for the command line and every other face of one person.

Handlers translate between `connexa.node.Node` and JSON and hold no state of their own.
"""

from __future__ import annotations

from .access import Access
from .app import build_app
from .guard import Guard
from .refusals import error_body
from .server import ApiServer, bind_loopback
from .socket import EventSockets

__all__ = ["Access", "ApiServer", "EventSockets", "Guard", "bind_loopback", "build_app", "error_body"]

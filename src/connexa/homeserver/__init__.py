"""The homeserver: links of nodes, mailboxes, accounts, the key directory, federation, and what administrators do.

`Homeserver` is one domain without sockets; `program` makes a process of it. It never sees what is inside an envelope, nor, on a submit
link, who sends one.
"""

from __future__ import annotations

from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.settings import ServerSettings

__all__ = ["Homeserver", "ServerSettings"]

"""A person's own daemon: accounts, outbox, inbox, conversations, links to homeservers, and the local API that every face calls.

`connexa.node.node.Node` holds the operations, `connexa.node.views` what they show, `connexa.node.program` the process. They are not
imported here: the command line needs only `premises` to find a running node, and should start at once.
"""

from __future__ import annotations

__all__: list[str] = []

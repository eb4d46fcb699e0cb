"""The face in the terminal: `connexa VERB`. It speaks to the node's API and to the homeserver's admin socket, and keeps nothing.

Answers go to stdout, talk to stderr; `--json` makes both JSON with `"v": 1`. The exit code says what kind of end it was:

    0 ok · 1 failed · 2 usage · 3 node not running · 4 not found · 5 locked or not allowed · 6 conflict · 7 network
    8 verification failed · 9 `--wait` ran out · 10 partly done · 130 interrupted
"""

from __future__ import annotations

from .main import main

__all__ = ["main"]

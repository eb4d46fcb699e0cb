"""Groups in the node: their state in the store, what the members know together, joining and leaving, and the work with the hub.

`rules` and `cards` are pure; `book` holds the rows; `intake` applies what the log brings, `commits` makes what this device changes;
`pump` is the task that speaks with hubs. The MLS itself is `connexa.mls`.
"""

from __future__ import annotations

__all__: list[str] = []

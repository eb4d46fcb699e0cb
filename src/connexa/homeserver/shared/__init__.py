"""A homeserver of several processes on one store: what each of them has to know of the others (decision 0028)."""

from __future__ import annotations

from connexa.homeserver.shared.loads import SharedLoads
from connexa.homeserver.shared.post import SharedPost
from connexa.homeserver.shared.sequence import SharedSequence
from connexa.homeserver.shared.siblings import FencedWriter, Siblings
from connexa.homeserver.shared.wakeups import Wakeups

__all__ = ["FencedWriter", "SharedLoads", "SharedPost", "SharedSequence", "Siblings", "Wakeups"]

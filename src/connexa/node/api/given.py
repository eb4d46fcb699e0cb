"""What the program hands to the handlers of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from litestar.params import Dependency

from connexa.node.node import Node

from .access import Access

__all__ = ["GivenAccess", "GivenNode", "GivenStop"]

# These are ours, not the caller's: the framework is not to check them.
GivenNode = Annotated[Node, Dependency(skip_validation=True)]
GivenAccess = Annotated[Access, Dependency(skip_validation=True)]
GivenStop = Annotated[Callable[[], None], Dependency(skip_validation=True)]

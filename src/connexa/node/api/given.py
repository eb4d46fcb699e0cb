"""What the program hands to the handlers of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from connexa.node.node import Node

from .access import Access

__all__ = ["GivenAccess", "GivenNode", "GivenStop"]

# These are ours, not the caller's: the framework is not to check them.
GivenNode: TypeAlias = NamedDependency[SkipValidation[Node]]
GivenAccess: TypeAlias = NamedDependency[SkipValidation[Access]]
GivenStop: TypeAlias = NamedDependency[SkipValidation[Callable[[], None]]]

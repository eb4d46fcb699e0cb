"""The two devices on real stores of tests/node, for the properties that only a transaction can show."""

from __future__ import annotations

from tests.node.conftest import clock, pair
from tests.scenarios.conftest import two_people

__all__ = ["clock", "pair", "two_people"]

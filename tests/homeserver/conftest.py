"""The homeserver's tests on both stores: with `--store=shared` on PostgreSQL, which `test_shared.py` lets the slow tests do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connexa.crypto import system_random

from .village import STORE


@pytest.fixture(autouse=True)
def store(request: pytest.FixtureRequest) -> Iterator[None]:
    """A schema of its own for each test where the store is shared."""
    if request.config.getoption("--store") != "shared":
        yield
        return
    token = STORE.set(request.getfixturevalue("postgres").schema(f"t{system_random(8).hex()}"))
    yield
    STORE.reset(token)

"""The other implementations, as far as this machine has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import pytest

from .member import Member
from .typescript import Script, TypeScript, missing

Maker = Callable[..., Member]


@pytest.fixture(scope="module")
def typescript() -> Iterator[TypeScript]:
    """ts-mls, in a process of its own for each module."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    host = TypeScript()
    yield host
    host.close()


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Maker:
    """How members of the implementation `request.param` come to be: called with a name and a suite."""
    if request.param == "ts-mls":
        return partial(Script, request.getfixturevalue("typescript"))
    if find_spec({"mls-rs": "mls_rs_uniffi", "rfc9420": "rfc9420"}[request.param]) is None:
        pytest.skip(f"{request.param} is not installed here")
    if request.param == "mls-rs":
        from .rust import Rust

        return Rust
    from .python import Python

    return Python

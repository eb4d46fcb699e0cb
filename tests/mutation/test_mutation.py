from __future__ import annotations

import pytest

from tests.mutation.guards import GUARDS, Guard
from tests.mutation.run import proofs_of, source_of, survives


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_each_guard_stands_where_it_is_looked_for(guard: Guard) -> None:
    assert source_of(guard).count(guard.text) == 1
    assert proofs_of(guard)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_test_fails_without_the_guard(guard: Guard) -> None:
    assert not survives(guard)

"""What every test may use: the official vectors, and how hard hypothesis works."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from connexa.testing.services import Postgres, postgres_programs

ROOT = Path(__file__).resolve().parent.parent
_SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

# No deadlines: a busy machine is no bug. HYPOTHESIS_PROFILE chooses; `ci` repeats the same examples in every run.
settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=_SLOW_MACHINE)
settings.register_profile("ci", deadline=None, max_examples=100, suppress_health_check=_SLOW_MACHINE, derandomize=True, print_blob=True)
settings.register_profile("nightly", deadline=None, max_examples=2_000, suppress_health_check=_SLOW_MACHINE, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


# No test reads the settings of whoever runs it.
for _name in [name for name in os.environ if name.startswith("CONNEXA_") and name != "CONNEXA_VECTORS"]:
    del os.environ[_name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where homeservers of tests keep their state."""
    parser.addoption("--store", choices=("embedded", "shared"), default="embedded")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with real programs, which take longest: at the end no worker waits for another one."""
    first = ("scenarios", "cli", "test_program.py")
    items.sort(key=lambda item: not any(part in item.path.parts for part in first))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The published test vectors: beside the checkout, or where CONNEXA_VECTORS says."""
    path = Path(os.environ.get("CONNEXA_VECTORS", ROOT.parent / "shared" / "vectors"))
    if not path.is_dir():
        pytest.skip("the published vectors are not beside this checkout (CONNEXA_VECTORS names another place)")
    return path


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short path, since the path of a Unix socket below it ends at some hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="cx-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of its own, for tests that make a schema each."""
    if postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    directory = Path(tempfile.mkdtemp(prefix="connexa-pg-", dir="/tmp"))
    cluster = Postgres(directory)
    try:
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)

"""The encrypted embedded database that every program keeps its state in: opening, key custody, and one writer.

A program owns one `Database`: a writer connection that only its `Writer` touches, and a reader connection. Nobody outside this room
imports the SQLite binding.
"""

from __future__ import annotations

from connexa.store.database import Database, Execute, Row, open_database
from connexa.store.keys import KeyCustody, load_key
from connexa.store.writer import Rider, Writer

__all__ = ["Database", "Execute", "KeyCustody", "Rider", "Row", "Writer", "load_key", "open_database"]

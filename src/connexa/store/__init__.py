"""What every program keeps its state in: an encrypted embedded database, or a shared one of several processes; key custody; one writer.

A program owns one `Store`: connections that only its `Writer` writes with, and one to read what is committed. Nobody outside this room
imports a database's binding. The shared one is in `connexa.store.shared`, for homeservers alone: its binding takes a while to import.
"""

from __future__ import annotations

from connexa.store.contract import Cursor, Execute, Row, Store
from connexa.store.database import Database, open_as_it_is, open_database
from connexa.store.keys import KeyCustody, load_key
from connexa.store.writer import Rider, Writer

__all__ = [
    "Cursor",
    "Database",
    "Execute",
    "KeyCustody",
    "Rider",
    "Row",
    "Store",
    "Writer",
    "load_key",
    "open_as_it_is",
    "open_database",
]

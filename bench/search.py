"""How soon something is found among a million messages: the node's own search on its own encrypted store.

The log is filled with rows whose words are drawn as language draws them (the n-th word 1/n as often): the commonest stands in most of the
messages. The index is made by the indexer itself. `SEARCH_MESSAGES` sets another number.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from statistics import median

from connexa.content import Content, Text, encode
from connexa.crypto import system_random
from connexa.node.account import Account
from connexa.node.schema import MIGRATIONS
from connexa.node.search.asked import read_asked
from connexa.node.search.find import find
from connexa.node.search.index import index_some, is_behind
from connexa.store import Database, open_database
from connexa.testing.filling import account_with_contacts

from .row import Row

MESSAGES = 1_000_000
PEOPLE = 200
WORDS = 30_000
LENGTH = 12
PAGE = 5_000
ROUNDS = 5
SLICES = 50  # of the indexer in one transaction: nothing else wants the store meanwhile
PROMISED_MS = 200.0


def rows() -> Iterator[Row]:
    """Fill, index, then ask each question some times; the slowest of its medians counts."""
    count = int(os.environ.get("SEARCH_MESSAGES", MESSAGES))
    with tempfile.TemporaryDirectory(prefix="connexa-search-") as folder:
        database = open_database(Path(folder) / "node.db", system_random(32), MIGRATIONS)
        try:
            with database.writer_connection:
                account = account_with_contacts(database.writer_connection.execute, people=PEOPLE, now=time.time())
            words = _vocabulary()
            _fill(database, words, count)
            begun = time.monotonic()
            while is_behind(database.read):
                with database.writer_connection:
                    for _ in range(SLICES):
                        index_some(database.writer_connection.execute)
            print(f"{count} messages indexed in {time.monotonic() - begun:.0f} s", file=sys.stderr)
            yield Row.measured("search.store_bytes_per_message", database.size() / count, "B")
            slowest = 0.0
            for name, typed in _questions(words).items():
                took = median(_ask(database, account, typed) for _ in range(ROUNDS))
                slowest = max(slowest, took)
                yield Row.measured(f"search.{name}_ms", took, "ms")
            yield Row.measured("search.slowest_ms", slowest, "ms", PROMISED_MS)
        finally:
            database.close()


def _vocabulary() -> list[str]:
    rng = random.Random(1)
    return ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 10))) for _ in range(WORDS)]


def _questions(words: list[str]) -> dict[str, str]:
    common, second, rare = words[0], words[1], words[20_000]
    return {
        "common": f"{common} ",
        "two_common": f"{common} {second} ",
        "phrase": f'"{common} {second}"',
        "beginning": common[:3],
        "rare": f"{rare} ",
        "common_of_somebody_rare": f"{common} from:friend-199",
        "rare_of_somebody": f"{rare} from:friend-0",
        "of_somebody": "from:friend-0",
        "in_a_conversation": f"{common} in:friend-150@b.example",
        "before": f"{common} before:2001-01-01",
    }


def _fill(database: Database, words: list[str], count: int) -> None:
    rng = random.Random(2)
    weights = list(accumulate(1 / place for place in range(1, len(words) + 1)))
    people = database.read("SELECT c.id, p.user FROM conversation c JOIN person p ON p.id = c.person ORDER BY p.id")
    start = int(time.time() * 1_000_000) - count * 60_000_000
    sql = (
        "INSERT INTO message (cursor, account, conversation, message, sender, device, counter, mine, kind, text, content, sent, received,"
        " state) VALUES (?, 1, ?, ?, ?, ?, 0, 0, 'text', ?, ?, ?, ?, 'received')"
    )
    for page in range(0, count, PAGE):
        with database.writer_connection:
            for number in range(page, min(page + PAGE, count)):
                conversation, user = people[min(int(rng.expovariate(5 / PEOPLE)), PEOPLE - 1)]
                text, at = " ".join(rng.choices(words, cum_weights=weights, k=LENGTH)), (start + number * 60_000_000) / 1_000_000
                raw = encode(Content(int(at * 1000), Text(text)))
                row = (start + number * 60_000_000, conversation, rng.randbytes(16), user, user, text, raw, at, at)
                database.writer_connection.execute(sql, row)


def _ask(database: Database, account: Account, typed: str) -> float:
    begun = time.perf_counter()
    find(database.read, account, read_asked(typed), older=None, limit=50, newest_first=False)
    return (time.perf_counter() - begun) * 1000

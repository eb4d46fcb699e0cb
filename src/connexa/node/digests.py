"""Own devices compare what they hold, nightly and after linking, and repair what differs without a human (product §1, U15; protocol §15).

A collection is the log with one person or of one group, or the registers; its items have ids of 16 bytes, its buckets are the ids'
first bytes. A device tells all others one digest for each collection. One that holds something else answers with hashes by bucket, is
given the items of the buckets that differ, then sends what the first one lacks and asks for what it lacks itself. What is deleted on one
of the two is deleted on both. Each step is bounded; what is left differs again at the next comparison, which comes soon as long as
something did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from connexa.content import MAX_OWN_CONTENT, Buckets, Digest, Digests, Entries, Item, Listing, Registers, Wanted
from connexa.crypto import sha256
from connexa.node.account import Account
from connexa.node.acts import hide
from connexa.node.home import Home, Query, first, rows
from connexa.node.own_copies import has_other_devices, tell_own_devices
from connexa.node.own_log import COLUMNS, SHARED, in_conversations, keep_entries, that_fit
from connexa.node.registers import all_registers, in_batches, register_id
from connexa.node.retry import fraction
from connexa.store import Execute

__all__ = ["compare", "take_buckets", "take_digests", "take_entries", "take_listing", "take_wanted", "until_comparison"]

MINE, DELETED = 1, 2
ROOM = MAX_OWN_CONTENT - 512
MAX_ITEMS = ROOM // 17  # in one listing or wish
PER_BODY = 200  # digests
MAX_COLLECTIONS = 8  # repaired after one comparison
MAX_BODIES = 16  # sent in one step of a repair
END = 1 << 62
SETTLED = 600.0  # seconds after which copies that left on their own clock have arrived
AGAIN = 60.0  # seconds after a difference, doubled each time


def compare(execute: Execute, home: Home, account: Account) -> None:
    """Tell the own devices what is held here, if it is time to."""
    row = first(execute, "SELECT compare_from FROM account WHERE id = ?", (account.id,))
    if row is None or row[0] > home.clock() or not _is_whole(execute, account.id):
        return
    until = int((home.clock() - SETTLED) * 1000)
    digests = _digests(execute, account, until)
    for start in range(0, len(digests), PER_BODY):
        tell_own_devices(execute, home, account, Digests(until, tuple(digests[start : start + PER_BODY])))
    _compare_after(execute, home, account.id, differs=False)


def until_comparison(home: Home, account: int) -> float | None:
    """Seconds until it is time to compare; None where there is nobody to compare with."""
    row = first(home.database.read, "SELECT compare_from FROM account WHERE id = ?", (account,))
    return max(0.0, row[0] - home.clock()) if row is not None and _is_whole(home.database.read, account) else None


def _is_whole(query: Query, account: int) -> bool:
    """Whether there is another device, and this one has the history; what is still on its way is no difference."""
    filling = first(query, "SELECT 1 FROM history WHERE account = ? AND waiting = 1", (account,))
    return filling is None and has_other_devices(query, account)


def _compare_after(execute: Execute, home: Home, account: int, *, differs: bool) -> None:
    """Compare again about a day later; sooner while something differs, but at growing distances."""
    every = home.settings.limits.compare_every
    row = first(execute, "SELECT compare_wait FROM account WHERE id = ?", (account,))
    wait = min(max(AGAIN, 2 * row[0] if row else 0.0), every) if differs else 0.0
    after = wait or every * (0.75 + 0.5 * fraction(home.rng))
    execute("UPDATE account SET compare_from = ?, compare_wait = ? WHERE id = ?", (home.clock() + after, wait, account))


def _digests(query: Query, account: Account, until: int) -> list[Digest]:
    logs = "SELECT coalesce(p.user, c.public) FROM conversation c LEFT JOIN person p ON p.id = c.person WHERE c.account = ?"
    collections = {account.user_id, *(row[0] for row in rows(query, logs, (account.id,)))} - {b""}
    found = {of: _items(query, account, of, until) for of in collections}
    return [Digest(of, len(items), _hash(items)) for of, items in sorted(found.items()) if items]


def _items(query: Query, account: Account, of: bytes, until: int) -> list[Item]:
    """What is held of one collection and was said or decided before `until`."""
    if of == account.user_id:
        return [(0, register_id(register)) for register in all_registers(query, account) if 0 < register.at < until]
    return [item for item, _ in _entries(query, account, of, until)]


def _entries(query: Query, account: Account, of: bytes, until: int = END) -> list[tuple[Item, int]]:
    """The items of the log with a person or of a group, and their places."""
    found: list[tuple[Item, int]] = []
    logs = "SELECT c.id, c.person FROM conversation c LEFT JOIN person p ON p.id = c.person WHERE c.account = ? AND ? IN (p.user, c.public)"
    sql = f"SELECT m.mine + 2 * m.hidden, m.message, m.sender, m.cursor {SHARED} AND m.account = ? AND m.conversation = ? AND m.sent < ?"
    for conversation, person in rows(query, logs, (account.id, of)):
        for flags, message, sender, cursor in query(sql, (account.id, conversation, until / 1000)):
            found.append(((flags, message if person else sha256(sender, message)[:16]), cursor))
    return found


def _by_bucket(items: Iterable[Item]) -> list[list[Item]]:
    buckets: list[list[Item]] = [[] for _ in range(256)]
    for item in items:
        buckets[item[1][0]].append(item)
    return buckets


def _hash(items: Iterable[Item]) -> bytes:
    return sha256(*(bytes([flags]) + identity for flags, identity in sorted(items)))


def _bucket_hashes(items: Iterable[Item]) -> bytes:
    return b"".join(_hash(bucket)[:16] for bucket in _by_bucket(items))


def take_digests(execute: Execute, home: Home, account: Account, device: bytes, told: Digests) -> None:
    """Another device says what it holds: answer where this one holds something else."""
    if not _is_whole(execute, account.id):
        return
    theirs, ours = set(told.digests), set(_digests(execute, account, told.until))
    if len(told.digests) == PER_BODY:  # there are more bodies: what this one does not name may stand in another
        named = {digest.of for digest in theirs}
        ours = {digest for digest in ours if digest.of in named}
    differing = sorted({digest.of for digest in theirs ^ ours})
    for of in differing[:MAX_COLLECTIONS]:
        buckets = Buckets(told.until, of, _bucket_hashes(_items(execute, account, of, told.until)))
        tell_own_devices(execute, home, account, buckets, only=device)
    _compare_after(execute, home, account.id, differs=bool(differing))


def take_buckets(execute: Execute, home: Home, account: Account, device: bytes, told: Buckets) -> None:
    """The other device's hashes: list what is held here where they differ."""
    buckets = _by_bucket(_items(execute, account, told.of, told.until))
    differing = [b for b in range(256) if _hash(buckets[b])[:16] != told.hashes[16 * b : 16 * b + 16] and len(buckets[b]) <= MAX_ITEMS - 16]
    listings: list[tuple[bytes, list[Item]]] = []
    for bucket in differing:
        if not listings or len(listings[-1][1]) + len(buckets[bucket]) > MAX_ITEMS - 16:
            listings.append((b"", []))
        listings[-1] = (listings[-1][0] + bytes([bucket]), listings[-1][1] + buckets[bucket])
    for names, items in listings[:MAX_BODIES]:
        tell_own_devices(execute, home, account, Listing(told.until, told.of, names, tuple(items)), only=device)
    _compare_after(execute, home, account.id, differs=True)


def take_listing(execute: Execute, home: Home, account: Account, device: bytes, told: Listing) -> None:
    """All that the other device holds of some buckets: send what it lacks, ask for what is lacking here, delete what is deleted there."""
    ours = {_plain(item): item for item in _items(execute, account, told.of, told.until) if item[1][0] in told.buckets}
    theirs = {_plain(item): item for item in told.items}
    wanted = [item for plain, item in theirs.items() if plain not in ours]
    for start in range(0, len(wanted), MAX_ITEMS):
        tell_own_devices(execute, home, account, Wanted(told.of, tuple(wanted[start : start + MAX_ITEMS])), only=device)
    deleted = {plain for plain, item in theirs.items() if item[0] & DELETED and plain in ours}
    for cursor in _places(execute, account, told.of, deleted):
        hide(execute, cursor)
    lacking = [item for plain, item in ours.items() if plain not in theirs or item[0] & DELETED > theirs[plain][0] & DELETED]
    _send(execute, home, account, device, told.of, lacking)


def _plain(item: Item) -> Item:
    """An item whether or not it was deleted."""
    return item[0] & MINE, item[1]


def take_wanted(execute: Execute, home: Home, account: Account, device: bytes, told: Wanted) -> None:
    """Send what the other device lacks."""
    _send(execute, home, account, device, told.of, told.items)


def _places(query: Query, account: Account, of: bytes, wanted: Collection[Item]) -> list[int]:
    """Where items stand that are named without regard to deletion."""
    if not wanted or of == account.user_id:
        return []
    return [cursor for item, cursor in _entries(query, account, of) if _plain(item) in wanted]


def _send(execute: Execute, home: Home, account: Account, device: bytes, of: bytes, items: Sequence[Item]) -> None:
    if of == account.user_id:
        wanted = {identity for _, identity in items}
        for registers in in_batches(r for r in all_registers(execute, account) if r.at and register_id(r) in wanted):
            tell_own_devices(execute, home, account, Registers(registers), only=device)
        return
    places = _places(execute, account, of, {_plain(item) for item in items})
    found = [row for place in places for row in rows(execute, f"SELECT {COLUMNS} {SHARED} AND m.cursor = ?", (place,))]
    for _ in range(MAX_BODIES):
        if not found:
            return
        fitting = that_fit(found, ROOM)
        found = found[len(fitting) :]
        for entries in in_conversations(execute, account.id, fitting):
            tell_own_devices(execute, home, account, entries, only=device)


def take_entries(execute: Execute, home: Home, account: Account, told: Entries) -> None:
    """What was lacking here or deleted there; a face that shows the conversation looks again."""
    if keep_entries(execute, home, account, (told,)):
        sql = "SELECT c.public FROM conversation c LEFT JOIN person p ON p.id = c.person WHERE c.account = ? AND ? IN (p.user, c.public)"
        row = first(execute, sql, (account.id, told.of))
        home.events.record(execute, str(account.address), "conversation.changed", home.clock(), conversation=row[0].hex() if row else "")

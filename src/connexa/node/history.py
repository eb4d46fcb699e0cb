"""The history of a new device: it asks another own device, which sends what it holds, the newest first (product §1, U2; protocol §15).

The new device pulls a window of chunks at a time; a chunk's entries and its place are stored in one operation, so whatever is interrupted
goes on where it stood, and what comes twice is known by its id. The device that answers owes the window in its store, and makes one chunk
after the other. Decisions (contacts, flags, read marks, drafts, names) come before the first chunk.
"""

from __future__ import annotations

from connexa.content import MAX_OWN_CONTENT, Content, History, HistoryWanted, Registers, encode
from connexa.errors import RefusedError
from connexa.identity import DeviceId
from connexa.node.account import Account, own_device_list
from connexa.node.home import Home, Query, first, returned, rows
from connexa.node.own_copies import is_own_device, seal_own, tell_own_devices
from connexa.node.own_log import COLUMNS, SHARED, in_conversations, keep_entries, that_fit
from connexa.node.registers import all_registers, in_batches
from connexa.node.views import HistoryView
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "answer_history",
    "ask_for_history",
    "begin_history",
    "history_owed",
    "history_view",
    "owe_history",
    "pull_again",
    "take_history",
    "until_silent",
]

WINDOW = 32  # chunks in flight
ROOM = MAX_OWN_CONTENT - 256
MARGIN = 3_600_000_000  # microseconds: two devices may have had the same entry this far apart
END = 1 << 62
PAGE = 200
COMPARE_LATER = 3_600.0  # what is still on its way is no difference


def begin_history(execute: Execute, account: int, source: bytes) -> None:
    """Take over (again) what another own device holds; entries that are here already do no harm."""
    execute("INSERT OR REPLACE INTO history (account, source) VALUES (?, ?)", (account, source))


def pull_again(execute: Execute, account: Account) -> None:
    """Begin once more, with the first other device of the list."""
    source = _after(execute, account, b"")
    if source is None:
        raise RefusedError("history.alone", "You have no other device.")
    begin_history(execute, account.id, source)


def history_view(query: Query, account: int) -> HistoryView | None:
    """How far the history has come; None on a device that was there first."""
    row = first(query, "SELECT source, done, remaining, waiting FROM history WHERE account = ?", (account,))
    return HistoryView(source=row[0].hex(), done=row[1], left=row[2], complete=not row[3]) if row else None


# The device that asks


def ask_for_history(execute: Execute, home: Home, account: Account) -> None:
    """Ask for the next window, if nothing has come for a while; then it is the next own device's turn to answer."""
    now = home.clock()
    row = first(execute, "SELECT source, place, asked FROM history WHERE account = ? AND waiting = 1", (account.id,))
    if row is None or row[2] > now - home.settings.limits.history_silence:
        return
    source, place, asked = row
    if asked or not is_own_device(execute, account.id, source):
        source = _after(execute, account, source)
        place = min(place + MARGIN, END) if place else 0
    if source is None:
        execute("UPDATE history SET asked = ? WHERE account = ?", (now, account.id))
        return  # there is no other device any more, or not yet
    execute("UPDATE history SET source = ?, place = ? WHERE account = ?", (source, place, account.id))
    _ask(execute, home, account, source, place)


def _after(query: Query, account: Account, source: bytes) -> DeviceId | None:
    """The own device behind this one in the list, which the primary stands first in."""
    own = own_device_list(query, account)
    listed = [one.device for one in own[1].devices] if own else []
    others = [device for device in listed if device != account.device]
    if not others:
        return None
    return others[(others.index(DeviceId(source)) + 1) % len(others)] if source in others else others[0]


def _ask(execute: Execute, home: Home, account: Account, source: bytes, place: int) -> None:
    execute("UPDATE history SET asked = ? WHERE account = ?", (home.clock(), account.id))
    tell_own_devices(execute, home, account, HistoryWanted(place, WINDOW), only=source)


def until_silent(home: Home, account: int) -> float | None:
    """Seconds until the device that was asked counts as silent; None where nothing is asked for."""
    row = first(home.database.read, "SELECT asked FROM history WHERE account = ? AND waiting = 1", (account,))
    return max(0.0, row[0] + home.settings.limits.history_silence - home.clock()) if row else None


def take_history(execute: Execute, home: Home, account: Account, sender: bytes, told: History) -> None:
    """Store a chunk and how far it leads, and ask for the next window behind the last one."""
    row = first(execute, "SELECT source, place, waiting FROM history WHERE account = ?", (account.id,))
    if row is None:
        return  # nothing was asked for
    keep_entries(execute, home, account, told.conversations)
    source, place, waiting = row
    if not waiting or sender != source or (told.before or END) < (place or END) or (place and told.next >= place):
        return  # it came before, or leaves a gap
    count = sum(len(one.entries) for one in told.conversations)
    execute(
        "UPDATE history SET place = ?, done = done + ?, remaining = ?, asked = ?, waiting = ? WHERE account = ?",
        (told.next, count, told.left, home.clock(), told.next > 0, account.id),
    )
    view = history_view(execute, account.id)
    if view is not None:
        home.events.record(execute, str(account.address), "history.progress", home.clock(), done=view.done, left=view.left)
    if told.next == 0:
        execute("UPDATE account SET compare_from = 0 WHERE id = ?", (account.id,))  # what came meanwhile is compared at once
    elif told.chunks == 0:
        _ask(execute, home, account, source, told.next)


# The device that answers


def owe_history(execute: Execute, home: Home, account: Account, device: bytes, wanted: HistoryWanted) -> None:
    """Note what a new device has asked for; the first thing that it gets is what was decided."""
    if not wanted.before:
        execute("UPDATE account SET compare_from = max(compare_from, ?) WHERE id = ?", (home.clock() + COMPARE_LATER, account.id))
        for registers in in_batches(all_registers(execute, account)):
            tell_own_devices(execute, home, account, Registers(registers), only=device)
    left = returned(execute, f"SELECT count(*) {SHARED} AND m.account = ? AND m.cursor < ?", (account.id, wanted.before or END))
    execute(
        "INSERT OR REPLACE INTO history_owed (account, device, place, chunks, remaining) VALUES (?, ?, ?, ?, ?)",
        (account.id, device, wanted.before, wanted.chunks, left),
    )


def history_owed(query: Query, account: int) -> bool:
    """Whether a new device waits for chunks."""
    return first(query, "SELECT 1 FROM history_owed WHERE account = ? LIMIT 1", (account,)) is not None


def answer_history(execute: Execute, home: Home, account: Account, sender: Signed) -> bool:
    """Seal one chunk of what is owed; False where nothing is, or nobody can read it yet."""
    for device, place, chunks, left in rows(
        execute, "SELECT device, place, chunks, remaining FROM history_owed WHERE account = ?", (account.id,)
    ):
        if not is_own_device(execute, account.id, device):
            execute("DELETE FROM history_owed WHERE account = ? AND device = ?", (account.id, device))
            continue
        chunk = _chunk(execute, account, place, chunks, left)
        if not seal_own(execute, home, account, sender, encode(Content(int(home.clock() * 1000), chunk)), only=device):
            continue
        if chunk.chunks and chunk.next:
            execute(
                "UPDATE history_owed SET place = ?, chunks = ?, remaining = ? WHERE account = ? AND device = ?",
                (chunk.next, chunk.chunks, chunk.left, account.id, device),
            )
        else:
            execute("DELETE FROM history_owed WHERE account = ? AND device = ?", (account.id, device))
        return True
    return False


def _chunk(query: Query, account: Account, place: int, chunks: int, left: int) -> History:
    # The plus keeps the query on the order of places: it reads only what it returns.
    sql = f"SELECT {COLUMNS} {SHARED} AND +m.account = ? AND m.cursor < ? ORDER BY m.cursor DESC LIMIT ?"
    found = rows(query, sql, (account.id, place or END, PAGE))
    fitting = that_fit(found, ROOM)
    more = len(fitting) < len(found) or len(found) == PAGE
    following = fitting[-1][6] if fitting and more else 0
    told = in_conversations(query, account.id, fitting)
    if not following:
        return History(place, 0, 0, 0, told)
    return History(place, following, chunks - 1, max(0, left - len(fitting)), told)

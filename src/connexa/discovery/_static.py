"""The discovery file on disk, read again when it changes, so that a new line counts at once."""

from __future__ import annotations

from pathlib import Path

from connexa.errors import UsageError
from connexa.identity import Domain, StaticEntry, parse_discovery_file

MAX_FILE = 4_194_304


class StaticFile:
    """The entries of one file; without a file there are none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._entries: dict[Domain, StaticEntry] = {}

    def get(self, domain: Domain) -> StaticEntry | None:
        """Look a domain up; a file that is missing or wrong is an error, never an empty answer."""
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
            if self._stamp != (stat.st_mtime_ns, stat.st_size):
                if stat.st_size > MAX_FILE:
                    raise UsageError("discovery.malformed", "The discovery file is larger than 4 MiB.")
                self._entries = parse_discovery_file(self._path.read_text(encoding="utf-8"))
                self._stamp = (stat.st_mtime_ns, stat.st_size)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("discovery.unreadable", f"The discovery file cannot be read ({type(error).__name__}).") from None
        return self._entries.get(domain)

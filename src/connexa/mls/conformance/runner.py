"""One file of vectors: what kind it is, its cases one after the other, and the report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from connexa.errors import UsageError
from connexa.mls.conformance.case import Case, Mismatch
from connexa.mls.conformance.kinds import Kind, kind_of
from connexa.mls.errors import MLSError, UnsupportedSuite

__all__ = ["Report", "run"]

_CHUNK = 1 << 20
_MAX_CASE = 1 << 26  # characters of one case, and so of what is held in memory; the largest official one has some 400,000
_HINT = "Give files of the folder test-vectors of https://github.com/mlswg/mls-implementations, as they are."


@dataclass
class Report:
    """What became of the cases of one file."""

    path: Path
    kind: str
    passed: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)  # the case's place in the file, and why
    skipped: Counter[str] = field(default_factory=Counter)  # by reason

    def lines(self) -> list[str]:
        """For people: the counts, then each reason."""
        counts = f"{self.passed} passed, {len(self.failed)} failed, {self.skipped.total()} skipped"
        skipped = [f"  skipped {count}: {reason}" for reason, count in self.skipped.items()]
        return [f"{self.path} ({self.kind}): {counts}", *skipped, *(f"  failed case {place}: {why}" for place, why in self.failed)]


def run(path: Path) -> Report:
    """Run each case of a file; `UsageError` if it is no file of vectors."""
    try:
        with path.open(encoding="utf-8") as stream:
            return _run(path, _cases(stream))
    except (OSError, UnicodeDecodeError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else "it is no text"
        raise UsageError("vectors.unreadable", f"This file cannot be read: {reason}.", _HINT) from None


def _run(path: Path, cases: Iterator[dict[str, Any]]) -> Report:
    report, kind = Report(path, ""), None
    for place, fields in enumerate(cases):
        if kind is None:
            kind = kind_of(path.stem, fields)
            if kind is None:
                raise UsageError("vectors.kind", "The cases of this file are of no kind of MLS test vectors.", _HINT)
            report.kind = kind.name
        _check(kind, place, Case(fields), report)
    if kind is None:
        raise UsageError("vectors.empty", "This file has no case.", _HINT)
    return report


def _check(kind: Kind, place: int, case: Case, report: Report) -> None:
    try:
        kind.procedure(case)
    except UnsupportedSuite as unsupported:
        report.skipped[unsupported.message] += 1
    except (Mismatch, MLSError) as wrong:
        report.failed.append((place, str(wrong)))
    except Exception as bug:  # noqa: BLE001 - what a case breaks is for the report, and the next case is run all the same
        report.failed.append((place, f"{type(bug).__name__}: {bug}"))
    else:
        report.passed += 1


def _cases(stream: TextIO) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array, one in memory at a time."""
    read, rest = json.JSONDecoder().raw_decode, stream.read(_CHUNK).lstrip()
    if not rest.startswith("["):
        raise UsageError("vectors.syntax", "This file is no JSON array.", _HINT)
    rest, between = rest[1:], ""
    while True:
        rest = (rest or stream.read(_CHUNK)).lstrip()
        if rest.startswith("]"):
            return
        if not rest.startswith(between):
            break
        rest = rest[len(between) :].lstrip()
        try:
            fields, end = read(rest)
        except json.JSONDecodeError:
            more = stream.read(max(_CHUNK, len(rest)))  # twice as much each time: linear, however long the case
            if not more or len(rest) + len(more) > _MAX_CASE:
                break
            rest = between + rest + more
            continue
        except (ValueError, RecursionError):  # numbers without end, nesting without end
            break
        if not isinstance(fields, dict):
            break
        yield fields
        rest, between = rest[end:], ","
    raise UsageError("vectors.syntax", "This file is no JSON array of objects, or a case of it is too large.", _HINT)

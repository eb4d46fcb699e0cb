"""QR codes on a terminal and in files: of a safety number, of a device's link code."""

from __future__ import annotations

from pathlib import Path

import click
import segno

from connexa.errors import UsageError

from .output import plain

__all__ = ["qr_lines", "write_qr"]

_QUIET = 4  # empty modules around the code that scanners expect (ISO/IEC 18004)
_KINDS = (".png", ".svg")
# Two modules, one above the other, are one character: none, lower, upper, both dark.
_HALVES = " ▄▀█"


def qr_lines(text: str) -> list[str]:
    """Draw a code in half blocks, dark on light whatever the terminal's own colours are."""
    rows = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=_QUIET)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    lines = [
        "".join(_HALVES[2 * bool(upper) + bool(lower)] for upper, lower in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return lines if plain() else [click.style(line, fg="black", bg="bright_white") for line in lines]


def write_qr(path: Path, text: str) -> None:
    """Write a code as a picture; the name's ending says which kind."""
    if path.suffix.lower() not in _KINDS:
        raise UsageError("qr.bad_file", "A QR code is written as .svg or .png.")
    try:
        segno.make_qr(text, error="m").save(str(path), scale=8, border=_QUIET)
    except OSError as error:
        raise UsageError("qr.bad_file", f"{path} cannot be written: {error.strerror or error}.") from error

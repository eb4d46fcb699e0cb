"""Private messaging and mail that no single party runs."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"

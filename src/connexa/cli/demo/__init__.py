"""`connexa dev demo`: the whole of Connexa on one machine, with real processes, and what each party saw of it."""

from __future__ import annotations

from .run import run_demo

__all__ = ["run_demo"]

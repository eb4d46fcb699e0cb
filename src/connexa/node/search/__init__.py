"""Finding what was said: the index of all words, what people ask it, and how what it finds is shown."""

from __future__ import annotations

__all__: list[str] = []

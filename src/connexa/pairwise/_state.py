"""What all parts of a session's state have in common: they are values, they show nothing, and they are not compared.

Each message makes half a dozen of them anew, for which these structs cost a tenth of a frozen dataclass.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["State"]


class State(Struct, frozen=True, eq=False, gc=False):
    """A part of a state, full of secrets. Never changed, only followed by another (`msgspec.structs.replace`)."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} redacted>"

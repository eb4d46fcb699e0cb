"""What all secret keys have in common: they show nothing of themselves and are not compared with `==`."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["Secret"]


class Secret:
    """A key that must not reach a log, a traceback or a timing side channel."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} redacted>"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are not compared; compare public keys, or bytes with crypto.equal")

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled")

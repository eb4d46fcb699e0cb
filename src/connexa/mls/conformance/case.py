"""One case: its fields in the types that the procedures need, and what a procedure says when a value is not the expected one."""

from __future__ import annotations

from typing import Any

from connexa.mls.suite import Suite, get_suite

__all__ = ["Case", "Mismatch", "expect", "optional_bytes"]


class Mismatch(Exception):
    """A value is not what the vector says; the text names the value."""


def expect(what: str, ours: object, theirs: object) -> None:
    """Raise `Mismatch` unless both are equal."""
    if ours != theirs:
        raise Mismatch(f"{what} differs")


class Case:
    """The fields of one JSON object. A field that is missing, or not what it should be, is a `Mismatch` of the case."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> Any:
        if name not in self._fields:
            raise Mismatch(f"the case has no field {name!r}")
        return self._fields[name]

    def raw(self, name: str) -> bytes:
        """A field of hex."""
        try:
            return bytes.fromhex(self[name])
        except (TypeError, ValueError):
            raise Mismatch(f"field {name!r} is no hex string") from None

    def part(self, name: str) -> Case:
        """A field that is an object."""
        return Case(self[name])

    def parts(self, name: str) -> list[Case]:
        """A field that is an array of objects."""
        return [Case(fields) for fields in self[name]]

    @property
    def suite(self) -> Suite:
        """The case's cipher suite; raises `UnsupportedSuite`, which skips the case."""
        return get_suite(self["cipher_suite"])


def optional_bytes(text: str | None) -> bytes | None:
    """Hex, or nothing for null."""
    return None if text is None else bytes.fromhex(text)

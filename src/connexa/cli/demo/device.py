"""A device of the demo: a node process of its own, spoken to over its API as every face does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from connexa.cli.client import Client, segment
from connexa.errors import NetworkError
from connexa.node.premises import Premises
from connexa.settings import paths

from .process import Program

__all__ = ["Device"]

T = TypeVar("T")
CALL_SECONDS: Final = 20.0
WAIT_SECONDS: Final = 30.0
LOOK_AGAIN_SECONDS: Final = 0.25  # what a second device of somebody says of a message is no event of its own


class Device:
    """One person's laptop or phone."""

    def __init__(self, name: str, home: Path, settings: Mapping[str, str]) -> None:
        self.name = name
        self.program = Program(name, ["up", "--foreground", "--port", "0", "--key-file"], home, settings)
        self._client: Client | None = None

    @property
    def url(self) -> str:
        """Where its node is."""
        return str(self.program.ready["url"])

    @property
    def node(self) -> Client:
        """Its API."""
        if self._client is None:
            self._client = Client(Premises(paths("default", {"CONNEXA_HOME": str(self.program.home)})), CALL_SECONDS)
        return self._client

    def end(self) -> None:
        """Switch it off."""
        if self._client is not None:
            self._client.__exit__(None, None, None)
            self._client = None
        self.program.end()

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """Look now and after each event, until there is something."""
        limit = time.monotonic() + WAIT_SECONDS
        cursor = self.node.cursor()
        while (found := look()) is None:
            left = limit - time.monotonic()
            if left <= 0:
                raise NetworkError("demo.timeout", f"{self.name}: {what} did not come in {WAIT_SECONDS:g} s.")
            for event in self.node.events(cursor, min(left, LOOK_AGAIN_SECONDS)):
                cursor = int(event["cursor"])
        return found

    def conversation(self, address: str) -> dict[str, Any] | None:
        """The conversation with somebody."""
        found: list[dict[str, Any]] = self.node.get("/api/conversations")["items"]
        return next((one for one in found if one["address"] == address), None)

    def until_text(self, address: str, text: str) -> dict[str, Any]:
        """Wait until a text is in the conversation with somebody."""

        def look() -> dict[str, Any] | None:
            conversation = self.conversation(address)
            if conversation is None:
                return None
            found: list[dict[str, Any]] = self.node.get(f"/api/messages/{segment(conversation['id'])}")["items"]
            return next((one for one in found if one["text"] == text), None)

        return self.until(look, f"the text from {address}")

    def until_request(self) -> dict[str, Any]:
        """Wait until a stranger asks."""
        return self.until(lambda: next(iter(self.node.get("/api/requests")["items"]), None), "a request")

    def until_contact(self, address: str) -> dict[str, Any]:
        """Wait until somebody is a contact."""

        def look() -> dict[str, Any] | None:
            found: list[dict[str, Any]] = self.node.get("/api/contacts")["items"]
            return next((one for one in found if one["address"] == address and one["state"] == "accepted"), None)

        return self.until(look, f"{address} as a contact")

    def until_active(self) -> dict[str, Any]:
        """Wait until this device belongs to its account and listens for messages."""

        def look() -> dict[str, Any] | None:
            found: list[dict[str, Any]] = self.node.get("/api/accounts")["items"]
            return next((one for one in found if one["state"] == "active" and one["link"] == "up"), None)

        return self.until(look, "its account")

    def until_digits(self, address: str) -> str:
        """Wait until this device, which is being linked, shows its six digits."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.node.get("/api/account/link", account=address)
            return found if found["digits"] else None

        return str(self.until(look, "its digits")["digits"])

    def until_devices(self, message: str, state: str, count: int) -> dict[str, Any]:
        """Wait until a message of ours has come this far at so many devices."""
        reached = {"delivered": {"delivered", "read"}, "read": {"read"}}[state]

        def look() -> dict[str, Any] | None:
            info: dict[str, Any] = self.node.get(f"/api/message/{message}")
            return info if sum(one["state"] in reached for one in info["devices"]) >= count else None

        return self.until(look, f"{state} at {count} devices")

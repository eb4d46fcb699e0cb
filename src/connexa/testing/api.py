"""The local API of a node program, as tests use it: JSON in and out, our errors raised, and waiting for what events announce.

A node that is killed and started again has another port and token; calls read both from the program's ready line each time, and a call
that falls into the gap is made again. So only calls that may be repeated go through here: reads, and sends with a `message_id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from connexa.errors import ConflictError, ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError, UsageError

from .program import Program

__all__ = ["NodeClient"]

T = TypeVar("T")

CALL_SECONDS = 30.0
WAIT_SECONDS = 60.0
LONG_POLL = 10.0
_KINDS: dict[int, type[ConnexaError]] = {
    400: UsageError,
    403: RefusedError,
    404: NotFoundError,
    409: ConflictError,
    422: IntegrityError,
    503: NetworkError,
}


class NodeClient:
    """One node's API; use it as a context manager."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._http = httpx.AsyncClient(timeout=CALL_SECONDS)
        self._token = ("", "")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str | int | float) -> Any:
        """Read."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, **body: object) -> Any:
        """Write; only what may be repeated, see the module."""
        return await self._call("POST", path, json=body)

    async def _call(self, method: str, path: str, **rest: Any) -> Any:
        async with asyncio.timeout(CALL_SECONDS * 2):
            while True:
                await self.program.is_ready.wait()
                try:
                    answer = await self._http.request(method, self._url(path), headers=self._headers(), **rest)
                except (httpx.TransportError, FileNotFoundError):
                    await self._until_gone()
                    continue
                return _read(answer)

    async def _until_gone(self) -> None:
        """A call failed at transport: the program is gone or is just going, and `is_ready` will say when the next one is there."""
        try:
            async with asyncio.timeout(1.0):
                await self.program.is_gone.wait()
        except TimeoutError:
            return

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.program.ready['port']}{path}"

    def _headers(self) -> dict[str, str]:
        started = f"{self.program.ready['pid']}"
        if self._token[0] != started:
            self._token = (started, Path(self.program.ready["token_file"]).read_text().strip())
        return {"Authorization": f"Bearer {self._token[1]}"}

    # ---- what stories need

    async def until(self, look: Callable[[], Awaitable[T | None]], *, what: str = "", timeout: float = WAIT_SECONDS) -> T:
        """Look now and after each batch of events, until `look` returns something; AssertionError when that takes too long."""
        try:
            async with asyncio.timeout(timeout):
                cursor = (await self.get("/api/status"))["event_cursor"]
                while (found := await look()) is None:
                    events = (await self.get("/api/events", after=cursor, wait=min(LONG_POLL, timeout)))["items"]
                    cursor = events[-1]["cursor"] if events else cursor
                return found
        except TimeoutError:
            raise AssertionError(f"{self.program.name}: {what or 'what was awaited'} did not come in {timeout} s") from None

    async def create_account(self, address: str, invite: str | None = None) -> Any:
        """Register; an account that is there already is returned."""
        return await self.post("/api/account/create", address=address, **({"invite": invite} if invite else {}))

    async def send(self, to: str, text: str, message_id: str, **rest: object) -> Any:
        """Send; the message id makes a repetition harmless."""
        return await self.post("/api/messages/send", to=to, text=text, message_id=message_id, **rest)

    async def conversation_with(self, address: str) -> Any | None:
        """The conversation with somebody, or None."""
        items = (await self.get("/api/conversations"))["items"]
        return next((item for item in items if item["address"] == address), None)

    async def texts(self, address: str, *, theirs: bool = True) -> list[str]:
        """Texts of the conversation with somebody, oldest first: theirs, or all."""
        return [message["text"] for message in await self.log(address) if not (theirs and message["mine"])]

    async def log(self, address: str) -> list[Any]:
        """The whole conversation with somebody, oldest first."""
        conversation = await self.conversation_with(address)
        if conversation is None:
            return []
        messages: list[Any] = []
        before: dict[str, int] = {}
        while page := (await self.get(f"/api/messages/{conversation['id']}", limit=500, **before))["items"]:
            messages = page + messages
            before = {"before": page[0]["cursor"]}
        return messages

    async def until_digits(self, address: str) -> str:
        """Wait until this node, which is being linked to an account, shows its six digits."""

        async def look() -> str | None:
            return (await self.get("/api/account/link", account=address))["digits"] or None

        return await self.until(look, what="its digits")

    async def until_text(self, address: str, text: str, *, timeout: float = WAIT_SECONDS) -> Any:
        """Wait until somebody's text is shown here."""

        async def look() -> Any | None:
            return next((message for message in await self.log(address) if message["text"] == text), None)

        return await self.until(look, what="a text", timeout=timeout)

    async def until_state(self, message_id: str, *states: str, timeout: float = WAIT_SECONDS) -> Any:
        """Wait until an own message has one of these states."""

        async def look() -> Any | None:
            info = await self.get(f"/api/message/{message_id}")
            return info if info["message"]["state"] in states else None

        return await self.until(look, what=f"state {'/'.join(states)}", timeout=timeout)

    async def until_request(self, *, timeout: float = WAIT_SECONDS) -> Any:
        """Wait until somebody asks."""

        async def look() -> Any | None:
            items = (await self.get("/api/requests"))["items"]
            return items[0] if items else None

        return await self.until(look, what="a request", timeout=timeout)

    async def until_contact(self, address: str, state: str = "accepted", *, timeout: float = WAIT_SECONDS) -> Any:
        """Wait until a contact has this state."""

        async def look() -> Any | None:
            items = (await self.get("/api/contacts"))["items"]
            return next((item for item in items if item["address"] == address and item["state"] == state), None)

        return await self.until(look, what=f"the contact as {state}", timeout=timeout)


def _read(answer: httpx.Response) -> Any:
    value = answer.json()
    if answer.status_code < 400:
        return value
    error = value["error"]
    kind = _KINDS.get(answer.status_code, ConnexaError)
    raise kind(error["code"], error["message"], error.get("hint", ""), retryable=error.get("retryable", False))

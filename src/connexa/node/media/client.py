"""Speaks to the media pages of a homeserver over HTTPS, where only the pinned keys of the domain vouch for the certificate.

No cookies, no redirects, no proxy, a TLS context of its own for each conversation, so that nothing ties it to a login or to another file.
Every answer is bounded in size and time; what a homeserver says is a code or bytes that are proved by somebody else's digest.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import msgspec

from connexa.crypto.x509 import InvalidCertificate, leaf_domain
from connexa.discovery import Remote
from connexa.errors import ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError
from connexa.node.dial import pinned_context
from connexa.node.home import Home
from connexa.wire import BLOB_PART, parse
from connexa.wire.v1.media_pb2 import MediaBegin, MediaState

__all__ = ["MAX_FETCH", "MediaClient", "media_of"]

REQUEST_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0
MAX_FETCH: Final = 2 * BLOB_PART  # bytes that one request asks for
MAX_STATE: Final = 1_024
MAX_REFUSAL: Final = 4_096
_CODE: Final = re.compile(r"[a-z]{1,20}\.[a-z_]{1,40}")


@asynccontextmanager
async def media_of(home: Home, domain: str, remote: Remote) -> AsyncIterator[MediaClient]:
    """A conversation with the homeserver of a domain, connected on its first request."""
    addresses = await home.domains.addresses(remote.domain, remote.https)
    context = pinned_context(domain, remote.keys, home.clock())
    timeout = httpx.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False, timeout=timeout) as http:
        yield MediaClient(home, remote, http, addresses)


class MediaClient:
    """Requests about blobs to one homeserver."""

    def __init__(self, home: Home, remote: Remote, http: httpx.AsyncClient, addresses: list[str]) -> None:
        self._home = home
        self._remote = remote
        self._http = http
        self._addresses = addresses

    async def begin(self, blob: bytes, asked: MediaBegin) -> MediaState:
        """Begin an upload, or find it again."""
        return _state(await self._call("POST", blob, b"", content=asked.SerializeToString(), kind="application/x-protobuf"))

    async def put(self, blob: bytes, write: bytes, number: int, part: bytes) -> MediaState:
        """Bring the next part."""
        return _state(await self._call("PUT", blob, write, path=f"/{number}", content=part, kind="application/octet-stream"))

    async def read(self, blob: bytes, read: bytes, start: int, stop: int) -> bytes:
        """Bytes `start` to before `stop`, at most MAX_FETCH."""
        piece = await self._call("GET", blob, read, most=stop - start, headers={"range": f"bytes={start}-{stop - 1}"})
        if len(piece) != stop - start:
            raise IntegrityError("attachment.damaged", "The homeserver gives another piece of the file than it was asked for.")
        return piece

    async def delete(self, blob: bytes, write: bytes) -> None:
        """End a blob."""
        await self._call("DELETE", blob, write)

    async def _call(
        self, method: str, blob: bytes, right: bytes, *, path: str = "", kind: str = "", most: int = MAX_STATE, **more: Any
    ) -> bytes:
        headers = {"host": str(self._remote.https), "accept-encoding": "identity", **more.pop("headers", {})}
        headers |= {"authorization": f"Bearer {right.hex()}"} if right else {}
        headers |= {"content-type": kind} if kind else {}
        arguments = {"headers": headers, "extensions": {"sni_hostname": self._remote.domain}, **more}
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._at_some_address(method, f"/v1/media/{blob.hex()}{path}", most, arguments)
        except ssl.SSLCertVerificationError:
            raise InvalidCertificate from None
        except (httpx.HTTPError, ssl.SSLError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from None

    async def _at_some_address(self, method: str, path: str, most: int, arguments: dict[str, Any]) -> bytes:
        while True:
            url = httpx.URL(scheme="https", host=self._addresses[0], port=self._remote.https.port, path=path)
            try:
                async with self._http.stream(method, url, **arguments) as response:
                    return await self._answer(response, most)
            except httpx.ConnectError:
                if len(self._addresses) == 1:
                    raise
                del self._addresses[0]  # the others are tried, and the one that answers stays

    async def _answer(self, response: httpx.Response, most: int) -> bytes:
        self._check_certificate(response)
        most = most if response.is_success else MAX_REFUSAL
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > most:
                raise IntegrityError("media.malformed", "The homeserver answers with more than it was asked for.")
        if response.is_success:
            return bytes(body)
        raise _refusal(response.status_code, bytes(body))

    def _check_certificate(self, response: httpx.Response) -> None:
        """The strict check that follows the chain check, as on every link."""
        connection = response.extensions["network_stream"].get_extra_info("ssl_object")
        der = connection.getpeercert(binary_form=True) if connection is not None else None
        for key in self._remote.keys:
            try:
                if der is not None and leaf_domain(der, key, self._home.clock()) == self._remote.domain:
                    return
            except InvalidCertificate:
                continue
        raise InvalidCertificate

    def _unreachable(self, error: Exception) -> NetworkError:
        return NetworkError(
            "media.unreachable",
            f"The homeserver of {self._remote.domain}, which keeps the file, cannot be reached ({type(error).__name__}).",
            "Try again later.",
        )


def _state(raw: bytes) -> MediaState:
    return parse(MediaState, raw, MAX_STATE)


def _refusal(status: int, raw: bytes) -> ConnexaError:
    """What a homeserver says no with: its code where that is one, never its text."""
    code, retryable = "media.refused", status >= 500
    try:
        told = msgspec.json.decode(raw)["error"]
        if isinstance(told["code"], str) and _CODE.fullmatch(told["code"]):
            code, retryable = told["code"], told["retryable"] is True
    except (msgspec.MsgspecError, KeyError, TypeError):
        pass
    if code == "media.not_found":
        return NotFoundError("attachment.gone", "The homeserver does not keep that file any more.")
    return RefusedError(code, "The homeserver refuses that.", retryable=retryable)

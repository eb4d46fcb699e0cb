"""Fetching one small document over HTTPS from addresses that were checked beforehand (identity §3, I05, I06).

The name is resolved once and the connection goes to the address itself, so that no second answer of the DNS can move it; the
certificate is checked for the name. No proxy, no cookies, no compression, 64 KiB, three redirects, each under the same rules.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from connexa.discovery._failure import ChannelFailed
from connexa.errors import UsageError
from connexa.identity import MAX_WELL_KNOWN, Endpoint, Failure

MAX_REDIRECTS = 3

Addresses = Callable[[str], Awaitable[list[str]]]
"""Gives the addresses of a host that may be connected to, or raises `ChannelFailed`."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A final answer, or the place to go to next."""

    body: bytes
    location: str


async def fetch(host: str, port: int, path: str, *, addresses: Addresses, context: ssl.SSLContext, timeout: float) -> bytes:
    """Fetch `https://host:port/path` and follow redirects on the same port."""
    try:
        async with asyncio.timeout(timeout):
            return await _fetch(httpx.URL(scheme="https", host=host, port=port, path=path), port, addresses, context, timeout)
    except TimeoutError:
        raise ChannelFailed(Failure.TEMPORARY, "Its HTTPS server did not answer in time.") from None


async def _fetch(url: httpx.URL, port: int, addresses: Addresses, context: ssl.SSLContext, timeout: float) -> bytes:
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=timeout, follow_redirects=False) as client:
        for _ in range(1 + MAX_REDIRECTS):
            page = await _first_that_answers(client, url, port, await addresses(_host(url)))
            if not page.location:
                return page.body
            url = _next(url, page.location, port)
    raise ChannelFailed(Failure.INVALID, "Its well-known address redirects more than three times.")


async def _first_that_answers(client: httpx.AsyncClient, url: httpx.URL, port: int, addresses: list[str]) -> _Page:
    for address in addresses:
        try:
            return await _get(client, url, port, address)
        except httpx.ConnectError:
            continue
        except (httpx.HTTPError, ssl.SSLError) as error:  # the library lets broken TLS records through as they are
            raise ChannelFailed(Failure.TEMPORARY, f"Its HTTPS server broke off ({type(error).__name__}).") from None
    raise ChannelFailed(Failure.TEMPORARY, "Its HTTPS server could not be reached, or its certificate does not hold.")


async def _get(client: httpx.AsyncClient, url: httpx.URL, port: int, address: str) -> _Page:
    host = _host(url)
    headers = {"host": host if port == 443 else f"{host}:{port}", "accept": "application/json", "accept-encoding": "identity"}
    target = url.copy_with(host=address, port=port)
    async with client.stream("GET", target, headers=headers, extensions={"sni_hostname": host}) as response:
        if response.has_redirect_location:
            return _Page(b"", response.headers["location"])
        _check_head(response)
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > MAX_WELL_KNOWN:
                raise ChannelFailed(Failure.INVALID, "Its well-known document is larger than 64 KiB.")
    if body.lstrip().startswith(b"<"):
        raise ChannelFailed(Failure.ABSENT, "Its HTTPS server answers with a web page.")
    return _Page(bytes(body), "")


def _check_head(response: httpx.Response) -> None:
    if response.status_code in (404, 410):
        raise ChannelFailed(Failure.ABSENT, "Its HTTPS server has no such document.")
    if response.status_code != 200:
        raise ChannelFailed(Failure.TEMPORARY, f"Its HTTPS server answered {response.status_code}.")
    if "html" in response.headers.get("content-type", "").lower():
        raise ChannelFailed(Failure.ABSENT, "Its HTTPS server answers with a web page.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ChannelFailed(Failure.INVALID, "Its well-known document is compressed.")


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")  # `host` would show the other script of an xn-- name


def _next(url: httpx.URL, location: str, port: int) -> httpx.URL:
    try:
        following = url.join(location)
        Endpoint(_host(following), port)
    except (httpx.InvalidURL, UsageError):
        raise ChannelFailed(Failure.INVALID, "Its well-known address redirects to no address.") from None
    if following.scheme != "https" or (following.port or 443) != port:
        raise ChannelFailed(Failure.INVALID, "Its well-known address redirects away from HTTPS or to another port.")
    return following

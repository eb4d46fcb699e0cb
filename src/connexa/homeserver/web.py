"""What a homeserver says over HTTPS: its well-known document, the door for domains not known yet, its health, its metrics.

Implements identity §3, homeserver §7.3 and first-message §8. Messages of people never pass here; their blobs do (`media`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias, cast

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from litestar.types import ASGIApp

from connexa.crypto import equal
from connexa.errors import ConnexaError, NotFoundError, RefusedError, UsageError
from connexa.homeserver.federation import INTRODUCE_PATH, Door
from connexa.homeserver.media import MEDIA_PAGES, MediaService
from connexa.identity import CANARY_PATH, POLICIES_PATH, WELL_KNOWN_PATH
from connexa.wire import MAX_INTRODUCE, http_status, parse
from connexa.wire.v1.federation_pb2 import Introduce

__all__ = ["Site", "answer_error", "build_web"]

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages are made from."""

    domain: str
    well_known: Callable[[], bytes]
    policies: Callable[[], bytes]
    canary: Callable[[], bytes]
    metrics: Callable[[], bytes]
    healthy: Callable[[], bool]
    source: Callable[[str], str]  # the address block of an address, for limits
    door: Door
    media: MediaService | None = None  # none where media is kept elsewhere or not at all
    metrics_token: Callable[[], bytes] = bytes


GivenSite: TypeAlias = NamedDependency[SkipValidation[Site]]  # ours, not the caller's: nothing to check


class _IntroduceBody(msgspec.Struct, forbid_unknown_fields=True):
    domain: str


class Health(msgspec.Struct):
    """Whether this homeserver can take messages."""

    domain: str
    status: str
    v: int = 1


@get(WELL_KNOWN_PATH, media_type=MediaType.JSON)
async def show_well_known(site: GivenSite) -> bytes:
    """The domain's word about itself, signed."""
    return site.well_known()


@get(POLICIES_PATH, media_type=MediaType.JSON)
async def show_policies(site: GivenSite) -> bytes:
    """Every limit, what is kept and what is logged, signed."""
    return site.policies()


@get(CANARY_PATH, media_type=MediaType.JSON)
async def show_canary(site: GivenSite) -> bytes:
    """The operators' newest statement, signed; 404 where there never was one."""
    return site.canary()


@get("/health")
async def show_health(site: GivenSite) -> Response[Health]:
    """200 while it stores messages, 503 while it cannot."""
    healthy = site.healthy()
    return Response(Health(site.domain, "ok" if healthy else "failing"), status_code=200 if healthy else 503)


@get("/metrics", media_type=MediaType.TEXT)
async def show_metrics(request: _Request, site: GivenSite) -> Response[bytes]:
    """For this machine, and for holders of the token."""
    if not (_is_loopback(request) or _shows_token(request, site.metrics_token())):
        raise NotFoundError("page.not_found", "There is no such page.")
    return Response(site.metrics(), media_type=_METRICS_TYPE)


@post(INTRODUCE_PATH, status_code=200)
async def take_introduction(request: _Request, site: GivenSite) -> dict[str, int]:
    """Look a domain up that asks for it, so that it can connect (F11)."""
    body = await request.body()
    await site.door.introduce(_introduced(request, body), site.source(_host(request)))
    return {"v": 1}


def _introduced(request: _Request, body: bytes) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    match kind:
        case "application/json":
            try:
                return msgspec.json.decode(body, type=_IntroduceBody).domain
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise UsageError("request.malformed", 'The body is JSON like {"domain": "b.example"}.') from None
        case "application/x-protobuf" | "application/protobuf":
            return parse(Introduce, body, MAX_INTRODUCE).domain
    raise RefusedError("request.media_type", "The body is application/json or application/x-protobuf.")


def _host(request: _Request) -> str:
    return request.client.host if request.client else ""


def _is_loopback(request: _Request) -> bool:
    # A reverse proxy on this machine makes everybody look local; it says so by this header.
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(_host(request)).is_loopback
    except ValueError:
        return False


def _shows_token(request: _Request, token: bytes) -> bool:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and equal(shown.strip().encode(), token)


def answer_error(_request: _Request, error: ConnexaError) -> Response[dict[str, Any]]:
    """Every refusal as JSON, with the HTTP status that says the same."""
    status = 415 if error.code == "request.media_type" else http_status(error)
    body = {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}
    return Response({"v": 1, "error": body}, status_code=status, media_type=MediaType.JSON)


def build_web(site: Site) -> ASGIApp:
    """Put the pages together."""

    def source(request: _Request) -> str:
        return site.source(_host(request))

    media = MEDIA_PAGES if site.media is not None else []
    app = Litestar(
        route_handlers=[show_well_known, show_policies, show_canary, show_health, show_metrics, take_introduction, *media],
        dependencies={
            "site": Provide(lambda: site, sync_to_thread=False),
            "media": Provide(lambda: site.media, sync_to_thread=False),
            "source": Provide(source, sync_to_thread=False),
        },
        exception_handlers={ConnexaError: answer_error},
        request_max_body_size=MAX_INTRODUCE,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return cast(ASGIApp, app)

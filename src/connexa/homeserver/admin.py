"""The admin API: what `connexa server` asks of a running homeserver, on a unix socket that only its owner can open (0600).

The socket's file mode is the whole access control, so nothing here is ever reachable over a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Protocol, TypeAlias, cast

import msgspec
from litestar import Litestar, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ValidationException
from litestar.params import FromQuery, SkipValidation
from litestar.types import ASGIApp

from connexa.discovery import Remote
from connexa.errors import ConnexaError, NotFoundError, UsageError
from connexa.homeserver.audit import Entry
from connexa.homeserver.federation import Waiting
from connexa.homeserver.reload import Reloaded
from connexa.homeserver.stats import StatsInfo
from connexa.homeserver.web import answer_error
from connexa.identity import Domain, check_domain

__all__ = ["AccountInfo", "Administered", "InviteInfo", "QueueInfo", "RemoteInfo", "StatusInfo", "build_admin"]


MAX_PAGE: Final = 1_000


class StatusInfo(msgspec.Struct, kw_only=True):
    """How the homeserver is."""

    domain: str
    version: str
    pid: int
    started: float
    healthy: bool
    failure: str
    ports: dict[str, int]
    key: str
    users: int
    links: dict[str, int]
    mailbox_messages: int
    mailbox_bytes: int
    queued: int
    database_bytes: int
    leaf_expires: int
    custody: str
    v: int = 1


class AccountInfo(msgspec.Struct, kw_only=True):
    """One account."""

    address: str
    created: int
    admin: bool
    devices: int
    waiting: int


class InviteInfo(msgspec.Struct, kw_only=True):
    """An account invite; the code is a secret that is shown once."""

    invite: str
    uses: int
    expires: int
    v: int = 1


class RemoteInfo(msgspec.Struct, kw_only=True):
    """Another domain as it is pinned here."""

    domain: str
    state: str
    key: str
    federation: str
    hot: bool


class QueueInfo(msgspec.Struct, kw_only=True):
    """What waits for one domain."""

    domain: str
    envelopes: int
    oldest: int
    connected: bool
    failure: str
    next_try: float


class _CanaryBody(msgspec.Struct, forbid_unknown_fields=True):
    statement: str = ""
    days: int = 90


class _InviteBody(msgspec.Struct, forbid_unknown_fields=True):
    uses: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    admin: bool = False


class Administered(Protocol):
    """What the program lets administrators do."""

    def status(self) -> StatusInfo: ...

    def users(self) -> list[AccountInfo]: ...

    async def stats(self) -> StatsInfo: ...

    def audit(self, before: int, limit: int) -> list[Entry]: ...

    def canary(self) -> Mapping[str, Any]: ...

    async def renew_canary(self, statement: str, days: int, who: str) -> Mapping[str, Any]: ...

    async def reload(self, who: str) -> Reloaded: ...

    async def delete_user(self, localpart: str, who: str) -> None: ...

    async def reset_user(self, localpart: str, who: str) -> InviteInfo: ...

    async def create_invite(self, uses: int, days: int, admin: bool, who: str) -> InviteInfo: ...

    async def remotes(self) -> list[tuple[Remote, bool]]: ...

    def queues(self) -> list[Waiting]: ...

    async def forget_remote(self, domain: Domain, who: str) -> None: ...

    async def refresh_remote(self, domain: Domain, who: str) -> Remote: ...


Given: TypeAlias = NamedDependency[SkipValidation[Administered]]
Who: TypeAlias = NamedDependency[str]


@get("/v1/status")
async def show_status(server: Given) -> StatusInfo:
    """How the homeserver is."""
    return server.status()


@get("/v1/stats")
async def show_stats(server: Given) -> StatsInfo:
    """What is kept, and for whom."""
    return await server.stats()


@get("/v1/audit")
async def show_audit(
    server: Given,
    before: FromQuery[int] = 0,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """What administrators did, the newest first."""
    return {"v": 1, "items": server.audit(max(before, 0), min(max(limit, 1), MAX_PAGE))}


@post("/v1/reload", status_code=200)
async def reload_settings(server: Given, who: Who) -> Reloaded:
    """Read the settings anew."""
    return await server.reload(who)


@get("/v1/canary")
async def show_canary(server: Given) -> dict[str, Any]:
    """The operators' newest statement."""
    return {"v": 1, **server.canary()}


@post("/v1/canary", status_code=200)
async def renew_canary(server: Given, who: Who, data: _CanaryBody) -> dict[str, Any]:
    """Sign and publish a new statement."""
    return {"v": 1, **await server.renew_canary(data.statement, data.days, who)}


@get("/v1/users")
async def list_users(server: Given) -> dict[str, Any]:
    """Every account."""
    return {"v": 1, "items": server.users()}


@delete("/v1/users/{localpart:str}", status_code=200)
async def delete_user(server: Given, who: Who, localpart: str) -> dict[str, int]:
    """Delete an account; its name is never given to another person (I83)."""
    await server.delete_user(localpart, who)
    return {"v": 1}


@post("/v1/users/{localpart:str}/reset", status_code=200)
async def reset_user(server: Given, who: Who, localpart: str) -> InviteInfo:
    """Let the same person register at their address with a new key; the old account ends with its mailbox."""
    return await server.reset_user(localpart, who)


@post("/v1/invites", status_code=200)
async def create_invite(server: Given, who: Who, data: _InviteBody) -> InviteInfo:
    """Make an invite to register."""
    return await server.create_invite(data.uses, data.days, data.admin, who)


@get("/v1/federation")
async def list_federation(server: Given) -> dict[str, Any]:
    """Pinned domains and what waits for them."""
    remotes = [_remote_info(remote, hot) for remote, hot in await server.remotes()]
    queues = [QueueInfo(**{name: getattr(waiting, name) for name in QueueInfo.__struct_fields__}) for waiting in server.queues()]
    return {"v": 1, "remotes": remotes, "queues": queues}


@post("/v1/federation/{domain:str}/refresh", status_code=200)
async def refresh_remote(server: Given, who: Who, domain: str) -> RemoteInfo:
    """Look a domain up now."""
    return _remote_info(await server.refresh_remote(check_domain(domain), who), hot=True)


@delete("/v1/federation/{domain:str}", status_code=200)
async def forget_remote(server: Given, who: Who, domain: str) -> dict[str, int]:
    """Drop a domain's pin; the next contact is a first one."""
    await server.forget_remote(check_domain(domain), who)
    return {"v": 1}


def _remote_info(remote: Remote, hot: bool) -> RemoteInfo:
    return RemoteInfo(domain=remote.domain, state=remote.state.value, key=remote.key.raw.hex(), federation=str(remote.federation), hot=hot)


def _answer_validation(request: Any, _: ValidationException) -> Any:
    return answer_error(request, UsageError("request.malformed", "The body does not say what it should."))


def _answer_missing(request: Any, _: Exception) -> Any:
    return answer_error(request, NotFoundError("page.not_found", "There is no such operation.", "Both may be of different versions."))


def _who(request: Any) -> str:
    """The user of this machine at the other end of the socket (`http_server`)."""
    return str(request.client.host) if request.client else "unknown"


def build_admin(server: Administered) -> ASGIApp:
    """Put the operations together."""
    app = Litestar(
        route_handlers=[
            show_status,
            show_stats,
            show_audit,
            reload_settings,
            show_canary,
            renew_canary,
            list_users,
            delete_user,
            reset_user,
            create_invite,
            list_federation,
            refresh_remote,
            forget_remote,
        ],
        dependencies={"server": Provide(lambda: server, sync_to_thread=False), "who": Provide(_who, sync_to_thread=False)},
        exception_handlers={ConnexaError: answer_error, ValidationException: _answer_validation, 404: _answer_missing},
        request_max_body_size=65_536,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return cast(ASGIApp, app)

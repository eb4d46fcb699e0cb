"""The API as one ASGI application: the handlers, their refusals and the guard around all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ASGIApp

from connexa import __version__
from connexa.node.node import Node
from connexa.web import WebFile

from . import accounts, backups, contacts, conversations, files, groups, messages, program
from .bodies import StrictRequest
from .guard import Guard, GuardMiddleware
from .pages import PagesMiddleware
from .refusals import EXCEPTION_HANDLERS

__all__ = ["build_app", "build_handlers"]

BODY_MAX = 256 * 1024


def build_app(node: Node, guard: Guard, pages: Mapping[str, WebFile], stop: Callable[[], None]) -> ASGIApp:
    """Put the API together, and the web app beside it; `stop` ends the program."""
    app = build_handlers({"node": _given(node), "access": _given(guard.access), "stop": _given(stop)})
    return cast(ASGIApp, GuardMiddleware(cast(ASGIApp, PagesMiddleware(cast(ASGIApp, app), pages)), guard))


def build_handlers(dependencies: Mapping[str, Provide]) -> Litestar:
    """The handlers without their guard: for the documentation, which needs neither node nor token."""
    return Litestar(
        route_handlers=[
            *accounts.HANDLERS,
            *backups.HANDLERS,
            *contacts.HANDLERS,
            *conversations.HANDLERS,
            *files.HANDLERS,
            *groups.HANDLERS,
            *messages.HANDLERS,
            *program.HANDLERS,
        ],
        dependencies=dependencies,
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=BODY_MAX,
        openapi_config=OpenAPIConfig(  # the default page loads scripts from elsewhere
            title="Connexa node", version=__version__, path="/api/schema", render_plugins=[JsonRenderPlugin()]
        ),
        logging_config=None,
        debug=False,
    )


def _given(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)

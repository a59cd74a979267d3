"""Puts the web application together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from jinyun import __version__
from jinyun.app.use_cases import UseCases
from jinyun.web.answers import install_error_handlers
from jinyun.web.calls import CALLS
from jinyun.web.calls import PUBLIC as OPEN
from jinyun.web.guard import COOKIE, CSRF_HEADER, Doorman, permitted
from jinyun.web.pages import install_pages
from jinyun.web.routes import (
    ERROR_SCHEMA,
    ERRORS,
    accounts,
    attachments,
    audit,
    care,
    catalogue,
    corrections,
    editions,
    export,
    field,
    figures,
    imports,
    links,
    matters,
    notices,
    overview,
    periods,
    register_sheets,
    registers,
    reports,
    search,
    sensorthings,
    session,
    sessions,
    sites,
    system,
    windows,
)
from jinyun.web.sse import Hub

if TYPE_CHECKING:
    from jinyun.app.assemble import House

ROUTERS = (
    session,
    sessions,
    accounts,
    audit,
    overview,
    sites,
    search,
    windows,
    matters,
    notices,
    registers,
    register_sheets,
    attachments,
    field,
    links,
    periods,
    reports,
    editions,
    corrections,
    figures,
    imports,
    catalogue,
    care,
    system,
    sensorthings,
    export,
)
PUBLIC = frozenset((path, method.lower()) for (method, path), action in CALLS.items() if action == OPEN)


def build(house: House) -> FastAPI:
    """The application of one house: the routes over its use cases, the live stream, the built page."""
    app = bare()
    cases = UseCases(house)
    app.state.cases = cases
    app.state.hub = Hub(house.bus, cases.live_values, cases.now)
    install_pages(app)
    return app


def bare() -> FastAPI:
    """The routes alone, with no house behind them: enough to describe the API. Documentation pages that would fetch
    from the outside are left out."""
    app = FastAPI(title="Jinyun 缙云", version=__version__, docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    install_error_handlers(app)
    for one in ROUTERS:
        app.include_router(one.router, responses=ERRORS, dependencies=[Depends(permitted)])
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    app.add_middleware(Doorman)
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The API's description, with the error shape and how to log in."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = schema.setdefault("components", {})
        parts.setdefault("schemas", {})["Error"] = ERROR_SCHEMA
        parts["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
            "local": {"type": "http", "scheme": "bearer", "description": "the token in the node's folder"},
        }
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                operation["responses"].pop("422", None)  # said by 4XX, in our own shape
                if (path, method) not in PUBLIC:
                    cookie: dict[str, list[str]] = {"session": []} if method == "get" else {"session": [], "csrf": []}
                    operation["security"] = [cookie, {"local": []}]
        app.openapi_schema = schema
    return app.openapi_schema

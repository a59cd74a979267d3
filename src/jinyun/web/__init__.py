"""The web: FastAPI routes over the use cases, live events, log-in, and the built page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    from jinyun.app.assemble import House


def create_app(house: House) -> FastAPI:
    """The web application of one house. The house must have been started, or be started before the first request."""
    from jinyun.web.build import build

    return build(house)


__all__: list[Any] = ["create_app"]

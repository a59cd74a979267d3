"""The node itself: state, refusals, factors, base map, health, metrics."""

from __future__ import annotations

import hmac
import re
from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from jinyun.kernel.errors import NotFound
from jinyun.web.answers import json_answer
from jinyun.web.calls import CALLS
from jinyun.web.guard import Cases, LoggedIn, Out, enter, logged_in, whole_of
from jinyun.web.routes import LIST, Words

router = APIRouter(tags=["system"])
LOOPBACK = frozenset({"127.0.0.1", "::1"})


@router.get("/api/system")
def system(*, cases: Cases, _: LoggedIn) -> Response:
    """Rates, lag, disk, journal, store, seal state, jobs, process, versions."""
    return json_answer(cases.system.state())


@router.get("/api/rejects", responses=LIST)
def rejects(
    *,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    mn: Words = "",
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
) -> Response:
    """What was refused lately, with reason and sentence."""
    return out.answer(cases.system.rejects(mn=mn, limit=limit), name="rejects")


@router.get("/api/factors", responses=LIST)
def factors(*, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """The factor dictionary."""
    return out.answer(cases.system.factors(), name="factors")


@router.get("/api/health")
async def health(*, cases: Cases) -> Response:
    """Alive? Needs no log-in."""
    return json_answer(cases.system.health())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(*, request: Request) -> Response:
    """Prometheus figures: for this machine itself, or with a log-in or the local token."""
    peer = request.client.host if request.client else ""
    proxied = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    if proxied or not any(hmac.compare_digest(peer, one) for one in LOOPBACK):
        await enter(request, await logged_in(request), CALLS["GET", "/metrics"])
    body = await run_in_threadpool(whole_of(request).system.metrics, request.app.state.hub.pages)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


@cache
def _basemap() -> dict[str, bytes]:
    folder = files("jinyun.app").joinpath("basemap")
    if not folder.is_dir():
        return {}
    return {
        one.name.removesuffix(".geojson"): one.read_bytes() for one in folder.iterdir() if one.name.endswith(".geojson")
    }


@router.get("/api/basemap/{name}")
def basemap(*, name: Annotated[str, Path(max_length=80)]) -> Response:
    """A layer of the indicative base map (示意图) as GeoJSON."""
    layers = _basemap()
    wanted = re.sub(r"\.(geo)?json$", "", name)
    if wanted not in layers:
        raise NotFound("base map layer", name, known=layers)
    headers = {"cache-control": "public, max-age=86400"}
    return Response(layers[wanted], 200, headers, "application/geo+json")

"""The duty page and its live stream."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from jinyun.app.accounts import Session
from jinyun.kernel.errors import BadInput, NotLoggedIn
from jinyun.web.answers import packed_answer, takes_gzip
from jinyun.web.calls import CALLS
from jinyun.web.guard import COOKIE, LOCAL, Known, LoggedIn, whole_of
from jinyun.web.sse import TOPICS, Hub

router = APIRouter(prefix="/api", tags=["duty"])


@router.get("/overview")
async def overview(*, request: Request, cases: Known, _: LoggedIn) -> Response:
    """What is wrong now, where, whose turn, what changed in the last hour; with `as_of` what was known then. Of
    alarms and cases the 200 worst, and how many there are."""
    told = cases.overview
    body, small = told.answer.fresh(), told.packed.fresh()
    if body is None or (small is None and takes_gzip(request)):
        body = await run_in_threadpool(told.answer.get)
        small = await run_in_threadpool(told.packed.get) if takes_gzip(request) else b""
    return packed_answer(request, body, lambda _: small or b"")


@router.get("/events", responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    *,
    request: Request,
    session: LoggedIn,
    topics: Annotated[str, Query(max_length=200, description="comma-separated; all when empty")] = "",
    last_event_id: Annotated[str, Header(max_length=64)] = "",
) -> Response:
    """Server-sent events: reading, verdict, alarm, case, link, system; `resync` asks the page to read anew."""
    wanted = frozenset(one for one in topics.split(",") if one)
    if wanted - TOPICS:
        raise BadInput(
            f"no topic {', '.join(sorted(wanted - TOPICS))}",
            field="topics",
            hint=f"topics: {', '.join(sorted(TOPICS))}",
        )
    hub: Hub = request.app.state.hub
    return StreamingResponse(
        hub.stream(
            wanted,
            last_event_id,
            lambda: _still(request, session),
            whole_of(request).ears(request.state.reach),
        ),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _still(request: Request, session: Session) -> bool:
    """Whether who listens would be let in now, and would see as far as the stream gives. Else it ends, and the page
    that connects anew gets what holds now."""
    now, rights = _present(request, session), whole_of(request).rights
    return (
        now is not None
        and not now.must_change
        and rights.may(now.actor, CALLS["GET", "/api/events"]).allowed
        and rights.reach(now.actor) == request.state.reach
    )


def _present(request: Request, session: Session) -> Session | None:
    """Who a stream's log-in stands for now; None when it is over."""
    cases, bearer = whole_of(request), request.headers.get("authorization", "")
    if session is LOCAL:
        return LOCAL
    if not bearer.startswith("Bearer "):
        return cases.accounts.holds(request.cookies.get(COOKIE))
    with suppress(NotLoggedIn):  # the key was ended, or is over
        return cases.keys.session(bearer[7:])
    return None

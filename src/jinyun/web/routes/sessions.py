"""Open log-ins: one's own, and those of all accounts for the administrators who may end them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from jinyun.kernel.errors import NotFound
from jinyun.web.answers import json_answer
from jinyun.web.guard import COOKIE, Cases, LoggedIn, Out
from jinyun.web.routes import LIST

router = APIRouter(prefix="/api", tags=["session"])
Id = Annotated[str, Path(min_length=1, max_length=64)]
Name = Annotated[str, Path(min_length=1, max_length=120)]


@router.get("/account/sessions", responses=LIST)
def own(*, request: Request, out: Out, session: LoggedIn, cases: Cases) -> Response:
    """One's own open log-ins: from where, by which browser, since when, last seen. Keys of programs are none."""
    told = cases.accounts.sessions(session.name, request.cookies.get(COOKIE))
    return out.answer(told, name="sessions")


@router.delete("/account/sessions")
def end_others(*, request: Request, session: LoggedIn, cases: Cases) -> Response:
    """End all of one's own log-ins but the one that asks; how many there were."""
    request.state.call.changes = True
    return json_answer({"ended": cases.accounts.end_sessions(session.name, but=request.cookies.get(COOKIE))})


@router.delete("/account/sessions/{id}", status_code=204)
def end_own(*, request: Request, id: Id, session: LoggedIn, cases: Cases) -> Response:
    """End one of one's own log-ins; the one that asks too."""
    request.state.call.changes = True
    cases.accounts.end_session(id, session.name)
    return Response(status_code=204)


@router.get("/sessions", responses=LIST)
def every(
    *, request: Request, out: Out, cases: Cases, _: LoggedIn, name: Annotated[str, Query(max_length=120)] = ""
) -> Response:
    """Open log-ins of all accounts, or of one, last seen first."""
    told = cases.accounts.sessions(name or None, request.cookies.get(COOKIE))
    return out.answer(told, name="sessions")


@router.delete("/sessions/{id}", status_code=204)
def end(*, request: Request, id: Id, cases: Cases, _: LoggedIn) -> Response:
    """End one log-in, whosesoever it is; the audit log says whose it was."""
    name = cases.accounts.end_session(id)
    request.state.call.object = f"{name}/{id}"
    return Response(status_code=204)


@router.delete("/accounts/{name}/sessions")
def end_all(*, name: Name, cases: Cases, _: LoggedIn) -> Response:
    """End all log-ins of an account; how many there were. It may log in again: disable it to prevent that."""
    if name not in cases.accounts.names():
        raise NotFound("account", name)
    return json_answer({"ended": cases.accounts.end_sessions(name)})

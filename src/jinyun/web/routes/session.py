"""Log-in by password, second factor or OpenID provider; who am I; log-out; one's own password and second factor."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from jinyun.app.accounts import Session
from jinyun.app.rights import actions
from jinyun.kernel.errors import BadInput, JinyunError, NotLoggedIn, NotPermitted
from jinyun.web.answers import json_answer
from jinyun.web.guard import COOKIE, OWN, Cases, LoggedIn, check_origin, is_https
from jinyun.web.threads import in_log_in_thread

router = APIRouter(prefix="/api", tags=["session"])
MARK, TO = "jinyun_oidc", "jinyun_oidc_to"
SECONDS = 600
REFUSALS = frozenset(
    {"expired", "other-browser", "no-account", "disabled", "token", "provider", "unreachable", "off", "other"}
)
"""Why a log-in at the provider came to nothing, in words that the log-in page knows."""
log = structlog.get_logger("web")


class Credentials(BaseModel):
    name: str = Field(max_length=64)
    password: str = Field(max_length=256)
    code: str = Field(default="", max_length=32, description="of the second factor, when the account has one")


class NewPassword(BaseModel):
    old: str = Field(max_length=256)
    new: str = Field(max_length=256)


class Code(BaseModel):
    code: str = Field(min_length=1, max_length=32)


def _told(request: Request, name: str, call: str) -> None:
    """What the audit log is to say of a call before somebody is known."""
    noted = request.state.call
    noted.who, noted.action, noted.call, noted.changes = name, OWN, call, True


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _with_cookie(answer: Response, request: Request, cases: Cases, token: str) -> Response:
    answer.set_cookie(
        COOKIE, token, max_age=cases.accounts.security().idle_minutes * 60, path="/", httponly=True,
        samesite="strict", secure=is_https(request),
    )  # fmt: skip
    return answer


@router.post("/session")
async def log_in(*, request: Request, given: Credentials, cases: Cases) -> Response:
    """Log in; sets the session cookie and returns the CSRF token for the header X-Jinyun-CSRF. With a second factor the
    first answer is 401 `second-factor`: send the same again with `code`."""
    check_origin(request)
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise BadInput("a log-in is sent as application/json")
    _told(request, given.name, "POST /api/session")  # only now: else each name that is made up would leave a row
    token, session = await in_log_in_thread(
        cases.accounts.log_in, given.name, given.password, _peer(request), given.code, _agent(request)
    )
    request.state.call.roles = session.roles
    return _with_cookie(json_answer(session.as_dict()), request, cases, token)


@router.get("/session")
async def who_am_i(*, request: Request, session: LoggedIn, cases: Cases) -> Response:
    """The present session; its cookie is prolonged."""
    answer = json_answer(session.as_dict())
    if token := request.cookies.get(COOKIE):
        _with_cookie(answer, request, cases, token)
    return answer


@router.delete("/session", status_code=204)
async def log_out(*, request: Request, _: LoggedIn, cases: Cases) -> Response:
    """End the session."""
    request.state.call.changes = True
    await run_in_threadpool(cases.accounts.log_out, request.cookies.get(COOKIE))
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


# --- at an OpenID provider --------------------------------------------------------------------------------------------


@router.get("/session/oidc")
def oidc(*, cases: Cases) -> Response:
    """Whether log-in at an OpenID provider is set up, and what to call it."""
    return json_answer(cases.oidc.state())


@router.get("/session/oidc/start", status_code=302, response_class=Response)
def oidc_start(
    *,
    request: Request,
    cases: Cases,
    to: Annotated[str, Query(pattern="^(field)?$", description="the page that comes after: empty or field")] = "",
) -> Response:
    """Send the browser to the provider: authorization code with PKCE. When it cannot be reached, to our own log-in
    page, which says so."""
    try:
        address, mark = cases.oidc.begin(_back(request))
    except JinyunError as wrong:
        return _not_let_in(request, wrong, to)
    answer = RedirectResponse(address, 302, {"cache-control": "no-store"})
    for name, value in ((MARK, mark), (TO, to)):
        answer.set_cookie(
            name, value, max_age=SECONDS, path="/api/session/oidc", httponly=True, samesite="lax",
            secure=is_https(request),
        )  # fmt: skip
    return answer


@router.get("/session/oidc/callback", status_code=302, response_class=Response)
def oidc_callback(
    *,
    request: Request,
    cases: Cases,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Where the provider sends the browser back; sets the session cookie and goes on to the page. Who is not let in
    comes to the log-in page, which says why: `/login?refused=` and one of `REFUSALS`."""
    _told(request, "", "GET /api/session/oidc/callback")
    to = request.cookies.get(TO, "")
    try:
        if error or not code:
            raise NotLoggedIn(f"the provider did not let you in: {error or 'it sent no code'}", reason="provider")
        token, session = cases.oidc.finish(
            state, code, request.cookies.get(MARK, ""), peer=_peer(request), agent=_agent(request)
        )
    except JinyunError as wrong:
        return _not_let_in(request, wrong, to)
    request.state.call.who, request.state.call.roles = session.name, session.roles
    answer = RedirectResponse("/field" if to == "field" else "/", 302, {"cache-control": "no-store"})
    _forget_begun(answer)
    return _with_cookie(answer, request, cases, token)


def _forget_begun(answer: Response) -> None:
    for name in (MARK, TO):
        answer.delete_cookie(name, path="/api/session/oidc")


def _not_let_in(request: Request, wrong: JinyunError, to: str) -> Response:
    """To the log-in page with a word of ours, never with text out of the request; the audit log has it as refused."""
    reason = getattr(wrong, "reason", "") or {"unavailable": "unreachable", "not-permitted": "off"}.get(wrong.code, "")
    reason = reason if reason in REFUSALS else "other"
    log.warning("oidc.refused", reason=reason, why=str(wrong))
    request.state.call.refused = reason
    page = "/field" if to == "field" else "/login"
    answer = RedirectResponse(f"{page}?refused={reason}", 302, {"cache-control": "no-store"})
    _forget_begun(answer)
    return answer


def _back(request: Request) -> str:
    scheme = "https" if is_https(request) else "http"
    return f"{scheme}://{request.headers.get('host') or request.url.netloc}/api/session/oidc/callback"


# --- one's own account ------------------------------------------------------------------------------------------------


def _person(session: Session, cases: Cases) -> str:
    if session.name not in cases.accounts.names():
        raise NotPermitted(f"{session.name} is no account: it has no password and no second factor")
    return session.name


@router.get("/account")
def account(*, session: LoggedIn, cases: Cases) -> Response:
    """One's own account, and what its roles may do."""
    roles = cases.rights.roles(session.actor)
    may = sorted(one.id for one in actions().values() if roles & one.roles)
    told = cases.accounts.about(session.name) if session.name in cases.accounts.names() else {"name": session.name}
    return json_answer(told | {"actions": may, "whole": cases.rights.reach(session.actor).whole})


@router.post("/account/password", status_code=204)
async def new_password(*, request: Request, body: NewPassword, session: LoggedIn, cases: Cases) -> Response:
    """Change one's own password; all sessions end, log in again."""
    request.state.call.changes = True
    name = _person(session, cases)
    await in_log_in_thread(cases.accounts.change_password, name, body.old, body.new, _peer(request))
    return Response(status_code=204)


@router.post("/account/totp", status_code=201)
def enrol(*, request: Request, session: LoggedIn, cases: Cases) -> Response:
    """A fresh secret for an authenticator app; in force once confirmed."""
    request.state.call.changes = True
    return json_answer(cases.accounts.factor.enrol(_person(session, cases)), 201)


@router.post("/account/totp/confirm")
def confirm(*, request: Request, body: Code, session: LoggedIn, cases: Cases) -> Response:
    """Put the second factor in force with a code of it; the recovery codes are told this once. Other log-ins that
    were opened with the password only end."""
    request.state.call.changes = True
    codes = cases.accounts.factor.confirm(_person(session, cases), body.code, request.cookies.get(COOKIE))
    return json_answer({"recovery_codes": codes})


@router.post("/account/totp/remove", status_code=204)
def remove(*, request: Request, body: Code, session: LoggedIn, cases: Cases) -> Response:
    """Take one's own second factor away, with a code of it."""
    request.state.call.changes = True
    cases.accounts.factor.remove(_person(session, cases), body.code, _peer(request))
    return Response(status_code=204)

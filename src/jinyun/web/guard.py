"""Who may pass: sessions by cookie, the local token by header, CSRF on mutations; security headers on every answer."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jinyun.app.accounts import Session, check_csrf
from jinyun.app.accounts.keys import MARK
from jinyun.app.rights import actions
from jinyun.app.rights.trail import CALL, Call
from jinyun.app.then import parse_as_of
from jinyun.app.use_cases import UseCases
from jinyun.kernel.errors import BadInput, JinyunError, NotLoggedIn, NotPermitted
from jinyun.kernel.ports import Actor
from jinyun.web.answers import error_answer, list_answer, unknown_error
from jinyun.web.calls import CALLS, PUBLIC
from jinyun.web.routes import AsOf

COOKIE = "jinyun_session"
CSRF_HEADER = "x-jinyun-csrf"
LOCAL = Session("local", ("admin", "officer"), "")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BODY = 2_000_000  # bytes of one request
MOST_FILE = (4 << 30) + MOST_BODY  # of a file that is streamed to disk
FILES = frozenset({"/api/imports", "/api/attachments"})
"""Addresses that take whole files."""
OWN = "session.own"
AUDITED = ("/api/", "/sta/", "/metrics")
ALSO_WHEN_READ = ("export.", "report.", "audit.")
"""Actions that are noted in the audit log though they change nothing."""
EXPORTS = frozenset({"/api/registers/{type_id}/export", "/api/figures/bundle"})
"""Whole files under actions that are not: noted as well, like every list that is taken as CSV."""
SHOWS_PERSONAL = frozenset({"/api/sites/{site}", "/api/complaints/same"})
"""Routes without a register in their path that show a record's personal fields."""
OWN_DOOR = frozenset({"/metrics", "/sta/v1.1", "/sta/v1.1/{path:path}"})
"""Routes with ways of their own to log in; they call `enter` themselves."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the chart and form libraries set style attributes
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",  # MapLibre starts its worker from a blob
        "child-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(self)",
}


def whole_of(request: Request) -> UseCases:
    """The use cases of the whole house: for the guard, who decides what others get."""
    cases: UseCases = request.app.state.cases
    return cases


def cases_of(request: Request) -> UseCases:
    """The use cases that are open to whoever asks; set by `permitted`, so a call that was not checked has none."""
    cases: UseCases = request.state.cases
    return cases


async def cases_then(request: Request, as_of: AsOf = "") -> UseCases:
    """The use cases that are open to whoever asks, of what was known at `as_of`; without it of now. Rights are those of
    now at any moment."""
    moment = parse_as_of(as_of)
    if moment is None:
        return cases_of(request)
    return await run_in_threadpool(whole_of(request).doors.then, request.state.reach, moment)


def is_https(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def check_origin(request: Request) -> None:
    """A mutation sent by another site's page is refused even before its token is looked at."""
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise NotPermitted(f"a page of {origin} may not change anything here")
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise NotPermitted("a page of another site may not change anything here")


async def logged_in(request: Request) -> Session:
    """The session behind a request; mutations by cookie must carry the CSRF token. Raises `NotLoggedIn`."""
    cases = whole_of(request)
    bearer = request.headers.get("authorization", "")
    if bearer.startswith("Bearer "):
        if bearer.startswith(f"Bearer {MARK}"):
            return cases.keys.session(bearer[7:])
        if hmac.compare_digest(bearer[7:].encode(), cases.local_token.encode()):
            return LOCAL
        raise NotLoggedIn("the local token is wrong")
    token = request.cookies.get(COOKIE)
    if token and cases.accounts.needs_slide(token):
        session = await run_in_threadpool(cases.accounts.session, token)
    else:
        session = cases.accounts.session(token)
    if request.method not in SAFE_METHODS:
        check_origin(request)
        check_csrf(session, request.headers.get(CSRF_HEADER))
    return session


async def enter(request: Request, session: Session, action: str) -> UseCases:
    """Check that the action is open to the actor, and give the use cases of the actor's reach.

    Raises
    ------
    NotPermitted
        With what would be needed.
    """
    whole = whole_of(request)
    actor = session.actor
    type_id = request.path_params.get("type_id")
    reach = whole.rights.reach(actor)
    _tell(request, session, action, personal=reach.personal)
    whole.rights.may(actor, action, type_id).demand()
    if session.must_change and action != OWN:
        raise NotPermitted("first change your password or set up the second factor that is demanded of you")
    request.state.reach = reach
    request.state.session = session
    request.state.cases = whole.doors.ready(reach) or await run_in_threadpool(whole.doors.open, reach)
    return cases_of(request)


def _tell(request: Request, session: Session, action: str, *, personal: bool) -> None:
    """What the audit trail is to know of the call."""
    call: Call = request.state.call
    given = request.path_params
    call.who, call.roles, call.action = session.name, session.roles, action
    call.object = "/".join(str(given[name]) for name in given)
    path = request.scope["route"].path
    call.exports = call.exports or path in EXPORTS
    told = actions().get(action)
    call.changes = bool(told and told.audited) and (request.method != "GET" or action.startswith(ALSO_WHEN_READ))
    kind = whole_of(request).house.types.get(str(given.get("type_id", "")))
    shows = path in SHOWS_PERSONAL or (kind is not None and any(one.personal for one in kind.fields))
    call.reads_personal = personal and shows


async def permitted(request: Request) -> None:
    """The one door: every route of the API depends on it first. What is not declared in `web.calls` is refused."""
    method, path = request.method, request.scope["route"].path
    request.state.call.call = f"{method} {path}"
    action = CALLS.get((method, path))
    if action == PUBLIC:
        request.state.cases = whole_of(request)
    elif path not in OWN_DOOR:
        session = await logged_in(request)
        if action is None:
            raise NotPermitted(f"{method} {path} is declared to be no action, so nobody may do it")
        await enter(request, session, action)


async def session_of(request: Request) -> Session:
    """The session that `permitted` let in."""
    session: Session = request.state.session
    return session


async def acting(session: Annotated[Session, Depends(session_of)]) -> Actor:
    return session.actor


class Listing:
    """Answers a list as the query asks: JSON, or CSV (UTF-8 with BOM) with ``format=csv``."""

    def __init__(
        self,
        request: Request,
        format: Annotated[str | None, Query(pattern="^(json|csv)$", description="json or csv")] = None,
    ) -> None:
        self._request, self._csv = request, format == "csv"
        if self._csv:
            request.state.call.exports = True

    @property
    def csv(self) -> bool:
        return self._csv

    def answer(
        self,
        value: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        name: str,
        labels: Mapping[str, str] | None = None,
    ) -> Response:
        """`value` is a list, or holds one in ``items``; `labels` are headings of a CSV's columns."""
        return list_answer(self._request, value, as_csv=self._csv, name=name, labels=labels)


Out = Annotated[Listing, Depends()]
Who = Annotated[Actor, Depends(acting)]
LoggedIn = Annotated[Session, Depends(session_of)]
Cases = Annotated[UseCases, Depends(cases_of)]
Known = Annotated[UseCases, Depends(cases_then)]
"""Use cases of now, or with `as_of` of what was known then: for calls that answer of readings, verdicts and records."""


def need_role(actor: Actor, role: str) -> None:
    if role not in actor.roles:
        raise NotPermitted(f"this needs the role {role}")


class Doorman:
    """Outermost layer: sets headers, refuses requests that no room could take, turns the unforeseen into a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        call = Call(peer=scope["client"][0] if scope.get("client") else "", call=f"{scope['method']} {scope['path']}")
        scope.setdefault("state", {})["call"] = call
        CALL.set(call)

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                await self._noted(scope, call, message)
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refusal = _refusal(scope)
            if refusal is not None:
                await error_answer(refusal)(scope, receive, dressed)
                return
            await self.app(scope, _limited(receive, _most(scope)), dressed)
        except Exception as wrong:
            answer = unknown_error(scope["path"], wrong)
            if not started:
                await answer(scope, receive, dressed)

    async def _noted(self, scope: Scope, call: Call, message: Message) -> None:
        """Write the audit row before the answer leaves; an answer that cannot be noted becomes an error."""
        cases = getattr(scope["app"].state, "cases", None) if "app" in scope else None
        if cases is None or not scope["path"].startswith(AUDITED):
            return
        status = int(message["status"])
        if cases.trail.wanted(call, status):
            await run_in_threadpool(cases.trail.close, call, status)


class TooLarge(JinyunError):
    """A request that holds more than any of ours does."""

    code, status_hint = "too-large", 413

    def __init__(self) -> None:
        super().__init__(f"a request holds at most {MOST_BODY} bytes")


def _most(scope: Scope) -> int:
    return MOST_FILE if scope["path"] in FILES else MOST_BODY


def _limited(receive: Receive, most: int) -> Receive:
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        if message["type"] == "http.request":
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(413, str(TooLarge()))  # the framework lets only its own errors through here
        return message

    return counted


def _refusal(scope: Scope) -> JinyunError | None:
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        return BadInput("a zero byte is no part of any name here")
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > _most(scope):
            return TooLarge()
    return None

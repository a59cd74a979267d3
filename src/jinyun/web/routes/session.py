"""Log-in, who am I, log-out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from jinyun.app.accounts import SESSION_SECONDS
from jinyun.kernel.errors import BadInput
from jinyun.web.answers import json_answer
from jinyun.web.guard import COOKIE, Cases, LoggedIn, check_origin, is_https
from jinyun.web.routes import Name

router = APIRouter(prefix="/api", tags=["session"])


class Credentials(BaseModel):
    name: str = Field(max_length=64)
    password: str = Field(max_length=256)


@router.post("/session")
async def log_in(*, request: Request, given: Credentials, cases: Cases) -> Response:
    """Log in; sets the session cookie and returns the CSRF token for the header X-Jinyun-CSRF."""
    check_origin(request)
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise BadInput("a log-in is sent as application/json")
    peer = request.client.host if request.client else ""
    token, session = await run_in_threadpool(cases.accounts.log_in, given.name, given.password, peer)
    answer = json_answer(session.as_dict())
    answer.set_cookie(
        COOKIE, token, max_age=SESSION_SECONDS, path="/", httponly=True, samesite="strict", secure=is_https(request)
    )
    return answer


@router.get("/session")
async def who_am_i(*, request: Request, session: LoggedIn) -> Response:
    """The present session; its cookie is prolonged."""
    answer = json_answer(session.as_dict())
    if token := request.cookies.get(COOKIE):
        answer.set_cookie(
            COOKIE, token, max_age=SESSION_SECONDS, path="/", httponly=True, samesite="strict", secure=is_https(request)
        )
    return answer


@router.delete("/session", status_code=204)
async def log_out(*, request: Request, _: LoggedIn, cases: Cases) -> Response:
    """End the session."""
    await run_in_threadpool(cases.accounts.log_out, request.cookies.get(COOKIE))
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/accounts")
def accounts(*, cases: Cases, _: LoggedIn) -> Response:
    """Names of all accounts."""
    return json_answer(cases.accounts.names())


@router.post("/accounts/{name}/reset")
def reset_account(*, name: Name, cases: Cases, _: LoggedIn) -> Response:
    """Give an account a new generated password and end its sessions."""
    return json_answer({"name": name, "password": cases.accounts.reset(name)})

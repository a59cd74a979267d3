"""OGC SensorThings API 1.1 under /sta/v1.1. Foreign clients log in by HTTP Basic or Bearer, pages by their cookie."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from jinyun.app.accounts import Session
from jinyun.app.services.cache import packed
from jinyun.app.services.sensorthings import StaAnswer
from jinyun.app.use_cases import UseCases
from jinyun.kernel.errors import BadInput, JinyunError, NotLoggedIn
from jinyun.kernel.ports import Actor
from jinyun.web.answers import COMPRESS_FROM, takes_gzip
from jinyun.web.calls import CALLS
from jinyun.web.guard import cases_of, check_origin, enter, is_https, logged_in, whole_of
from jinyun.web.threads import in_log_in_thread

ROOT = "/sta/v1.1"
REMEMBERED = 256  # Basic log-ins kept, oldest forgotten first
router = APIRouter(include_in_schema=False)  # its description is the standard's, see docs/sensorthings.md
_encoder = msgspec.json.Encoder()


class BasicLogins:
    """Sessions behind HTTP Basic: the password is hashed (argon2) at the first request, not at each."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._tokens: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def remembered(self, cases: UseCases, name: str, password: str) -> Session | None:
        """The session of an earlier request, prolonged; None: `log_in`."""
        key = self._key(name, password)
        with self._lock:
            token = self._tokens.get(key)
        if token is not None:
            try:
                return cases.accounts.session(token)
            except NotLoggedIn:  # over, or the password was reset
                with self._lock:
                    self._tokens.pop(key, None)
        return None

    def log_in(self, cases: UseCases, name: str, password: str, peer: str) -> Session:
        """A session of now, unless another request of the same client opened one while this waited its turn. Raises
        `NotLoggedIn`, `TooManyAttempts`."""
        if (held := self.remembered(cases, name, password)) is not None:
            return held
        token, session = cases.accounts.log_in(name, password, peer)
        with self._lock:
            self._tokens[self._key(name, password)] = token
            while len(self._tokens) > REMEMBERED:
                self._tokens.popitem(last=False)
        return session

    def _key(self, name: str, password: str) -> bytes:
        return hmac.digest(self._salt, f"{name}\0{password}".encode(), hashlib.sha256)


_logins: WeakKeyDictionary[UseCases, BasicLogins] = WeakKeyDictionary()


def _logins_of(cases: UseCases) -> BasicLogins:
    return _logins.setdefault(cases, BasicLogins())


async def _session(request: Request) -> Session:
    """Who asks: Basic here, cookie and Bearer by the guard."""
    told = request.headers.get("authorization", "")
    if not told.startswith("Basic "):
        return await logged_in(request)
    try:
        name, colon, password = base64.b64decode(told[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon or len(name) > 64 or len(password) > 256:
        raise NotLoggedIn("the header Authorization: Basic cannot be read")
    if request.method != "GET":
        check_origin(request)  # a browser that knows the password sends it for pages of other sites too
    peer = request.client.host if request.client else ""
    cases = whole_of(request)
    logins = _logins_of(cases)
    held = await run_in_threadpool(logins.remembered, cases, name, password)
    if held is None:
        held = await in_log_in_thread(logins.log_in, cases, name, password, peer)
    return held


def _base(request: Request) -> str:
    scheme = "https" if is_https(request) else "http"
    return f"{scheme}://{request.headers.get('host') or request.url.netloc}{ROOT}"


@router.api_route(ROOT, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@router.api_route(ROOT + "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def sensorthings(request: Request, path: str = "") -> Response:
    """Everything below the service's address."""
    try:
        session = await _session(request)
        await enter(request, session, CALLS[request.method, ROOT])
        return await _answered(request, path, session.actor)
    except JinyunError as wrong:
        status = 400 if isinstance(wrong, BadInput) else wrong.status_hint
        headers = {"www-authenticate": 'Basic realm="jinyun", charset="UTF-8"'} if status == 401 else {}
        body = {"code": status, "type": "error", "message": str(wrong)}
        return Response(_encoder.encode(body), status, {"cache-control": "no-store", **headers}, "application/json")


async def _answered(request: Request, path: str, actor: Actor) -> Response:
    service = cases_of(request).sensorthings
    if request.method == "GET":
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=40)
        return await run_in_threadpool(_respond, request, lambda: service.get(path, pairs, _base(request)))
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/json":
            raise BadInput("an Observation is sent as application/json")
        body, peer = await request.body(), request.client.host if request.client else ""
        return await run_in_threadpool(_respond, request, lambda: service.post(path, body, _base(request), actor, peer))
    raise service.not_changed(path)


def _respond(request: Request, make: Callable[[], StaAnswer]) -> Response:
    answer = make()
    headers = {"cache-control": "no-store", **answer.headers}
    if answer.text:
        return Response(answer.body, answer.status, headers, "text/plain; charset=utf-8")
    body = _encoder.encode(answer.body)
    if len(body) >= COMPRESS_FROM and takes_gzip(request):
        body = packed(body)
        headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(body, answer.status, headers, "application/json")

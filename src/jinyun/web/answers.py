"""How answers leave the house: msgspec bytes, CSV, and one JSON shape for every error."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from jinyun.app.services.cache import Ready, packed
from jinyun.app.services.words import csv_bytes
from jinyun.kernel.errors import JinyunError

log = structlog.get_logger("web")
COMPRESS_FROM = 8192  # bytes; below it the round trip is not shorter


def _other(value: Any) -> Any:
    if hasattr(value, "item"):  # numpy scalars
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_other)


def encode(value: Any) -> bytes:
    return _encoder.encode(value)


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps."""
    body = value if isinstance(value, bytes) else encode(value)
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, "application/json")


def takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def packed_answer(request: Request, body: bytes, pack: Callable[[bytes], bytes] = packed) -> Response:
    """A large JSON answer, packed where the browser takes it. Call in a worker thread when `body` is large."""
    if len(body) < COMPRESS_FROM or not takes_gzip(request):
        return json_answer(body, headers={"vary": "accept-encoding"})
    return json_answer(pack(body), headers={"content-encoding": "gzip", "vary": "accept-encoding"})


def ready_answer(request: Request, ready: Ready) -> Response:
    """An answer that is encoded and packed once for everybody."""
    return packed_answer(request, ready.body.get(), ready.pack)


def list_answer(
    request: Request,
    value: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    as_csv: bool,
    name: str,
    labels: Mapping[str, str] | None = None,
) -> Response:
    """A list as JSON or CSV. `value` is a list or holds one in ``items``."""
    if not as_csv:
        return packed_answer(request, encode(value))
    rows = value["items"] if isinstance(value, Mapping) else value
    headers = {"cache-control": "no-store", "content-disposition": f"attachment; {_file_name(name + '.csv')}"}
    return Response(csv_bytes(rows, labels), 200, headers, "text/csv; charset=utf-8")


def _file_name(name: str) -> str:
    """A file name in a header, RFC 6266: plain for all, whole for those that read it."""
    plain = "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "_" for one in name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_headers(name: str) -> dict[str, str]:
    """Headers of a file to be saved under `name`."""
    return {"cache-control": "no-store", "content-disposition": f"attachment; {_file_name(name)}"}


def file_answer(data: bytes, name: str, content_type: str) -> Response:
    """A made file to be saved under `name`."""
    return Response(data, 200, file_headers(name), content_type)


def error_answer(error: JinyunError) -> Response:
    headers = {}
    if (wait := error.details().get("retry_after")) is not None:
        headers["retry-after"] = str(wait)
    return json_answer(error.as_dict(), error.status_hint, headers)


def unknown_error(request_path: str, wrong: BaseException) -> Response:
    """An error nobody foresaw: the page gets a number, the log gets the rest."""
    number = secrets.token_hex(6)
    log.error("unforeseen error", id=number, path=request_path, exc_info=wrong)
    message = f"something went wrong inside; the log has it under {number}"
    return json_answer({"error": {"code": "internal", "message": message, "id": number}}, 500)


def install_error_handlers(app: FastAPI) -> None:
    """Every error, of ours and of the framework, in one shape: {"error": {"code", "message", …}}."""

    async def ours(_: Request, wrong: Exception) -> Response:
        assert isinstance(wrong, JinyunError)
        return error_answer(wrong)

    async def invalid(_: Request, wrong: Exception) -> Response:
        assert isinstance(wrong, RequestValidationError)
        problems = {".".join(str(p) for p in one["loc"]): str(one["msg"]) for one in wrong.errors()}
        listed = "; ".join(f"{where}: {why}" for where, why in problems.items())
        body = {"error": {"code": "bad-input", "message": f"request not accepted: {listed}", "problems": problems}}
        return json_answer(body, 422)

    async def framework(request: Request, wrong: Exception) -> Response:
        assert isinstance(wrong, HTTPException)
        code = {404: "not-found", 405: "method-not-allowed", 400: "bad-input", 413: "too-large"}.get(
            wrong.status_code, "http"
        )
        message = f"{request.method} {request.url.path}: {wrong.detail}"
        body = {"error": {"code": code, "message": message}}
        return json_answer(body, wrong.status_code, dict(wrong.headers or {}))

    app.add_exception_handler(JinyunError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)

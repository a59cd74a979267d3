"""Bodies that are files: taken in pieces as they come, written in worker threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

PIECE = 1 << 20
RAW: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""What OpenAPI says of such a route."""


class Incoming(Protocol):
    """A file on its way in."""

    def write(self, piece: bytes) -> None: ...
    def drop(self) -> None: ...


async def take_body(request: Request, write: Callable[[bytes], None], piece: int = PIECE) -> bool:
    """Give the body to `write`, in pieces of `piece` bytes or a little more. False: the sender left before its end;
    what had come was written."""
    waiting, whole = bytearray(), True
    try:
        async for part in request.stream():
            waiting += part
            if len(waiting) >= piece:
                await run_in_threadpool(write, bytes(waiting))
                waiting.clear()
    except ClientDisconnect:
        whole = False
    await run_in_threadpool(write, bytes(waiting))
    return whole


async def take_file(request: Request, incoming: Incoming) -> bool:
    """Give the body to a file; one that does not come whole is dropped. False: the sender left, nobody hears an
    answer."""
    try:
        whole = await take_body(request, incoming.write)
    except BaseException:
        incoming.drop()
        raise
    if not whole:
        incoming.drop()
    return whole

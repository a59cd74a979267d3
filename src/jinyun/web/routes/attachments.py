"""Files of records: sent as they are, kept by content, given back only as files to be saved."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from jinyun.web.answers import file_headers, json_answer
from jinyun.web.guard import Cases, Who
from jinyun.web.routes import Name
from jinyun.web.uploads import RAW, take_file

router = APIRouter(prefix="/api/attachments", tags=["registers"])


@router.post("", status_code=201, openapi_extra=RAW)
async def upload(
    *,
    request: Request,
    cases: Cases,
    who: Who,
    name: Annotated[str, Query(min_length=1, max_length=200, description="the file's name")],
) -> Response:
    """Send a file: the body is its bytes. Name the answer's id in a field of a record; unnamed it goes after a day."""
    files = cases.registers.attachments
    incoming = await run_in_threadpool(files.receive, name)
    if not await take_file(request, incoming):
        return Response(status_code=204)
    return json_answer(await run_in_threadpool(files.upload, incoming, who), 201)


@router.get("/{id}", responses={200: {"description": "The file", "content": {"application/octet-stream": {}}}})
def content(*, id: Name, cases: Cases, who: Who) -> Response:
    """The file itself; a picture comes without what the camera wrote into it."""
    path, told = cases.registers.attachments.file(id, who)
    headers = file_headers(told["name"]) | {
        "cache-control": "private, max-age=300",
        "x-content-type-options": "nosniff",
    }
    return FileResponse(path, media_type=told["media"], headers=headers)


@router.get("/{id}/about")
def about(*, id: Name, cases: Cases, who: Who) -> Response:
    """Name, kind, size, who sent it, and time and place that a photo said."""
    return json_answer(cases.registers.attachments.get(id, who))

"""Import of readings: upload a file, look at its preview, accept it. Files are streamed to disk as they come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from jinyun.kernel.errors import NotPermitted
from jinyun.kernel.ports import Actor
from jinyun.web.answers import file_answer, json_answer
from jinyun.web.guard import Cases, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Limit, Name, Offset, Words
from jinyun.web.uploads import RAW, take_file

router = APIRouter(prefix="/api/imports", tags=["imports"])

Text = Annotated[str, Query(max_length=200)]
Pairs = Annotated[list[Annotated[str, Query(max_length=300)]] | None, Query(max_length=300)]


def _may(actor: Actor) -> None:
    if not {"officer", "admin"} & set(actor.roles):
        raise NotPermitted("importing readings needs the role officer")


@router.get("", responses=LIST)
def imports(
    *, out: Out, cases: Cases, _: LoggedIn, state: Words = "", limit: Limit = 100, offset: Offset = 0
) -> Response:
    """Imports, the newest first; `state` may name several with commas."""
    return out.answer(cases.imports.find(state=state, limit=limit, offset=offset), name="imports")


@router.post("", status_code=201, openapi_extra=RAW)
async def upload(
    *,
    request: Request,
    cases: Cases,
    who: Who,
    name: Annotated[str, Query(min_length=1, max_length=200, description="the file's name, with its extension")],
    site: Annotated[str, Query(max_length=120, description="whose data they are, when no column says it")] = "",
    map: Pairs = None,
    site_map: Pairs = None,
    detection: Pairs = None,
    period: Text = "",
    stat: Text = "",
    label: Text = "",
    zone: Text = "",
    form: Text = "",
    flag: Text = "",
    different: Text = "",
    sheet: Text = "",
    header_row: Annotated[int, Query(ge=1, le=10_000)] = 1,
    reason: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Begin an import: the body is the file. It is kept, read and previewed; nothing is stored before `accept`."""
    _may(who)
    options = {
        "site": site, "maps": map, "sites": site_map, "detection": detection, "period": period, "stat": stat,
        "label": label, "zone": zone, "form": form, "flag": flag, "different": different, "sheet": sheet,
        "header_row": header_row,
    }  # fmt: skip
    incoming = await run_in_threadpool(cases.imports.receive, name)
    if not await take_file(request, incoming):
        return Response(status_code=204)
    return json_answer(await run_in_threadpool(cases.imports.upload, incoming, options, who, reason=reason), 201)


@router.get("/{id}")
def one(*, id: Name, cases: Cases, _: LoggedIn) -> Response:
    """An import: its state, how far it is, what its columns are taken for, the first rows, the counts."""
    return json_answer(cases.imports.get(id))


@router.post("/{id}/accept", status_code=202)
def accept(*, id: Name, cases: Cases, who: Who) -> Response:
    """Store what is new of it. Goes on in the background: ask for the import until its state is done."""
    _may(who)
    return json_answer(cases.imports.accept(id, who), 202)


@router.post("/{id}/drop")
def drop(*, id: Name, cases: Cases, who: Who) -> Response:
    """Give it up; nothing of it was stored."""
    _may(who)
    return json_answer(cases.imports.drop(id))


@router.get("/{id}/errors.csv", responses={200: {"description": "All refusals", "content": {"text/csv": {}}}})
def errors(*, id: Name, cases: Cases, _: LoggedIn) -> Response:
    """Every refused row and value with its reason, as CSV."""
    return file_answer(cases.imports.errors(id), f"{id}-errors.csv", "text/csv; charset=utf-8")

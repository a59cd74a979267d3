"""The audit log, for the audit administrator: rows and whether the chain holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from jinyun.web.answers import json_answer
from jinyun.web.guard import Cases, LoggedIn, Out
from jinyun.web.routes import LIST, Limit, Offset, Seconds, Words

router = APIRouter(prefix="/api/audit", tags=["audit"])
US = 1_000_000


@router.get("", responses=LIST)
def rows(
    *,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    who: Words = "",
    action: Words = "",
    object: Annotated[str, Query(max_length=300, description="how the object's name begins, e.g. case/")] = "",
    result: Words = "",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> Response:
    """Rows, newest first: who, when, from where, which call on what, how it ended, digests before and after."""
    found = cases.trail.find(
        who=who, action=action, object=object, result=result, start=None if start is None else start * US,
        end=None if end is None else end * US, limit=limit, offset=offset,
    )  # fmt: skip
    return out.answer(found, name="audit")


@router.get("/verify")
def verify(*, cases: Cases, _: LoggedIn) -> Response:
    """Whether the chain holds; every row that was changed, removed or moved."""
    return json_answer(cases.trail.verify())

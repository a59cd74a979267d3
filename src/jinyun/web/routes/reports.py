"""Reports in Word and Excel. Handlers are plain functions: a worker thread makes the file, the event loop goes on."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response

from jinyun.app.reports import EXCEL_TYPE, WORD_TYPE
from jinyun.app.then import parse_as_of
from jinyun.web.answers import file_answer, json_answer
from jinyun.web.guard import Cases, LoggedIn
from jinyun.web.routes import AsOf, Words

router = APIRouter(prefix="/api/reports", tags=["reports"])

Medium = Annotated[str, Path(pattern="^(air|water|noise)$", description="air, water or noise")]
Kind = Annotated[str, Query(alias="period", pattern="^(month|quarter|year|ytd)$")]
At = Annotated[str, Query(max_length=10, description="2026-10, 2026-Q4 or 2026; left out: the newest with data")]
Format = Annotated[str, Query(pattern="^(docx|xlsx)$")]
Language = Annotated[str, Query(pattern="^(zh|en)$")]
Compiled = Annotated[date | None, Query(description="date on the title page; left out: today by the node's clock")]
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": {WORD_TYPE: {}, EXCEL_TYPE: {}}}}


@router.get("/{medium}", responses=FILE)
def report(
    *,
    medium: Medium,
    cases: Cases,
    _: LoggedIn,
    kind: Kind = "month",
    at: At = "",
    scope: Words = "all",
    format: Format = "docx",
    lang: Language = "zh",
    compiled: Compiled = None,
    as_of: AsOf = "",
) -> Response:
    """A monthly, quarterly or yearly report with tables and native charts."""
    made = cases.reports_as_of(parse_as_of(as_of)).file(
        medium, scope=scope, period=kind, at=at, lang=lang, format=format, compiled=compiled or cases.today()
    )
    return file_answer(made.data, made.name, made.content_type)


@router.get("/{medium}/fields")
def fields(
    *,
    medium: Medium,
    cases: Cases,
    _: LoggedIn,
    kind: Kind = "month",
    at: At = "",
    scope: Words = "all",
    lang: Language = "zh",
    compiled: Compiled = None,
    as_of: AsOf = "",
) -> Response:
    """Fields that a Word template may use, with their present text."""
    reports = cases.reports_as_of(parse_as_of(as_of))
    found = reports.fields(medium, scope=scope, period=kind, at=at, lang=lang, compiled=compiled or cases.today())
    return json_answer(found)


@router.post("/{medium}/filled", responses={200: {"description": "The file", "content": {WORD_TYPE: {}}}})
def filled(
    *,
    medium: Medium,
    cases: Cases,
    _: LoggedIn,
    template: Annotated[bytes, Body(media_type="application/octet-stream", description="a .docx with {{fields}}")],
    kind: Kind = "month",
    at: At = "",
    scope: Words = "all",
    lang: Language = "zh",
    compiled: Compiled = None,
    as_of: AsOf = "",
) -> Response:
    """A bureau's own Word template with its fields filled; nothing is kept."""
    made = cases.reports_as_of(parse_as_of(as_of)).file(
        medium, scope=scope, period=kind, at=at, lang=lang, compiled=compiled or cases.today(), template=template
    )
    return file_answer(made.data, made.name, made.content_type)

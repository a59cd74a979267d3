"""Figures of months, quarters and years, and the day verdicts under them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from jinyun.app.then import parse_as_of
from jinyun.web.answers import encode, packed_answer
from jinyun.web.guard import Cases, LoggedIn, Out
from jinyun.web.routes import LIST, AsOf, Limit, Offset

router = APIRouter(prefix="/api/periods", tags=["periods"])

Subject = Annotated[str, Path(max_length=20, description="air, water or noise")]
ScopeText = Annotated[
    str, Query(alias="scope", max_length=140, description="all, site:ID, city:CODE; water also river:NAME")
]
Kind = Annotated[str, Query(alias="period", max_length=10, description="month, quarter, year or ytd")]
At = Annotated[str, Query(max_length=10, description="2026-10, 2026-Q4 or 2026; left out: the newest with data")]
On = Annotated[str, Query(max_length=10, description="day that chooses the editions, e.g. 2031-01-01")]


@router.get("")
def scopes(*, cases: Cases, request: Request, _: LoggedIn) -> Response:
    """Scopes of each subject, and since when there are days."""
    return packed_answer(request, encode(cases.periods.scopes()))


@router.get("/{subject}", responses=LIST)
def figures(
    *,
    subject: Subject,
    request: Request,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    scope: ScopeText = "all",
    period: Kind = "month",
    at: At = "",
    edition_on: On = "",
    as_of: AsOf = "",
) -> Response:
    """One period of one scope beside the same period of the year before, both in one edition. As CSV: the figures, or
    with `scope` of several sites their rows."""
    periods = cases.periods_as_of(parse_as_of(as_of))
    told = periods.figures(subject, scope=scope, period=period, at=at, edition_on=edition_on)
    if not out.csv:
        return packed_answer(request, encode(told))
    rows = [*told["figures"], *told["rows"]] if told["scope"]["kind"] == "site" else told["rows"]
    return out.answer(rows, name=f"{subject}-{told['period']['kind']}-{told['period']['at']}")


@router.get("/{subject}/days", responses=LIST)
def days(
    *,
    subject: Subject,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    scope: ScopeText = "all",
    period: Kind = "month",
    at: At = "",
    before: bool = False,
    offset: Offset = 0,
    limit: Limit = 1000,
    as_of: AsOf = "",
) -> Response:
    """The day verdicts that a figure rests on, newest first; `before` those of the year before."""
    periods = cases.periods_as_of(parse_as_of(as_of))
    found = periods.days(subject, scope=scope, period=period, at=at, before=before, offset=offset, limit=limit)
    return out.answer(found, name=f"{subject}-days")


@router.get("/{subject}/months", responses=LIST)
def months(
    *,
    subject: Subject,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    scope: ScopeText = "all",
    at: At = "",
    count: Annotated[int, Query(ge=1, le=60)] = 13,
    edition_on: On = "",
    as_of: AsOf = "",
) -> Response:
    """Headline figures month by month, oldest first."""
    periods = cases.periods_as_of(parse_as_of(as_of))
    found = periods.months(subject, scope=scope, at=at, count=count, edition_on=edition_on)
    return out.answer(found, name=f"{subject}-months")


@router.get("/{subject}/ranking", responses=LIST)
def ranking(
    *,
    subject: Subject,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    scope: ScopeText = "all",
    period: Kind = "month",
    at: At = "",
    edition_on: On = "",
    as_of: AsOf = "",
) -> Response:
    """Cities, or the stations of one, by composite index; the best first."""
    periods = cases.periods_as_of(parse_as_of(as_of))
    found = periods.ranking(subject, scope=scope, period=period, at=at, edition_on=edition_on)
    return out.answer(found, name=f"{subject}-ranking")

"""What is kept: series, data sets, gaps and whose they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from jinyun.web.answers import json_answer
from jinyun.web.guard import Cases, Known, LoggedIn, Out
from jinyun.web.routes import LIST, Limit, Offset, Seconds, Words

router = APIRouter(prefix="/api/catalogue", tags=["catalogue"])

Series = Annotated[int, Path(ge=0, le=2**31 - 1)]
Many = Annotated[int, Query(ge=1, le=200_000)]


@router.get("/series", responses=LIST)
def series(
    *,
    out: Out,
    cases: Known,
    _: LoggedIn,
    q: Words = "",
    site: Words = "",
    kind: Words = "",
    factor: Words = "",
    stat: Words = "",
    period: Words = "",
    owner: Words = "",
    grade: Words = "",
    dataset: Words = "",
    state: Words = "",
    order: Words = "series",
    limit: Many = 100,
    offset: Offset = 0,
) -> Response:
    """Series with owner, grade, update rule, freshness and completeness; filters take several words with commas. With
    `as_of` of the readings known then."""
    where = {
        "site": site, "kind": kind, "factor": factor, "stat": stat, "period": period, "owner": owner, "grade": grade,
        "dataset": dataset, "state": state,
    }  # fmt: skip
    found = cases.catalogue.series(q=q, where=where, order=order, limit=limit, offset=offset)
    return out.answer(found, name="series")


@router.get("/series/{series}")
def one(*, series: Series, cases: Known, _: LoggedIn) -> Response:
    """One series and the data sets it belongs to."""
    return json_answer(cases.catalogue.one(series))


@router.get("/series/{series}/gaps", responses=LIST)
def gaps_of(
    *,
    series: Series,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
) -> Response:
    """Stretches without usable readings, whose they are, and the evidence; by default of the last 30 days."""
    return out.answer(cases.gaps.of_series(series, start, end), name=f"gaps-{series}")


@router.get("/gaps", responses=LIST)
def gaps(
    *,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    site: Words = "",
    q: Words = "",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
    limit: Limit = 200,
) -> Response:
    """Stretches of all series that are not complete, those that lack most first."""
    return out.answer(cases.gaps.overview(site=site, q=q, start=start, end=end, limit=limit), name="gaps")


@router.get("/datasets", responses=LIST)
def datasets(*, out: Out, cases: Known, _: LoggedIn) -> Response:
    """Data sets with how many series they hold, how fresh and how complete these are."""
    return out.answer(cases.catalogue.datasets(), name="datasets")

"""Sites, their series and verdicts, and the why-trees."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from jinyun.app.services.words import parse_period, parse_stat
from jinyun.web.answers import encode, json_answer, packed_answer
from jinyun.web.guard import Known, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Limit, Name, Number, Seconds, Words

router = APIRouter(prefix="/api", tags=["sites"])


@router.get("/sites", responses=LIST)
def sites(
    *,
    out: Out,
    cases: Known,
    _: LoggedIn,
    kind: Words = "",
    q: Words = "",
) -> Response:
    """Sites as on the map, now or as of a moment; `kind` may name several with commas."""
    found = cases.sites.find(kind=kind, text=q)
    return out.answer({"items": found, "total": len(found)}, name="sites")


@router.get("/sites/{site}", responses=LIST)
def site(*, site: Name, request: Request, out: Out, cases: Known, who: Who) -> Response:
    """One site: registers, latest values with limits, verdicts, alarms, cases; with `as_of` what was known then. As
    CSV: the latest values."""
    if out.csv:
        return out.answer(cases.sites.page(site, who)["latest"], name=f"{site}-latest")
    return packed_answer(request, encode(cases.sites.page(site, who)))


@router.get("/sites/{site}/series", responses=LIST)
def series(
    *,
    site: Name,
    request: Request,
    out: Out,
    cases: Known,
    _: LoggedIn,
    factor: Annotated[str, Query(min_length=1, max_length=80)],
    stat: Words = "AVG",
    period: Words = "HOUR",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
    windows: Annotated[str, Query(pattern="^(auto)?$", description="auto: a long curve is drawn from windows")] = "",
) -> Response:
    """One curve with limit lines; `as_of` asks for what was known then. With ``windows=auto`` fine readings of more
    than 3 days come as hour windows, of more than 120 days as day windows, and the answer's ``windows`` says so."""
    asked: dict[str, Any] = {"factor": factor, "stat": parse_stat(stat), "period": parse_period(period)}
    found = None
    if windows and cases.house.as_of is None and start is not None and end is not None and start < end:
        frame = cases.sites.series(site, **asked, start=end - 1, end=end)
        found = cases.windows.curve(site, frame | {"from": start})
    if found is None:
        found = cases.sites.series(site, **asked, start=start, end=end)
    if out.csv:
        rows = [{"time": t, "value": v, "flag": f, "seq": s} for t, v, f, s in found["points"]]
        labels = {"time": "time", "value": f"{factor} [{found['unit']}]", "flag": "flag", "seq": "seq"}
        return out.answer(rows, name=f"{site}-{factor}", labels=labels)
    return packed_answer(request, encode(found))


@router.get("/sites/{site}/verdicts", responses=LIST)
def site_verdicts(
    *,
    site: Name,
    out: Out,
    cases: Known,
    _: LoggedIn,
    judge: Words = "",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
    limit: Limit = 500,
) -> Response:
    """Current verdicts, newest window first; `as_of` asks for those that stood then."""
    found = cases.sites.verdicts(site, judge=judge, start=start, end=end, limit=limit)
    return out.answer({"items": found, "total": len(found)}, name=f"verdicts-{site}")


@router.get("/verdicts/{verdict}")
def verdict(*, verdict: Number, cases: Known, _: LoggedIn) -> Response:
    """One verdict with its items and the readings it rests on."""
    return json_answer(cases.sites.verdict(verdict))


@router.get("/verdicts/{verdict}/why")
def why_verdict(*, verdict: Number, request: Request, cases: Known, _: LoggedIn) -> Response:
    """Why-tree of a verdict, down to the raw bytes."""
    return packed_answer(request, encode(cases.why.verdict(verdict)))


@router.get("/readings/why")
def why_reading(
    *,
    request: Request,
    cases: Known,
    _: LoggedIn,
    series: Annotated[int, Query(ge=0, le=2**31 - 1)],
    time: Annotated[int, Query(ge=0, le=2**40)],
    seq: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> Response:
    """Why-tree of one version of a reading; without `seq` the current one."""
    return packed_answer(request, encode(cases.why.reading(series, time, seq)))

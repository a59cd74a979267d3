"""Windows of a site's factor: ten minutes to years, 8 h means, day and night, each with what makes it valid."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from jinyun.app.services.words import parse_stat
from jinyun.web.answers import encode, packed_answer
from jinyun.web.guard import Known, LoggedIn, Out
from jinyun.web.routes import LIST, Name, Seconds, Words

router = APIRouter(prefix="/api", tags=["sites"])

PERIOD = "ten_minute, hour, day, month, quarter, year, max_8h, moving_8h, ld or ln"


@router.get("/sites/{site}/windows", responses=LIST)
def windows(
    *,
    site: Name,
    request: Request,
    out: Out,
    cases: Known,
    _: LoggedIn,
    factor: Annotated[str, Query(min_length=1, max_length=80)],
    stat: Words = "AVG",
    period: Annotated[str, Query(max_length=20, description=PERIOD)] = "hour",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
    label: Annotated[str, Query(max_length=10, description="begin or end: which instant names a window")] = "begin",
    source: Annotated[str, Query(max_length=20, description="period of the readings they are made of")] = "",
) -> Response:
    """Windows that begin in [from, to), each with coverage, status and the rule it is held to. `as_of` asks for those
    of what was known then. As CSV every row states its label, time zone, clause and coverage."""
    found = cases.windows.figures(
        site, factor=factor, stat=parse_stat(stat), period=period, start=start, end=end, label=label,
        source=source,
    )  # fmt: skip
    if out.csv:
        return out.answer(cases.windows.rows(found), name=f"{site}-{factor}-{found['period']}")
    return packed_answer(request, encode(found))

"""Bulk export: readings and windows as Parquet, CSV or an Arrow stream, as they come out of the store."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from jinyun.app.services.export import FORMATS, Export
from jinyun.app.services.words import parse_period, parse_stat
from jinyun.web.answers import file_headers
from jinyun.web.guard import Known, LoggedIn
from jinyun.web.routes import Seconds, Words

router = APIRouter(prefix="/api/export", tags=["export"])
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, streamed", "content": {kind.partition(";")[0]: {} for _, kind in FORMATS.values()}}
}
Format = Annotated[str, Query(pattern="^(parquet|csv|arrow)$", description="parquet, csv or arrow (IPC stream)")]
Many = Annotated[str, Query(max_length=4000, description="several with commas; empty: all")]


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _answer(made: Export) -> StreamingResponse:
    return StreamingResponse(made.chunks, 200, file_headers(made.name), made.content_type)


@router.get("/readings", responses=FILE)
def readings(
    *,
    cases: Known,
    _: LoggedIn,
    format: Format = "parquet",
    site: Many = "",
    factor: Many = "",
    stat: Words = "",
    period: Words = "",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
) -> StreamingResponse:
    """Current readings in [from, to), by time; `as_of` gives what was known then. The file states its label
    convention, time zone and units."""
    return _answer(
        cases.exports.readings(
            format=format, sites=_split(site), factors=_split(factor), stats=[parse_stat(one) for one in _split(stat)],
            periods=[parse_period(one) for one in _split(period)], start=start, end=end,
        )
    )  # fmt: skip


@router.get("/windows", responses=FILE)
def windows(
    *,
    cases: Known,
    _: LoggedIn,
    window: Annotated[str, Query(max_length=20, description="ten_minute, hour, day, month, …")] = "day",
    format: Format = "parquet",
    site: Many = "",
    factor: Many = "",
    stat: Words = "",
    period: Words = "",
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
) -> StreamingResponse:
    """Windows that begin in [from, to), with coverage, state and rule; `as_of` gives those of what was known then."""
    return _answer(
        cases.exports.windows(
            window, format=format, sites=_split(site), factors=_split(factor),
            stats=[parse_stat(one) for one in _split(stat)], periods=[parse_period(one) for one in _split(period)],
            start=start, end=end,
        )
    )  # fmt: skip

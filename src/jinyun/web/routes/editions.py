"""Judging again under another edition, as a what-if or for real: jobs and what differs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.web.answers import json_answer
from jinyun.web.guard import Cases, LoggedIn, Out, Who, need_role
from jinyun.web.routes import LIST, Limit, Name, Offset

router = APIRouter(prefix="/api/editions", tags=["editions"])
DAY = r"^\d{4}-\d{2}-\d{2}$"
Names = Annotated[list[str], Field(max_length=500)]


class Range(BaseModel):
    """Days (both inside), judges and sites; none named: all day judges, all sites."""

    first: str = Field(alias="from", pattern=DAY)
    last: str = Field(alias="to", pattern=DAY)
    judges: Names = []
    sites: Names = []


class WhatIf(Range):
    as_on: str = Field(pattern=DAY, description="the day whose editions shall hold")


@router.post("/what-if", status_code=202)
def what_if(*, body: WhatIf, cases: Cases, who: Who) -> Response:
    """Start a job that judges stored days by the editions of another day; nothing is stored."""
    need_role(who, "officer")
    told = cases.editions.ask(
        as_on=body.as_on, first=body.first, last=body.last, judges=body.judges, sites=body.sites, by=who.name
    )
    return json_answer(told, 202)


@router.post("/rejudge", status_code=202)
def rejudge(*, body: Range, cases: Cases, who: Who) -> Response:
    """Start a job that judges stored days again for real; what differs becomes a new revision."""
    need_role(who, "officer")
    told = cases.editions.ask(
        first=body.first, last=body.last, judges=body.judges, sites=body.sites, store=True, by=who.name
    )
    return json_answer(told, 202)


@router.get("/what-if", responses=LIST)
def jobs(*, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """Jobs that are remembered, newest first."""
    found = cases.editions.jobs()
    return out.answer({"items": found, "total": len(found)}, name="editions")


@router.get("/what-if/{job}", responses=LIST)
def result(
    *,
    job: Name,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    offset: Offset = 0,
    limit: Limit = 500,
    flips: Annotated[bool, Query(description="only what changes its status or level")] = True,
) -> Response:
    """State, counts and what differs. As CSV: what differs, flat."""
    if out.csv:
        return out.answer(cases.editions.flat(job, flips_only=flips), name=f"flips-{job}")
    return json_answer(cases.editions.result(job, offset=offset, limit=limit, flips_only=flips))


@router.delete("/what-if/{job}")
def cancel(*, job: Name, cases: Cases, who: Who) -> Response:
    """Stop a job at its next window."""
    need_role(who, "officer")
    return json_answer(cases.editions.cancel(job))

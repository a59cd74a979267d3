"""Published figures: publish, list, passport, differences, the sealed bundle of a year."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.web.answers import encode, file_answer, json_answer, packed_answer
from jinyun.web.guard import Cases, Known, LoggedIn, Out, Who, need_role
from jinyun.web.routes import LIST, Limit, Name, Offset, Words

router = APIRouter(prefix="/api/figures", tags=["figures"])

Subject = Annotated[str, Query(pattern="^(air|water|noise)?$", description="air, water or noise")]
Text = Annotated[str, Query(max_length=140)]
At = Annotated[str, Query(max_length=10)]
Year = Annotated[int | None, Query(ge=1990, le=2200)]
State = Annotated[str, Query(pattern="^(published|superseded|withdrawn)?$")]
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": {"application/zip": {}}}}


class Wanted(BaseModel):
    """Figures of one answer of `/api/periods/{subject}`; `each_site` also those of each of its sites."""

    subject: str = Field(pattern="^(air|water|noise)$")
    scope: str = Field("all", max_length=140)
    period: str = Field("month", pattern="^(month|quarter|year|ytd)$")
    at: str = Field("", max_length=10)
    edition_on: str = Field("", max_length=10)
    each_site: bool = False
    report: str = Field("", max_length=200, description="name of the report they go into")
    supersede: str = Field("", max_length=1000, description="why figures published before give way")


class Reason(BaseModel):
    """Why a figure is withdrawn."""

    reason: str = Field(min_length=1, max_length=1000)


class Verdicts(BaseModel):
    """Ids of verdicts."""

    verdicts: list[Annotated[int, Field(ge=1, le=2**53)]] = Field(max_length=10_000)


@router.get("", responses=LIST)
def listed(
    *,
    out: Out,
    cases: Known,
    _: LoggedIn,
    subject: Subject = "",
    scope: Text = "",
    period: At = "",
    at: At = "",
    year: Year = None,
    indicator: Text = "",
    report: Words = "",
    publication: Text = "",
    state: State = "",
    q: Words = "",
    offset: Offset = 0,
    limit: Limit = 200,
) -> Response:
    """Published figures, newest first; with `as_of` those published then, in their state then."""
    found = cases.figures.find(
        subject=subject, scope=scope, period=period, at=at, year="" if year is None else str(year), indicator=indicator,
        report=report, publication=publication, states=[state] if state else [], text=q, offset=offset, limit=limit,
    )  # fmt: skip
    return out.answer(found, name="figures")


@router.post("", status_code=201)
def publish(*, body: Wanted, cases: Cases, who: Who) -> Response:
    """Publish; what is published already as it is now is answered as it is."""
    need_role(who, "officer")
    told = cases.figures.publish(
        body.subject, scope=body.scope, period=body.period, at=body.at, edition_on=body.edition_on,
        each_site=body.each_site, report=body.report, supersede=body.supersede, by=who,
    )  # fmt: skip
    return json_answer(told, 201 if told["new"] else 200)


@router.get("/differences")
def differences(
    *,
    request: Request,
    cases: Cases,
    _: LoggedIn,
    subject: Subject = "",
    scope: Text = "",
    period: At = "",
    at: At = "",
    year: Year = None,
    report: Words = "",
) -> Response:
    """What became of many published figures: each cause once, with the figures it reaches."""
    told = cases.figures.differences(
        subject=subject, scope=scope, period=period, at=at, year="" if year is None else str(year), report=report
    )
    return packed_answer(request, encode(told))


@router.get("/bundle", responses=FILE)
def bundle(*, cases: Cases, who: Who, year: Annotated[int, Query(ge=1990, le=2200)]) -> Response:
    """The sealed bundle of a year; docs/verify_bundle.py verifies it."""
    need_role(who, "officer")
    made = cases.figures.bundle(year)
    return file_answer(made.data, f"figures-{year}.zip", "application/zip")


@router.get("/key")
def key(*, cases: Cases, _: LoggedIn) -> Response:
    """The node's public key, by which its bundles are verified."""
    return json_answer({"public_key": cases.figures.public_key(), "algorithm": "Ed25519"})


@router.post("/dependents")
def dependents(*, body: Verdicts, cases: Cases, _: LoggedIn) -> Response:
    """Published figures that rest on one of these verdicts."""
    found = cases.figures.dependents_of(body.verdicts)
    return json_answer({"items": found, "total": len(found)})


@router.get("/{figure}")
def show(*, figure: Name, cases: Cases, _: LoggedIn) -> Response:
    """The passport: printed again as of its day, compared with today, with each cause of difference."""
    return json_answer(cases.figures.show(figure))


@router.post("/{figure}/withdraw")
def withdraw(*, figure: Name, body: Reason, cases: Cases, who: Who) -> Response:
    """Withdraw a figure; it can still be shown."""
    need_role(who, "officer")
    return json_answer(cases.figures.withdraw(figure, body.reason, who))

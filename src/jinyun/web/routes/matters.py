"""Alarms and cases."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.app.services.matters import OPEN_PAGE
from jinyun.web.answers import encode, file_answer, json_answer, packed_answer, ready_answer
from jinyun.web.guard import Cases, Known, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Limit, Name, Offset, Words

router = APIRouter(prefix="/api", tags=["alarms and cases"])
FIRST = ("open", "", OPEN_PAGE, 0)
"""State, subject, limit and offset of the list that pages ask for again and again."""


@router.get("/alarms", responses=LIST)
def alarms(
    *,
    request: Request,
    out: Out,
    cases: Known,
    who: Who,
    state: Words = "open",
    subject: Words = "",
    limit: Limit = OPEN_PAGE,
    offset: Offset = 0,
) -> Response:
    """Alarms: state open (worst first), ended or all; with `as_of` those known then, in their state then."""
    if (state, subject, limit, offset) == FIRST and not out.csv:
        return ready_answer(request, cases.matters.open_alarms)
    found = cases.matters.alarms(who, state=state, subject=subject, limit=limit, offset=offset)
    return out.answer(found, name="alarms", labels=cases.registers.labels("alarm"))


@router.get("/alarms/{alarm}")
def alarm(*, alarm: Name, request: Request, cases: Known, who: Who) -> Response:
    """One alarm with its verdicts and its case."""
    return packed_answer(request, encode(cases.matters.alarm(alarm, who)))


@router.get("/alarms/{alarm}/why")
def why_alarm(*, alarm: Name, request: Request, cases: Known, _: LoggedIn) -> Response:
    """Why-tree of an alarm."""
    return packed_answer(request, encode(cases.why.alarm(alarm)))


@router.get("/cases", responses=LIST)
def case_list(
    *,
    request: Request,
    out: Out,
    cases: Known,
    who: Who,
    state: Words = "open",
    subject: Words = "",
    limit: Limit = OPEN_PAGE,
    offset: Offset = 0,
) -> Response:
    """Cases: state open (by urgency), closed or all; with `as_of` in their state then."""
    if (state, subject, limit, offset) == FIRST and not out.csv:
        return ready_answer(request, cases.matters.open_cases)
    found = cases.matters.cases(who, state=state, subject=subject, limit=limit, offset=offset)
    return out.answer(found, name="cases", labels=cases.registers.labels("case"))


@router.get("/cases/{case}")
def case_page(*, case: Name, request: Request, cases: Known, who: Who) -> Response:
    """One case: timeline, evidence, recovery condition and how far it is, steps; with `as_of` as it stood then."""
    return packed_answer(request, encode(cases.matters.case(case, who)))


@router.get("/cases/{case}/why")
def why_case(*, case: Name, request: Request, cases: Known, _: LoggedIn) -> Response:
    """Why-tree of a case over its alarms and their verdicts."""
    return packed_answer(request, encode(cases.why.case(case)))


# --- what changes more than one record -------------------------------------------------------------------------------

Ids = list[Annotated[str, Field(min_length=1, max_length=120)]]
Numbers = list[Annotated[int, Field(ge=1, le=2**53)]]
Note = Annotated[str, Field(max_length=2000)]
Version = Annotated[int | None, Field(ge=1, le=2**53)]
Short = Annotated[str, Field(max_length=200)]
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": {"application/zip": {}}}}


class NewCase(BaseModel):
    """A case by hand; `data` as the register `case` has it."""

    data: dict[str, Any]
    note: Note = ""


class Merge(BaseModel):
    """The case that goes on."""

    into: Annotated[str, Field(min_length=1, max_length=120)]
    note: Note = ""
    version: Version = None


class Split(BaseModel):
    """What the new case takes with it."""

    title: Short = ""
    kind: Short = ""
    owner: Short = ""
    subject: Short = ""
    alarms: Ids = []
    verdicts: Numbers = []
    complaints: Ids = []
    findings: Ids = []
    note: Note = ""
    version: Version = None


class Cite(BaseModel):
    """Verdicts, of any domain."""

    verdicts: Numbers = Field(min_length=1, max_length=200)
    note: Note = ""


class Contest(BaseModel):
    """What the enterprise says against a verdict; the one that opened the case when none is named."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    verdict: Annotated[int | None, Field(ge=1, le=2**53)] = None
    files: Ids = []


class Reply(Contest):
    """The answer; `verdict` is the one after the review, the one that stands now when none is named."""

    outcome: Annotated[str, Field(pattern="^(upheld|partly|rejected)$")]


class NewTask(BaseModel):
    """A task of a case; without `owner` it goes to the nearest unit."""

    title: Short = ""
    kind: Short = ""
    owner: Short = ""
    person: Short = ""
    instructions: Note = ""
    place: dict[str, float] | None = None


class Receiver(BaseModel):
    """Who gets the sealed file."""

    to: Annotated[str, Field(pattern="^(police|prosecutor|court)$")]
    note: Note = ""


@router.post("/cases", status_code=201)
def open_case(*, body: NewCase, cases: Cases, who: Who) -> Response:
    """Open a case by hand: of complaints, findings, verdicts of any domain, or of what an officer says."""
    made = cases.matters.work.open(body.data, who, note=body.note)
    return json_answer(cases.registers.get("case", made.id, who), 201)


@router.get("/cases/{case}/units")
def units(*, case: Name, cases: Cases, _: LoggedIn) -> Response:
    """Units for a case, the nearest ground first: cell, river reach, division; and who is on duty."""
    found = cases.matters.work.suggest(case)
    return json_answer({"items": found, "total": len(found)})


@router.post("/cases/{case}/tasks", status_code=201)
def new_task(*, case: Name, body: NewTask, cases: Cases, who: Who) -> Response:
    """Give a task of the case to a unit."""
    given = {name: value for name, value in body.model_dump().items() if value}
    made = cases.matters.work.task(case, given, who)
    return json_answer(cases.registers.get("task", made.id, who), 201)


@router.post("/cases/{case}/merge")
def merge(*, case: Name, body: Merge, cases: Cases, who: Who) -> Response:
    """Merge the case into another, which takes its alarms, verdicts, evidence and recovery conditions."""
    cases.matters.work.merge(case, body.into, who, note=body.note, version=body.version)
    return json_answer(cases.registers.get("case", body.into, who))


@router.post("/cases/{case}/split", status_code=201)
def split(*, case: Name, body: Split, cases: Cases, who: Who) -> Response:
    """Split a new case off."""
    given = {name: value for name, value in body.model_dump().items() if value and name not in ("note", "version")}
    made = cases.matters.work.split(case, given, who, note=body.note, version=body.version)
    return json_answer(cases.registers.get("case", made.id, who), 201)


@router.post("/cases/{case}/cite")
def cite(*, case: Name, body: Cite, cases: Cases, who: Who) -> Response:
    """The case rests on these verdicts too."""
    cases.matters.work.cite(case, body.verdicts, who, note=body.note)
    return json_answer(cases.registers.get("case", case, who))


@router.post("/cases/{case}/contest")
def contest(*, case: Name, body: Contest, cases: Cases, who: Who) -> Response:
    """Contest a verdict of the case."""
    cases.matters.work.contest(case, body.model_dump(), who)
    return json_answer(cases.registers.get("case", case, who))


@router.post("/cases/{case}/contest/answer")
def answer_contest(*, case: Name, body: Reply, cases: Cases, who: Who) -> Response:
    """Answer the contest; both verdicts are kept."""
    cases.matters.work.answer_contest(case, body.model_dump(), who)
    return json_answer(cases.registers.get("case", case, who))


@router.post("/cases/{case}/hand-over", responses=FILE)
def hand_over(*, case: Name, body: Receiver, cases: Cases, who: Who) -> Response:
    """The case with its evidence as one sealed, signed file; who got it is kept in the case."""
    made = cases.matters.hand_over.make(case, body.to, who, note=body.note)
    return file_answer(made.data, made.name, "application/zip")


Day = Annotated[str, Query(max_length=10, description="2026-03-01")]


@router.get("/evaluation")
def evaluation(
    *, request: Request, cases: Known, _: LoggedIn, start: Annotated[str, Query(alias="from", max_length=10)],
    to: Day, unit: Words = "",
) -> Response:  # fmt: skip
    """On time, recovered, relapsed by unit, each with its definition, its fraction and its cases."""
    return packed_answer(request, encode(cases.matters.evaluation.of(start, to, unit=unit)))


@router.get("/works", responses=LIST)
def works(*, out: Out, cases: Known, who: Who, day: Day = "", owner: Words = "", light: Words = "") -> Response:
    """The works ledger with the lag of each project at the end of a day."""
    found = cases.matters.works.ledger(who, day=day, owner=owner, light=light)
    return out.answer(found, name="works", labels=cases.registers.labels("project"))


@router.get("/works/{project}")
def project(*, project: Name, cases: Known, who: Who, day: Day = "") -> Response:
    """One project: its lag, and the spans of readings before and after."""
    return json_answer(cases.matters.works.project(project, who, day=day))


@router.get("/rectifications", responses=LIST)
def rectifications(*, out: Out, cases: Cases, who: Who, day: Day = "", light: Words = "") -> Response:
    """Rectification items with their light at the end of a day: red, yellow, green, blue; and how many of each."""
    found = cases.matters.works.items(who, day=day, light=light)
    return out.answer(found, name="rectifications", labels=cases.registers.labels("rectification"))


@router.get("/complaints/same")
def same_matter(
    *, cases: Cases, who: Who, kind: Words, lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)], at: Words = "", but: Words = "",
) -> Response:  # fmt: skip
    """Complaints of a class near a place and a moment that may be the same matter, the nearest first."""
    return json_answer(cases.matters.complaints.same(who, kind=kind, lon=lon, lat=lat, at=at, but=but))


@router.get("/rectifications/{item}")
def rectification(*, item: Name, request: Request, cases: Known, who: Who) -> Response:
    """A rectification item with its sub-plans."""
    return packed_answer(request, encode(cases.matters.works.tree(item, who)))

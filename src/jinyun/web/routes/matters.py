"""Alarms and cases."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from jinyun.web.answers import encode, packed_answer
from jinyun.web.guard import Cases, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Limit, Name, Offset, Words

router = APIRouter(prefix="/api", tags=["alarms and cases"])


@router.get("/alarms", responses=LIST)
def alarms(
    *,
    out: Out,
    cases: Cases,
    who: Who,
    state: Words = "open",
    subject: Words = "",
    limit: Limit = 500,
    offset: Offset = 0,
) -> Response:
    """Alarms: state open (worst first), ended or all."""
    found = cases.matters.alarms(who, state=state, subject=subject, limit=limit, offset=offset)
    return out.answer(found, name="alarms", labels=cases.registers.labels("alarm"))


@router.get("/alarms/{alarm}")
def alarm(*, alarm: Name, request: Request, cases: Cases, who: Who) -> Response:
    """One alarm with its verdicts and its case."""
    return packed_answer(request, encode(cases.matters.alarm(alarm, who)))


@router.get("/alarms/{alarm}/why")
def why_alarm(*, alarm: Name, request: Request, cases: Cases, _: LoggedIn) -> Response:
    """Why-tree of an alarm."""
    return packed_answer(request, encode(cases.why.alarm(alarm)))


@router.get("/cases", responses=LIST)
def case_list(
    *,
    out: Out,
    cases: Cases,
    who: Who,
    state: Words = "open",
    subject: Words = "",
    limit: Limit = 500,
    offset: Offset = 0,
) -> Response:
    """Cases: state open (by urgency), closed or all."""
    found = cases.matters.cases(who, state=state, subject=subject, limit=limit, offset=offset)
    return out.answer(found, name="cases", labels=cases.registers.labels("case"))


@router.get("/cases/{case}")
def case_page(*, case: Name, request: Request, cases: Cases, who: Who) -> Response:
    """One case: timeline, evidence, recovery condition and how far it is, steps."""
    return packed_answer(request, encode(cases.matters.case(case, who)))


@router.get("/cases/{case}/why")
def why_case(*, case: Name, request: Request, cases: Cases, _: LoggedIn) -> Response:
    """Why-tree of a case over its alarms and their verdicts."""
    return packed_answer(request, encode(cases.why.case(case)))

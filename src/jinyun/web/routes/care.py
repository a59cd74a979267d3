"""Care of the node: what is kept how long, what was dropped, backups and checks for the verbs on this machine."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.kernel.errors import NotPermitted
from jinyun.web.answers import json_answer
from jinyun.web.guard import LOCAL, Cases, LoggedIn, Out
from jinyun.web.routes import LIST, Limit, Offset

router = APIRouter(tags=["care"])


class BackupWanted(BaseModel):
    """A backup to be made by this node."""

    out: str = Field(min_length=1, max_length=4000, pattern="^/", description="absolute path: a folder, or …/name.tar")
    link: bool = Field(False, description="hard links of sealed files instead of copies")
    keep: int = Field(0, ge=0, le=10_000, description="drop all but the newest so many backups; 0: none")


class CheckWanted(BaseModel):
    """A check of the stores."""

    everything: bool = Field(False, description="all records and all evidence, not a sample")


def _of_this_machine(session: LoggedIn) -> None:
    if session is not LOCAL:
        raise NotPermitted("only the verbs on the node's own machine may do this: jinyun backup, jinyun verify")


@router.get("/api/care")
def care(*, cases: Cases, _: LoggedIn) -> Response:
    """Sizes, growth, the day the disk is full, retention by class, the last backup."""
    return json_answer(cases.house.care.state())


@router.get("/api/care/holds")
def held(*, cases: Cases, _: LoggedIn) -> Response:
    """Days of readings and segments of the journal that open cases and alarms keep from being dropped."""
    return json_answer(cases.held())


@router.get("/api/care/dropped", responses=LIST)
def dropped(
    *, out: Out, cases: Cases, _: LoggedIn, limit: Limit = 200, offset: Offset = 0,
    kind: Annotated[str, Query(max_length=20, description="class, e.g. journal; empty: all")] = "",
) -> Response:  # fmt: skip
    """The ledger of files that retention dropped, newest first."""
    return out.answer(cases.dropped(kind=kind, limit=limit, offset=offset), name="dropped")


@router.post("/api/care/backups", status_code=202)
def backup(*, wanted: BackupWanted, cases: Cases, session: LoggedIn) -> Response:
    """Start a backup; the answer is a job."""
    _of_this_machine(session)
    return json_answer(cases.care_jobs.backup(wanted.out, link=wanted.link, keep=wanted.keep), 202)


@router.post("/api/care/verify", status_code=202)
def verify(*, wanted: CheckWanted, cases: Cases, session: LoggedIn) -> Response:
    """Start a check of the stores; the answer is a job."""
    _of_this_machine(session)
    return json_answer(cases.care_jobs.verify(everything=wanted.everything), 202)


@router.get("/api/care/jobs/{number}")
def job(*, number: Annotated[int, Path(ge=1, le=2**53)], cases: Cases, _: LoggedIn) -> Response:
    """How a job fares."""
    return json_answer(cases.care_jobs.state(number))

"""Corrections in sessions: draft, preview, accept or drop."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.web.answers import json_answer
from jinyun.web.guard import Cases, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Limit, Name, Offset, Words

router = APIRouter(prefix="/api/corrections", tags=["corrections"])
Edits = Annotated[
    list[dict[str, Any]],
    Field(
        max_length=5000,
        description="each {kind: set|flag|restore|substitute|transform|withdraw|limit, …}; see docs/warehouse.md",
    ),
]
Texts = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=50)]


class Session(BaseModel):
    title: str = Field(max_length=200)
    reason: str = Field(max_length=80, description="a code of /api/corrections/reasons")
    reason_text: str = Field(max_length=2000)
    edits: Edits = []
    evidence: Texts = []


class Changes(BaseModel):
    title: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=80)
    reason_text: str | None = Field(default=None, max_length=2000)
    edits: Edits | None = None
    add: Edits | None = None
    evidence: Texts | None = None
    version: int | None = Field(default=None, ge=1, le=2**31)


class Note(BaseModel):
    note: str = Field(default="", max_length=2000)


@router.get("", responses=LIST)
def sessions(
    *,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    state: Words = "",
    site: Annotated[str, Query(max_length=120)] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Sessions, newest first; `state` may name several with commas."""
    found = cases.corrections.sessions(state=state, site=site, limit=limit, offset=offset)
    return out.answer(found, name="corrections")


@router.get("/reasons", responses=LIST)
def reasons(*, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """Reasons to choose from, each with the flag it suggests."""
    return out.answer(cases.corrections.reasons(), name="correction-reasons")


@router.post("", status_code=201)
def create(*, body: Session, cases: Cases, who: Who) -> Response:
    """A new session; nothing is changed by it."""
    return json_answer(cases.corrections.create(body.model_dump(), who), 201)


@router.get("/{session}")
def session(*, session: Name, cases: Cases, _: LoggedIn) -> Response:
    """A session: its edits, what its preview or its cascade came to, how far the work is, its history."""
    return json_answer(cases.corrections.get(session))


@router.patch("/{session}")
def edit(*, session: Name, body: Changes, cases: Cases, who: Who) -> Response:
    """Change a session that is not accepted; `add` appends edits."""
    given = body.model_dump(exclude_none=True)
    version = given.pop("version", None)
    return json_answer(cases.corrections.edit(session, given, who, version=version))


@router.post("/{session}/preview", status_code=202)
def preview(*, session: Name, cases: Cases, who: Who) -> Response:
    """Work out all that would change. A long one goes on: ask for the session until `work.state` is done."""
    return json_answer(cases.corrections.preview(session, who), 202)


@router.post("/{session}/accept", status_code=202)
def accept(*, session: Name, body: Note, cases: Cases, who: Who) -> Response:
    """Make it true; refused when the session or its data changed since the preview."""
    return json_answer(cases.corrections.accept(session, who, note=body.note), 202)


@router.post("/{session}/drop")
def drop(*, session: Name, body: Note, cases: Cases, who: Who) -> Response:
    """Give it up; the record stays."""
    return json_answer(cases.corrections.drop(session, who, note=body.note))

"""Registers as Excel files, in and out, and saved views of their lists."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.web.answers import file_answer, json_answer
from jinyun.web.guard import Cases, Known, Out, Who
from jinyun.web.routes import LIST, Name, Words
from jinyun.web.routes.registers import RESERVED

router = APIRouter(prefix="/api/registers", tags=["registers"])
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": {EXCEL: {}}}}
Attached = Annotated[str, Query(pattern="^[0-9a-f]{16}$", description="id of the uploaded workbook")]


class Sheet(BaseModel):
    file: str = Field(pattern="^[0-9a-f]{16}$", description="id of the uploaded workbook, see POST /api/attachments")


@router.get("/{type_id}/template", responses=FILE)
def template(*, type_id: Name, cases: Cases, who: Who) -> Response:
    """An Excel file to fill in: headings, and a sheet that says what each column takes."""
    return file_answer(cases.registers.template(type_id, who), f"{type_id}-template.xlsx", EXCEL)


@router.get("/{type_id}/export", responses=FILE)
def export(
    *,
    type_id: Name,
    request: Request,
    cases: Known,
    who: Who,
    q: Words = "",
    state: Words = "",
    order: Words = "-updated_at",
    columns: Annotated[str, Query(max_length=2000, description="fields, with commas; empty: all")] = "",
) -> Response:
    """Records as an Excel file that the import reads back; filters and `as_of` as in the list."""
    where = {name: value for name, value in request.query_params.items() if name not in RESERVED | {"columns"}}
    body = cases.registers.exported(
        type_id, who, where=where, states=[one for one in state.split(",") if one], text=q, order=order,
        columns=[one for one in columns.split(",") if one],
    )  # fmt: skip
    return file_answer(body, f"{type_id}.xlsx", EXCEL)


@router.post("/{type_id}/import")
def preview(*, type_id: Name, body: Sheet, cases: Cases, who: Who) -> Response:
    """What would become of each row of an uploaded workbook: new, changed, same, refused and why. Nothing is stored."""
    return json_answer(cases.registers.sheet(type_id, body.file, who).preview())


@router.post("/{type_id}/import/accept")
def accept(*, type_id: Name, body: Sheet, cases: Cases, who: Who) -> Response:
    """Store the rows that are new or changed; again with the same file it changes nothing."""
    return json_answer(cases.registers.sheet(type_id, body.file, who).accept())


@router.get("/{type_id}/import/refused", responses=FILE)
def refused(*, type_id: Name, file: Attached, cases: Cases, who: Who) -> Response:
    """The refused rows as an Excel file, each with the reason: mend it and send it again."""
    return file_answer(cases.registers.sheet(type_id, file, who).refused(), f"{type_id}-refused.xlsx", EXCEL)


class View(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    q: str = Field(default="", max_length=200)
    states: list[str] = Field(default_factory=list, max_length=50)
    where: dict[str, str] = Field(default_factory=dict, max_length=30)
    columns: list[str] = Field(default_factory=list, max_length=100)
    order: str = Field(default="-updated_at", max_length=60)
    shared: bool = Field(default=False, description="seen by everybody of one's unit")


@router.get("/{type_id}/views", responses=LIST)
def views(*, type_id: Name, out: Out, cases: Cases, who: Who) -> Response:
    """Saved views: one's own, and those shared in one's unit."""
    return out.answer(cases.registers.views.find(type_id, who), name=f"{type_id}-views")


@router.post("/{type_id}/views", status_code=201)
def save_view(*, type_id: Name, body: View, cases: Cases, who: Who) -> Response:
    """Save a view; one of one's own with that name is replaced."""
    return json_answer(cases.registers.views.save(type_id, who, **body.model_dump()), 201)


@router.delete("/{type_id}/views/{view}", status_code=204)
def drop_view(*, type_id: Name, view: Name, cases: Cases, who: Who) -> Response:
    """Delete a view of one's own."""
    cases.registers.views.drop(type_id, view, who)
    return Response(status_code=204)

"""The generic register API: one set of routes for every declared record type."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from jinyun.app.services.words import csv_pieces
from jinyun.kernel.errors import BadInput
from jinyun.web.answers import file_headers, json_answer
from jinyun.web.guard import Cases, Known, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Limit, Name, Offset, Words

router = APIRouter(prefix="/api", tags=["registers"])
RESERVED = frozenset({"q", "offset", "limit", "state", "order", "format", "late", "as_of"})
Version = Annotated[int | None, Query(ge=1, le=2**31)]
RecordBody = Annotated[
    dict[str, Any],
    Body(description="the record's fields, or {id, data, version, note} with the fields in data"),
]


class Step(BaseModel):
    given: dict[str, Any] = Field(default_factory=dict)
    version: int | None = Field(default=None, ge=1, le=2**31)
    note: str = Field(default="", max_length=2000)


def _version(if_match: str, given: int | None) -> int | None:
    """The version a change was made on: the If-Match header wins over `version`."""
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text or text == "*":
        return given
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(f"If-Match {if_match!r} is no version", field="If-Match", hint='for example: If-Match: "3"')
    return int(text)


def _tagged(record: dict[str, Any], status: int = 200) -> Response:
    return json_answer(record, status, {"etag": f'"{record["version"]}"'})


@router.get("/types", responses=LIST)
def types(*, out: Out, cases: Known, _: LoggedIn) -> Response:
    """All registers."""
    return out.answer(cases.registers.types(), name="types")


@router.get("/types/{type_id}")
def declaration(*, type_id: Name, cases: Cases, _: LoggedIn) -> Response:
    """A register's declaration: fields, codes, procedure; what generic lists and forms are made of."""
    return json_answer(cases.registers.declaration(type_id))


@router.get("/records/{type_id}", responses=LIST)
def find(
    *,
    type_id: Name,
    request: Request,
    out: Out,
    cases: Known,
    who: Who,
    q: Words = "",
    state: Words = "",
    order: Words = "-updated_at",
    limit: Limit = 100,
    offset: Offset = 0,
    late: Annotated[bool, Query(description="only those with a clock that has run out")] = False,
) -> Response:
    """Records of a type; every other query parameter filters on an indexed field. With `as_of` as they stood then.
    `format=csv` without `limit` and `offset` streams all of them."""
    where = {name: value for name, value in request.query_params.items() if name not in RESERVED}
    states = [one for one in state.split(",") if one]
    if out.csv and not {"limit", "offset"} & set(request.query_params):  # all of it, however much
        columns, rows = cases.registers.every(type_id, who, where=where, states=states, text=q, order=order, late=late)
        pieces = csv_pieces(rows, columns, cases.registers.labels(type_id))
        return StreamingResponse(pieces, headers=file_headers(f"{type_id}.csv"), media_type="text/csv; charset=utf-8")
    found = cases.registers.find(
        type_id, who, where=where, states=states, text=q, order=order, limit=limit, offset=offset, late=late
    )
    return out.answer(found, name=type_id, labels=cases.registers.labels(type_id))


@router.post("/records/{type_id}", status_code=201)
def create(*, type_id: Name, body: RecordBody, cases: Cases, who: Who) -> Response:
    """Create a record; every broken field is named at once."""
    return _tagged(cases.registers.create_from(type_id, body, who), 201)


class Rows(BaseModel):
    rows: list[dict[str, Any]] = Field(max_length=20_000)


@router.post("/records/{type_id}/load")
def load(*, type_id: Name, body: Rows, cases: Cases, who: Who) -> Response:
    """Create or update many records, all or none; each row holds its id."""
    return json_answer({"rows": len(body.rows), "changed": cases.registers.load(type_id, body.rows, who)})


@router.get("/records/{type_id}/{record}")
def get(*, type_id: Name, record: Name, cases: Known, who: Who) -> Response:
    """One record; with `as_of` as it stood then, also when it was deleted since."""
    return _tagged(cases.registers.get(type_id, record, who))


@router.patch("/records/{type_id}/{record}")
def change(
    *,
    type_id: Name,
    record: Name,
    body: RecordBody,
    cases: Cases,
    who: Who,
    version: Version = None,
    if_match: Annotated[str, Header(max_length=40)] = "",
) -> Response:
    """Change fields. With `version` (or If-Match) it is refused when somebody else was faster."""
    return _tagged(cases.registers.update_from(type_id, record, body, who, version=_version(if_match, version)))


@router.delete("/records/{type_id}/{record}", status_code=204)
def delete(
    *, type_id: Name, record: Name, cases: Cases, who: Who, note: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    """Take a record off its register; the history stays. Refused while other records refer to it."""
    cases.registers.delete(type_id, record, who, note=note)
    return Response(status_code=204)


@router.get("/records/{type_id}/{record}/history", responses=LIST)
def history(*, type_id: Name, record: Name, out: Out, cases: Known, who: Who) -> Response:
    """Every change: who, when, before, after."""
    return out.answer(cases.registers.history(type_id, record, who), name=f"{type_id}-history")


@router.get("/records/{type_id}/{record}/steps", responses=LIST)
def ways(*, type_id: Name, record: Name, out: Out, cases: Cases, who: Who) -> Response:
    """Steps that lead on from the record's state, each with whether it may be taken now and what is missing; and in
    ``moves`` the other versions of its procedure, with what differs."""
    return out.answer(cases.registers.ways(type_id, record, who), name=f"{type_id}-steps")


class Move(BaseModel):
    to: int = Field(ge=1, le=2**31, description="version of the procedure")
    state: str = Field(default="", max_length=40, description="where the new version has no place for the state")
    version: int | None = Field(default=None, ge=1, le=2**31)
    note: str = Field(default="", max_length=2000)


@router.post("/records/{type_id}/{record}/move")
def move(*, type_id: Name, record: Name, body: Move, cases: Cases, who: Who) -> Response:
    """Let a running record go on by another version of its procedure; its history keeps the difference."""
    moved = cases.registers.move(
        type_id, record, body.to, who, state=body.state, version=body.version, note=body.note
    )  # fmt: skip
    return _tagged(moved)


@router.post("/records/{type_id}/{record}/steps/{step}")
def take_step(*, type_id: Name, record: Name, step: Name, body: Step, cases: Cases, who: Who) -> Response:
    """Take a step of the record's procedure; a refusal says what is missing."""
    taken = cases.registers.step(type_id, record, step, body.given, who, version=body.version, note=body.note)
    return _tagged(taken)

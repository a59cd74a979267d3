"""The field page for phones: its shell, a day's tasks, edits that arrive once, files in parts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from jinyun.app.services.fieldwork import Edit, NewUpload, day_of
from jinyun.kernel.errors import BadInput
from jinyun.web.answers import encode, json_answer, packed_answer
from jinyun.web.guard import Cases, Who, whole_of
from jinyun.web.pages import ASK_AGAIN, NOT_BUILT, STATIC
from jinyun.web.uploads import RAW, take_body

router = APIRouter(tags=["field"])
PIECE = 1 << 16
FAR_US = 253_402_271_999_000_000
KEY = r"^[0-9A-Za-z_-]{8,64}$"
Moment = Annotated[int, Field(ge=0, le=FAR_US, description="the device's clock, µs since 1970")]
Key = Annotated[str, Field(pattern=KEY)]
Upload = Annotated[str, Path(pattern=KEY, description="the id that the device made")]


@router.get("/field", include_in_schema=False)
def page() -> Response:
    """The shell; a service worker keeps it on the phone."""
    shell = STATIC / "field.html"
    if not shell.is_file():
        return Response(NOT_BUILT, 200, {"cache-control": "no-store"}, "text/html; charset=utf-8")
    return FileResponse(shell, media_type="text/html; charset=utf-8", headers={"cache-control": ASK_AGAIN})


@router.get("/api/field/day")
def day(*, request: Request, cases: Cases, who: Who) -> Response:
    """What a phone takes along: tasks and cases with their steps, forms, sites."""
    return packed_answer(request, encode(day_of(cases, whole_of(request), who)))


class SentEdit(BaseModel):
    device: Key
    key: Annotated[str, Field(pattern=KEY, description="made by the device, once for each edit")]
    op: Literal["create", "update", "step"]
    type: str = Field(min_length=1, max_length=80)
    id: str = Field(min_length=1, max_length=120, description="the record; of a new one made by the device")
    at: Moment
    sent_at: Moment
    data: dict[str, Any] = Field(default_factory=dict, description="fields; a file may be named upload:ID")
    step: str = Field(default="", max_length=80)
    version: int | None = Field(default=None, ge=1, le=2**31)
    after: str = Field(default="", pattern=r"^$|^[0-9A-Za-z_-]{8,64}$", description="key of the edit it follows")
    note: str = Field(default="", max_length=1000)


@router.post("/api/field/edits")
def edit(*, request: Request, body: SentEdit, cases: Cases, who: Who) -> Response:
    """Carry out one edit. Sent again it is answered as the first time, with the header Jinyun-Repeated."""
    status, answer, repeated = whole_of(request).fieldwork.edits.take(Edit(**body.model_dump()), cases, who)
    return json_answer(answer, status, {"jinyun-repeated": "1"} if repeated else {})


@router.get("/api/field/edits")
def edits(
    *, request: Request, who: Who, device: Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z_-]*$")] = ""
) -> Response:
    """One's own newest edits and their outcomes, with the device's moments and the node's."""
    found = whole_of(request).fieldwork.edits.of(who, device)
    return json_answer({"items": found, "total": len(found)})


class Spot(BaseModel):
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class SentUpload(BaseModel):
    id: Key
    device: Key
    name: str = Field(min_length=1, max_length=200)
    bytes: int = Field(ge=1, le=2**40)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    taken_at: int | None = Field(default=None, ge=0, le=FAR_US, description="the device's clock, µs since 1970")
    place: Spot | None = None
    accuracy_m: float | None = Field(default=None, ge=0, le=1e7)


@router.post("/api/field/uploads")
def begin(*, request: Request, body: SentUpload, who: Who) -> Response:
    """Announce a file that is sent in parts; of a known one how far it is."""
    meta: dict[str, Any] = {"taken_at": body.taken_at, "accuracy_m": body.accuracy_m}
    meta["place"] = body.place.model_dump() if body.place else None
    wanted = NewUpload(
        body.id, body.device, body.name, body.bytes, body.sha256, {k: v for k, v in meta.items() if v is not None}
    )
    return _told(whole_of(request).fieldwork.uploads.begin(wanted, who))


@router.get("/api/field/uploads/{upload}")
def show(*, request: Request, upload: Upload, who: Who) -> Response:
    """How many bytes have come."""
    return _told(whole_of(request).fieldwork.uploads.show(upload, who))


@router.patch("/api/field/uploads/{upload}", openapi_extra=RAW)
async def part(
    *,
    request: Request,
    upload: Upload,
    cases: Cases,
    who: Who,
    upload_offset: Annotated[str, Header(max_length=20, description="bytes that came before")] = "",
) -> Response:
    """The next part: the body is its bytes. What came of a part that broke off stays. The last one makes the file an
    attachment, after its SHA-256 was found to be the announced one."""
    if not (upload_offset.isascii() and upload_offset.isdigit() and len(upload_offset) < 16):
        raise BadInput("Upload-Offset is missing or no number", field="Upload-Offset", hint="ask GET for the offset")
    uploads = whole_of(request).fieldwork.uploads
    coming = await run_in_threadpool(uploads.part, upload, int(upload_offset), who)
    if not await take_body(request, coming.write, PIECE):
        return Response(status_code=204)
    return _told(await run_in_threadpool(uploads.done_with, coming, cases, who))


def _told(upload: dict[str, Any]) -> Response:
    return json_answer(upload, headers={"upload-offset": str(upload["offset"])})

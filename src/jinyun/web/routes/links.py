"""Device links and commands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.web.answers import encode, json_answer, packed_answer
from jinyun.web.guard import Cases, LoggedIn, Out, Who
from jinyun.web.routes import LIST, Name, Words

router = APIRouter(prefix="/api", tags=["links"])


class Command(BaseModel):
    cn: str = Field(pattern=r"^\d{4}$", description="HJ 212 command code")
    params: dict[str, Any] = Field(default_factory=dict)


@router.get("/links", responses=LIST)
def links(
    *,
    out: Out,
    cases: Cases,
    _: LoggedIn,
    q: Words = "",
    state: Words = "",
) -> Response:
    """Every data logger's link, those in trouble first; `state` may name several with commas."""
    return out.answer(cases.links.find(text=q, state=state), name="links")


@router.get("/links/{mn}")
def link(*, mn: Name, request: Request, cases: Cases, _: LoggedIn) -> Response:
    """One link: last frames decoded, refusals, gaps, commands, advice for the vendor."""
    return packed_answer(request, encode(cases.links.page(mn)))


@router.get("/links/{mn}/commands", responses=LIST)
def commands(*, mn: Name, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """Commands to a device, newest first."""
    return out.answer(cases.links.commands(mn), name=f"commands-{mn}")


@router.post("/links/{mn}/commands", status_code=202)
def command(*, mn: Name, body: Command, cases: Cases, who: Who) -> Response:
    """Queue a command; it goes out when the device is on line and no other is in flight."""
    return json_answer(cases.links.command(mn, body.cn, body.params, who), 202)


@router.post("/links/{mn}/register", status_code=201)
def register(*, mn: Name, body: Annotated[dict[str, Any], Body()], cases: Cases, who: Who) -> Response:
    """Register a device in quarantine at a site: {site: id or a new site's fields, device: {…}}."""
    return json_answer(cases.links.register(mn, body, who), 201)


@router.get("/commands", responses=LIST)
def catalogue(*, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """Commands that can be sent, with words and parameters."""
    return out.answer(cases.links.catalogue(), name="commands")

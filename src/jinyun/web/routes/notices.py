"""Notices: one's own inbox, subscription and channels; the outbox for those who run the node."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from jinyun.app.services.notices import Notices
from jinyun.web.answers import json_answer
from jinyun.web.guard import Out, Who, whole_of
from jinyun.web.routes import LIST, Limit, Name, Number, Offset

router = APIRouter(prefix="/api/notices", tags=["notices"])
Clock = Annotated[str | None, Field(max_length=5)]
Names = Annotated[list[Annotated[str, Field(max_length=120)]] | None, Field(max_length=500)]
Text = Annotated[str | None, Field(max_length=500)]


def desk(request: Request) -> Notices:
    """The whole house's notices: each call asks for the actor's own and nothing else, or needs `notice.admin`."""
    notices: Notices = whole_of(request).house.notices
    return notices


Desk = Annotated[Notices, Depends(desk)]


class ReadWanted(BaseModel):
    """Which notices were read."""

    ids: Annotated[list[Annotated[int, Field(ge=1, le=2**53)]] | None, Field(max_length=1000)] = None


class Wishes(BaseModel):
    """One's own subscription; what is null is as the house's defaults say."""

    model_config = ConfigDict(extra="forbid")
    active: bool | None = None
    topics: Names = None
    kinds: Names = None
    level: Annotated[int | None, Field(ge=1, le=4)] = None
    sites: Names = None
    jurisdictions: Names = None
    channels: Names = None
    quiet_from: Clock = None
    quiet_to: Clock = None
    through: Annotated[int | None, Field(ge=0, le=4)] = None
    digest: Text = None
    digest_at: Clock = None
    throttle: Annotated[int | None, Field(ge=0, le=10080)] = None
    backup: Text = None


class ChannelGiven(BaseModel):
    """A channel of one's own; what is null stays as it is."""

    model_config = ConfigDict(extra="forbid")
    name: Text = None
    kind: Text = None
    address: Annotated[str | None, Field(max_length=2000)] = None
    secret: Text = None
    lang: Text = None
    active: bool | None = None


def _given(body: BaseModel) -> dict[str, Any]:
    return body.model_dump()


@router.get("", responses=LIST)
def inbox(
    *, out: Out, notices: Desk, who: Who, limit: Annotated[int, Query(ge=1, le=500)] = 50, offset: Offset = 0,
    unread: Annotated[bool, Query(description="those not read yet only")] = False,
) -> Response:  # fmt: skip
    """One's own inbox, newest first, and how many are not read."""
    return out.answer(notices.inbox(who, unread=unread, limit=limit, offset=offset), name="notices")


@router.get("/unread")
def unread(*, notices: Desk, who: Who) -> Response:
    """How many notices of one's own are not read."""
    return json_answer(notices.unread(who))


@router.post("/read")
def read(*, wanted: ReadWanted, notices: Desk, who: Who) -> Response:
    """Mark own notices read; without ids all."""
    return json_answer(notices.read(who, wanted.ids))


@router.post("/{id}/acknowledge")
def acknowledge(*, id: Number, notices: Desk, who: Who) -> Response:
    """Take a matter in hand: it is not passed on to the next person."""
    return json_answer(notices.acknowledge(who, id))


@router.get("/wishes")
def wishes(*, notices: Desk, who: Who) -> Response:
    """One's own subscription and channels, and what can be chosen."""
    return json_answer(notices.wishes(who))


@router.put("/wishes")
def set_wishes(*, given: Wishes, notices: Desk, who: Who) -> Response:
    """Change one's own subscription."""
    return json_answer(notices.set_wishes(who, _given(given)))


@router.post("/channels", status_code=201)
def add_channel(*, given: ChannelGiven, notices: Desk, who: Who) -> Response:
    """A new channel of one's own."""
    return json_answer(notices.add_channel(who, _given(given)), 201)


@router.patch("/channels/{id}")
def change_channel(*, id: Name, given: ChannelGiven, notices: Desk, who: Who) -> Response:
    """Change a channel of one's own."""
    return json_answer(notices.change_channel(who, id, _given(given)))


@router.delete("/channels/{id}")
def remove_channel(*, id: Name, notices: Desk, who: Who) -> Response:
    """Take away a channel of one's own."""
    return json_answer(notices.remove_channel(who, id))


@router.post("/channels/{id}/test")
def try_channel(*, id: Name, notices: Desk, who: Who) -> Response:
    """Send a test over a channel of one's own now; says what the receiver answered."""
    return json_answer(notices.try_channel(who, id))


@router.get("/outbox", responses=LIST)
def outbox(
    *, out: Out, notices: Desk, limit: Limit = 200, offset: Offset = 0,
    state: Annotated[str, Query(pattern="^(queued|held|sending|sent|failed)?$")] = "",
    person: Annotated[str, Query(max_length=120)] = "",
) -> Response:  # fmt: skip
    """How far the notices of all people are; no words of the matters."""
    items = notices.sent(state=state, person=person, limit=limit, offset=offset)
    return out.answer({"items": items, **notices.state()}, name="outbox")


@router.post("/outbox/again")
def again(*, wanted: ReadWanted, notices: Desk) -> Response:
    """Try failed notices anew; without ids all."""
    return json_answer(notices.again(wanted.ids))

"""Search across everything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from jinyun.app.services.search import MOST_EACH, MOST_WORDS, search
from jinyun.web.answers import json_answer
from jinyun.web.guard import Known, Who

router = APIRouter(prefix="/api", tags=["search"])


@router.get("/search")
def find(
    *,
    cases: Known,
    who: Who,
    q: Annotated[str, Query(max_length=MOST_WORDS, description="every word of it must occur")],
    each: Annotated[int, Query(ge=1, le=MOST_EACH, description="most finds of a group")] = 6,
) -> Response:
    """Every register, sites, cases, alarms and factors, within the reach of whoever asks; the best finds first. With
    `as_of` registers as they stood then."""
    rights = cases.rights
    return json_answer(
        search(
            cases.house,
            cases.registers,
            q,
            who,
            may=lambda type_id: rights.may(who, "register.read", type_id).allowed,
            each=each,
        )
    )

"""What guards of the registers of supervision look at beside the record itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import china_time

MOST = 1000


def guard_context(house: Any, type_id: str, record_id: str) -> Mapping[str, Any]:
    """The context of a record's guards; empty for types whose guards need none."""
    if type_id == "case":
        context: Mapping[str, Any] = house.act.case_context(record_id)
        return context
    if type_id == "patrol":
        return _patrol(house, record_id)
    if type_id == "rectification":
        return {**_rectification(house, record_id), **_measured(house, type_id, record_id)}
    if type_id == "project":
        return _measured(house, type_id, record_id)
    return {}


def _patrol(house: Any, record_id: str) -> Mapping[str, Any]:
    """Hours since the end of the chief's last patrol that counted."""
    data = house.records.get("patrol", record_id).data
    began = datetime.fromisoformat(str(data["started"]))
    asked = {"chief": data["chief"], "rank": data["rank"]}
    before = [
        ended
        for one in house.records.find("patrol", asked, states=("counted",), order="-started", limit=MOST)
        if one.id != record_id and (ended := datetime.fromisoformat(str(one.data["ended"]))) <= began
    ]
    if not before:
        return {}
    return {"hours_since_last": str(int((began - max(before)).total_seconds()) / 3600)}


def _rectification(house: Any, record_id: str) -> Mapping[str, Any]:
    parts = house.records.find("rectification", {"parent": record_id}, limit=MOST)
    return {
        "today": china_time(house.clock.now() // MICRO).date().isoformat(),
        "open_parts": sum(1 for one in parts if one.state != "closed"),
    }


def _measured(house: Any, type_id: str, record_id: str) -> Mapping[str, Any]:
    """The conditions of what works brought, and the verdicts that show them."""
    context: Mapping[str, Any] = house.act.works.context(house.records.get(type_id, record_id))
    return context

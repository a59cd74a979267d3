"""Worked cases of supervision: time limits, closing of tasks, lag of works, patrols, fines, warnings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jinyun.app.conformance.compare import Given, number, optional
from jinyun.domains.supervision import deadlines, heavy_pollution, patrol, penalties, rectification, works
from jinyun.kernel.errors import BadInput

SERIES = {"aqi": "aqi", "pm25": "pm2_5", "o3_8h": "o3_8h"}
"""Names of a case's series -> ours."""


def _day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _date(given: Given, name: str) -> date:
    return date.fromisoformat(given[name])


def workday_deadlines(given: Given) -> Mapping[str, Any]:
    """Last day of an act, and whether the act was late; or the end of an approval."""
    calendar = deadlines.work_calendar()
    if "approved" in given:
        if given["rule"] != deadlines.APPROVAL:
            raise BadInput(f"rule {given['rule']} is no approval", field="rule")
        approved, applied, licence = (_date(given, name) for name in ("approved", "applied_end", "licence_end"))
        return {"valid_until": deadlines.approval_end(approved, applied, licence, calendar).isoformat()}
    limit = deadlines.time_limit(given["rule"])
    value, unit = given.get("n", limit.value), given.get("unit", limit.unit)
    if (str(value), unit) != (limit.value, limit.unit):
        raise BadInput(f"{limit.id} is {limit.value} {limit.unit} in the table, not {value} {unit}", field="n")
    last = deadlines.last_day(_date(given, "start"), value, unit, calendar)
    act = _day(given.get("act"))
    return {"last": last.isoformat(), "late": None if act is None else deadlines.late(last, act)}


def rectification_closure(given: Given) -> Mapping[str, Any]:
    """State of an inspection task."""
    figure = None
    if given.get("figure"):
        one = given["figure"]
        watch = one.get("watch_days", given.get("watch_days", 0))
        figure = rectification.Figure(
            one["name"], number(one["limit"]), int(one["hold_days"]), int(watch), one.get("op", "le")
        )
    found = rectification.rectification_state(
        [rectification.Check(one["step"], _date(one, "date")) for one in given["steps"]],
        given["conditions"],
        deadline=_date(given, "deadline"),
        as_of=_date(given, "as_of"),
        figure=figure,
        readings=[
            rectification.Measured(_date(one, "date"), number(one["value"])) for one in given.get("readings", ())
        ],
    )
    refused = [{"step": one.step, "why": one.why} for one in found.refused]
    return {"state": found.state, "refused": refused, "late": found.late}


def project_lag(given: Given) -> Mapping[str, Any]:
    """Lag of a project against its plan."""
    found = works.project_lag(
        _date(given, "date"), number(given["plan_10k_yuan"]), number(given["done_10k_yuan"]),
        curve=[works.PlanPoint(_date(one, "date"), number(one["share"])) for one in given.get("curve") or ()],
        planned_start=_day(given.get("planned_start")), started=_day(given.get("started")),
        planned_end=_day(given.get("planned_end")), finished=_day(given.get("finished")),
    )  # fmt: skip
    return {"due_10k_yuan": found.due, "ratio": found.ratio, "light": found.light, "reasons": list(found.reasons)}


def river_patrol(given: Given) -> Mapping[str, Any]:
    """Whether a patrol counts."""
    found = patrol.patrol_counts(
        given["rank"], number(given["minutes"]), number(given["km"]), optional(given.get("hours_since_last"))
    )
    return {"counts": found.counts, "reasons": list(found.reasons)}


def penalty_band(given: Given) -> Mapping[str, Any]:
    """Range of a fine, by the table of bands or by the law."""
    if "article_112_item" in given:
        cost = optional(given.get("disposal_cost_10k_yuan"))
        found = penalties.statutory_range("112", cost, item=given["article_112_item"])
    else:
        found = penalties.penalty_band(
            given["degree"], number(given["quantity_t"]), given["corrected"], given["repeats"],
            grave=given.get("grave", False),
        )  # fmt: skip
    return {"low": found.low, "high": found.high, "ordinary": found.ordinary}


def heavy_pollution_warning(given: Given) -> Mapping[str, Any]:
    """Warning level of a forecast."""
    for name in given:
        if name not in (*SERIES, "scheme", "joined"):
            raise BadInput(f"forecast of {name!r}", field=name, hint=f"known: {', '.join(SERIES)}")
    forecast = {ours: [optional(day) for day in given[name]] for name, ours in SERIES.items() if name in given}
    return {"level": heavy_pollution.warning_level(given["scheme"], forecast, joined=given.get("joined", False)).level}

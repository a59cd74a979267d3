"""Worked cases of outlets: emission limits, conversion, validity of online data (topics ``emission``, ``online``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from datetime import time as clock_time
from fractions import Fraction
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number, optional
from jinyun.domains.emission import conversion
from jinyun.domains.emission import rules as emission_rules
from jinyun.domains.emission.judges import OUTLET_HOUR
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Flag, Period, Reading, Site, Stat, Status, instant, window_of

FLAG_LETTERS = {
    "N": Flag.NORMAL, "F": Flag.STOPPED, "M": Flag.MAINTENANCE, "S": Flag.MANUAL, "D": Flag.FAULT,
    "C": Flag.CALIBRATION, "T": Flag.OVER_RANGE, "B": Flag.NO_LINK,
}  # fmt: skip


def _oxygen(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    value = conversion.to_reference_oxygen(
        number(g["measured_mg_m3"]), number(g["o2_measured_pct"]), number(g["o2_reference_pct"])
    )
    return {"converted": value, "exceeds": value > Fraction(number(g["limit"]))}


def _valid_hour(case: Case) -> Mapping[str, Any]:
    rules = emission_rules.rules(DATES["2026"], stack=True)
    return {"valid": case["input"]["valid_minutes"] >= rules.hour_minutes}


def _gas_hours(case: Case) -> Mapping[str, Any]:
    """Each hour as the hour judge sees it: a device's mean with its flag, against a permit limit."""
    g: Given = case["input"]
    limit = {"id": "1", "outlet": "1", "factor": "stack_pm", "period": "hour", "limit": g["limit"], "unit": "mg/m3"}
    site = Site("1", "case", "stack_outlet")
    first = instant(datetime.combine(DATES["2026"], clock_time()))
    over = []
    for count, (value, letter) in enumerate(zip(g["hourly"], g["flags"], strict=True), 1):
        where = window_of(Period.HOUR, first + count * 3600)
        flag, mean = FLAG_LETTERS[letter], optional(value)
        reading = Reading(1, "stack_pm", Stat.AVG, Period.HOUR, where.start, mean, flag, count, count)
        verdict = OUTLET_HOUR.run(JudgeInput(site, where, (reading,), {"permit_limit": (limit,)}))
        if verdict is not None and verdict.status is Status.EXCEEDS:
            over.append(count)
    return {"exceed_hours_1_based": over}


def _flow(case: Case) -> Mapping[str, Any]:
    values, flows = ([number(v) for v in case["input"][name]] for name in ("conc_mg_l", "flow_m3"))
    return {"mean": conversion.flow_weighted(values, flows)}


def _dry(case: Case) -> Mapping[str, Any]:
    return {"dry": conversion.wet_to_dry(number(case["input"]["wet"]), number(case["input"]["moisture_pct"]))}


def _capture(case: Case) -> Mapping[str, Any]:
    hours, stopped, invalid = (number(case["input"][name]) for name in ("hours", "stopped", "invalid"))
    return {"capture_rate_pct": conversion.capture_rate(hours, stopped, invalid)}


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("emission", "reference_oxygen"): _oxygen,
    ("online", "valid_hour"): _valid_hour,
    ("online", "gas_hourly_judgement"): _gas_hours,
    ("online", "water_flow_weighted_day"): _flow,
    ("online", "wet_to_dry"): _dry,
    ("online", "capture_rate"): _capture,
}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""

"""Worked cases of outlets: emission limits, conversion, validity of online data (topics ``emission``, ``online``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number, optional
from jinyun.domains.emission import conversion, marking, rate, rates, standards, substitution, validity
from jinyun.domains.emission.emission_limit import EmissionLimit
from jinyun.domains.emission.judges import OUTLET_HOUR
from jinyun.domains.emission.outlet import judge_outlet
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
    return {"valid": validity.valid_hour(case["input"]["valid_minutes"], DATES["2026"])}


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
    return {"capture_rate_pct": rates.capture_rate(hours, stopped, invalid).exact}


def _substitution(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    return {
        "valid_hours_before": substitution.look_back(
            number(g["capture_rate_pct"]), g["bad_hours"], on=DATES["2026"]
        ).hours
    }


def _deadline(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    marked = instant(datetime.fromisoformat(g["marked_at"]))
    return {"in_time": marking.in_time(date.fromisoformat(g["data_day"]), marked)}


def _rate(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    return {"rate_kg_h": rate.rate_limit(g["item"], number(g["stack_height_m"]), grade=g["grade"]).exact}


def _works(case: Case) -> Mapping[str, Any]:
    """GB 18918: the day value of one item of a municipal plant."""
    g: Given = case["input"]
    (name,) = [key for key in g if key.endswith("_daily")]
    facts = {"water_temp": g.get("water_temp_c"), "built": g.get("built")}
    limits = standards.limits_of("GB 18918-2002", group=g["grade"], on=DATES["2026"], facts=facts)
    return _against(limits, name.removesuffix("_daily"), number(g[name]))


def _boiler(case: Case) -> Mapping[str, Any]:
    """GB 13271: a value at reference oxygen."""
    g: Given = case["input"]
    (name,) = [key for key in g if key.endswith("_converted")]
    limits = standards.limits_of(
        "GB 13271-2014", group=g["fuel"], stage=g["stage"], on=DATES["2026"], facts={"province": g.get("province")}
    )
    return _against(limits, name.removesuffix("_converted"), number(g[name]))


def _against(limits: Sequence[EmissionLimit], item: str, value: Decimal) -> Mapping[str, Any]:
    limit = next(one for one in limits if one.item == item and one.kind == "concentration")
    key, units = limit.key, {limit.key: limit.unit}  # cases give the unit of the table
    verdict = judge_outlet("case", {key: value}, (limit,), day=DATES["2026"], converted=(key,), units=units)
    return {"limit": limit.value, "exceeds": verdict.status is Status.EXCEEDS}


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("emission", "reference_oxygen"): _oxygen,
    ("emission", "gb16297_rate"): _rate,
    ("emission", "gb18918"): _works,
    ("emission", "gb13271"): _boiler,
    ("online", "valid_hour"): _valid_hour,
    ("online", "gas_hourly_judgement"): _gas_hours,
    ("online", "water_flow_weighted_day"): _flow,
    ("online", "wet_to_dry"): _dry,
    ("online", "capture_rate"): _capture,
    ("online", "substitution_window"): _substitution,
    ("online", "marking_deadline"): _deadline,
}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""

"""Rules that only the shipped set asks: single limits, whole periods, trends, groundwater, zones and boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number, optional
from jinyun.domains.air import concentration, period
from jinyun.domains.air.days import DayValues
from jinyun.domains.emission import conversion
from jinyun.domains.noise import boundary, zone
from jinyun.domains.water import groundwater, river, tli, trend
from jinyun.kernel.terms import Period, Status, Verdict, instant, window_of


def _attains(verdict: Verdict) -> bool | None:
    return None if verdict.status is Status.CANNOT_JUDGE else verdict.status is Status.ATTAINS


def _concentration(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    verdict = concentration.judge_concentration(
        "case", {g["item"]: number(g["value"])}, averaging=g["averaging"], day=date.fromisoformat(g["day"]),
        grade=g["grade"],
    )  # fmt: skip
    return {"attains": _attains(verdict)}


def _period(case: Case) -> Mapping[str, Any]:
    """A month or a year of daily values, from its first day on; judged in the edition of the day `on`."""
    g: Given = case["input"]
    first, count = date.fromisoformat(g["first_day"]), len(next(iter(g["daily"].values())))
    days = [
        DayValues(first + timedelta(n), {name: optional(values[n]) for name, values in g["daily"].items()})
        for n in range(count)
    ]
    length = {"month": Period.MONTH, "year": Period.YEAR}[g["period"]]
    window = window_of(length, instant(datetime.combine(first, clock_time())))
    found = period.evaluate("case", days, window, on=date.fromisoformat(g["on"]), grade=g["grade"])
    figures = {name: {one.kind: one.exact for one in item.figures} for name, item in found.items.items()}
    return {
        "figures": {name: parts for name, parts in figures.items() if parts},
        "item_attains": {name: item.attains for name, item in found.items.items() if item.figures},
        "attains": _attains(found.verdict),
        "good_days": found.good_days.good,
        "valid_days": found.good_days.valid,
        "heavy_days": found.good_days.heavy,
        "good_ratio_pct": found.good_days.ratio,
    }


def _river(case: Case) -> Mapping[str, Any]:
    """Sections with their values: by the mean of each item when they are few, else by shares."""
    g: Given = case["input"]
    sections = {f"S{n}": {name: number(v) for name, v in one.items()} for n, one in enumerate(g["sections"], 1)}
    found = river.evaluate_river("case", sections, day=DATES["2026"], body=g["body"])
    by_mean = found.extra["method"] == "mean"
    return {
        "method": found.extra["method"],
        "class": found.level if by_mean else None,
        "status_zh": None if by_mean else found.extra["status_zh"],
    }


def _tli_level(case: Case) -> Mapping[str, Any]:
    return {"level_zh": tli.tli_level(number(case["input"]["tli"]))[1]}


def _convertible(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    values = (number(g[key]) for key in ("measured_mg_m3", "o2_measured_pct", "o2_reference_pct"))
    try:
        conversion.to_reference_oxygen(*values)
    except conversion.NotConvertible:
        return {"convertible": False}
    return {"convertible": True}


def _spearman(case: Case) -> Mapping[str, Any]:
    found = trend.spearman([number(value) for value in case["input"]["values"]])
    return {"r": found.r, "w": found.critical, "significant": found.significant}


def _groundwater(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    unit = None if g["unit"] == "dimensionless" else g["unit"]
    found = groundwater.item_class(g["item"], number(g["value"]), day=DATES["2026"], unit=unit)
    return {"class": found.level}


def _zone(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    day = DATES["2026"]
    ld, ln = optional(g.get("ld")), optional(g.get("ln"))
    verdict = zone.judge_zone("case", g["zone"], ld=ld, ln=ln, day=day, railway_approved=day)
    limits = {one.factor: one.status is Status.ATTAINS for one in verdict.items}
    return {"day_attains": limits.get("ld"), "night_attains": limits.get("ln")}


def _boundary(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    verdict = boundary.judge_boundary(
        "case", zone=g.get("zone"), leq=number(g["leq"]), period=g["period"], day=DATES["2026"], standard=g["standard"],
        background=optional(g.get("background")), indoor=g.get("indoor", False),
    )  # fmt: skip
    return {"attains": _attains(verdict)}


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("air", "concentration"): _concentration,
    ("air", "period"): _period,
    ("surface_water", "river"): _river,
    ("surface_water", "spearman"): _spearman,
    ("water_indices", "tli_level"): _tli_level,
    ("emission", "oxygen_convertible"): _convertible,
    ("groundwater", "item_class"): _groundwater,
    ("noise", "function_zone"): _zone,
    ("noise", "boundary"): _boundary,
}
"""(topic, rule) -> what answers it."""

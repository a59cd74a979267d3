"""Worked cases of ambient air: GB 3095, HJ 633, HJ 663."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number, optional
from jinyun.domains.air import aqi as air_aqi
from jinyun.domains.air import composite, good_days
from jinyun.domains.air import limits as air_limits
from jinyun.domains.air import means as air_means
from jinyun.methods import statistics


def _day_of(case: Case) -> date:
    if "time" in case:
        return date.fromisoformat(case["time"][:10])
    return DATES[case["standard"].rpartition("-")[2]]


def _pollutant(name: str, *, daily: bool) -> str:
    """``so2_1h`` of an hourly report is so2; in a daily one ``o3_1h`` stands beside the 8 h maximum o3 (``o3_8h``)."""
    if not daily:
        return name.removesuffix("_1h")
    return name.removesuffix("_24h").removesuffix("_8h")


def _aqi(case: Case) -> Mapping[str, Any]:
    edition = air_limits.index_edition(_day_of(case))
    daily = case["report"] == "daily"
    values = {_pollutant(name, daily=daily): optional(value) for name, value in case["input"].items()}
    found = air_aqi.aqi_daily(values, edition) if daily else air_aqi.aqi_hourly(values, edition)
    none = found.value is None
    return {
        "iaqi": {pollutant: found.of(pollutant) for pollutant, _ in found.iaqi},
        "aqi": found.value,
        "primary": None if none else list(found.primary),
        "category_zh": None if found.level is None else found.level.category_zh,
    }


def _mda8(case: Case) -> Mapping[str, Any]:
    hours = [optional(value) for value in case["input"]["hourly_hour_ending_1_to_24"]]
    found = air_means.max_8h(hours, number(case["input"]["limit"]), air_limits.validity(DATES["2026"]))
    return {"value": found.value, "n_windows": found.windows, "valid": found.valid}


def _valid_day(case: Case) -> Mapping[str, Any]:
    return {"valid": air_means.valid_day(case["input"]["valid_hours"], air_limits.validity(DATES["2026"]))}


def _valid_year(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    months, february = given["min_valid_days_in_any_month_except_feb"], given["feb_days"]
    rules = air_limits.validity(DATES["2026"])
    return {"valid": air_means.valid_year(given["valid_days"], months, february, rules)}


def _percentile(case: Case) -> Mapping[str, Any]:
    values = [number(value) for value in case["input"]["values"]]
    return {"value": statistics.percentile(values, number(case["input"]["p"]))}


def _composite(case: Case) -> Mapping[str, Any]:
    """``composite_index_2013`` and ``_2026``; cases compare the exact sum within what a bureau's rounding moves it."""
    day = DATES[case["rule"].rpartition("_")[2]]
    found = composite.composite_index({name: number(value) for name, value in case["input"].items()}, day)
    return {"value": found.exact, "main": list(found.main)}


def _good_days(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    return {"value": good_days.good_ratio(given["good"] + given["moderate"], given["valid_days"], on=DATES["2013"])}


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("air", "daily"): _aqi,
    ("air", "hourly"): _aqi,
    ("air", "o3_mda8"): _mda8,
    ("air", "valid_daily_mean"): _valid_day,
    ("air", "valid_annual_mean"): _valid_year,
    ("air", "percentile"): _percentile,
    ("air", "composite_index_2013"): _composite,
    ("air", "composite_index_2026"): _composite,
    ("air", "good_days_ratio"): _good_days,
}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""

"""Runs worked cases of the standards through the same public functions that judge live data, and says what agrees.

A file is ``{"topic", "description", "cases": [...]}``; a case names its ``rule`` (or its ``standard`` and ``report``),
its ``input`` and what is ``expected``. A rule that no function covers yet is reported as not covered: never as passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinyun.domains.air import aqi as air_aqi
from jinyun.domains.air import limits as air_limits
from jinyun.domains.air import means as air_means
from jinyun.domains.emission import conversion
from jinyun.domains.emission import rules as emission_rules
from jinyun.domains.emission.judges import OUTLET_HOUR
from jinyun.domains.water import limits as water_limits
from jinyun.domains.water import quality, river
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.factors import factor
from jinyun.kernel.terms import Flag, Period, Reading, Site, Stat, Status, instant, window_of
from jinyun.kernel.units import convert
from jinyun.methods import statistics

Case = Mapping[str, Any]
Given = Mapping[str, Any]

DATES = {"2012": date(2019, 7, 18), "2013": date(2019, 7, 18), "2026": date(2026, 4, 1)}
"""A day in the life of each edition that a case names by its year."""

FLAG_LETTERS = {
    "N": Flag.NORMAL, "F": Flag.STOPPED, "M": Flag.MAINTENANCE, "S": Flag.MANUAL, "D": Flag.FAULT,
    "C": Flag.CALIBRATION, "T": Flag.OVER_RANGE, "B": Flag.NO_LINK,
}  # fmt: skip


class NotCovered(Exception):
    """No function covers this rule yet."""


def run_standards(paths: Iterable[str | Path]) -> tuple[list[str], int, int]:
    """Run all cases of the files (or of the ``*.json`` of folders).

    Returns
    -------
    lines : list[str]
        One per case that failed or is not covered, one per file, and the sum.
    passed, failed : int
        Cases that agree and that do not; those not covered are in neither.
    """
    lines: list[str] = []
    passed = failed = open_ = 0
    for path in _files(paths):
        content = json.loads(path.read_text(encoding="utf-8"))
        good = bad = none = 0
        for number, case in enumerate(content["cases"], 1):
            name = f"{path.name} {case.get('id') or number}"
            try:
                wrong = check(str(content["topic"]), case)
            except NotCovered as what:
                none += 1
                lines.append(f"not covered  {name}: {what}")
                continue
            except JinyunError as error:
                wrong = f"refused: {error}"
            if wrong:
                bad += 1
                lines.append(f"FAILED       {name}: {wrong}")
            else:
                good += 1
        lines.append(f"{path.name}: {good} passed, {bad} failed, {none} not covered")
        passed, failed, open_ = passed + good, failed + bad, open_ + none
    lines.append(f"{passed} passed, {failed} failed, {open_} not covered")
    return lines, passed, failed


def _files(paths: Iterable[str | Path]) -> list[Path]:
    found: list[Path] = []
    for one in map(Path, paths):
        if one.is_dir():
            found += sorted(one.glob("*.json"))
        elif one.is_file():
            found.append(one)
        else:
            raise BadInput(f"no file or folder {str(one)!r}", hint="give JSON case files or a folder of them")
    return found


def check(topic: str, case: Case) -> str:
    """What is wrong with one case; "" when our answer agrees.

    Raises
    ------
    NotCovered
        When no function covers its rule.
    """
    if topic == "peers":
        return _peer(case)
    rule = case.get("rule") or case.get("report") or ""
    answer = ANSWERS.get((topic, rule))
    if answer is None:
        raise NotCovered(f"rule {rule!r} of {topic}")
    return _compare(answer(case), case["expected"], case.get("tolerance", 0))


def _compare(got: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float) -> str:
    """Every expected key is compared; numbers within the case's tolerance, lists of pollutants as sets."""
    wrong = []
    for key, want in expected.items():
        if key in ("note", "exact_from_inputs"):
            continue
        if key not in got:
            wrong.append(f"{key}: not answered")
        elif not _same(got[key], want, tolerance, as_set=key == "primary"):
            wrong.append(f"{key}: {_shown(got[key])} instead of {_shown(want)}")
    return "; ".join(wrong)


def _same(got: Any, want: Any, tolerance: float, *, as_set: bool = False) -> bool:
    if isinstance(want, dict):
        return isinstance(got, Mapping) and got.keys() == want.keys() and all(
            _same(got[key], want[key], tolerance) for key in want
        )  # fmt: skip
    if as_set and isinstance(want, list):
        return isinstance(got, list | tuple) and sorted(got) == sorted(want)
    if isinstance(want, bool) or want is None or isinstance(want, str):
        return bool(got == want)
    if isinstance(want, list):
        return list(got) == want
    if got is None:
        return False
    return abs(Fraction(got) - Fraction(str(want))) <= Fraction(str(tolerance))


def _shown(value: Any) -> str:
    return f"{float(value):g}" if isinstance(value, Fraction) else str(value)


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _optional(value: Any) -> Decimal | None:
    return None if value is None else _number(value)


# --- water ------------------------------------------------------------------------------------------------------------


def _section(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    edition = water_limits.edition(DATES["2012"], given["body"])
    # Cases give table units (mg/L); inside the house a factor has one unit of its own.
    values = {name: _canonical(name, _number(value)) for name, value in given["values"].items()}
    found = quality.section_class(values, edition)
    if found is None:
        return {}
    reference = int(water_limits.rule("reference_class"))
    return {
        "class": found.level,
        "class_label": water_limits.LABELS_ZH[found.level],
        "status_zh": found.status_zh,
        "item_class": {name: item.level for name, item in found.items.items()},
        "exceed_multiple": {name: i.multiple for name, i in found.items.items() if i.level > reference},
        "main_indicators": list(found.main_indicators),
    }


def _canonical(name: str, value: Decimal) -> Decimal:
    unit = factor(name).unit
    return convert(value, "mg/L", unit) if unit.endswith("g/L") else value


def _river(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    good, worse = _number(given["share_class_1_to_3"]), _number(given["share_worse_than_5"])
    return {"status_zh": river.river_status(good, worse, given["sections"])}


def _trend(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    change = river.share_change(
        (_number(g["good_before"]), _number(g["good_after"])), (_number(g["worse5_before"]), _number(g["worse5_after"]))
    )
    return {"dG_minus_dD": change.points, "label_zh": change.label_zh}


# --- air --------------------------------------------------------------------------------------------------------------


def _day_of(case: Case) -> date:
    if "time" in case:
        return date.fromisoformat(case["time"][:10])
    return DATES[case["standard"].rpartition("-")[2]]


def _aqi(case: Case) -> Mapping[str, Any]:
    edition = air_limits.index_edition(_day_of(case))
    values = {name.removesuffix("_1h"): _optional(value) for name, value in case["input"].items()}
    daily = case["report"] == "daily"
    found = air_aqi.aqi_daily(values, edition) if daily else air_aqi.aqi_hourly(values, edition)
    none = found.value is None
    return {
        "iaqi": {pollutant: index for (pollutant, _), index in found.iaqi.items()},
        "aqi": found.value,
        "primary": None if none else list(found.primary),
        "category_zh": None if found.level is None else found.level.category_zh,
    }


def _mda8(case: Case) -> Mapping[str, Any]:
    hours = [_optional(value) for value in case["input"]["hourly_hour_ending_1_to_24"]]
    found = air_means.max_8h(hours, _number(case["input"]["limit"]), air_limits.validity(DATES["2026"]))
    return {"value": found.value, "n_windows": found.windows, "valid": found.valid}


def _valid_day(case: Case) -> Mapping[str, Any]:
    return {"valid": air_means.valid_day(case["input"]["valid_hours"], air_limits.validity(DATES["2026"]))}


def _valid_year(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    months, february = given["min_valid_days_in_any_month_except_feb"], given["feb_days"]
    rules = air_limits.validity(DATES["2026"])
    return {"valid": air_means.valid_year(given["valid_days"], months, february, rules)}


def _percentile(case: Case) -> Mapping[str, Any]:
    values = [_number(value) for value in case["input"]["values"]]
    return {"value": statistics.percentile(values, _number(case["input"]["p"]))}


# --- outlets ----------------------------------------------------------------------------------------------------------


def _oxygen(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    value = conversion.to_reference_oxygen(
        _number(g["measured_mg_m3"]), _number(g["o2_measured_pct"]), _number(g["o2_reference_pct"])
    )
    return {"converted": value, "exceeds": value > Fraction(_number(g["limit"]))}


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
    for number, (value, letter) in enumerate(zip(g["hourly"], g["flags"], strict=True), 1):
        where = window_of(Period.HOUR, first + number * 3600)
        flag, mean = FLAG_LETTERS[letter], _optional(value)
        reading = Reading(1, "stack_pm", Stat.AVG, Period.HOUR, where.start, mean, flag, number, number)
        verdict = OUTLET_HOUR.run(JudgeInput(site, where, (reading,), {"permit_limit": (limit,)}))
        if verdict is not None and verdict.status is Status.EXCEEDS:
            over.append(number)
    return {"exceed_hours_1_based": over}


def _flow(case: Case) -> Mapping[str, Any]:
    values, flows = ([_number(v) for v in case["input"][name]] for name in ("conc_mg_l", "flow_m3"))
    return {"mean": conversion.flow_weighted(values, flows)}


def _dry(case: Case) -> Mapping[str, Any]:
    return {"dry": conversion.wet_to_dry(_number(case["input"]["wet"]), _number(case["input"]["moisture_pct"]))}


def _capture(case: Case) -> Mapping[str, Any]:
    hours, stopped, invalid = (_number(case["input"][name]) for name in ("hours", "stopped", "invalid"))
    return {"capture_rate_pct": conversion.capture_rate(hours, stopped, invalid)}


ANSWERS: Mapping[tuple[str, str], Callable[[Case], Mapping[str, Any]]] = {
    ("surface_water", "section_class"): _section,
    ("surface_water", "river_status"): _river,
    ("surface_water", "trend_class_share"): _trend,
    ("air", "daily"): _aqi,
    ("air", "hourly"): _aqi,
    ("air", "o3_mda8"): _mda8,
    ("air", "valid_daily_mean"): _valid_day,
    ("air", "valid_annual_mean"): _valid_year,
    ("air", "percentile"): _percentile,
    ("emission", "reference_oxygen"): _oxygen,
    ("online", "valid_hour"): _valid_hour,
    ("online", "gas_hourly_judgement"): _gas_hours,
    ("online", "water_flow_weighted_day"): _flow,
    ("online", "wet_to_dry"): _dry,
    ("online", "capture_rate"): _capture,
}
"""What answers a case, by topic and rule. A domain that learns a rule adds a line here."""


# --- inputs on which public packages fail -----------------------------------------------------------------------------

_INPUT = re.compile(r"(?P<name>pm25|pm2_5|pm10|so2|no2|co|o3)[ _]?(?P<span>1h|8h|24h)?\s*(?:\((?P<year>\d{4})\))?$")
_NAMES = {"pm25": "pm2_5"}


def _peer(case: Case) -> str:
    """One input that a peer gets wrong: our index against the standard's."""
    text = str(case["input"])
    key = next(name for name in ("std_2012", "std_2026", "std") if name in case)
    year = "2026" if "2026" in key or "(2026)" in text else "2012"
    edition, want = air_limits.index_edition(DATES[year]), case[key]
    if text == "daily with only PM given":
        values = {"pm2_5": Decimal(30), "pm10": Decimal(45)}
        found = air_aqi.aqi_daily(values, edition).value
        return "" if found is None and want == "NA" else f"{found} instead of {want}"
    if text.startswith("get_aqi_level("):
        level = edition.level_of(int(text.removeprefix("get_aqi_level(").rstrip(")"))).level
        return "" if want == f"level {level}" else f"level {level} instead of {want}"
    if text == "river TN 1.4":
        table = water_limits.edition(DATES["2012"], "river")
        counted = quality.section_class({"tn": Decimal("1.4"), "do": Decimal(8)}, table)
        ignored = counted is not None and "tn" not in counted.items
        return "" if ignored and want == "ignored" else f"TN counted instead of {want}"
    if text == "lake TP 0.04":
        table = water_limits.edition(DATES["2012"], "lake")
        level = quality.item_class(table.item("tp"), Decimal("0.04"))
        return "" if want == f"class {level}" else f"class {level} instead of {want}"
    if text == "nox used as an AQI item":
        used = any("nox" in name for name, _ in edition.points)
        return "NOx has break points" if used else ""
    if text == "so2 24h nodes 50/100/200/400":
        nodes = "/".join(f"{c:f}" for c in edition.points["so2", "24h"].concentration[1:5])
        return "" if nodes == want else f"{nodes} instead of {want}"
    return _peer_index(text, edition, want)


def _peer_index(text: str, edition: air_limits.IndexEdition, want: Any) -> str:
    name, _, value = text.partition("=")
    hit = _INPUT.match(name.strip())
    number = re.match(r"[\d.]+", value)
    if hit is None or number is None:
        raise NotCovered(f"peer input {text!r}")
    pollutant = _NAMES.get(hit["name"], hit["name"])
    found = air_aqi.iaqi(pollutant, hit["span"] or "24h", Decimal(number.group()), edition)
    if isinstance(want, str):  # "use 24 h value": no index of its own
        return "" if found is None else f"{found} instead of {want!r}"
    return "" if found == want else f"{found} instead of {want}"

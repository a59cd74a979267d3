"""Inputs on which public packages fail: what our functions say to each, against the standard's own figure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from jinyun.app.conformance.compare import DATES, Case, NotCovered
from jinyun.domains.air import aqi as air_aqi
from jinyun.domains.air import limits as air_limits
from jinyun.domains.water import limits as water_limits
from jinyun.domains.water import quality

_INPUT = re.compile(r"(?P<name>pm25|pm2_5|pm10|so2|no2|co|o3)[ _]?(?P<span>1h|8h|24h)?\s*(?:\((?P<year>\d{4})\))?$")
_NAMES = {"pm25": "pm2_5"}


def check_peer(case: Case) -> str:
    """One input that a peer gets wrong: our answer against the standard's; "" when it agrees."""
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
    return _index(text, edition, want)


def _index(text: str, edition: air_limits.IndexEdition, want: Any) -> str:
    name, _, value = text.partition("=")
    hit = _INPUT.match(name.strip())
    figure = re.match(r"[\d.]+", value)
    if hit is None or figure is None:
        raise NotCovered(f"peer input {text!r}")
    pollutant = _NAMES.get(hit["name"], hit["name"])
    found = air_aqi.iaqi(pollutant, hit["span"] or "24h", Decimal(figure.group()), edition)
    if isinstance(want, str):  # "use 24 h value": no index of its own
        return "" if found is None else f"{found} instead of {want!r}"
    return "" if found == want else f"{found} instead of {want}"

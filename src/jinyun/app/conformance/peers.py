"""Inputs on which public packages fail: what our functions say to each, against the standard's own figure.

An input is a short text in the peer's own words, e.g. ``co_24h=2.4`` or ``lake TP 0.04``; the standard's figure is
under ``std_2012``, ``std_2026`` or ``std``. Each kind of text has one function here, which asks the
domain the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jinyun.app.conformance.compare import DATES, Case, NotCovered
from jinyun.domains.air import aqi as air_aqi
from jinyun.domains.air import limits as air_limits
from jinyun.domains.emission import standards as emission_standards
from jinyun.domains.noise import boundary
from jinyun.domains.soil import construction, farmland
from jinyun.domains.water import limits as water_limits
from jinyun.domains.water import quality
from jinyun.domains.water import tli as trophic
from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb

STANDARD_KEYS = ("std_2012", "std_2026", "std")
NAMES = {"pm25": "pm2_5"}


def answer_peer(case: Case) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Our answer to one input that a peer gets wrong, and the standard's, under the same key.

    Raises
    ------
    NotCovered
        For a text that no function here reads.
    BadInput
        For a case without a text or without the standard's figure.
    """
    text = case.get("input")
    key = next((name for name in STANDARD_KEYS if name in case), None)
    if not isinstance(text, str) or key is None:
        raise BadInput("a peer case needs a text as input and the standard's figure", hint=", ".join(STANDARD_KEYS))
    year = "2026" if "2026" in key or "(2026)" in text else "2012"
    for pattern, answer in QUESTIONS:
        hit = pattern.fullmatch(text.strip())
        if hit:
            return {key: answer(hit, air_limits.index_edition(DATES[year]))}, {key: case[key]}
    raise NotCovered(f"peer input {text!r}")


Question = Callable[[re.Match[str], air_limits.IndexEdition], Any]


def _index(hit: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    """An individual index; where the edition has none so high, which other value is used instead."""
    pollutant, span = NAMES.get(hit["name"], hit["name"]), hit["span"] or "24h"
    found = air_aqi.iaqi(pollutant, span, Decimal(hit["value"]), edition)
    if found is not None:
        return found
    others = [averaging for name, averaging in edition.points if name == pollutant and averaging != span]
    return f"use {' or '.join(others)} value".replace("h value", " h value")


def _only_pm(_: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    found = air_aqi.aqi_daily({"pm2_5": Decimal(30), "pm10": Decimal(45)}, edition).value
    return "NA" if found is None else found


def _level(hit: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    return f"level {edition.level_of(int(hit['value'])).level}"


def _nox(_: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    return "an item" if any("nox" in name for name, _ in edition.points) else "not an item"


def _nodes(hit: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    """The break points after zero, as many as the text names."""
    count = len(hit["nodes"].split("/"))
    return "/".join(f"{c:f}" for c in edition.points[hit["name"], hit["span"]].concentration[1 : count + 1])


def _section(hit: re.Match[str], _: air_limits.IndexEdition) -> Any:
    """One item in a section beside dissolved oxygen of class I: its class, or that it does not count."""
    table = water_limits.edition(DATES["2012"], hit["body"])
    item = hit["item"].lower()
    found = quality.section_class({item: Decimal(hit["value"]), "do": Decimal(8)}, table)
    if found is None or item not in found.items:
        return "ignored"
    return f"class {found.items[item].level}"


def _chinese(_: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    """An index is China's when it gives the index of every break point of HJ 633 back; US EPA gives others."""
    right = all(
        air_aqi.iaqi(*key, concentration, edition) == index
        for key, points in edition.points.items()
        for index, concentration in zip(points.iaqi, points.concentration, strict=True)
    )
    return "China AQI" if right else "another AQI"


def _calculator(_: re.Match[str], edition: air_limits.IndexEdition) -> Any:
    """A calculator turns six concentrations into an index without asking anybody: the worst of its own parts."""
    values = {key: points.concentration[2] for key, points in edition.points.items()}  # all at the index of 100
    found = air_aqi.aqi(values, edition, "daily")
    complete = found.iaqi.keys() == set(edition.items["daily"])
    return "calculator" if complete and found.value == edition.good_up_to else "not one"


# Texts about a table. The standard's figure is a text too: a value is given as the table prints it.


def _weight(hit: re.Match[str], _: air_limits.IndexEdition) -> Any:
    """A weight r²/Σr² of the trophic level index, kept to four decimals by GB/T 8170."""
    table = trophic.tli({}, on=DATES["2026"]).weights
    return f"{round_gb(table[hit['item']], 4)}"


def _farmland(hit: re.Match[str], _: air_limits.IndexEdition) -> Any:
    """Screening value just inside the bin that the text names."""
    ph = Decimal(hit["value"]) + (Decimal("0.1") if hit["op"] == ">" else -Decimal("0.1") if hit["op"] == "<" else 0)
    return _printed(farmland.limits_of(hit["item"].lower(), ph, hit["land"], DATES["2026"]).screening)


def _construction(hit: re.Match[str], _: air_limits.IndexEdition) -> Any:
    land = f"land_class_{hit['value']}"
    return _printed(construction.limits_of(hit["item"].lower(), land, DATES["2026"]).screening)


def _power_plant(hit: re.Match[str], _: air_limits.IndexEdition) -> Any:
    limits = emission_standards.limits_of(
        "GB 13223-2011", group=f"{hit['fuel']}_boiler", stage=hit["stage"], on=DATES["2026"]
    )
    return _printed(next(one.value for one in limits if one.item == hit["item"].lower()))


def _room(hit: re.Match[str], _: air_limits.IndexEdition) -> Any:
    """Day and night limit in a room beside a factory."""
    periods = ("day", "night")
    return "/".join(_printed(boundary.room_limit(hit["zone"], hit["room"], one, DATES["2026"])) for one in periods)


def _printed(value: Decimal | None) -> str:
    return "none" if value is None else f"{value:f}"


_NUMBER = r"(?P<value>\d+(?:\.\d+)?)"
_GAS = r"(?P<name>pm25|pm2_5|pm10|so2|no2|co|o3)[ _]?(?P<span>1h|8h|24h)?"

QUESTIONS: Sequence[tuple[re.Pattern[str], Question]] = (
    (re.compile(rf"{_GAS}={_NUMBER}(?: \(\d{{4}}\))?"), _index),
    (re.compile(r"daily with only PM given"), _only_pm),
    (re.compile(r"get_aqi_level\((?P<value>\d+)\)"), _level),
    (re.compile(r"nox used as an AQI item"), _nox),
    (re.compile(r"(?P<name>so2|no2|co|o3|pm10|pm2_5) (?P<span>1h|8h|24h) nodes (?P<nodes>[\d./]+)"), _nodes),
    (re.compile(rf"(?P<body>river|lake) (?P<item>\w+) {_NUMBER}"), _section),
    (re.compile(r"TLI (?P<item>\w+) weight"), _weight),
    (re.compile(rf"(?P<land>paddy|other|orchard) (?P<item>\w+) pH(?P<op><=|<|>)\s*{_NUMBER}"), _farmland),
    (re.compile(r"land class (?P<value>[12]) (?P<item>\w+)"), _construction),
    (re.compile(r"GB 13223 (?P<fuel>coal|oil|gas) (?P<item>\w+) (?P<stage>special|new|in_use)"), _power_plant),
    (re.compile(r"GB 12348 indoor zone (?P<zone>\w+) room (?P<room>[AB])"), _room),
    (re.compile(r"con2aqi \(R\)"), _chinese),
    (re.compile(r"aqipy"), _calculator),
)
"""Which text is asked of what. The first pattern that fits the whole text answers."""

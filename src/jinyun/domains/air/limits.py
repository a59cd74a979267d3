"""Limits, break points and index rules of ambient air, by the day of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert
from jinyun.methods.editions import edition_on
from jinyun.methods.limit_rows import LimitRow, limit_rows

PACKAGE = "jinyun.domains.air"

Key = tuple[str, str]
"""Pollutant and averaging time of break points, e.g. ``("o3", "8h")``."""


@dataclass(frozen=True, slots=True)
class Points:
    """Break points of one pollutant and averaging time, ascending. [canonical unit of the pollutant]"""

    iaqi: tuple[int, ...]
    concentration: tuple[Decimal, ...]
    above_top: int | None  # what the index is above the last point; None: it is not computed


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the AQI."""

    level: int
    level_zh: str
    category_zh: str
    colour_zh: str
    hex: str
    top: int


@dataclass(frozen=True, slots=True, eq=False)  # one object an edition: what is worked out of it is kept by identity
class IndexEdition:
    """HJ 633 in one edition."""

    standard: str
    points: Mapping[Key, Points]
    levels: tuple[Level, ...]
    items: Mapping[str, tuple[Key, ...]]  # report ("daily", "published", "text_2012") -> its items
    places: Mapping[str, int]  # decimals a concentration is rounded to before the look-up
    primary_above: int
    exceedance_above: int | None
    publish_incomplete_above: int | None  # None: missing items are skipped without notice
    good_level: int  # 优良: the worst level that still is good

    @property
    def good_up_to(self) -> int:
        """AQI up to which air is good (优良)."""
        return next(level.top for level in self.levels if level.level == self.good_level)

    def level_of(self, aqi: int) -> Level:
        """Level of an AQI; above the top of the scale it stays the last one."""
        return next((level for level in self.levels if aqi <= level.top), self.levels[-1])


@dataclass(frozen=True, slots=True)
class Validity:
    """When a mean is valid: GB 3095 table 4 and HJ 663."""

    standard: str
    hour_minutes: int
    day_hours: int
    window_hours: int  # valid hours an 8 h mean needs
    day_windows: int  # valid 8 h means a daily maximum needs, unless it is over the limit anyway
    month_days: int
    february_days: int
    year_days: int
    hours_of: Mapping[str, int]  # hours of a valid day by item: 20, and all 24 for TSP, Pb and BaP


def index_edition(day: date) -> IndexEdition:
    """HJ 633 in force on the day of the data."""
    row = edition_on(csv_rows(PACKAGE, "editions.csv"), "index", day)
    return _index(row["standard"], row["table"])


def validity(day: date) -> Validity:
    """Validity of means in force on the day of the data."""
    return _validity(edition_on(csv_rows(PACKAGE, "editions.csv"), "evaluation", day)["standard"])


def limits_edition(day: date) -> tuple[str, str]:
    """Standard and stage of the concentration limits in force on the day of the data."""
    row = edition_on(csv_rows(PACKAGE, "editions.csv"), "limits", day)
    return row["standard"], row["stage"]


def limit(pollutant: str, period: str, day: date, grade: str = "level2") -> Decimal | None:
    """Limit of a pollutant in its own unit (`item`); None where the standard sets none.

    Parameters
    ----------
    period : str
        ``hourly``, ``daily``, ``daily_max_8h``, ``quarterly`` or ``annual``.
    grade : str
        ``level1`` for class-1 areas (nature reserves, parks), else ``level2``; ``reference`` for those of annex A.
    """
    row = limit_row(pollutant, period, day, grade)
    return None if row is None else row.value


def limit_row(pollutant: str, period: str, day: date, grade: str = "level2") -> LimitRow | None:
    """The row of GB 3095 behind `limit`: its clause, source and how sure it is."""
    row = edition_on(csv_rows(PACKAGE, "editions.csv"), "limits", day)
    return _limits(row["table"], row["stage"]).get((pollutant, period, grade))


@dataclass(frozen=True, slots=True)
class Item:
    """One item of ambient air as these rules name it. `unit` is that of its limits and of every value given here."""

    id: str
    factor: str  # of the dictionary of factors; "" where it has none. Its unit may be another one
    zh: str
    en: str
    unit: str
    gas: bool  # its concentration hangs on the reference temperature


@cache
def items() -> Mapping[str, Item]:
    """All items that GB 3095 has limits or reference values for, in its order."""
    return {
        row["item"]: Item(row["item"], row["factor"], row["zh"], row["en"], row["unit"], row["phase"] == "gas")
        for row in csv_rows(PACKAGE, "items.csv")
    }


def item(name: str) -> Item:
    """One of `items`.

    Raises
    ------
    UnknownFactor
        With the nearest known name.
    """
    try:
        return items()[name]
    except KeyError:
        raise UnknownFactor(name, table="ambient air (GB 3095)", known=items()) from None


@cache
def _limits(table: str, stage: str) -> Mapping[tuple[str, str, str], LimitRow]:
    found = {}
    for row in limit_rows(csv_rows(PACKAGE, table), name=table):
        # Annex A has one stage for all; its values per area and day have no place beside concentrations.
        if row.stage in (stage, "") and row.value is not None and row.unit == item(row.item_code).unit:
            found[row.item_code, row.period, row.group] = row
    return found


@cache
def _index(standard: str, table: str) -> IndexEdition:
    rules = [row for row in csv_rows(PACKAGE, "aqi_rules.csv") if row["standard"] == standard]

    def number(rule: str, key: Key = ("", "")) -> int | None:
        for row in rules:
            if row["rule"] == rule and (row["pollutant"], row["averaging"]) == key:
                return int(row["value"]) if row["value"] else None
        return number(rule) if key != ("", "") else None

    points: dict[Key, list[tuple[int, Decimal]]] = {}
    for row in csv_rows(PACKAGE, table):
        unit = factor_of(row["pollutant"]).unit
        value = convert(Decimal(row["concentration"]), row["unit"], unit)
        points.setdefault((row["pollutant"], row["averaging"]), []).append((int(row["iaqi"]), value))
    special = {(row["pollutant"], row["averaging"]) for row in rules if row["rule"] == "above_top"}
    items: dict[str, list[Key]] = {}
    for row in rules:
        if row["rule"] == "item":
            items.setdefault(row["report"], []).append((row["pollutant"], row["averaging"]))
    evaluation = "HJ 663" + standard.removeprefix("HJ 633").replace("2012", "2013")
    primary, good = number("primary_above"), number("good_level")
    if primary is None or good is None:
        raise BadInput(f"aqi_rules.csv names no primary_above or no good_level for {standard}")
    return IndexEdition(
        standard=standard,
        points={
            key: Points(
                tuple(i for i, _ in sorted(rows)),
                tuple(c for _, c in sorted(rows)),
                number("above_top", key) if key in special else number("above_top"),
            )
            for key, rows in points.items()
        },
        levels=tuple(
            Level(int(r["level"]), r["level_zh"], r["category_zh"], r["colour_zh"], r["hex"], int(r["aqi_hi"]))
            for r in csv_rows(PACKAGE, "hj633_levels.csv")
            if r["standard"] == standard
        ),
        items={report: tuple(keys) for report, keys in items.items()},
        places=_places(evaluation),
        primary_above=primary,
        exceedance_above=number("exceedance_above"),
        publish_incomplete_above=number("publish_incomplete_above"),
        good_level=good,
    )


@cache
def _places(evaluation: str) -> Mapping[str, int]:
    rows = csv_rows(PACKAGE, "hj663_evaluation.csv")
    return {
        pollutant: int(row["value"])
        for row in rows
        if row["standard"] == evaluation and row["rule_code"] == "decimals_daily_for_aqi"
        for pollutant in row["pollutant"].split(";")
    }


@cache
def _validity(standard: str) -> Validity:
    least = {
        (row["period"], pollutant): int(row["value"])
        for row in csv_rows(PACKAGE, "hj663_evaluation.csv")
        if row["standard"] == standard and row["rule_group"] == "validity"
        for pollutant in row["pollutant"].split(";")
    }
    alias = {row["alias"]: row["item"] for row in csv_rows(PACKAGE, "items.csv")}
    return Validity(
        standard=standard,
        hour_minutes=least["hourly", "so2"],
        day_hours=least["daily", "so2"],
        window_hours=least["8h", "o3"],
        day_windows=least["daily_max_8h", "o3"],
        month_days=least["month", "so2"],
        february_days=least["february", "so2"],
        year_days=least["annual", "so2"],
        hours_of={alias.get(name, name): count for (period, name), count in least.items() if period == "daily"},
    )

"""Good days 优良天数, heavy days and days by level of a period, all by one edition of HJ 633. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.air.aqi import Aqi, aqi_daily, rounded
from jinyun.domains.air.columns import aqi_columns
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import evaluation
from jinyun.domains.air.limits import IndexEdition, index_edition
from jinyun.kernel.errors import BadInput
from jinyun.methods.columns import from_decimals
from jinyun.methods.statistics import round_fraction

REPORT = "daily"


@dataclass(frozen=True, slots=True)
class GoodDays:
    """Days of a period by their AQI. `valid` days have an AQI; the missing shrink the denominator and are shown."""

    good: int  # AQI at or below 100
    valid: int
    calendar: int
    left_out: int  # stamped days that were left out (an AQI they may have)
    heavy: int  # AQI above 200
    by_level: Mapping[int, int]  # 1…6
    primary: Mapping[str, int]  # item -> polluted days (AQI > 100) on which it was primary; ties count for each
    index_standard: str
    ratio: Decimal | None  # of valid days, as printed [%]; None: no valid day
    exact: Fraction | None  # the same, unrounded [%]

    @property
    def missing(self) -> int:
        """Days without an AQI."""
        return self.calendar - self.valid - self.left_out


def day_aqi(one: DayValues, table: IndexEdition, not_monitored: Collection[str] = ()) -> Aqi:
    """Daily AQI of a day; a value below zero is not valid."""
    values = {
        name: None if value is None or rounded(name.removesuffix("_1h"), value, table) < 0 else value
        for name, value in one.values.items()
    }
    return aqi_daily(values, table, not_monitored=not_monitored)


def count_days(
    days: Sequence[DayValues],
    *,
    on: date,
    calendar: int,
    left_out: int = 0,
    not_monitored: Collection[str] = (),
) -> GoodDays:
    """Count days by level.

    Parameters
    ----------
    days : Sequence[DayValues]
        Each day once; those that are left out (stamped) already removed.
    on : date
        Chooses the edition of HJ 633 for all of them.
    calendar : int
        Days the period has, measured or not.
    """
    table, rules = index_edition(on), evaluation(on)
    levels, primary = _counted(days, table, not_monitored)
    return from_levels(
        {level.level: levels[level.level] for level in table.levels},
        calendar=calendar, left_out=left_out, good_level=table.good_level, heavy_level=rules.heavy_level,
        places=rules.rate_places, standard=table.standard, primary=dict(primary.most_common()),
    )  # fmt: skip


def _counted(
    days: Sequence[DayValues], table: IndexEdition, not_monitored: Collection[str]
) -> tuple[Counter[int], Counter[str]]:
    """Days by level, and polluted days by primary item: by columns, which give what `day_aqi` gives day by day."""
    keys = [key for key in table.items[REPORT] if key[0] not in not_monitored]
    names = ["o3_1h" if key == ("o3", "1h") else key[0] for key in keys]
    try:
        columns = {name: from_decimals([one.values.get(name) for one in days]) for name in names}
    except BadInput:  # a figure of more decimals than a column holds
        return _one_by_one(days, table, not_monitored)
    found = aqi_columns(columns, table, REPORT, not_monitored=not_monitored)
    levels = Counter(level for level in found.level.tolist() if level)
    masks = Counter(found.primary[found.level > table.good_level].tolist())
    primary: Counter[str] = Counter()
    for mask, count in masks.items():
        for name in found.names(mask):
            primary[name] += count
    return levels, primary


def _one_by_one(
    days: Sequence[DayValues], table: IndexEdition, not_monitored: Collection[str]
) -> tuple[Counter[int], Counter[str]]:
    levels: Counter[int] = Counter()
    primary: Counter[str] = Counter()
    for one in days:
        found = day_aqi(one, table, not_monitored)
        if found.level is None:
            continue
        levels[found.level.level] += 1
        if found.level.level > table.good_level:
            primary.update(found.primary)
    return levels, primary


def from_levels(
    by_level: Mapping[int, int],
    *,
    calendar: int,
    good_level: int,
    heavy_level: int,
    places: int,
    standard: str = "",
    left_out: int = 0,
    primary: Mapping[str, int] | None = None,
) -> GoodDays:
    """Good days from the counts themselves, e.g. 51 excellent and 35 good of 91: 94.5 %.

    Raises
    ------
    BadInput
        When more days are counted than the calendar has.
    """
    valid = sum(by_level.values())
    good = sum(count for level, count in by_level.items() if level <= good_level)
    if valid + left_out > calendar:
        raise BadInput(f"{valid} valid and {left_out} left-out days do not fit into {calendar}", field="days")
    exact = Fraction(good * 100, valid) if valid else None
    return GoodDays(
        good, valid, calendar, left_out,
        sum(count for level, count in by_level.items() if level >= heavy_level),
        by_level, primary or {}, standard,
        None if exact is None else round_fraction(exact, places), exact,
    )  # fmt: skip


def good_ratio(good: int, valid: int, *, on: date) -> Decimal | None:
    """Good-day ratio as printed, ``94.5`` for 86 of 91; None without a valid day. [%]

    Raises
    ------
    BadInput
        When there are more good days than valid ones.
    """
    if not 0 <= good <= valid:
        raise BadInput(f"{good} good days of {valid} valid ones cannot be", field="good")
    return round_fraction(Fraction(good * 100, valid), evaluation(on).rate_places) if valid else None

"""Valid means of ambient air: the O3 daily maximum 8 h mean, and what a day, month and year need. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import Enough, enough_days, evaluation, window_days
from jinyun.domains.air.limits import Validity
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Window
from jinyun.methods.statistics import mean

HOURS = 24
SPAN = 8
MINUTES = 60


@dataclass(frozen=True, slots=True)
class MaxEightHours:
    """The largest 8 h mean of a day. `last_hour` is the hour (8…24) its window ends with."""

    value: Fraction | None
    windows: int  # valid ones, of 17
    valid: bool
    last_hour: int = 0


def max_8h(hours: Sequence[Decimal | None], limit: Decimal, rules: Validity) -> MaxEightHours:
    """O3 daily maximum 8 h mean (臭氧日最大8小时平均).

    Parameters
    ----------
    hours : Sequence[Decimal | None]
        The 24 hour means of the day; the first covers 00–01, None is missing. [ug/m3]
    limit : Decimal
        8 h limit: with too few valid windows the day still counts when its maximum is over it. [ug/m3]

    Raises
    ------
    BadInput
        When there are not 24 hours.

    References
    ----------
    .. [1] GB 3095 table 4; HJ 663, 6.1.2: windows ending 08:00…24:00.
    """
    if len(hours) != HOURS:
        raise BadInput(f"a day has {HOURS} hours, {len(hours)} were given", field="hours")
    best: Fraction | None = None
    last = windows = 0
    for end in range(SPAN, HOURS + 1):
        inside = [value for value in hours[end - SPAN : end] if value is not None]
        if len(inside) < rules.window_hours:
            continue
        windows += 1
        one = mean(inside)
        if best is None or one > best:
            best, last = one, end
    valid = best is not None and (windows >= rules.day_windows or best > limit)
    return MaxEightHours(best, windows, valid, last)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and whether it is valid: of `have` values `need` are asked. `value` None: there is none at all."""

    value: Fraction | None
    have: int
    need: int

    @property
    def valid(self) -> bool:
        """True when the mean may be judged."""
        return self.value is not None and self.have >= self.need


def _mean(values: Sequence[Decimal | None], length: int, need: int, *, what: str) -> Mean:
    if len(values) != length:
        raise BadInput(f"{what} has {length} values, {len(values)} were given", field="values", hint="None is missing")
    there = [value for value in values if value is not None]
    return Mean(mean(there) if there else None, len(there), need)


def hour_mean(minutes: Sequence[Decimal | None], rules: Validity) -> Mean:
    """Mean of an hour from its 60 minute values, None for missing: valid with 45 (GB 3095 table 4)."""
    return _mean(minutes, MINUTES, rules.hour_minutes, what="an hour")


def eight_hour_mean(hours: Sequence[Decimal | None], rules: Validity) -> Mean:
    """Mean of 8 hours: valid with 6 (GB 3095 table 4)."""
    return _mean(hours, SPAN, rules.window_hours, what="an 8 h window")


def day_mean(hours: Sequence[Decimal | None], rules: Validity, item: str = "so2") -> Mean:
    """Mean of a day from its 24 hour means, the first of which covers 00–01.

    Valid with 20 of them, for TSP, Pb and BaP with all 24 (GB 3095 table 4). For O3 use `max_8h`.

    Raises
    ------
    BadInput
        When there are not 24 hours, or the item has no daily mean (O3).
    """
    if item not in rules.hours_of:
        known = ", ".join(rules.hours_of)
        raise BadInput(f"{rules.standard} has no daily mean of {item}", field="item", hint=f"it has {known}")
    return _mean(hours, HOURS, rules.hours_of[item], what="a day")


def period_mean(item: str, days: Sequence[DayValues], window: Window, *, on: date) -> tuple[Fraction | None, Enough]:
    """Mean of the day values of a month, quarter or year, and whether they are enough: see `evaluation.enough_days`.

    Days outside the window are not looked at. The mean is exact; the edition's places are in `evaluation(on).places`.
    """
    wanted = set(window_days(window))
    values = {one.day: value for one in days if one.day in wanted and (value := one.of(item)) is not None}
    return mean(list(values.values())) if values else None, enough_days(item, list(values), window, evaluation(on))


def valid_hour(minutes: int, rules: Validity) -> bool:
    """True when an hour was sampled long enough. [min]"""
    return minutes >= rules.hour_minutes


def valid_day(hours: int, rules: Validity) -> bool:
    """True when a daily mean rests on enough valid hours."""
    return hours >= rules.day_hours


def valid_month(days: int, rules: Validity, *, february: bool = False) -> bool:
    """True when a month has enough valid days."""
    return days >= (rules.february_days if february else rules.month_days)


def valid_year(days: int, least_month_days: int, february_days: int, rules: Validity) -> bool:
    """True when a year has enough valid days and every month is valid."""
    months = valid_month(least_month_days, rules) and valid_month(february_days, rules, february=True)
    return days >= rules.year_days and months

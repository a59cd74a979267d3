"""When a mean of online data is valid, and the mean itself: HJ 75-2017 for gas, HJ 356-2019 for water. Pure, exact.

Minutes make hours, hours days, days months. Missing (no sample), invalid (a flag, a negative figure, no flow), below
the detection limit and zero are four different things: what was left out, and why, is counted in `Mean.left_out`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from math import ceil

from jinyun.domains.emission.conversion import flow_weighted
from jinyun.domains.emission.rules import rule, rules, table_figure
from jinyun.kernel.errors import BadInput
from jinyun.kernel.flags import COUNTS, flag_words
from jinyun.kernel.terms import Flag
from jinyun.methods.measured import both
from jinyun.methods.statistics import decimals, mean, round_fraction

FEBRUARY = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with what is known of it: a minute, an hour or a day. `flow` is the water or gas that it stands for."""

    value: Decimal | None
    flag: Flag = Flag.NORMAL
    flow: Decimal | None = None

    @property
    def counts(self) -> bool:
        """True when it has a number and a flag that may be judged."""
        return self.value is not None and self.flag in COUNTS


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and whether it is valid. `exact` None: no valid sample; not `valid`: too few, so that nothing may rest on
    it."""

    exact: Fraction | None
    valid: bool
    used: int  # valid samples it rests on
    least: int  # that it needs
    places: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)  # why -> samples
    how: str = "arithmetic"  # or flow_weighted, median

    @property
    def value(self) -> Decimal | None:
        """The mean kept to the places of its samples (GB/T 8170, once); None unless valid."""
        return round_fraction(self.exact, self.places) if self.valid and self.exact is not None else None

    @property
    def reason(self) -> str:
        """Why it is not valid, Chinese and English; empty when it is."""
        if self.valid:
            return ""
        return both(
            f"有效数据{self.used}个，不足{self.least}个", f"{self.used} valid values of the {self.least} needed"
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Equal consecutive values: position of the first, how many, which."""

    start: int
    length: int
    value: Decimal


def valid_hour(minutes: int, on: date, *, stack: bool = True) -> bool:
    """True when a clock hour with so many valid minutes is valid (HJ 75-2017: 45). [min]"""
    return minutes >= rules(on, stack=stack).hour_minutes


def hour_mean(samples: Sequence[Sample], on: date, *, step_minutes: int = 1, stack: bool = True) -> Mean:
    """Mean of one clock hour: arithmetic, of its valid minutes. `step_minutes` a sample stands for. [min]"""
    least = -(-rules(on, stack=stack).hour_minutes // step_minutes)
    return _arithmetic(samples, least)


def gas_day(hours: Sequence[Sample], on: date, *, least_hours: int | None = None) -> Mean:
    """Day mean of gas: arithmetic, at least 20 valid hours; `least_hours` where a rule of the place asks for others."""
    return _arithmetic(hours, rules(on, stack=True).day_hours if least_hours is None else least_hours)


def valid_month(days: int, month: date, *, least_days: int | None = None) -> bool:
    """True when so many valid days make a month of gas valid: 25, February 23. `month` any day of it."""
    if least_days is None:
        code = "valid_month_days" if month.month == FEBRUARY else ""
        least_days = int(rule(code, "february") if code else table_figure("hj75_2017.csv", "valid_month"))
    return days >= least_days


def gas_month(days: Sequence[Sample], month: date, *, least_days: int | None = None) -> Mean:
    """Month mean of gas: arithmetic mean of valid day means."""
    found = _arithmetic(days, 0)
    least = least_days if least_days is not None else next(n for n in range(32) if valid_month(n, month))
    return Mean(found.exact, found.used >= least, found.used, least, found.places, found.left_out)


def water_day(samples: Sequence[Sample], on: date, *, due: int | None = None) -> Mean:
    """Day value of water: mean of valid readings weighted by flow (HJ 356-2019).

    Readings at zero flow are dropped and not due, negative ones are invalid; 75 % of the rest due must be valid.
    Without flow data for that many the mean is arithmetic, and `Mean.how` says so.

    Parameters
    ----------
    samples : sequence of Sample
        Readings of the day with the flow of their time; None where there was no flow meter reading. [mg/L, any flow]
    due : int, optional
        Readings due in a day of continuous discharge; None: 24 hour means.
    """
    rules(on, stack=False)
    share = table_figure("hj356_2019.csv", "daily_weighted")
    left = Counter[str]()
    kept, still = [], 0
    for one in samples:
        if one.flow is not None and one.flow == 0:
            still += 1
            left["zero_flow"] += 1
        elif not one.counts:
            left[_why(one)] += 1
        elif (one.value or 0) < 0:
            left["negative"] += 1
        else:
            kept.append(one)
    expected = max(0, int(rule("day_hours_due") if due is None else due) - still)
    least = max(1, ceil(Fraction(share) * expected / 100))
    weighed = [one for one in kept if one.flow is not None and one.flow > 0]
    values = [value for one in kept if (value := _in_mean(one)) is not None]
    places = max((decimals(value) for value in values), default=0)
    if len(weighed) >= least:
        numbers = [value for one in weighed if (value := _in_mean(one)) is not None]
        flows = [one.flow for one in weighed if one.flow is not None]
        return Mean(flow_weighted(numbers, flows), True, len(weighed), least, places, dict(left), "flow_weighted")
    return Mean(mean(values) if values else None, len(kept) >= least, len(kept), least, places, dict(left))


def water_month(days: Sequence[Sample], due: int) -> Mean:
    """Month mean of water: arithmetic, 75 % of the `due` days valid (HJ 356-2019)."""
    return _arithmetic(days, ceil(Fraction(table_figure("hj356_2019.csv", "monthly")) * due / 100))


@dataclass(frozen=True, slots=True)
class PhDay:
    """pH of a day: median and range of its readings, never a mean of logarithms (HJ 356-2019)."""

    median: Decimal | None
    low: Decimal | None
    high: Decimal | None
    used: int


def ph_day(samples: Sequence[Sample]) -> PhDay:
    """Median and range of the day's pH; the judgement holds each reading against the limit. [1]"""
    values = sorted(one.value for one in samples if one.counts and one.value is not None)
    if not values:
        return PhDay(None, None, None, 0)
    middle = len(values) // 2
    median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    return PhDay(median, values[0], values[-1], len(values))


def constant_runs(values: Sequence[Decimal | None], least: int | None = None) -> list[Run]:
    """Runs of equal values, to be checked on site before they are called valid or not (HJ 356-2019 ``jump_or_flat``).

    A missing value ends a run; zeros make runs as any other figure.

    Parameters
    ----------
    values : sequence of Decimal or None
        In time order, one per hour (or other step); None is missing. [any one unit]
    least : int, optional
        Length from which a run is told; None: the table's. [values]

    Raises
    ------
    BadInput
        For a length below one.
    """
    need = int(rule("flat_line", "hours")) if least is None else least
    if need < 1:
        raise BadInput(f"a run of {need} values is none", field="least", hint="1 or more")
    found, at = [], 0
    for value, group in groupby(values):
        length = sum(1 for _ in group)
        if value is not None and length >= need:
            found.append(Run(at, length, value))
        at += length
    return found


def _arithmetic(samples: Sequence[Sample], least: int) -> Mean:
    kept = [one for one in samples if one.counts]
    left = Counter(_why(one) for one in samples if not one.counts)
    values = [value for one in kept if (value := _in_mean(one)) is not None]
    places = max((decimals(value) for value in values), default=0)
    exact = mean(values) if values else None
    return Mean(exact, bool(values) and len(kept) >= least, len(kept), least, places, dict(left))


def _in_mean(one: Sample) -> Decimal | None:
    """A non-detect stands at half its detection limit in a mean."""
    return one.value / 2 if one.value is not None and one.flag is Flag.NON_DETECT else one.value


def _why(one: Sample) -> str:
    """Why a sample does not count: its flag, or that it has no number."""
    return flag_words(one.flag)[1] if one.flag not in COUNTS else "missing"

"""Windows of measured values by the standards: what a window is made of, when it is valid, its exact figure. Pure.

A window is made of *parts*: minutes make ten minutes and hours, hours make days, days make months… A level sums whole
millionths; its figure is divided once, by the reader. The level above takes a window's figure kept to the six decimals
that the store keeps of a reading (half to even), so an hour made here and one sent by a device weigh alike.

This is the plain form, one window at a time; `window_columns` does many at once and must give the same.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import LENGTHS, Period, china_time, period_start, window_of

MINUTE_S, HOUR_S, DAY_S = LENGTHS[Period.MINUTE], LENGTHS[Period.HOUR], LENGTHS[Period.DAY]
HOURS = DAY_S // HOUR_S
STORED = 6
"""Decimals that the store keeps."""
SPAN = 8
"""Hours of a moving mean; the first of a day ends with hour 8, the last with hour 24 (HJ 663)."""
FEBRUARY = 2


class Level(enum.IntEnum):
    """What kinds of windows there are. Those named like a `Period` have its number."""

    TEN_MINUTE = 2
    HOUR = 3
    DAY = 4
    MONTH = 5
    QUARTER = 6
    YEAR = 7
    MAX_8H = 8  # of a day: the largest of its 8 h moving means
    LD = 9  # day part of a date (noise)
    LN = 10  # night of a date (noise)
    MOVING_8H = 11  # the 8 hours that end with an hour

    @property
    def period(self) -> Period:
        """The period whose cuts these windows have; a date's parts start with the date."""
        return Period(self.value) if self.value <= Level.YEAR else DATED[self]


DATED: Mapping[Level, Period] = {
    Level.MAX_8H: Period.DAY,
    Level.LD: Period.DAY,
    Level.LN: Period.DAY,
    Level.MOVING_8H: Period.HOUR,
}


class How(enum.StrEnum):
    """How a window's figure comes from its parts."""

    MEAN = "mean"
    SUM = "sum"
    LOW = "low"
    HIGH = "high"
    MEDIAN = "median"
    MAX_8H = "max_8h"
    ENERGY = "energy"
    FLOW_WEIGHTED = "flow_weighted"
    NONE = "none"  # it has no figure: angles, states


class State(enum.IntEnum):
    """Whether a window's figure may be used."""

    NONE = 0  # no part counts
    FEW = 1  # there is a figure, but the rule asks for more parts
    VALID = 2


NON_DETECT, UNFLAGGED, TOO_LARGE, ARITHMETIC = 1, 2, 4, 8
"""Marks of a window, added up: its figure is a detection limit; some part came without a flag; a sum beyond the store's
numbers; a flow-weighted mean without enough flow data."""


class Part(NamedTuple):
    """A reading, or a window of the level below."""

    time: int  # start. [s]
    value: int | None  # [1e-6]
    good: bool  # it counts as valid
    non_detect: bool = False  # `value` is the detection limit
    unflagged: bool = False


@dataclass(frozen=True, slots=True)
class WindowRule:
    """When a window is valid, and how it is made."""

    id: str
    level: Level
    built_from: str  # minute, ten_minute, hour, day, month, max_8h: the parts. At its own level: the device's value
    how: How
    least: int
    test: str = "least"  # valid parts: at least so many; or `share` % of those due; or at most so many `missing`
    unit: str = "hour"  # what is counted
    february: int | None = None  # instead of `least`, for a month
    each_month: int | None = None  # valid days that every month of a quarter or year needs
    each_february: int | None = None
    span_hours: int = 0  # valid hours an 8 h mean needs
    drop_negative: bool = False
    part_places: int | None = None  # parts are rounded (GB/T 8170) to so many decimals before they are used
    places: int | None = None  # decimals of the printed figure; None: those of the factor
    standard: str = ""
    clause: str = ""
    source: str = ""
    verified: str = ""

    def need(self, due: int, month: int = 0) -> int:
        """Valid parts needed of `due`, never less than one. `month` of the window's start."""
        if month == FEBRUARY and self.february is not None and self.level is Level.MONTH:
            return self.february
        if self.test == "share":
            return max(1, -(-self.least * due // 100))
        if self.test == "missing":
            return max(1, due - self.least)
        return self.least

    def month_need(self, month: int) -> int:
        """Valid days a month inside a quarter or year needs; 0: none are asked for."""
        if month == FEBRUARY and self.each_february is not None:
            return self.each_february
        return self.each_month or 0


@dataclass(frozen=True, slots=True)
class WindowFigure:
    """One window of one series. `total / weight` is its figure in millionths, exact; `value` the same kept to whole
    millionths (half to even). None: no part counts."""

    level: Level
    start: int  # [s]
    end: int
    due: int  # parts, in the rule's unit
    present: int
    valid: int
    count: int  # values in `total`
    total: int  # [1e-6]
    weight: int
    low: int | None
    high: int | None
    value: int | None
    state: State
    marks: int = 0
    rule: str = ""  # its id

    @property
    def exact(self) -> Fraction | None:
        """The figure, not rounded. [unit of the factor]"""
        if self.value is None:
            return None
        return Fraction(self.total, self.weight * MICRO) if self.weight else Fraction(self.value, MICRO)

    @property
    def coverage(self) -> Fraction:
        """Valid parts of those due."""
        return Fraction(self.valid, self.due) if self.due else Fraction(0)


Energy = Callable[[Sequence[int]], int]
"""Energy mean of levels. [1e-6 dB]"""


def half_even(total: int, weight: int) -> int:
    """total / weight as a whole number, half to even."""
    quotient, rest = divmod(total, weight)
    twice = 2 * rest
    return quotient + (1 if twice > weight or (twice == weight and quotient % 2) else 0)


def rounded(value: int, places: int) -> int:
    """Millionths rounded half to even to so many decimals (GB/T 8170)."""
    step: int = 10 ** (STORED - places)
    return half_even(value, step) * step


def bounds(level: Level, at: int) -> tuple[int, int]:
    """Start and end of the window of a level that holds an instant; of a date's parts: the date. [s]"""
    window = window_of(level.period, at)
    return window.start, window.end


def months_in(start: int, end: int) -> list[tuple[int, int]]:
    """Start of each month from `start`, and its number."""
    found = []
    while start < end:
        found.append((start, china_time(start).month))
        start = window_of(Period.MONTH, start).end
    return found


def due_parts(rule: WindowRule, start: int, end: int) -> int:
    """Parts that a window has when nothing is missing, in the rule's unit."""
    if rule.built_from == rule.level.name.lower():
        return 1
    if rule.built_from == "month":
        return len(months_in(start, end))
    lengths = {"minute": MINUTE_S, "ten_minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S, "max_8h": DAY_S}
    return (end - start) // lengths[rule.built_from]


def covered(times: Sequence[int], good: Sequence[bool], minutes: int, spare: int, default: int) -> tuple[int, int]:
    """Minutes of a window that its readings, and the good ones among them, stand for.

    A reading stands for one step: the shortest distance between the minutes of the series, unless that is more than
    may be missing (`spare`); then, and for a lone reading, `default`. As `measured.covered_minutes`. [min]
    """
    stamps = sorted({time // MINUTE_S for time in times})
    step = min((b - a for a, b in pairwise(stamps)), default=default)
    if step > spare:
        step = default
    valid = len({time // MINUTE_S for time, one in zip(times, good, strict=True) if one})
    return min(len(stamps) * step, minutes), min(valid * step, minutes)


def figure(
    rule: WindowRule, start: int, end: int, parts: Sequence[Part], *, step: int = 1, energy: Energy | None = None,
    due: int | None = None,
) -> WindowFigure:  # fmt: skip
    """One window from its parts, in time order.

    Parameters
    ----------
    step : int
        Minutes that a lone reading stands for, when built from minutes.
    energy : callable
        For levels of sound: their energy mean.
    due : int, optional
        Parts due, where it is not a matter of the clock (the hours of a night).
    """
    if rule.part_places is not None:
        parts = [p if p.value is None else p._replace(value=rounded(p.value, rule.part_places)) for p in parts]
    if rule.drop_negative:
        parts = [one._replace(good=one.good and (one.value or 0) >= 0) for one in parts]
    due = due_parts(rule, start, end) if due is None else due
    good = [one for one in parts if one.good and one.value is not None]
    # An amount or an extreme of part of the time is still something; a mean takes valid parts only.
    used = [p for p in parts if p.value is not None and (p.good or partial(rule))]
    present, valid = len(parts), len(good)
    month = china_time(start).month
    need = rule.need(due, month)
    if rule.built_from in ("minute", "ten_minute") and parts:
        flags = [one.good and one.value is not None for one in parts]
        spare = due - (need if rule.unit == "minute" else 0)
        present, valid = covered([one.time for one in parts], flags, due, spare, step)
    enough = valid >= need if rule.unit != "reading" else len(good) >= need
    if enough and rule.each_month:
        days = Counter(period_start(Period.MONTH, one.time) for one in good)
        enough = all(days[at] >= rule.month_need(number) for at, number in months_in(start, end))
    if not used or rule.how is How.NONE:
        return WindowFigure(
            rule.level, start, end, due, present, valid, 0, 0, 0, None, None, None, State.NONE, 0, rule.id
        )
    values = [one.value for one in used if one.value is not None]
    lone = len(used) == 1 and used[0].non_detect
    marks = (NON_DETECT if lone else 0) | (UNFLAGGED if any(one.unflagged for one in used) else 0)
    total, weight = _total(rule.how, used, values)
    if rule.how is How.ENERGY:
        assert energy is not None
        value = energy(values)
        weight = 0
    else:
        value = half_even(total, weight)
    if abs(value) > LARGEST:
        value, marks = LARGEST if value > 0 else -LARGEST, marks | TOO_LARGE
    state = State.VALID if enough and not marks & TOO_LARGE else State.FEW
    return WindowFigure(
        rule.level, start, end, due, present, valid, len(used), total, weight, min(values), max(values), value, state,
        marks, rule.id,
    )  # fmt: skip


LARGEST = 10**18 - 1
"""Millionths that the store's numbers hold."""


def partial(rule: WindowRule) -> bool:
    return rule.how in (How.SUM, How.LOW, How.HIGH) and rule.built_from not in ("minute", "ten_minute") and (
        rule.built_from != rule.level.name.lower()
    )  # fmt: skip


def _total(how: How, used: Sequence[Part], values: Sequence[int]) -> tuple[int, int]:
    """Sum and what it is divided by. A non-detect among others stands at half its limit in a mean or sum."""
    if how is How.LOW:
        return min(values), 1
    if how is How.HIGH:
        return max(values), 1
    if how is How.MEDIAN:
        ordered, middle = sorted(values), len(values) // 2
        return (ordered[middle], 1) if len(values) % 2 else (ordered[middle - 1] + ordered[middle], 2)
    weight = 1 if how is How.SUM else len(values)
    if len(used) == 1 or how is How.ENERGY:
        return sum(values), weight
    doubled = sum(one.value if one.non_detect else 2 * one.value for one in used if one.value is not None)
    return (doubled, 2 * weight) if doubled % 2 else (doubled // 2, weight)


def moving_8h(hours: Sequence[int | None], least: int) -> list[tuple[int, int] | None]:
    """Sum and number of valid hours of the 8 h windows that end with hour 8…24 of a day; None: too few hours."""
    found: list[tuple[int, int] | None] = []
    for end in range(SPAN, len(hours) + 1):
        inside = [one for one in hours[end - SPAN : end] if one is not None]
        found.append((sum(inside), len(inside)) if len(inside) >= least and inside else None)
    return found


def max_8h(rule: WindowRule, start: int, hours: Sequence[Part | None], limit: int | None = None) -> WindowFigure:
    """Daily maximum of the 8 h moving means, of the 24 hours of a date. Few windows are enough when the maximum is over
    the 8 h `limit` [1e-6]. GB 3095 table 4; HJ 663."""
    here = [one.value if one is not None and one.good else None for one in hours]
    due = HOURS - SPAN + 1
    means = [one for one in moving_8h(here, rule.span_hours) if one is not None]
    values = [one for one in here if one is not None]
    present = sum(one is not None for one in moving_8h([None if p is None else 0 for p in hours], rule.span_hours))
    if not means:
        return WindowFigure(
            rule.level, start, start + DAY_S, due, present, 0, 0, 0, 0, None, None, None, State.NONE, 0, rule.id
        )
    best = means[0]
    for one in means[1:]:
        if one[0] * best[1] > best[0] * one[1]:
            best = one
    over = limit is not None and best[0] > limit * best[1]
    unflagged = any(one is not None and one.good and one.unflagged for one in hours)
    return WindowFigure(
        rule.level, start, start + DAY_S, due, present, len(means), best[1], best[0], best[1], min(values), max(values),
        half_even(*best), State.VALID if len(means) >= rule.need(due) or over else State.FEW,
        UNFLAGGED if unflagged else 0, rule.id,
    )  # fmt: skip


def flow_weighted(
    rule: WindowRule, start: int, end: int, parts: Sequence[Part], flows: Mapping[int, int]
) -> WindowFigure:
    """Day of water: mean of its hours weighted by flow (HJ 356).

    `flows`: valid flow ≥ 0 of hours by their start [1e-6]. Hours without flow are dropped and not due. Where too few
    valid hours have a flow, or one is a non-detect, the mean is arithmetic and marked so.
    """
    still = {at for at, flow in flows.items() if flow == 0}
    moving = [one for one in parts if one.time not in still]
    due = max(0, due_parts(rule, start, end) - len(still))
    plain = figure(rule, start, end, moving, due=due)
    if plain.value is None:
        return plain
    good = [one for one in moving if one.good and one.value is not None and not (rule.drop_negative and one.value < 0)]
    weighed = [one for one in good if one.time in flows]
    if len(weighed) < rule.need(due) or any(one.non_detect for one in good):
        return _with(plain, marks=plain.marks | ARITHMETIC)
    values = [one.value for one in weighed if one.value is not None]
    total = sum((one.value or 0) * flows[one.time] for one in weighed)
    weight = sum(flows[one.time] for one in weighed)
    return _with(
        plain, valid=len(weighed), count=len(weighed), total=total, weight=weight, low=min(values), high=max(values),
        value=half_even(total, weight),
    )  # fmt: skip


def _with(one: WindowFigure, **changes: int) -> WindowFigure:
    return replace(one, **changes)  # type: ignore[arg-type]

"""Windows of many series at once: the arithmetic of `windows` on int64 columns, equal to it figure by figure. Pure.

Whole millionths only; where a sum could pass 63 bits the column of totals holds Python integers instead, so nothing
wraps. All windows of a call share one rule and have at least one part; parts are sorted by (window, time).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import period_start
from jinyun.methods.windows import (
    HOURS,
    LARGEST,
    MINUTE_S,
    NON_DETECT,
    SPAN,
    STORED,
    TOO_LARGE,
    UNFLAGGED,
    Energy,
    How,
    Level,
    State,
    WindowFigure,
    WindowRule,
    partial,
)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Wide = NDArray[Any]
"""int64, or Python integers where 63 bits are not enough."""

_SAFE = 2**61
_OFFSET = -period_start(Level.DAY.period, 0) % 86400
"""China civil time is ahead of UTC by this. [s]"""


@dataclass(slots=True)
class Parts:
    """What windows are made of: readings, or windows of the level below."""

    window: Ints  # number of the window, ascending, without gaps from 0
    time: Ints  # start. [s]
    value: Ints  # [1e-6], `NO_VALUE` for none
    good: Bools
    non_detect: Bools
    unflagged: Bools

    def take(self, which: Any) -> Parts:
        """Some of them, in order."""
        return Parts(*(getattr(self, f.name)[which] for f in fields(self)))


@dataclass(slots=True)
class WindowColumns:
    """Windows as columns: see `windows.WindowFigure`. `NO_VALUE` stands for none."""

    due: Ints
    present: Ints
    valid: Ints
    count: Ints
    total: Wide
    weight: Wide
    low: Ints
    high: Ints
    value: Ints
    state: NDArray[np.uint8]
    marks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.due)

    def row(self, i: int, rule: WindowRule, start: int, end: int) -> WindowFigure:
        """One of them in the plain form."""

        def none(column: Ints) -> int | None:
            number = int(column[i])
            return None if number == NO_VALUE else number

        return WindowFigure(
            rule.level, start, end, int(self.due[i]), int(self.present[i]), int(self.valid[i]), int(self.count[i]),
            int(self.total[i]), int(self.weight[i]), none(self.low), none(self.high), none(self.value),
            State(int(self.state[i])), int(self.marks[i]), rule.id,
        )  # fmt: skip


def local(times: Ints) -> Any:
    """China civil time of instants, as datetime64[s] without a zone."""
    return (times + _OFFSET).astype("M8[s]")


def starts(level: Level, times: Ints) -> Ints:
    """Start of the window of a level that holds each instant; of a date's parts: the date. [s]"""
    name = level.period.name
    if name in ("MONTH", "QUARTER", "YEAR"):
        months = local(times).astype("M8[M]").astype(np.int64)
        each = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[name]
        first = (months // each * each).astype("M8[M]")
        return first.astype("M8[s]").astype(np.int64) - _OFFSET  # type: ignore[no-any-return]
    length = _LENGTH[name]
    return (times + _OFFSET) // length * length - _OFFSET


def ends(level: Level, begins: Ints) -> Ints:
    """End of the windows that start then. [s]"""
    name = level.period.name
    if name in ("MONTH", "QUARTER", "YEAR"):
        months = local(begins).astype("M8[M]").astype(np.int64) + {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[name]
        return months.astype("M8[M]").astype("M8[s]").astype(np.int64) - _OFFSET  # type: ignore[no-any-return]
    return begins + _LENGTH[name]


_LENGTH = {"TEN_MINUTE": 600, "HOUR": 3600, "DAY": 86400}


def month_numbers(times: Ints) -> Ints:
    """Month of each instant, 1…12."""
    return local(times).astype("M8[M]").astype(np.int64) % 12 + 1  # type: ignore[no-any-return]


def due_parts(rule: WindowRule, begin: Ints, end: Ints) -> Ints:
    """As `windows.due_parts`."""
    if rule.built_from == rule.level.name.lower():
        return np.ones(len(begin), np.int64)
    if rule.built_from == "month":
        months: Ints = local(end).astype("M8[M]").astype(np.int64) - local(begin).astype("M8[M]").astype(np.int64)
        return months
    length = {"minute": 60, "ten_minute": 60, "hour": 3600, "day": 86400, "max_8h": 86400}[rule.built_from]
    return (end - begin) // length


def needs(rule: WindowRule, due: Ints, begin: Ints) -> Ints:
    """As `WindowRule.need`."""
    if rule.test == "share":
        need = np.maximum(1, -(-rule.least * due // 100))
    elif rule.test == "missing":
        need = np.maximum(1, due - rule.least)
    else:
        need = np.full(len(due), rule.least, np.int64)
    if rule.february is not None and rule.level is Level.MONTH:
        need[month_numbers(begin) == 2] = rule.february
    return need


def figures(
    rule: WindowRule, begin: Ints, end: Ints, parts: Parts, *, step: int = 1, energy: Energy | None = None,
    due: Ints | None = None,
) -> WindowColumns:  # fmt: skip
    """Windows from their parts; see `windows.figure`."""
    n = len(begin)
    there = parts.value != NO_VALUE
    if rule.part_places is not None:
        step = 10 ** (STORED - rule.part_places)
        parts = replace(parts, value=np.where(there, _half_even(parts.value, step) * step, parts.value))
    good = parts.good & there
    if rule.drop_negative:
        good &= ~(there & (parts.value < 0))
    used = there if partial(rule) else good
    first = np.searchsorted(parts.window, np.arange(n))
    due = due_parts(rule, begin, end) if due is None else due
    need = needs(rule, due, begin)
    goods = np.add.reduceat(good.astype(np.int64), first) if n else np.empty(0, np.int64)
    if rule.built_from in ("minute", "ten_minute"):
        spare = due - (need if rule.unit == "minute" else 0)
        present, valid = _covered(parts, good, minutes=due, spare=spare, default=step)
    else:
        present, valid = np.diff(np.append(first, len(parts.window))), goods
    enough = (goods if rule.unit == "reading" else valid) >= need
    if rule.each_month:
        enough &= _each_month(rule, begin, end, parts.take(good))

    empty = np.zeros(n, np.int64)
    none = np.full(n, NO_VALUE, np.int64)
    out = WindowColumns(
        due, present, valid, empty, empty.copy(), empty.copy(), none, none.copy(), none.copy(),
        np.zeros(n, np.uint8), np.zeros(n, np.uint8),
    )  # fmt: skip
    if rule.how is not How.NONE and used.any():
        _fill(out, rule, parts.take(used), enough, energy)
    return out


def _fill(out: WindowColumns, rule: WindowRule, used: Parts, enough: Bools, energy: Energy | None) -> None:
    """Counts, sums, extremes and states of the windows that have a part in use."""
    where, first, count = np.unique(used.window, return_index=True, return_counts=True)
    value = used.value
    low, high = np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)
    lone = (count == 1) & used.non_detect[first]
    marks = np.where(lone, NON_DETECT, 0) | np.where(np.logical_or.reduceat(used.unflagged, first), UNFLAGGED, 0)
    total, weight = _totals(rule.how, used, first, count)
    figure = _energies(value, first, energy) if rule.how is How.ENERGY else _half_even(total, weight)
    large = np.abs(figure) > LARGEST
    if large.any():
        figure = np.where(large, np.where(figure > 0, LARGEST, -LARGEST), figure)
        marks = marks | np.where(large, TOO_LARGE, 0)
    out.count[where], out.low[where], out.high[where] = count, low, high
    if total.dtype == object:
        out.total = out.total.astype(object)
    out.total[where] = total
    out.weight[where] = 0 if rule.how is How.ENERGY else weight
    out.value[where] = figure.astype(np.int64)
    out.marks[where] = marks
    valid = enough[where] & ~large.astype(bool)
    out.state[where] = np.where(valid, int(State.VALID), int(State.FEW))


def _totals(how: How, used: Parts, first: Ints, count: Ints) -> tuple[Wide, Ints]:
    value, ones = used.value, np.ones(len(first), np.int64)
    if how is How.LOW:
        return np.minimum.reduceat(value, first), ones
    if how is How.HIGH:
        return np.maximum.reduceat(value, first), ones
    if how is How.MEDIAN:
        ordered = value[np.lexsort((value, used.window))]
        upper, odd = ordered[first + count // 2], count % 2 == 1
        total = np.where(odd, upper, upper + ordered[first + (count - 1) // 2])
        return total, np.where(odd, 1, 2).astype(np.int64)
    weight = ones if how is How.SUM else count.astype(np.int64)
    numbers: Wide = value
    if int(np.abs(value).max()) * int(count.max()) >= _SAFE:
        numbers = value.astype(object)
    if how is How.ENERGY or not used.non_detect.any():
        return np.add.reduceat(numbers, first), weight
    halved = used.non_detect & np.repeat(count > 1, count)
    doubled = np.add.reduceat(np.where(halved, numbers, numbers * 2), first)
    odd = doubled % 2 == 1
    return np.where(odd, doubled, doubled // 2), np.where(odd, 2 * weight, weight)


def _half_even(total: Wide, weight: Wide | int) -> Wide:
    quotient = total // weight
    twice = 2 * (total - quotient * weight)
    up = (twice > weight) | ((twice == weight) & (quotient % 2 == 1))
    rounded: Wide = quotient + up.astype(np.int64)
    return rounded


def _energies(value: Ints, first: Ints, energy: Energy | None) -> Ints:
    assert energy is not None
    return np.array([energy(one.tolist()) for one in np.split(value, first[1:])], np.int64)


def _covered(parts: Parts, good: Bools, *, minutes: Ints, spare: Ints, default: int) -> tuple[Ints, Ints]:
    """As `windows.covered`, for all windows."""
    n = len(minutes)
    stamp = parts.time // MINUTE_S
    fresh = np.ones(len(stamp), bool)  # the first reading of its minute in its window
    fresh[1:] = (parts.window[1:] != parts.window[:-1]) | (stamp[1:] != stamp[:-1])
    own, mine = parts.window[fresh], stamp[fresh]
    gap = np.full(len(mine), np.iinfo(np.int64).max)
    same = own[1:] == own[:-1]
    gap[1:][same] = (mine[1:] - mine[:-1])[same]
    begins = np.searchsorted(own, np.arange(n))
    step = np.minimum.reduceat(gap, begins)
    step = np.where((step == np.iinfo(np.int64).max) | (step > spare), default, step)
    present = np.diff(np.append(begins, len(own))) * step
    minute = np.cumsum(fresh) - 1  # which minute each reading belongs to
    valid = np.zeros(len(own), bool)
    valid[minute[good]] = True
    covered = np.add.reduceat(valid.astype(np.int64), begins) * step
    return np.minimum(present, minutes), np.minimum(covered, minutes)


def _each_month(rule: WindowRule, begin: Ints, end: Ints, good: Parts) -> Bools:
    """Whether each month of the windows has the valid days it needs."""
    month = local(good.time).astype("M8[M]").astype(np.int64)
    cells, days = np.unique(good.window << 16 | month, return_counts=True)
    need = np.where((cells & 0xFFFF) % 12 == 1, rule.month_need(2), rule.month_need(1))
    held = np.bincount((cells >> 16)[days >= need], minlength=len(begin))
    due = local(end).astype("M8[M]").astype(np.int64) - local(begin).astype("M8[M]").astype(np.int64)
    enough: Bools = held == due
    return enough


def max_8h(rule: WindowRule, begin: Ints, parts: Parts, limit: Ints | None = None) -> WindowColumns:
    """Daily maxima of the 8 h moving means; `limit` of each [1e-6], `NO_VALUE` for none. See `windows.max_8h`."""
    n, least = len(begin), rule.span_hours
    hour = (parts.time - begin[parts.window]) // 3600
    value, good, here = np.zeros((n, HOURS), np.int64), np.zeros((n, HOURS), bool), np.zeros((n, HOURS), bool)
    unflagged = np.zeros((n, HOURS), bool)
    counts = parts.good & (parts.value != NO_VALUE)
    value[parts.window, hour] = np.where(counts, parts.value, 0)
    good[parts.window, hour], here[parts.window, hour] = counts, True
    unflagged[parts.window, hour] = parts.unflagged & counts
    numbers: Wide = value
    if n and int(np.abs(value).max()) * SPAN * _COMMON >= _SAFE:
        numbers = value.astype(object)
    sums, have, there = (_moving(one) for one in (numbers, good.astype(np.int64), here.astype(np.int64)))
    enough = (have >= least) & (have > 0)
    scaled = sums * np.where(enough, _COMMON // np.maximum(have, 1), 0)  # means as whole numbers: _COMMON holds 1…8
    lowest = -(1 << 62) if scaled.dtype != object else -(1 << 200)
    best = np.argmax(np.where(enough, scaled, lowest), axis=1) if n else np.empty(0, np.int64)
    rows = np.arange(n)
    windows, some = enough.sum(axis=1), enough.any(axis=1)
    total, weight = np.where(some, sums[rows, best], 0), np.where(some, have[rows, best], 0)
    figure = np.where(some, _half_even(total, np.maximum(weight, 1)), NO_VALUE).astype(np.int64)
    due = np.full(n, HOURS - SPAN + 1, np.int64)
    valid = windows >= needs(rule, due, begin)
    if limit is not None:
        known = limit != NO_VALUE
        valid |= known & (total.astype(object) > limit.astype(object) * weight)
    top = np.iinfo(np.int64).max
    low = np.where(good, value, top).min(axis=1) if n else np.empty(0, np.int64)
    high = np.where(good, value, -top).max(axis=1) if n else np.empty(0, np.int64)
    state = np.where(some, np.where(valid, int(State.VALID), int(State.FEW)), int(State.NONE)).astype(np.uint8)
    return WindowColumns(
        due, ((there >= least) & (there > 0)).sum(axis=1), windows, weight.astype(np.int64), total,
        weight.astype(np.int64), np.where(some, low, NO_VALUE), np.where(some, high, NO_VALUE), figure, state,
        np.where(some & unflagged.any(axis=1), UNFLAGGED, 0).astype(np.uint8),
    )  # fmt: skip


_COMMON = 840
"""A multiple of 1…8."""


def _moving(hours: Wide) -> Wide:
    """Sums over 8 hours that end with hour 8…24: (n, 24) → (n, 17)."""
    cumulated = np.cumsum(hours, axis=1)
    before = np.concatenate([np.zeros_like(cumulated[:, :1]), cumulated[:, : HOURS - SPAN]], axis=1)
    sums: Wide = cumulated[:, SPAN - 1 :] - before
    return sums


def columns_of(rows: Sequence[WindowFigure]) -> WindowColumns:
    """Columns of windows made one by one."""

    def ints(name: str) -> Ints:
        return np.array([NO_VALUE if (v := getattr(one, name)) is None else v for one in rows], np.int64)

    def wide(name: str) -> Wide:
        numbers = [getattr(one, name) for one in rows]
        return np.array(numbers, object if max(map(abs, numbers), default=0) >= _SAFE else np.int64)

    return WindowColumns(
        ints("due"), ints("present"), ints("valid"), ints("count"), wide("total"), wide("weight"), ints("low"),
        ints("high"), ints("value"), ints("state").astype(np.uint8), ints("marks").astype(np.uint8),
    )  # fmt: skip

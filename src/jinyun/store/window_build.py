"""Builds windows from columns: which rule each window of each series has, and the windows of a level from its parts.

Nothing here reads or writes: readings and windows of the level below come in as columns, windows go out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from functools import partial

import numpy as np

from jinyun.kernel.flags import COUNTS
from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import Flag, Period, SeriesKey, Stat, china_time
from jinyun.methods import window_columns as many
from jinyun.methods.window_columns import Parts, columns_of, ends, starts
from jinyun.methods.windows import (
    DAY_S,
    HOUR_S,
    NON_DETECT,
    UNFLAGGED,
    How,
    Level,
    Part,
    State,
    WindowFigure,
    WindowRule,
    figure,
    flow_weighted,
)
from jinyun.store.query import Found
from jinyun.store.window_parts import (
    Children,
    Fetch,
    Knowledge,
    SiteFacts,
    WindowTable,
    distinct,
    empty,
    joined,
    stretches,
)

BASE: Mapping[Period, tuple[str, int]] = {
    Period.REALTIME: ("minute", 1),
    Period.MINUTE: ("minute", 1),
    Period.TEN_MINUTE: ("minute", 10),
    Period.HOUR: ("hour", 60),
    Period.DAY: ("day", 1440),
}
"""What readings of a period are to the windows made of them, and the minutes that one alone stands for."""

ABOVE = (Level.DAY, Level.MAX_8H, Level.LD, Level.LN, Level.MONTH, Level.QUARTER, Level.YEAR)
"""Kept levels above those made of readings, in the order in which they are made."""
DATES = (Level.DAY, Level.MAX_8H, Level.LD, Level.LN)
_GOOD = np.zeros(256, bool)
_GOOD[[int(flag) for flag in COUNTS]] = True
_FARTHEST = 30 * HOUR_S
"""A night ends at the latest so long after its date began. [s]"""


class Builder:
    """Rules of series, and windows by them. One thread at a time."""

    def __init__(
        self, knowledge: Knowledge, keys: Callable[[], Sequence[SeriesKey]], of_site: Callable[[str], Sequence[int]]
    ) -> None:
        self.knowledge = knowledge
        self._keys, self._of_site = keys, of_site
        self._changes = np.array(knowledge.rules.changes, np.int64)
        self.rules: list[WindowRule] = [one.rule for one in knowledge.rules.entries]  # by number
        self._numbers = {rule.id: number for number, rule in enumerate(self.rules)}
        self.forget()

    def forget(self) -> None:
        """Take what is known of sites anew."""
        self._facts: dict[str, SiteFacts] = {}
        self._signatures: dict[tuple[str, str, Stat, Period], int] = {}
        self._signature: list[tuple[str, str, Stat, Period]] = []
        self._of_series = np.empty(0, np.int32)
        self._known: dict[tuple[Level, int, int], int] = {}

    def facts(self, site: str) -> SiteFacts:
        """What is known of a site, kept until `forget`."""
        known = self._facts.get(site)
        if known is None:
            known = self._facts[site] = self.knowledge.facts(site)
        return known

    # --- which rule -----------------------------------------------------------------------------------------------

    def _signatures_of(self, series: np.ndarray) -> np.ndarray:
        keys = self._keys()
        have = len(self._of_series)
        if have < len(keys):
            fresh = np.empty(len(keys), np.int32)
            fresh[:have] = self._of_series
            for number in range(have, len(keys)):
                key = keys[number]
                mark = (self.facts(key.site).kind, key.factor, key.stat, key.period)
                known = self._signatures.get(mark)
                if known is None:
                    known = self._signatures[mark] = len(self._signature)
                    self._signature.append(mark)
                fresh[number] = known
            self._of_series = fresh
        signatures: np.ndarray = self._of_series[series]
        return signatures

    def periods(self, series: np.ndarray) -> np.ndarray:
        """Period (int64) of the readings of series."""
        signatures = self._signatures_of(series)
        periods: np.ndarray = np.array([int(one[3]) for one in self._signature], np.int64)[signatures]
        return periods

    def rule_numbers(self, level: Level, series: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Number of the rule of each window; -1: such windows are not made."""
        if not len(series):
            return np.empty(0, np.int16)
        signature = self._signatures_of(series).astype(np.int64)
        era = np.searchsorted(self._changes, start, "right")
        cells, place, back = np.unique(signature << 16 | era, return_index=True, return_inverse=True)
        found = np.empty(len(cells), np.int16)
        for i, (cell, at) in enumerate(zip(cells.tolist(), place.tolist(), strict=True)):
            key = (level, cell >> 16, cell & 0xFFFF)
            known = self._known.get(key)
            if known is None:
                kind, factor, stat, period = self._signature[cell >> 16]
                rule = self._rule(level, kind, SeriesKey("", factor, stat, period), china_time(int(start[at])).date())
                known = self._known[key] = -1 if rule is None else self._numbers[rule.id]
            found[i] = known
        numbers: np.ndarray = found[back]
        return numbers

    def _rule(self, level: Level, kind: str, key: SeriesKey, day: date) -> WindowRule | None:
        if key.period not in BASE:
            return None
        base, _ = BASE[key.period]
        if base == "day" and level in (Level.TEN_MINUTE, Level.HOUR, Level.MAX_8H, Level.LD, Level.LN, Level.MOVING_8H):
            return None
        if base == "hour" and level is Level.TEN_MINUTE:
            return None
        own = level in (Level.TEN_MINUTE, Level.HOUR) or (level is Level.DAY and base == "day")
        return self.knowledge.rules.find(kind, key.factor, key.stat, level, base=base if own else "", day=day)

    def rule(self, level: Level, series: int, start: int) -> WindowRule | None:
        """The rule of one window."""
        number = int(self.rule_numbers(level, np.array([series]), np.array([start]))[0])
        return None if number < 0 else self.rules[number]

    def base_level(self, series: int) -> Level | None:
        """The level made of a series' own readings."""
        period = self._keys()[series].period
        if period not in BASE:
            return None
        return Level.DAY if period is Period.DAY else Level.HOUR

    # --- from readings --------------------------------------------------------------------------------------------

    def from_readings(self, level: Level, found: Found) -> WindowTable:
        """Windows of a level made of readings: current versions by (series, time), all of each window."""
        good = _GOOD[found.flag] & (found.value != NO_VALUE)
        parts = Parts(
            np.empty(0, np.int64), found.time, found.value, good, found.flag == int(Flag.NON_DETECT),
            found.flag == int(Flag.UNKNOWN),
        )  # fmt: skip
        return self._windows(level, found.series.astype(np.int64), starts(level, found.time), parts)

    def _windows(self, level: Level, series: np.ndarray, start: np.ndarray, parts: Parts) -> WindowTable:
        """Parts sorted by (series, time), each with the start of its window."""
        if not len(series):
            return empty()
        fresh = np.ones(len(series), bool)
        fresh[1:] = (series[1:] != series[:-1]) | (start[1:] != start[:-1])
        parts.window = np.cumsum(fresh) - 1
        own, begin = series[fresh], start[fresh]
        rules = self.rule_numbers(level, own, begin)
        steps = np.array([BASE.get(one[3], ("", 1))[1] for one in self._signature])[self._signatures_of(own)]
        made = []
        cells = rules.astype(np.int64) << 16 | steps
        for cell in np.unique(cells[rules >= 0]).tolist():
            mine = cells == cell
            part = parts if mine.all() else _subset(parts, mine)
            made.append(self._by_rule(self.rules[cell >> 16], own[mine], begin[mine], part, cell & 0xFFFF))
        return joined(made)

    def _by_rule(self, rule: WindowRule, series: np.ndarray, begin: np.ndarray, parts: Parts, step: int) -> WindowTable:
        number = np.full(len(series), self._numbers[rule.id], np.int16)
        end = ends(rule.level, begin)
        if rule.how is How.MAX_8H:
            return WindowTable(series, begin, number, many.max_8h(rule, begin, parts, self._limits(series, begin)))
        columns = many.figures(rule, begin, end, parts, step=step, energy=self.knowledge.energy)
        return WindowTable(series, begin, number, columns)

    def _limits(self, series: np.ndarray, begin: np.ndarray) -> np.ndarray:
        keys = self._keys()
        asked: dict[tuple[str, int], int] = {}
        out = np.empty(len(series), np.int64)
        for i, (one, at) in enumerate(zip(series.tolist(), begin.tolist(), strict=True)):
            key = (self.facts(keys[one].site).grade, at)
            if key not in asked:
                limit = self.knowledge.limit_8h(key[0], china_time(at).date())
                asked[key] = NO_VALUE if limit is None else limit
            out[i] = asked[key]
        return out

    # --- from windows ---------------------------------------------------------------------------------------------

    def from_windows(self, level: Level, series: np.ndarray, start: np.ndarray, fetch: Fetch) -> WindowTable:
        """The windows (series, start) of a level from the levels below, all of them in one stretch of time. One without
        any part is left out."""
        series, start = distinct(series, start)
        rules = self.rule_numbers(level, series, start)
        made = []
        for number in np.unique(rules[rules >= 0]).tolist():
            rule, mine = self.rules[number], rules == number
            who, when = series[mine], start[mine]
            child = Level[rule.built_from.upper()]
            low, high = int(when.min()), int(ends(level, when[[when.argmax()]])[0])
            if level in (Level.LD, Level.LN):
                below = _by_series(fetch(child, np.unique(who), low, high - DAY_S + _FARTHEST))
                made.append(self._day_parts(rule, who, when, below))
            elif rule.how is How.FLOW_WEIGHTED:
                made.append(self._weighted(rule, who, when, partial(_hours, fetch, low, high)))
            else:
                made.append(self._plain(level, who, when, fetch(child, np.unique(who), low, high)))
        return joined(made)

    def _plain(self, level: Level, series: np.ndarray, start: np.ndarray, below: Children) -> WindowTable:
        parent = starts(level, below.start)
        inside = np.isin(below.series << 33 | parent, series << 33 | start)
        if not inside.all():
            below = Children(*(getattr(below, f.name)[inside] for f in fields(Children)))
            parent = parent[inside]
        marks = below.marks
        parts = Parts(
            np.empty(0, np.int64), below.start, below.value, below.state == int(State.VALID),
            (marks & NON_DETECT) > 0, (marks & UNFLAGGED) > 0,
        )  # fmt: skip
        return self._windows(level, below.series, parent, parts)

    def _weighted(
        self, rule: WindowRule, series: np.ndarray, start: np.ndarray, hours: Callable[[np.ndarray], Children]
    ) -> WindowTable:
        flows = {one: self.flow_of(one) for one in np.unique(series).tolist()}
        both = np.unique(np.array([*flows, *(f for f in flows.values() if f is not None)], np.int64))
        below = _by_series(hours(both))
        rows, cells = [], []
        for one, at in zip(series.tolist(), start.tolist(), strict=True):
            end, flow = at + DAY_S, flows[one]
            parts = _within(below.get(one, ()), at, end)
            if not parts:
                continue
            there = _within(below.get(flow, ()), at, end) if flow is not None else []
            weights = {p.time: p.value for p in there if p.good and p.value is not None and p.value >= 0}
            rows.append(flow_weighted(rule, at, end, parts, weights))
            cells.append((one, at))
        return self._rows(rule, cells, rows)

    def _day_parts(
        self, rule: WindowRule, series: np.ndarray, start: np.ndarray, below: Mapping[int, Sequence[Part]]
    ) -> WindowTable:
        keys, rows, cells = self._keys(), [], []
        for one, at in zip(series.tolist(), start.tolist(), strict=True):
            due = set(self.facts(keys[one].site).hours(rule.level, at))
            inside = [part for part in _within(below.get(one, ()), at, at + _FARTHEST) if part.time in due]
            if inside:
                rows.append(figure(rule, at, at + DAY_S, inside, due=len(due), energy=self.knowledge.energy))
                cells.append((one, at))
        return self._rows(rule, cells, rows)

    def _rows(self, rule: WindowRule, cells: list[tuple[int, int]], rows: list[WindowFigure]) -> WindowTable:
        pairs = np.array(cells, np.int64).reshape(-1, 2)
        number = np.full(len(rows), self._numbers[rule.id], np.int16)
        return WindowTable(pairs[:, 0], pairs[:, 1], number, columns_of(rows))

    def flow_of(self, series: int) -> int | None:
        """The series of flow that a series of water is weighted by."""
        key = self._keys()[series]
        for other in self._of_site(key.site):
            mine = self._keys()[other]
            if (mine.factor, mine.stat, mine.period) == (self.knowledge.flow, key.stat, key.period):
                return other
        return None

    def weighted_by(self, series: int) -> list[int]:
        """The series that are weighted by this one."""
        keys = self._keys()
        key = keys[series]
        if key.factor != self.knowledge.flow:
            return []
        return [
            other
            for other in self._of_site(key.site)
            if other != series and (keys[other].stat, keys[other].period) == (key.stat, key.period)
        ]

    # --- what depends on what -------------------------------------------------------------------------------------

    def dates(self, series: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(series, date) whose windows of a day may change when those base windows do: a night reaches into the next
        date, and a flow weighs other series of its site."""
        date_of = starts(Level.DAY, start)
        noise = np.isin(self._signatures_of(series), self._at_night())
        who, when = [series, series[noise]], [date_of, date_of[noise] - DAY_S]
        flows = [i for i, (_, factor, _, _) in enumerate(self._signature) if factor == self.knowledge.flow]
        weighing = np.isin(self._signatures_of(series), flows)
        for one in np.unique(series[weighing]).tolist():
            days = np.unique(date_of[series == one])
            for other in self.weighted_by(one):
                who.append(np.full(len(days), other, np.int64))
                when.append(days)
        return distinct(np.concatenate(who), np.concatenate(when))

    def _at_night(self) -> list[int]:
        ever = self.knowledge.rules.ever
        return [i for i, (kind, factor, stat, _) in enumerate(self._signature) if ever(kind, factor, stat, Level.LN)]


def _subset(parts: Parts, windows: np.ndarray) -> Parts:
    """Parts of some windows, these numbered anew."""
    kept = parts.take(windows[parts.window])
    kept.window = (np.cumsum(windows) - 1)[kept.window]
    return kept


def _hours(fetch: Fetch, low: int, high: int, series: np.ndarray) -> Children:
    return fetch(Level.HOUR, series, low, high)


def _within(parts: Sequence[Part], start: int, end: int) -> Sequence[Part]:
    """Those of parts in time order that start in [start, end)."""
    low = bisect_left(parts, start, key=_time_of)
    return parts[low : bisect_left(parts, end, lo=low, key=_time_of)]


def _time_of(part: Part) -> int:
    return part.time


def _by_series(below: Children) -> dict[int, list[Part]]:
    found: dict[int, list[Part]] = {}
    columns = (below.series, below.start, below.value, below.state, below.marks)
    for one, at, value, state, marks in zip(*(column.tolist() for column in columns), strict=True):
        found.setdefault(one, []).append(
            Part(
                at, None if value == NO_VALUE else value, state == int(State.VALID), bool(marks & NON_DETECT),
                bool(marks & UNFLAGGED),
            )
        )  # fmt: skip
    return found


__all__ = [
    "ABOVE", "BASE", "DATES", "Builder", "Children", "Fetch", "Knowledge", "SiteFacts", "WindowTable", "distinct",
    "joined", "stretches",
]  # fmt: skip

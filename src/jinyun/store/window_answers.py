"""Answers from windows: what a reading goes into, kept windows, and windows made from the readings when asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as changed
from typing import Any

import numpy as np

from jinyun.kernel.terms import Period, SeriesKey
from jinyun.methods.window_columns import starts
from jinyun.methods.windows import DAY_S, HOUR_S, SPAN, Level, Part, State, WindowFigure, WindowRule, bounds, figure
from jinyun.store import window_source as source
from jinyun.store import window_tables as tables
from jinyun.store.query import Found, snapshot
from jinyun.store.readings import DuckReadings
from jinyun.store.series import SeriesBook
from jinyun.store.window_build import (
    ABOVE,
    DATES,
    Builder,
    Children,
    Fetch,
    SiteFacts,
    WindowTable,
    distinct,
    joined,
    stretches,
)
from jinyun.store.window_foresee import Foreseer, WindowForesight
from jinyun.store.window_tables import WindowFile
from jinyun.store.windows_then import WindowsThen


class WindowAnswers:
    """The asking half of `windows.Windows`."""

    _readings: DuckReadings
    _book: SeriesBook
    _file: WindowFile
    _asker: Builder  # not the one that keeps windows: nobody who asks waits for a long run
    _ask_lock: threading.RLock
    _seq: int

    def _snapshot(self) -> Any:
        return snapshot(self._readings._hot, self._readings._manifest)

    # --- what depends on what -----------------------------------------------------------------------------------------

    def affected(self, series: int, time: int) -> list[tuple[int, Level, int]]:
        """Kept windows that a reading of `series` at `time` [s] goes into: (series, level, start).

        Another series of the site is among them when it is weighted by this one. Pure look-up: nothing is read.
        """
        base = self._asker.base_level(series)
        if base is None:
            return []
        mine = np.array([series], np.int64)
        start = starts(base, np.array([time], np.int64))
        found = [(series, base, int(start[0]))] if self._asker.rule(base, series, int(start[0])) else []
        for who, day in zip(*(one.tolist() for one in self._asker.dates(mine, start)), strict=True):
            for level in ABOVE:
                at = bounds(level, day)[0]
                if level is base or not self._asker.rule(level, who, at):
                    continue
                if level is Level.LN or level is Level.LD:
                    hours = self._asker.facts(self._book.key(who).site).hours(level, at)
                    if int(start[0]) not in hours:
                        continue
                elif starts(level, np.array([time], np.int64))[0] != at:
                    continue
                found.append((who, level, at))
        return found

    def base_level(self, series: int) -> Level | None:
        """The level made of a series' own readings."""
        return self._asker.base_level(series)

    def at(self, as_of: int) -> WindowsThen:
        """The windows as they were known at a moment [µs], made when asked for."""
        return WindowsThen(self, as_of)

    def rule(self, level: Level, series: int, start: int) -> WindowRule | None:
        """The rule of one window; None: there are no such windows."""
        with self._ask_lock:
            return self._asker.rule(level, series, start)

    def rule_by_id(self, id: str) -> WindowRule:
        """The rule that a window names."""
        return self._asker.knowledge.rules.by_id[id]

    def of_site(self, site: str, factor: str = "") -> list[int]:
        """Series of a site."""
        return self._book.of_site(site, [factor] if factor else [])

    def behind(self) -> int:
        """Messages that were committed and are not yet in the kept windows."""
        with self._snapshot() as state:
            return max(0, source.last_seq(state) - self._seq)

    def waiting_since(self) -> int | None:
        """When the first message came that is not yet in the kept windows [µs]; None: all are."""
        waits = self._seq + 1
        return self._readings.pages.received([waits]).get(waits)

    def facts(self, site: str) -> SiteFacts:
        """What the windows of a site depend on."""
        with self._ask_lock:
            return self._asker.facts(site)

    # --- asking -------------------------------------------------------------------------------------------------------

    def read(self, series: Sequence[int], level: Level, start: int, end: int) -> dict[int, list[WindowFigure]]:
        """Kept windows that start in [start, end), by series, in time order. Levels that are not kept are made from the
        readings (ten minutes) or from the kept hours (moving 8 h means)."""
        if level is Level.TEN_MINUTE:
            return self.compute(series, level, start, end)
        if level is Level.MOVING_8H:
            return self._moving(series, start, end, self.read(series, Level.HOUR, start - SPAN * HOUR_S, end))
        answer: dict[int, list[WindowFigure]] = {}
        with self._file.lent_cursor() as cursor:
            for row in tables.rows(cursor, level, series, start, end):
                answer.setdefault(row[0], []).append(self._figure(level, row))
        return answer

    def _figure(self, level: Level, row: tuple[Any, ...]) -> WindowFigure:
        rule = self._asker.rules[row[2]]
        due, present, valid, count, total, weight, low, high, value = row[3:12]
        return WindowFigure(
            level, row[1], bounds(level, row[1])[1], due, present, valid, count, total, weight, low, high, value,
            State(row[12]), row[13], rule.id,
        )  # fmt: skip

    def compute(
        self,
        series: Sequence[int],
        level: Level,
        start: int,
        end: int,
        *,
        as_of: int | None = None,
        instead: Callable[[Found], Found] | None = None,
    ) -> dict[int, list[WindowFigure]]:
        """Windows made from the readings now, not taken from the tables: as of an earlier moment [µs], or with other
        versions put in place (`instead`: current rows → rows to use, any order), for previews."""
        if level is Level.MOVING_8H:
            hours = self.compute(series, Level.HOUR, start - SPAN * HOUR_S, end, as_of=as_of, instead=instead)
            return self._moving(series, start, end, hours)
        if end <= start:
            return {}
        low, high = bounds(level, start)[0], bounds(level, end - 1)[1]
        with self._ask_lock:
            flows = {flow for one in series if (flow := self._asker.flow_of(one)) is not None}
            everything = sorted({*series, *flows})
            rows = self._readings.read_columns(everything, low, high + DAY_S, as_of)
            if instead is not None:
                rows = instead(rows)
            table = self._from(source.newest(rows), level, np.array(sorted(series), np.int64))
            answer: dict[int, list[WindowFigure]] = {}
            for i in range(len(table)):
                at = int(table.start[i])
                if start <= at < end:
                    rule = self._asker.rules[int(table.rule[i])]
                    one = table.columns.row(i, rule, at, bounds(level, at)[1])
                    answer.setdefault(int(table.series[i]), []).append(one)
        return answer

    def foresee(self, rows: Found) -> WindowForesight:
        """What the kept windows would become with these versions over the current ones: see `window_foresee`."""
        if not len(rows):
            return WindowForesight((), 0)
        with self._ask_lock, self._file.lent_cursor() as cursor:
            cursor.begin()
            try:
                cursor.execute("SELECT seq FROM progress").fetchall()  # from here on the state of the file stands
                with self._snapshot() as state:
                    return Foreseer(cursor, state, self._asker).foresee(rows)
            finally:
                cursor.rollback()

    def _from(self, rows: Found, level: Level, series: np.ndarray) -> WindowTable:
        """Windows of one level from current rows, with what lies between made in memory."""
        if level in (Level.TEN_MINUTE, Level.HOUR):
            return _of(self._asker.from_readings(level, rows), series)
        periods = self._asker.periods(rows.series)
        hours = self._asker.from_readings(Level.HOUR, rows.take(periods <= int(Period.HOUR)))
        days = self._asker.from_readings(Level.DAY, rows.take(periods == int(Period.DAY)))
        made: dict[Level, list[WindowTable]] = {Level.HOUR: [hours], Level.DAY: [days]}

        def fetch(below: Level, chosen: np.ndarray, start: int, end: int) -> Children:
            return _children([one for one in made.get(below, ()) if len(one)], chosen, start, end)

        return self._climb(made, fetch, level, series)

    def _climb(
        self, made: dict[Level, list[WindowTable]], fetch: Fetch, upto: Level, series: np.ndarray
    ) -> WindowTable:
        base = [one for parts in made.values() for one in parts]
        who = np.concatenate([one.series for one in base])
        when = np.concatenate([one.start for one in base])
        dates = self._asker.dates(who, when)
        for level in ABOVE:
            if level > Level.YEAR and upto <= Level.YEAR and upto is not Level.DAY and level is not Level.MAX_8H:
                continue
            own, start = dates if level in DATES else distinct(dates[0], starts(level, dates[1]))
            wanted = self._asker.rule_numbers(level, own, start) >= 0
            if level is Level.DAY:
                wanted &= self._above_day(own)
            own, start = own[wanted], start[wanted]
            for some, when in stretches(level, own, start):
                made.setdefault(level, []).append(self._asker.from_windows(level, some, when, fetch))
            if level is upto:
                break
        return _of(joined(made.get(upto, [])), series)

    def _moving(
        self, series: Sequence[int], start: int, end: int, hours: Mapping[int, Sequence[WindowFigure]]
    ) -> dict[int, list[WindowFigure]]:
        """Moving 8 h means, one for each hour that starts in [start, end): of it and the seven before it."""
        answer: dict[int, list[WindowFigure]] = {}
        for one in series:
            mine = {w.start: w for w in hours.get(one, ())}
            for at in range(bounds(Level.HOUR, start)[0], end, HOUR_S):
                inside = [mine[t] for t in range(at - (SPAN - 1) * HOUR_S, at + 1, HOUR_S) if t in mine]
                rule = self.rule(Level.MOVING_8H, one, at)
                if rule is None or at not in mine or at < start:
                    continue
                parts = [Part(w.start, w.value, w.state is State.VALID) for w in inside]
                made = figure(rule, at - (SPAN - 1) * HOUR_S, at + HOUR_S, parts)
                answer.setdefault(one, []).append(made)
        return answer

    def as_part_of_date(self, one: WindowFigure, key: SeriesKey) -> WindowFigure:
        """Day parts and nights with the begin and end they really have."""
        if one.level not in (Level.LD, Level.LN):
            return one
        hours = self.facts(key.site).hours(one.level, one.start)
        return changed(one, start=hours[0], end=hours[-1] + HOUR_S)

    def _above_day(self, series: np.ndarray) -> np.ndarray:
        above: np.ndarray = self._asker.periods(series) != int(Period.DAY)
        return above


def _of(table: WindowTable, series: np.ndarray) -> WindowTable:
    return table.take(np.flatnonzero(np.isin(table.series, series)))


def _children(made: Sequence[WindowTable], series: np.ndarray, start: int, end: int) -> Children:
    names = ("series", "start", "value", "state", "marks")
    if not made:
        return Children(*(np.empty(0, np.int64) for _ in names))
    parts = [Children.of(one) for one in made]
    whole = Children(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))
    mine = np.flatnonzero((whole.start >= start) & (whole.start < end) & np.isin(whole.series, series))
    order = mine[np.lexsort((whole.start[mine], whole.series[mine]))]
    return Children(*(getattr(whole, name)[order] for name in names))

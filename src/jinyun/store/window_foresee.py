"""Kept windows as they would be with other versions of some readings. Nothing is stored.

Only what rests on the edited hours is made: those hours from their readings, days from kept hours, months, quarters and
years from kept days, each with what was just made in its place. What was committed and is not in the kept windows yet
counts as edited too, so that an answer is true while they lag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import duckdb
import numpy as np

from jinyun.kernel.terms import Period
from jinyun.methods.window_columns import starts
from jinyun.methods.windows import DAY_S, HOUR_S, Level, WindowFigure, bounds
from jinyun.store import window_source as source
from jinyun.store import window_tables as tables
from jinyun.store.query import Found, Snapshot
from jinyun.store.window_build import ABOVE, DATES, Builder, Children, WindowTable, distinct, joined, stretches

FAR_BEHIND = 200_000
"""Messages: kept windows further behind are not looked through for a preview."""
MOST_PENDING = 20_000
"""Hours of the edited series that are not in the kept windows yet and are made for a preview."""

Cells = tuple[np.ndarray, np.ndarray]
Cell = tuple[int, Level, int]


@dataclass(frozen=True, slots=True)
class WindowChange:
    """A kept window that would be another; None: there is none."""

    series: int
    level: Level
    start: int  # of a date's parts: the date [s]
    was: WindowFigure | None
    would: WindowFigure | None


@dataclass(frozen=True, slots=True)
class WindowForesight:
    """What edits would do to kept windows."""

    changes: Sequence[WindowChange]  # the longest windows first, then by time and series
    same: int  # looked at, and the same
    known: bool = True  # False: the kept windows are too far behind to say


class Foreseer:
    """One preview. `cursor` is in a transaction on the file of windows that was begun before `state` was taken."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, state: Snapshot, builder: Builder) -> None:
        self._cursor, self._state, self._builder = cursor, state, builder
        self._kept: dict[tuple[Level, bytes, int, int], Children] = {}

    def foresee(self, rows: Found) -> WindowForesight:
        """`rows`: the new versions; of a (series, time) that comes twice that with the highest seq counts."""
        edited = distinct(rows.series.astype(np.int64), rows.time // HOUR_S * HOUR_S)
        family = self._family(edited[0])
        pending = self._pending(family)
        if pending is None:
            return WindowForesight((), 0, known=False)
        pairs = distinct(*(np.concatenate(both) for both in zip(edited, pending, strict=True)))
        was: dict[Level, WindowTable] = {}
        would: dict[Level, WindowTable] = {}
        cells: dict[Level, Cells] = {}
        dates: list[np.ndarray] = []
        periods = self._builder.periods(pairs[0])
        for level, mine in ((Level.HOUR, periods <= int(Period.HOUR)), (Level.DAY, periods == int(Period.DAY))):
            who, when = pairs[0][mine], starts(level, pairs[1][mine])
            if not len(who):
                continue
            who, when = cells[level] = distinct(who, when)
            found = source.read_windows(self._state, who, when, HOUR_S if level is Level.HOUR else DAY_S)
            was[level] = self._builder.from_readings(level, found)
            would[level] = self._builder.from_readings(level, _over(found, rows, who))
            dates.append(np.stack(self._builder.dates(who, when)))
        if dates:
            above = distinct(*np.concatenate(dates, axis=1))
            self._climb(was, cells, above)
            self._climb(would, cells, above)
        return self._compared(was, would)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _family(self, series: np.ndarray) -> list[int]:
        """The series whose windows may change, and those that weigh them."""
        found = set(series.tolist())
        for one in list(found):
            found.update(self._builder.weighted_by(one))
        flows = {self._builder.flow_of(one) for one in found}
        return sorted(found | {one for one in flows if one is not None})

    def _pending(self, family: Sequence[int]) -> Cells | None:
        """(series, hour) that are committed and not in the kept windows; None: too many."""
        ((seq, again),) = self._cursor.execute(
            f"SELECT seq, (SELECT count(*) FROM again WHERE series IN ({', '.join(map(str, family))})) FROM progress"
        ).fetchall()
        last = source.last_seq(self._state)
        if again or last - seq > FAR_BEHIND:
            return None
        if last <= seq:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        series, hour = source.touched(self._state, seq, last, family)
        return (series, hour) if len(series) <= MOST_PENDING else None

    def _climb(self, made: dict[Level, WindowTable], cells: dict[Level, Cells], dates: Cells) -> None:
        """The levels above, as `Windows` keeps them."""
        for level in ABOVE:
            series, start = dates if level in DATES else distinct(dates[0], starts(level, dates[1]))
            wanted = self._builder.rule_numbers(level, series, start) >= 0
            if level is Level.DAY:  # the windows of a device's own days are made of its readings
                wanted &= self._builder.periods(series) != int(Period.DAY)
            series, start = series[wanted], start[wanted]
            if not len(series):
                continue
            fetch = self._fetcher(made, cells)
            parts = [
                self._builder.from_windows(level, who, when, fetch) for who, when in stretches(level, series, start)
            ]
            base = [made[level]] if level in made and level is Level.DAY else []
            made[level] = joined([*base, *parts])
            own = cells.get(level, (series[:0], start[:0]))
            cells[level] = distinct(np.append(own[0], series), np.append(own[1], start))

    def _fetcher(self, made: dict[Level, WindowTable], cells: dict[Level, Cells]) -> Callable[..., Children]:
        def fetch(level: Level, series: np.ndarray, start: int, end: int) -> Children:
            key = (level, series.tobytes(), start, end)
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = tables.children(self._cursor, level, series, start, end)
            if level not in cells:
                return kept
            who, when = cells[level]
            stays = ~np.isin(kept.series << 33 | kept.start, who << 33 | when)
            fresh = Children.of(made[level])
            mine = (fresh.start >= start) & (fresh.start < end) & np.isin(fresh.series, series)
            columns = [
                np.concatenate([getattr(kept, f.name)[stays], getattr(fresh, f.name)[mine]]) for f in fields(Children)
            ]
            order = np.lexsort((columns[1], columns[0]))
            return Children(*(one[order] for one in columns))

        return fetch

    def _compared(self, was: dict[Level, WindowTable], would: dict[Level, WindowTable]) -> WindowForesight:
        before, after = self._figures(was), self._figures(would)
        differing, same = [], 0
        for cell in before.keys() | after.keys():
            if before.get(cell) == after.get(cell):
                same += 1
            else:
                differing.append(WindowChange(*cell, before.get(cell), after.get(cell)))
        differing.sort(key=lambda one: (-_length(one), one.level, one.start, one.series))
        return WindowForesight(differing, same)

    def _figures(self, made: dict[Level, WindowTable]) -> dict[Cell, WindowFigure]:
        found = {}
        for level, table in made.items():
            for i in range(len(table)):
                at, rule = int(table.start[i]), self._builder.rules[int(table.rule[i])]
                found[int(table.series[i]), level, at] = table.columns.row(i, rule, at, bounds(level, at)[1])
        return found


def _over(found: Found, rows: Found, series: np.ndarray) -> Found:
    """Current rows with the new versions in their places."""
    mine = np.isin(rows.series, np.unique(series))
    parts: list[Any] = [
        np.concatenate([getattr(found, name), getattr(rows, name)[mine]])
        for name in ("series", "time", "value", "flag", "seq")
    ]
    return source.newest(Found(*parts))


def _length(one: WindowChange) -> int:
    first, end = bounds(one.level, one.start)
    return end - first

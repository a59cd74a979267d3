"""What windows are held in on their way: columns of one level, the level below, and what is known of sites. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from jinyun.methods.window_columns import WindowColumns, columns_of, ends
from jinyun.methods.window_rules import RuleBook
from jinyun.methods.windows import HOUR_S, Energy, Level


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What the rules of a site's windows depend on."""

    kind: str = ""
    day_from: int = 6  # o'clock: day part of noise
    night_from: int = 22
    night: str = "began"  # the night that began on the date, or `calendar`: its own small hours
    grade: str = "level2"  # of the 8 h limit of ozone

    def hours(self, level: Level, day: int) -> tuple[int, ...]:
        """Starts of the hours of a date's day part or night. `day`: its start. [s]"""
        if level is Level.LD:
            hours: Sequence[int] = range(self.day_from, self.night_from)
        elif self.night == "began":
            hours = range(self.night_from, self.day_from + 24)
        else:
            hours = (*range(self.day_from), *range(self.night_from, 24))
        return tuple(day + HOUR_S * hour for hour in hours)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the house knows of windows, given at the wiring."""

    rules: RuleBook
    facts: Callable[[str], SiteFacts]  # of a site
    energy: Energy | None = None
    limit_8h: Callable[[str, date], int | None] = lambda *_: None  # of a grade on a day [1e-6]
    flow: str = "wastewater_flow"  # the factor that water is weighted by


@dataclass(slots=True)
class WindowTable:
    """Windows of one level, by (series, start). `start` of a date's parts is the date's; `rule`: number of the rule."""

    series: np.ndarray  # int64
    start: np.ndarray  # int64 [s]
    rule: np.ndarray  # int16
    columns: WindowColumns

    def __len__(self) -> int:
        return len(self.series)

    def take(self, which: np.ndarray) -> WindowTable:
        """Some of them."""
        columns = WindowColumns(*(getattr(self.columns, f.name)[which] for f in fields(WindowColumns)))
        return WindowTable(self.series[which], self.start[which], self.rule[which], columns)


@dataclass(slots=True)
class Children:
    """Windows of a level below, by (series, start): what the level above looks at."""

    series: np.ndarray
    start: np.ndarray
    value: np.ndarray
    state: np.ndarray
    marks: np.ndarray

    @classmethod
    def of(cls, table: WindowTable) -> Children:
        """From windows just made."""
        c = table.columns
        return cls(table.series, table.start, c.value, c.state, c.marks)


Fetch = Callable[[Level, np.ndarray, int, int], Children]
"""(level, series, start, end) -> its windows that start in [start, end), by (series, start)."""


def stretches(level: Level, series: np.ndarray, start: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(series, start) of windows in parts that lie near one another in time, none too large to be made at once."""
    order = np.argsort(start, kind="stable")
    series, start = series[order], start[order]
    length = int((ends(level, start[:1]) - start[:1])[0]) if len(start) else 0
    first = 0
    for cut in [*(np.flatnonzero(np.diff(start)) + 1).tolist(), len(start)]:
        if cut < len(start) and start[cut] - start[cut - 1] <= NEAR * length and cut - first < MOST_AT_ONCE:
            continue
        if cut > first:
            yield series[first:cut], start[first:cut]
        first = cut


NEAR, MOST_AT_ONCE = 7, 50_000
"""Windows further apart than so many of their lengths are made apart; and about so many at a time."""


def distinct(series: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (series, start), in this order."""
    cells = np.unique(series.astype(np.int64) << 33 | start)  # an instant has less than 33 bits
    return cells >> 33, cells & (1 << 33) - 1


def joined(made: Sequence[WindowTable]) -> WindowTable:
    """Tables as one, by (series, start)."""
    made = [one for one in made if len(one)]
    if not made:
        return empty()
    table = made[0]
    if len(made) > 1:
        columns = WindowColumns(
            *(np.concatenate([getattr(one.columns, f.name) for one in made]) for f in fields(WindowColumns))
        )
        series, start, rule = (np.concatenate([getattr(one, n) for one in made]) for n in ("series", "start", "rule"))
        table = WindowTable(series, start, rule, columns)
    return table.take(np.lexsort((table.start, table.series)))


def empty() -> WindowTable:
    ints = np.empty(0, np.int64)
    return WindowTable(ints, ints, np.empty(0, np.int16), columns_of([]))

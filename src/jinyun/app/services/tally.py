"""How many readings each series has of each of the last days and hours: kept up to date, so that nobody has to count.

Only days and hours that took data since the last look are counted again; the work rests most of the time.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from jinyun.kernel.terms import LENGTHS, Flag, Period, period_start

if TYPE_CHECKING:
    from jinyun.app.assemble import House

DAY, HOUR = LENGTHS[Period.DAY], LENGTHS[Period.HOUR]
DAYS, HOURS = 30, 24
SHARE = 0.05
"""Part of one core that counting may take."""
OVERLAP_US = 60_000_000
ALL_FLAGS = tuple(int(one) for one in Flag)


class Tally:
    """Counts by series id: whole days, and the hours of the last day. `refresh` may run in any one thread."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._days: dict[int, np.ndarray] = {}
        self._hours: dict[int, np.ndarray] = {}
        self._since: int | None = None
        self._rest_until = 0.0
        self.ready = False

    def refresh(self, *, politely: bool = False) -> bool:
        """Count what changed; False when `politely` it was too early."""
        if politely and time.monotonic() < self._rest_until:
            return False
        began = time.monotonic()
        now = self._house.clock.now()
        second = now // 1_000_000
        days, hours = _days(second), _hours(second)
        if self._since is None:
            dirty_days, dirty_hours = set(days), set(hours)
        else:
            touched = {hour for _, _, hour in self._house.readings.arrivals_since(self._since - OVERLAP_US)}
            dirty_days = {period_start(Period.DAY, one) for one in touched} | (set(days) - set(self._days))
            dirty_hours = touched | (set(hours) - set(self._hours))
        for day in sorted(dirty_days & set(days), reverse=True):
            self._count(self._days, day, day + DAY, DAY)
        wanted = sorted(dirty_hours & set(hours))
        if wanted:
            self._count(self._hours, wanted[0], wanted[-1] + HOUR, HOUR)
        with self._lock:
            self._days = {day: self._days[day] for day in days if day in self._days}
            self._hours = {hour: self._hours[hour] for hour in hours if hour in self._hours}
        self._since, self.ready = now, True
        took = time.monotonic() - began
        self._rest_until = began + took / SHARE
        return True

    def _count(self, kept: dict[int, np.ndarray], start: int, end: int, step: int) -> None:
        made = {at: np.zeros(0, np.int32) for at in range(start, end, step)}
        for table in self._house.readings.rollup(start, end, step=step, flags=ALL_FLAGS):
            series, at, count = (table.column(name).to_numpy() for name in ("series", "start", "count"))
            for one in np.unique(at).tolist():
                mine = at == one
                size = int(series[mine].max()) + 1
                if size > len(made[one]):
                    made[one] = np.concatenate([made[one], np.zeros(size - len(made[one]), np.int32)])
                made[one][series[mine]] = count[mine]
        with self._lock:
            kept.update(made)

    def lately(self, size: int) -> tuple[np.ndarray, int, int]:
        """Readings that began in the last whole hours, by series id below `size`; from, to [s]."""
        with self._lock:
            hours = dict(self._hours)
        return _sum(hours, size), min(hours, default=0), max(hours, default=0) + HOUR

    def days(self, size: int, last: int = DAYS) -> tuple[np.ndarray, int, int]:
        """The same of the `last` whole days."""
        with self._lock:
            days = dict(sorted(self._days.items())[-last:])
        return _sum(days, size), min(days, default=0), max(days, default=0) + DAY


def _days(now: int) -> list[int]:
    today = period_start(Period.DAY, now)
    return [today - n * DAY for n in range(DAYS, 0, -1)]


def _hours(now: int) -> list[int]:
    this = period_start(Period.HOUR, now)
    return [this - n * HOUR for n in range(HOURS, 0, -1)]


def _sum(counts: dict[int, np.ndarray], size: int) -> np.ndarray:
    total = np.zeros(size, np.int64)
    for one in counts.values():
        part = one[:size]
        total[: len(part)] += part
    return total

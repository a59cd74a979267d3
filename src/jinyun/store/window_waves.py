"""How kept windows are brought up to date in small portions: waves of touched hours, made oldest first. Pure.

A wave is all that was touched up to a sequence. An hour touched a thousand times in it is made once, so the further
windows lag, the less each reading costs. The watermark moves when a wave is done; a kill makes it begin again, which is
work lost, never a window.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from jinyun.methods.window_columns import starts
from jinyun.methods.windows import Level

WAVE_CELLS = 1_000_000
"""Touched hours of one wave: bounds its memory, and the work that a kill undoes."""

Cells = tuple[np.ndarray, np.ndarray]
"""(series, start of the hour)."""


@dataclass(slots=True)
class Pace:
    """How much is taken at once, so that it takes about `seconds`."""

    size: int
    least: int
    most: int
    seconds: float

    def took(self, seconds: float) -> None:
        """Grow or shrink by what the last portion took; a full portion is assumed."""
        wanted = self.size * min(2.0, max(0.5, self.seconds / max(seconds, 1e-6)))
        self.size = int(min(self.most, max(self.least, wanted)))


@dataclass(slots=True)
class Wave:
    """All that was touched up to sequence `upto`; `gathered`: how far that was looked through."""

    gathered: int
    upto: int
    ready: bool = False  # all is gathered: portions may be taken
    _cells: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    _order: Cells = field(default_factory=lambda: (np.empty(0, np.int64), np.empty(0, np.int64)))
    _place: int = 0

    def add(self, series: np.ndarray, hour: np.ndarray, upto: int) -> None:
        """What was touched after `gathered` up to and with `upto`."""
        self._cells = np.union1d(self._cells, series.astype(np.int64) << 33 | hour)  # an instant has less than 33 bits
        self.gathered = upto
        if len(self._cells) >= WAVE_CELLS:
            self.upto = upto
        if self.gathered >= self.upto:
            self._sort()

    def _sort(self) -> None:
        """Oldest date first; all hours of a series' date stand together, so that its day is made once."""
        who, when = self._cells >> 33, self._cells & (1 << 33) - 1
        order = np.lexsort((when, who, starts(Level.DAY, when)))
        self._order, self._cells, self.ready = (who[order], when[order]), self._cells[:0], True

    def __len__(self) -> int:
        """Hours that wait."""
        return len(self._cells) + len(self._order[0]) - self._place

    def take(self, size: int) -> Cells:
        """The next hours, about `size`: a series' date is not parted."""
        who, when = self._order
        end = min(len(who), self._place + size)
        if end < len(who):
            date = starts(Level.DAY, when[end - 1 : end + 24])
            same = (who[end - 1 : end + 24] == who[end - 1]) & (date == date[0])
            end += int(np.argmin(same) if not same.all() else len(same)) - 1
        first, self._place = self._place, end
        return who[first:end], when[first:end]


def over(until: float | None) -> bool:
    """True when a time of `time.monotonic` has come."""
    return until is not None and time.monotonic() >= until

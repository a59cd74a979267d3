"""Back-fill comes by the day: the readings of a day are read once, and its hours are judged from memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinyun.judge.marks import Key
from jinyun.judge.overlay import Overlay
from jinyun.judge.reader import Reader, asked
from jinyun.kernel.declare import Judge
from jinyun.kernel.ports import ReadingStore
from jinyun.kernel.terms import LENGTHS, Period, period_start

WORTH = 8
"""Windows of one day from which holding the day is cheaper than asking for each."""

HELD_ROWS = 400_000
"""Readings held at most, about 20 MB: a day of more is asked for window by window."""


class Stretch:
    """Holds one day of the sites that have old windows waiting. For one run of the judge room."""

    def __init__(self, store: ReadingStore, judges: Mapping[str, Judge]) -> None:
        self._store, self._judges = store, judges
        self._bulk = hasattr(store, "read_columns")
        self._day = -1
        self._reader: Reader | None = None

    def reader(self, batch: Sequence[Key], rest: Sequence[Sequence[Key]]) -> Reader | None:
        """A reader that answers for the windows of `batch` from memory; None: the store is asked as ever.

        `rest` are the batches from this one on, in order of time: those of the same day are held with it.
        """
        if not self._bulk:
            return None
        day = period_start(Period.DAY, batch[0].start)
        if day != self._day:
            self._day = day
            self._reader = self._hold(day, rest)
        return self._reader

    def _hold(self, day: int, rest: Sequence[Sequence[Key]]) -> Reader | None:
        keys: list[Key] = []
        for batch in rest:
            if period_start(Period.DAY, batch[0].start) != day:
                break
            keys += batch
        if len(keys) < WORTH:
            return None
        judges = [self._judges[name] for name in {key.judge for key in keys}]
        overlay = Overlay(self._store)
        newest = overlay.latest(sorted({key.site for key in keys}))
        wanted = [
            one for mine in newest.values() for one in mine
            if one.time >= day and any(asked(judge, one) for judge in judges)
        ]  # fmt: skip
        if not wanted or sum(LENGTHS[Period.DAY] // (LENGTHS.get(one.period) or 30) for one in wanted) > HELD_ROWS:
            return None
        end = max(key.start + LENGTHS[self._judges[key.judge].period] for key in keys)
        overlay.hold([one.series for one in wanted], day, end)
        return Reader(overlay)  # type: ignore[arg-type]

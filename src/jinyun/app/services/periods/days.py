"""Day verdicts of many sites, by month, remembered until one of them is judged again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from jinyun.app.services.periods.spans import day_of, month_after, seconds
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Verdict

if TYPE_CHECKING:
    from jinyun.store.verdicts import SqlVerdicts

ROWS_AT_MOST = 80_000
"""Day verdicts kept in memory, at about half a kilobyte each."""

_Chunk = tuple[str, str, int]  # judge, subject, start of the month [s]


class DayBook:
    """Reads day verdicts month by month; a month of a site is read again only after one of its days changed."""

    def __init__(self, verdicts: SqlVerdicts, judges: Iterable[str]) -> None:
        self._verdicts, self._judges = verdicts, frozenset(judges)
        self._lock = threading.Lock()
        self._chunks: OrderedDict[_Chunk, tuple[VerdictBrief, ...]] = OrderedDict()
        self._rows = 0
        self._changes: dict[tuple[str, int], int] = {}
        self.reads = 0
        verdicts.listeners.append(self._hear)

    def _hear(self, fresh: Sequence[Verdict]) -> None:
        """In the judging thread: forget what the new verdicts change."""
        for one in fresh:
            if one.judge in self._judges:
                month = month_of(one.window.start)
                with self._lock:
                    self._changes[one.judge, month] = self._changes.get((one.judge, month), 0) + 1
                    self._rows -= len(self._chunks.pop((one.judge, one.subject, month), ()))

    def version(self, judges: Iterable[str], start: int, end: int) -> tuple[int, ...]:
        """Changes whenever a day verdict of `judges` in [start, end) does."""
        with self._lock:
            return tuple(self._changes.get((judge, m), 0) for judge in judges for m in months(start, end))

    def days(self, judge: str, subjects: Sequence[str], start: int, end: int) -> Mapping[str, list[VerdictBrief]]:
        """Current verdicts of windows that begin in [start, end) and have ended by `end`'s month, in order of time."""
        found: dict[str, list[VerdictBrief]] = {subject: [] for subject in subjects}
        for month in months(start, end):
            for subject, rows in self._month(judge, subjects, month).items():
                found[subject] += (row for row in rows if start <= row.start < end)
        return found

    def _month(self, judge: str, subjects: Sequence[str], month: int) -> Mapping[str, Sequence[VerdictBrief]]:
        held: dict[str, Sequence[VerdictBrief]] = {}
        with self._lock:
            for subject in subjects:
                rows = self._chunks.get((judge, subject, month))
                if rows is not None:
                    self._chunks.move_to_end((judge, subject, month))
                    held[subject] = rows
            version = self._changes.get((judge, month), 0)
        lacking = [subject for subject in subjects if subject not in held]
        if not lacking:
            return held
        self.reads += 1
        fresh: dict[str, list[VerdictBrief]] = {subject: [] for subject in lacking}
        for row in self._verdicts.briefs(judge, lacking, month, seconds(month_after(day_of(month)))):
            fresh[row.subject].append(row)
        with self._lock:
            if self._changes.get((judge, month), 0) == version:  # else what was read may be old by now
                for subject, given in fresh.items():
                    old = self._chunks.pop((judge, subject, month), ())
                    self._chunks[judge, subject, month] = tuple(given)
                    self._rows += len(given) - len(old)
                while self._rows > ROWS_AT_MOST:
                    self._rows -= len(self._chunks.popitem(last=False)[1])
        return {**held, **fresh}


def month_of(at: int) -> int:
    """Start of the China month that holds an instant. [s]"""
    return seconds(day_of(at).replace(day=1))


def months(start: int, end: int) -> list[int]:
    """Starts of the months that [start, end) touches. [s]"""
    found, one = [], day_of(start).replace(day=1)
    while seconds(one) < end:
        found.append(seconds(one))
        one = month_after(one)
    return found

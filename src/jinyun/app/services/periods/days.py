"""Day verdicts of many sites, by month, remembered until one of them is judged again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from jinyun.app.services.periods.spans import Span, day_of, month_after, seconds
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Site, Verdict

if TYPE_CHECKING:
    from jinyun.store.verdicts import SqlVerdicts

T = TypeVar("T")
ROWS_AT_MOST = 80_000
"""Day verdicts kept in memory, at about half a kilobyte each."""

Once = Callable[[Site, Span, Sequence[VerdictBrief], Callable[[], Any]], Any]
"""`once(site, span, rows, make)`: what was worked out for these days of a site before, else what `make` gives."""

_Chunk = tuple[str, str, int]  # judge, subject, start of the month [s]


class Memo:
    """Remembers what was worked out for a key, the newest uses of it."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Any] = OrderedDict()

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                found: T = self._held[key]
                return found
        made = make()
        with self._lock:
            self._held[key] = made
            while len(self._held) > self._kept:
                self._held.popitem(last=False)
        return made


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

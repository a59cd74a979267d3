"""Working days of China: Monday to Friday, changed by the State Council's holidays and make-up days. Pure.

The exceptions are data with an end: past the last year of the table nobody knows yet which days are worked, so the
answer is `CalendarNotLoaded`, never Monday to Friday.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import SATURDAY
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from jinyun.kernel.errors import BadInput

HOLIDAY, MAKE_UP = "holiday", "make_up_workday"
NEWER_FILE = "put a newer china_workday_exceptions.csv into the node's folder"


class CalendarNotLoaded(BadInput):
    """A working day was asked for in a year that the table of holidays does not hold."""

    code = "calendar-not-loaded"


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Which days are worked, for the years whose holidays are known."""

    exceptions: Mapping[date, bool]  # day -> whether it is worked, against the rule of the week
    years: frozenset[int]
    _worked: tuple[int, ...]  # ordinals of all working days of those years, ascending

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> WorkCalendar:
        """The calendar of a table with columns ``date`` (ISO 8601) and ``kind`` (holiday, make_up_workday).

        Raises
        ------
        BadInput
            Naming the row whose date or kind cannot be read, or that contradicts an earlier one.
        """
        exceptions: dict[date, bool] = {}
        for number, row in enumerate(rows, 2):
            day, worked = _exception(number, row)
            if exceptions.setdefault(day, worked) is not worked:
                raise BadInput(f"workday table line {number}: {day} is both a holiday and a make-up day", field="kind")
        years = frozenset(day.year for day in exceptions)
        found = (day for year in sorted(years) for day in _days_of(year))
        ordinals = tuple(day.toordinal() for day in found if exceptions.get(day, day.weekday() < SATURDAY))
        return cls(exceptions, years, ordinals)

    @property
    def first(self) -> date | None:
        """The first day that can be answered; None for an empty table."""
        return date(min(self.years), 1, 1) if self.years else None

    @property
    def last(self) -> date | None:
        """The last day that can be answered; None for an empty table."""
        return date(max(self.years) + 1, 1, 1) - timedelta(1) if self.years else None

    def is_workday(self, day: date) -> bool:
        """Whether `day` is worked; `CalendarNotLoaded` for a year the table does not hold."""
        self._hold(day.year, day.year, day)
        return self.exceptions.get(day, day.weekday() < SATURDAY)

    def count(self, start: date, end: date) -> int:
        """Working days from `start` to before `end`; 0 when `end` is not later. [d]

        Raises
        ------
        CalendarNotLoaded
            When a day between them lies in a year the table does not hold.
        """
        if end <= start:
            return 0
        last = end - timedelta(1)
        self._hold(start.year, last.year, last)
        return bisect_left(self._worked, end.toordinal()) - bisect_left(self._worked, start.toordinal())

    def add(self, start_day: date, n: int) -> date:
        """The `n`-th working day after `start_day`, which is itself not counted; before it for a negative `n`. [d]

        Raises
        ------
        CalendarNotLoaded
            When the count would run past the years of the table.
        """
        if n == 0:
            return start_day
        at = start_day.toordinal()
        place = bisect_right(self._worked, at) + n - 1 if n > 0 else bisect_left(self._worked, at) + n
        if not 0 <= place < len(self._worked):
            raise self._not_loaded(f"{abs(n)} working days {'after' if n > 0 else 'before'} {start_day}")
        found = date.fromordinal(self._worked[place])
        # The start day is not counted, so that it may be the last day of a year that is not held.
        nearest = start_day + timedelta(1 if n > 0 else -1)
        self._hold(min(nearest, found).year, max(nearest, found).year, start_day)
        return found

    def _hold(self, first: int, last: int, asked: date) -> None:
        for year in range(first, last + 1):
            if year not in self.years:
                raise self._not_loaded(f"{asked}", year)

    def _not_loaded(self, asked: str, year: int | None = None) -> CalendarNotLoaded:
        held = f"{self.first} to {self.last}" if self.years else "no year at all"
        which = "" if year is None else f" needs the year {year}"
        return CalendarNotLoaded(
            f"calendar not loaded: {asked}{which}; the workday table holds {held}", hint=NEWER_FILE
        )


def _exception(number: int, row: Mapping[str, str]) -> tuple[date, bool]:
    kind, text = row.get("kind"), row.get("date") or ""
    if kind not in (HOLIDAY, MAKE_UP):
        raise BadInput(f"workday table line {number}: kind {kind!r}", field="kind", hint=f"{HOLIDAY} or {MAKE_UP}")
    try:
        return date.fromisoformat(text), kind == MAKE_UP
    except ValueError:
        raise BadInput(f"workday table line {number}: no date {text!r}", field="date", hint="e.g. 2027-01-01") from None


def _days_of(year: int) -> Iterable[date]:
    first = date(year, 1, 1).toordinal()
    return map(date.fromordinal, range(first, date(year + 1, 1, 1).toordinal()))

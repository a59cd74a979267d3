"""Periods that rows are gathered into: months, quarters, years, or all there is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA, Period, Window, instant, window_of

BY = {"month": Period.MONTH, "quarter": Period.QUARTER, "year": Period.YEAR, "all": None}
"""What ``--by`` may say."""


def period_by(word: str) -> Period | None:
    if word not in BY:
        raise BadInput(f"--by {word!r} is unknown", field="by", hint=f"one of {', '.join(BY)}")
    return BY[word]


def midnight(day: date) -> int:
    """Start of a day, China time. [s]"""
    return instant(datetime.combine(day, time(), CHINA))


def windows(days: Iterable[date], by: Period | None) -> list[Window]:
    """The periods that hold these days, in order; without a period one window from the first day to the last."""
    ordered = sorted(set(days))
    if not ordered:
        return []
    if by is None:
        return [Window(Period.DAY, midnight(ordered[0]), midnight(ordered[-1] + timedelta(days=1)))]
    return sorted({window_of(by, midnight(day)) for day in ordered}, key=lambda one: one.start)


def first_day(window: Window) -> date:
    return datetime.fromtimestamp(window.start, CHINA).date()


def last_day(window: Window) -> date:
    return datetime.fromtimestamp(window.end - 1, CHINA).date()


def label(window: Window) -> str:
    """``2026-03``, ``2026-Q1``, ``2026``, or the two dates."""
    first = first_day(window)
    if window.period is Period.MONTH:
        return f"{first:%Y-%m}"
    if window.period is Period.QUARTER:
        return f"{first.year}-Q{(first.month + 2) // 3}"
    if window.period is Period.YEAR:
        return str(first.year)
    return f"{first}..{last_day(window)}"


def holds(window: Window, day: date) -> bool:
    return window.start <= midnight(day) < window.end


def year_before(window: Window) -> Window | None:
    """The same period of the year before; None for a span that is no period of the calendar."""
    if window.period not in (Period.MONTH, Period.QUARTER, Period.YEAR):
        return None
    first = first_day(window)
    return window_of(window.period, midnight(first.replace(year=first.year - 1)))


def before(window: Window) -> Window | None:
    """The period just before."""
    if window.period not in (Period.MONTH, Period.QUARTER, Period.YEAR):
        return None
    return window_of(window.period, window.start - 1)

"""Readings by hand, for judges: no store needed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from jinyun.kernel.terms import CHINA, Flag, Period, Reading, Stat, instant, window_of


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """An instant in China time. [s]"""
    return instant(datetime(year, month, day, hour, tzinfo=CHINA))


def hour_at(*when: int):
    return window_of(Period.HOUR, at(*when))


def day_at(*when: int):
    return window_of(Period.DAY, at(*when))


NOON = at(2026, 11, 22, 12)


class Book:
    """Collects readings; a series id per (factor, stat, period), the row number as seq."""

    def __init__(self) -> None:
        self.rows: list[Reading] = []
        self.series: dict[tuple, int] = {}

    def add(self, factor, value, time=NOON, *, period=Period.HOUR, stat=Stat.AVG, flag=Flag.NORMAL) -> Reading:
        series = self.series.setdefault((factor, stat, period), len(self.series) + 1)
        number = None if value is None else Decimal(str(value))
        row = Reading(series, factor, stat, period, time, number, flag, len(self.rows) + 1, len(self.rows) + 1)
        self.rows.append(row)
        self.rows.sort(key=lambda one: (one.time, one.series))
        return row

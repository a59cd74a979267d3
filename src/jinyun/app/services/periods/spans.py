"""Spans of time that figures are reported for: a month, a quarter, a year, or a year up to a month (1–N月)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA, Period, Window, china_time, instant

KINDS = ("month", "quarter", "year", "ytd")
FORMS = {"month": "2026-10", "quarter": "2026-Q4", "year": "2026", "ytd": "2026-10"}
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PERIODS = {"month": Period.MONTH, "quarter": Period.QUARTER, "year": Period.YEAR, "ytd": Period.YEAR}
FIRST_YEAR, LAST_YEAR = 1990, 2200
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole months [first, after) of which the days before `until` count; all three are China dates."""

    kind: str
    at: str
    first: date
    after: date
    until: date

    @property
    def start(self) -> int:
        """[s]"""
        return seconds(self.first)

    @property
    def end(self) -> int:
        """[s]"""
        return seconds(self.after)

    @property
    def stop(self) -> int:
        """End of the last day that counts. [s]"""
        return seconds(self.until)

    @property
    def closed(self) -> bool:
        return self.until >= self.after

    @property
    def window(self) -> Window:
        return Window(_PERIODS[self.kind], self.start, self.end)

    @property
    def last_day(self) -> date:
        """The last day that counts; before the first one has ended, the first."""
        return max(self.first, self.until - DAY)

    @property
    def days(self) -> int:
        """Calendar days that count."""
        return max(0, (self.until - self.first).days)

    def months(self) -> list[tuple[date, date]]:
        """(first day, first day of the next month) of each month of it."""
        found, one = [], self.first
        while one < self.after:
            found.append((one, month_after(one)))
            one = month_after(one)
        return found

    def words(self) -> tuple[str, str]:
        """As a bulletin heads it: ``2026年10月``, ``2026年1—10月``, ``2026年第四季度``."""
        year, month = self.first.year, self.first.month
        if self.kind == "month":
            zh, en = f"{year}年{month}月", f"{MONTHS_EN[month - 1]} {year}"
        elif self.kind == "quarter":
            number = (month + 2) // 3
            zh, en = f"{year}年第{'一二三四'[number - 1]}季度", f"Q{number} {year}"
        elif self.kind == "year":
            zh, en = f"{year}年", str(year)
        else:
            last = (self.after - DAY).month
            zh = f"{year}年1—{last}月" if last > 1 else f"{year}年1月"
            en = f"Jan–{MONTHS_EN[last - 1]} {year}" if last > 1 else f"Jan {year}"
        if self.closed:
            return zh, en
        last_day = self.last_day
        return (
            f"{zh}（截至{last_day.month}月{last_day.day}日）",
            f"{en} (to {last_day.day} {MONTHS_EN[last_day.month - 1]})",
        )

    def as_dict(self) -> dict[str, Any]:
        zh, en = self.words()
        return {
            "kind": self.kind, "at": self.at, "zh": zh, "en": en, "start": self.start, "end": self.end,
            "days": (self.after - self.first).days, "days_counted": self.days, "closed": self.closed,
            "until": self.last_day.isoformat(),
        }  # fmt: skip

    def year_before(self) -> Span:
        """The same period of the year before, up to the same date when this one is not over."""
        first, after = _year_earlier(self.first), _year_earlier(self.after)
        at = f"{int(self.at[:4]) - 1}{self.at[4:]}"
        until = after if self.closed else min(after, max(first, _year_earlier(self.until)))
        return replace(self, at=at, first=first, after=after, until=until)


def span(kind: str, at: str, now_s: int) -> Span:
    """The span of `kind` at ``2026-10``, ``2026-Q4`` or ``2026``; days that have not ended by `now_s` do not count.

    Raises
    ------
    BadInput
        With the form that would work.
    """
    if kind not in KINDS:
        raise BadInput(f"no period {kind!r}", field="period", hint=f"one of {', '.join(KINDS)}")
    first, after = _bounds(kind, at)
    today = china_time(now_s).date()
    if first > today:
        raise BadInput(f"{at} has not begun", field="at", hint=f"today is {today.isoformat()}")
    return Span(kind, at, first, after, min(after, max(first, today)))


def newest(kind: str, at_s: int) -> str:
    """What `at` is for the period of `kind` that holds an instant."""
    day = china_time(at_s).date()
    if kind == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return str(day.year) if kind == "year" else f"{day.year}-{day.month:02d}"


def _bounds(kind: str, at: str) -> tuple[date, date]:
    pattern = {"quarter": r"(\d{4})-?[Qq]([1-4])", "year": r"(\d{4})()"}.get(kind, r"(\d{4})-(0[1-9]|1[0-2])")
    found = re.fullmatch(pattern, at)
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise BadInput(f"{at!r} names no {kind}", field="at", hint=f"write it like {FORMS[kind]}")
    year = int(found[1])
    if kind == "year":
        return date(year, 1, 1), date(year + 1, 1, 1)
    number = int(found[2])
    if kind == "quarter":
        first = date(year, 3 * number - 2, 1)
        return first, month_after(month_after(month_after(first)))
    return date(year, 1 if kind == "ytd" else number, 1), month_after(date(year, number, 1))


def month_after(day: date) -> date:
    """First day of the month after the one that holds `day`."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _year_earlier(day: date) -> date:
    """29 February becomes 1 March: it bounds from above, so the whole of February counts."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 3, 1)


def seconds(day: date) -> int:
    """Start of a China day. [s]"""
    return instant(datetime(day.year, day.month, day.day, tzinfo=CHINA))


def day_of(at: int) -> date:
    """China date of an instant [s]."""
    return china_time(at).date()

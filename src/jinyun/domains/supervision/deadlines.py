"""By when something is to be finished: natural hours of a case by kind and level, and the time limits of the rules."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.records import ClockRule
from jinyun.kernel.tables import csv_rows, toml_table
from jinyun.methods.workdays import WorkCalendar

PACKAGE = "jinyun.domains.supervision"
TABLE = "deadlines.toml"
LIMITS = "rule_deadlines.csv"
WORKDAYS = "china_workday_exceptions.csv"
APPROVAL = "hw.x.valid"
"""The time limit of an approval of a cross-province transfer."""

MONTHS_OF_QUARTER = 3

MILDEST = 4
"""The level of a case that nobody gave one."""


def deadline_hours(kind: str, level: int) -> int:
    """Natural hours that a case of `kind` and `level` (1 most serious … 4) may take. [h]"""
    table = toml_table(PACKAGE, TABLE)
    hours: int = table.get(kind, table["default"])[str(level)]
    return hours


def deadline(opened_at: int, hours: int) -> int:
    """The last moment, given the opening. [s]"""
    return opened_at + hours * 3600


def overdue(deadline_at: int, now: int) -> bool:
    """Whether the deadline is over; the moment itself still counts. [s]"""
    return now > deadline_at


# --- time limits of the rules -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """One row of ``rule_deadlines.csv``."""

    id: str
    trigger: str
    action: str
    who: str
    value: str  # a number, or MM-DD with the unit `date`
    unit: str  # workday, day, month, year, workday before, day before, date, day of …
    source: str
    verified: str
    note: str


@cache
def _limits() -> Mapping[str, TimeLimit]:
    names = ("trigger", "action", "who", "value", "unit", "source", "verified", "note")
    return {
        row["rule_id"]: TimeLimit(row["rule_id"], *(row[name] for name in names)) for row in csv_rows(PACKAGE, LIMITS)
    }


def time_limits() -> tuple[TimeLimit, ...]:
    """All time limits of the table."""
    return tuple(_limits().values())


def time_limit(rule_id: str) -> TimeLimit:
    """The time limit of a rule, e.g. ``case.12369.finish``; `NotFound` names the nearest."""
    try:
        return _limits()[rule_id]
    except KeyError:
        raise NotFound("time limit", rule_id, known=_limits()) from None


@cache
def work_calendar() -> WorkCalendar:
    """The working days of the table that comes with Jinyun."""
    return WorkCalendar.from_rows(csv_rows(PACKAGE, WORKDAYS))


def last_day(start: date, value: int | str, unit: str, calendar: WorkCalendar) -> date:
    """The last day on which an act is in time. The day of the start is not counted.

    Parameters
    ----------
    value : int or str
        How many units, or ``MM-DD`` with the unit ``date``: the first such day after the start.
    unit : str
        ``workday``, ``day``, ``month``, ``year`` after the start; ``workday before``, ``day before`` it; ``date``;
        ``day of next month``; ``day of first month of next quarter``. A month ends on the same day of the month, or
        on its last when it has no such day.

    Raises
    ------
    BadInput
        For a unit or value that gives no day.
    CalendarNotLoaded
        When working days are counted past the table.
    """
    if unit == "date":
        return _next_date(start, str(value))
    try:
        n = int(value)
    except ValueError:
        raise BadInput(f"time limit {value!r} {unit}: no whole number", field="value") from None
    if unit in ("workday", "workday before"):
        return calendar.add(start, n if unit == "workday" else -n)
    if unit in ("day", "day before"):
        return start + timedelta(n if unit == "day" else -n)
    if unit == "month":
        return _months_later(start, n)
    if unit == "year":
        return _months_later(start, n * 12)
    if unit == "day of next month":
        return _months_later(start.replace(day=1), 1).replace(day=n)
    if unit == "day of first month of next quarter":
        ahead = MONTHS_OF_QUARTER - (start.month - 1) % MONTHS_OF_QUARTER
        return _months_later(start.replace(day=1), ahead).replace(day=n)
    known = "workday, day, month, year, workday before, day before, date, day of next month"
    raise BadInput(f"time limit {value!r} {unit!r}: gives no last day", field="unit", hint=f"known: {known}")


def rule_last_day(rule_id: str, start: date, calendar: WorkCalendar) -> date:
    """`last_day` of a rule of the table."""
    limit = time_limit(rule_id)
    return last_day(start, limit.value, limit.unit, calendar)


def late(last: date, act: date) -> bool:
    """Whether an act comes after the last day; that day itself is in time, until midnight."""
    return act > last


def approval_end(approved: date, applied_end: date, licence_end: date, calendar: WorkCalendar) -> date:
    """The last day of an approval of a cross-province transfer: its 12 months, not past what was applied for, nor past
    the receiver's licence.

    References
    ----------
    .. [1] Order 23 of 2021 (transfer of hazardous waste), art 27.
    """
    return min(rule_last_day(APPROVAL, approved, calendar), applied_end, licence_end)


def resolved(rule: ClockRule) -> ClockRule:
    """A clock whose time, or its extensions', stands in the rule table, with that time in it; others as they are.

    Raises
    ------
    BadInput
        When the table gives it in another unit than the clock counts in.
    """
    if any(one.rule and one.amount is None for one in rule.extends):
        extends = tuple(
            replace(one, amount=_in_unit(rule, one.rule)) if one.rule and one.amount is None else one
            for one in rule.extends
        )
        rule = replace(rule, extends=extends)
    if not rule.rule or rule.amount is not None:
        return rule
    return replace(rule, amount=_in_unit(rule, rule.rule))


def _in_unit(rule: ClockRule, row: str) -> int:
    limit = time_limit(row)
    if limit.unit != rule.unit:
        raise BadInput(f"clock {rule.name} counts in {rule.unit}, {row} gives {limit.value} {limit.unit}", field="unit")
    return int(limit.value)


def _months_later(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _next_date(start: date, text: str) -> date:
    try:
        found = date.fromisoformat(f"{start.year}-{text}")
        return found if found > start else found.replace(year=start.year + 1)
    except ValueError:
        raise BadInput(f"time limit {text!r}: no date", field="value", hint="MM-DD, e.g. 03-31") from None

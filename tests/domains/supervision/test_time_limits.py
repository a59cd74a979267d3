"""Time limits of the rules: the kinds of units, and agreement of the last day with the clock."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from jinyun.domains.supervision.deadlines import (
    approval_end,
    deadline,
    deadline_hours,
    last_day,
    late,
    overdue,
    rule_last_day,
    time_limit,
    time_limits,
    work_calendar,
)
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.records import ClockRule
from jinyun.kernel.terms import instant
from jinyun.methods.clock_ledger import ClockEvent
from jinyun.methods.clocks import clock_state
from jinyun.methods.workdays import CalendarNotLoaded

CASES = json.loads((Path(__file__).parents[2] / "data/rules_examples/workday_deadlines.json").read_text("utf-8"))
CALENDAR = work_calendar()


@pytest.mark.parametrize(
    "given_expected", [(c["given"], c["expect"]) for c in CASES["cases"] if "n" in c["given"]], ids=str
)
def test_the_clock_ends_on_the_last_day(given_expected):
    given, expected = given_expected
    rule = ClockRule("c", "时限", "Limit", given["unit"], given["n"])
    start = instant(datetime.fromisoformat(f"{given['start']}T15:30")) * 1_000_000
    for hour, minute in ((0, 0), (23, 59)):
        act = instant(datetime.fromisoformat(f"{given['act']}T{hour:02}:{minute:02}")) * 1_000_000
        state = clock_state([ClockEvent(start, "start")], rule, act, CALENDAR)
        assert (state.due.isoformat(), state.late) == (expected["last"], expected["late"])


@pytest.mark.parametrize(
    ("value", "unit", "start", "last"),
    [
        (3, "month", "2024-11-30", "2025-02-28"),
        (12, "month", "2023-05-10", "2024-05-10"),
        (5, "year", "2024-02-29", "2029-02-28"),
        (60, "day before", "2024-03-01", "2024-01-01"),
        (30, "workday before", "2024-02-19", "2024-01-03"),  # 18; 5 to 9; 4; four weeks of 5; 5, 4, 3
        ("03-31", "date", "2024-01-01", "2024-03-31"),
        ("03-31", "date", "2023-12-31", "2024-03-31"),
        ("03-31", "date", "2024-03-31", "2025-03-31"),
        (15, "day of next month", "2024-12-31", "2025-01-15"),
        (15, "day of first month of next quarter", "2024-03-31", "2024-04-15"),
        (15, "day of first month of next quarter", "2024-10-01", "2025-01-15"),
    ],
)
def test_other_units_of_the_table(value, unit, start, last):
    assert last_day(date.fromisoformat(start), value, unit, CALENDAR).isoformat() == last


def test_every_rule_of_the_table_gives_a_day_or_says_why_not():
    without = []
    for limit in time_limits():
        try:
            assert rule_last_day(limit.id, date(2024, 6, 3), CALENDAR) != date(2024, 6, 3)
        except BadInput:
            without.append(limit.id)
    assert without == ["case.inspection.report"]  # daily batches: no figure
    assert len(time_limits()) == 37


def test_what_is_unknown_is_named():
    with pytest.raises(NotFound, match=r"case\.12369\.finish"):
        time_limit("case.12369.finnish")
    with pytest.raises(BadInput, match="no date"):
        last_day(date(2024, 1, 1), "13-01", "date", CALENDAR)
    with pytest.raises(CalendarNotLoaded):
        rule_last_day("hw.accept", date(2026, 12, 30), CALENDAR)


def test_the_last_day_is_in_time_and_an_approval_ends_with_the_first_of_three():
    assert not late(date(2024, 2, 4), date(2024, 2, 4))
    assert late(date(2024, 2, 4), date(2024, 2, 5))
    far = date(2030, 1, 1)
    assert approval_end(date(2024, 2, 29), far, far, CALENDAR) == date(2025, 2, 28)


def test_hours_of_cases_stay():
    assert deadline(0, deadline_hours("unknown kind", 1)) == deadline_hours("unknown kind", 1) * 3600
    assert not overdue(3600, 3600)
    assert overdue(3600, 3601)

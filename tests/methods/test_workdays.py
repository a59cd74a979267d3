"""Working days against the State Council's notices, and the end of what is known."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.supervision.deadlines import work_calendar
from jinyun.kernel.errors import BadInput
from jinyun.methods.workdays import CalendarNotLoaded, WorkCalendar

CALENDAR = work_calendar()
SHARED = Path(__file__).parents[3] / "shared" / "standards" / "china_workday_exceptions.csv"


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2024-02-09", True),  # eve of the Spring Festival 2024 was worked
        ("2024-02-10", False),
        ("2024-02-16", False),  # Friday, holiday
        ("2024-02-18", True),  # Sunday, made up
        ("2024-02-17", False),  # Saturday, holiday
        ("2024-02-19", True),
        ("2024-02-25", False),  # an ordinary Sunday
        ("2023-10-07", True),  # Saturday, made up for National Day
        ("2023-12-31", False),
        ("2026-10-10", True),
    ],
)
def test_days_of_the_notices(day, worked):
    assert CALENDAR.is_workday(date.fromisoformat(day)) is worked


def test_the_last_and_first_year_are_whole():
    assert (CALENDAR.first, CALENDAR.last) == (date(2018, 1, 1), date(2026, 12, 31))
    assert CALENDAR.is_workday(date(2026, 12, 31))  # Thursday


@pytest.mark.parametrize("day", [date(2027, 1, 4), date(2027, 1, 1), date(2017, 12, 29), date(2030, 6, 3)])
def test_beyond_the_table_there_is_no_monday_to_friday(day):
    with pytest.raises(CalendarNotLoaded, match="calendar not loaded") as caught:
        CALENDAR.is_workday(day)
    assert caught.value.code == "calendar-not-loaded"
    assert str(day.year) in str(caught.value)
    assert "2026-12-31" in str(caught.value)


def test_counting_past_the_table_is_refused_and_up_to_its_end_is_not():
    assert CALENDAR.add(date(2026, 12, 24), 5) == date(2026, 12, 31)
    with pytest.raises(CalendarNotLoaded):
        CALENDAR.add(date(2026, 12, 24), 6)
    with pytest.raises(CalendarNotLoaded):
        CALENDAR.add(date(2018, 1, 5), -5)
    assert CALENDAR.count(date(2026, 12, 28), date(2027, 1, 1)) == 4
    with pytest.raises(CalendarNotLoaded):
        CALENDAR.count(date(2026, 12, 28), date(2027, 1, 2))


def test_a_start_on_the_day_before_the_table_is_not_counted():
    assert CALENDAR.add(date(2017, 12, 31), 1) == date(2018, 1, 2)


def test_a_year_that_is_left_out_is_not_passed_over():
    calendar = WorkCalendar.from_rows(
        [{"date": "2024-01-01", "kind": "holiday"}, {"date": "2026-01-01", "kind": "holiday"}]
    )
    with pytest.raises(CalendarNotLoaded, match="2025"):
        calendar.add(date(2024, 12, 30), 3)
    with pytest.raises(CalendarNotLoaded, match="no year at all"):
        WorkCalendar.from_rows([]).is_workday(date(2024, 1, 1))


days = st.dates(date(2018, 3, 1), date(2026, 8, 1))


@given(days, st.integers(1, 60))
def test_add_and_count_say_the_same_as_a_walk(start, n):
    day, seen = start, 0
    while seen < n:
        day += timedelta(1)
        seen += CALENDAR.is_workday(day)
    assert CALENDAR.add(start, n) == day
    assert CALENDAR.count(start + timedelta(1), day + timedelta(1)) == n


@given(days, st.integers(1, 30))
def test_counting_back_is_the_walk_back(start, n):
    day, seen = start, 0
    while seen < n:
        day -= timedelta(1)
        seen += CALENDAR.is_workday(day)
    assert CALENDAR.add(start, -n) == day


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"date": "2024-02-30", "kind": "holiday"}], "line 2: no date '2024-02-30'"),
        ([{"date": "2024-02-01", "kind": "rest"}], "line 2: kind 'rest'"),
        (
            [{"date": "2024-02-01", "kind": "holiday"}, {"date": "2024-02-01", "kind": "make_up_workday"}],
            "line 3: 2024-02-01 is both",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_named(rows, what):
    with pytest.raises(BadInput, match=what):
        WorkCalendar.from_rows(rows)


def test_the_table_is_the_shared_one():
    if not SHARED.is_file():
        pytest.skip("no shared standards beside the repository")
    ours = Path(__file__).parents[2] / "src/jinyun/domains/supervision/tables/china_workday_exceptions.csv"
    assert list(csv.DictReader(ours.open(encoding="utf-8"))) == list(csv.DictReader(SHARED.open(encoding="utf-8")))

"""A newer table of holidays in the node's folder: taken up when it comes, refused when it is not whole."""

from __future__ import annotations

import os
from datetime import date

import pytest

from jinyun.app.work_calendar import NodeCalendar, load_work_calendar
from jinyun.domains.supervision.deadlines import work_calendar
from jinyun.kernel.errors import BadInput
from jinyun.methods.workdays import CalendarNotLoaded

NAME = "china_workday_exceptions.csv"
YEAR = (
    "date,kind,festival\n2027-01-01,holiday,元旦\n2027-01-04,holiday,made up for this test\n2027-10-01,holiday,国庆\n"
)


def put(folder, text, encoding="utf-8"):
    (folder / NAME).write_bytes(text.encode(encoding))


def test_without_a_file_it_is_the_shipped_table(tmp_path):
    assert NodeCalendar(tmp_path)() == NodeCalendar(None)() == work_calendar()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_new_year_is_taken_up_without_a_restart(tmp_path, encoding):
    calendar = NodeCalendar(tmp_path)
    with pytest.raises(CalendarNotLoaded):
        calendar().add(date(2026, 12, 31), 1)
    put(tmp_path, YEAR, encoding)
    assert calendar().add(date(2026, 12, 31), 1) == date(2027, 1, 5)
    assert calendar().add(date(2024, 2, 5), 5) == date(2024, 2, 18)  # the shipped years are still there
    assert calendar() is calendar()
    (tmp_path / NAME).unlink()
    with pytest.raises(CalendarNotLoaded):
        calendar().is_workday(date(2027, 1, 5))


def test_a_row_of_the_file_wins(tmp_path):
    put(tmp_path, "date,kind\n2026-12-31,holiday\n")
    assert not load_work_calendar(tmp_path / NAME).is_workday(date(2026, 12, 31))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("date,kind\n2027-01-01,holiday\n", "2027 is not whole"),
        ("date,kind\n2027-10-01,make_up_workday\n", "2027 is not whole"),
        ("date,kind\n2027-13-01,holiday\n", "line 2: no date"),
        ("date,kind\n2027-10-01,holiday\n2027-10-02,off\n", "line 3: kind 'off'"),
        ("day,what\n2027-10-01,holiday\n", "no column date and kind"),
        ("", "no column date and kind"),
        ("date,kind\n2027-10-01\n", "line 2: kind ''"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_leaves_the_last_good_one(tmp_path, text, what):
    calendar = NodeCalendar(tmp_path)
    put(tmp_path, YEAR)
    assert calendar().is_workday(date(2027, 1, 5))
    put(tmp_path, text)
    os.utime(tmp_path / NAME, ns=(1, 1))
    assert calendar().is_workday(date(2027, 1, 5))
    assert what in calendar.problem
    assert NAME in calendar.problem
    with pytest.raises(BadInput, match=NAME):
        load_work_calendar(tmp_path / NAME)
    put(tmp_path, YEAR)
    os.utime(tmp_path / NAME, ns=(2, 2))
    calendar()
    assert calendar.problem == ""


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / NAME).write_bytes(b"date,kind\n\xff\xff\xff")
    with pytest.raises(BadInput, match="neither UTF-8 nor GB 18030"):
        load_work_calendar(tmp_path / NAME)

"""The exception "/" of HJ 633-2026, 5.3: only an item that was never primary on a polluted day of three years."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.planned import may_leave_out
from jinyun.kernel.errors import UnknownFactor

ON = date(2029, 4, 1)
CLEAN = {"so2": "8", "no2": "20", "co": "0.7", "o3": "90", "pm10": "45", "pm2_5": "30"}


def history(first=date(2026, 4, 1), **changes):
    """Every day before `ON`; `changes` by ISO date."""
    return [
        DayValues(day, {name: Decimal(text) for name, text in {**CLEAN, **changes.get(day.isoformat(), {})}.items()})
        for day in (first + timedelta(days=n) for n in range((ON - first).days))
    ]


def test_never_primary_may_be_left_out():
    found = may_leave_out("so2", history(**{"2027-01-10": {"pm2_5": "90"}}), on=ON)
    assert (found.allowed, found.primary_on, found.valid_days) == (True, (), 1096)
    assert (found.first, found.last) == (date(2026, 4, 1), date(2029, 3, 31))


def test_once_primary_on_a_polluted_day_forbids_it():
    # SO2 500 as a day mean: above 475, IAQI 154 and so 中度污染.
    found = may_leave_out("so2", history(**{"2027-01-10": {"so2": "500"}}), on=ON)
    assert (found.allowed, found.primary_on) == (False, (date(2027, 1, 10),))
    assert "不得" in found.note_zh


def test_primary_on_a_good_day_does_not_count_and_a_tie_does():
    # SO2 120 -> IAQI 85: primary, but the day is good.
    assert may_leave_out("so2", history(**{"2027-01-10": {"so2": "120"}}), on=ON).allowed
    # SO2 475 -> 150; PM10 250 -> 150: both are primary.
    assert not may_leave_out("so2", history(**{"2027-01-10": {"so2": "475", "pm10": "250"}}), on=ON).allowed


def test_what_was_not_measured_proves_nothing():
    found = may_leave_out("so2", history(first=date(2027, 4, 1)), on=ON)
    assert not found.allowed
    assert "无法确认" in found.note_zh
    # Days older than three years are not looked at.
    old = DayValues(date(2026, 3, 31), {"so2": Decimal(2000)})
    assert may_leave_out("so2", [old, *history()], on=ON).allowed


def test_an_unknown_item_is_refused():
    with pytest.raises(UnknownFactor):
        may_leave_out("so3", [], on=ON)

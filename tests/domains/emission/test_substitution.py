"""Substituted amounts (HJ 75-2017, HJ 356-2019): the amount only, with where it was taken from."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from jinyun.domains.emission.substitution import (
    INVALID,
    OUT_OF_CONTROL,
    STOPPED,
    AmountHour,
    LoadDay,
    fill_days,
    fill_hours,
    look_back,
)
from jinyun.kernel.errors import BadInput

ON, D = date(2026, 3, 1), Decimal


@pytest.mark.parametrize("cause", [INVALID, OUT_OF_CONTROL])
@pytest.mark.parametrize(
    ("capture", "gap", "hours"),
    [("90", 24, 180), ("90", 25, 720), ("92.5", 1, 180), ("89.99", 1, 2160), ("75", 99, 2160), ("74.9", 3, None)],
)
def test_how_far_to_look_back(capture, gap, hours, cause):
    assert look_back(D(capture), gap, on=ON, cause=cause).hours == hours


def hours(*amounts, first=0):
    """Amounts of consecutive hours; None an invalid one, "stop" a stopped one, "ooc" one out of control."""
    states = {None: INVALID, "stop": STOPPED, "ooc": OUT_OF_CONTROL}
    return [
        AmountHour(first + 3600 * n, D(a) if isinstance(a, int) else None, states.get(a, "valid"))
        for n, a in enumerate(amounts)
    ]


def test_a_gap_takes_the_highest_of_the_hours_before_it():
    found = fill_hours(hours(3, 9, 4, None, None, 50), D(95), on=ON)
    assert [part.amount for part in found.parts] == [3, 9, 4, 9, 9, 50]
    assert [part.filled for part in found.parts] == [False, False, False, True, True, False]
    assert (found.measured, found.filled, found.total, found.open) == (66, 18, 84, 0)
    assert found.parts[3].taken_from == 3600
    assert "180" in found.parts[3].reason


def test_only_the_last_valid_hours_are_looked_at():
    before = hours(100, *[5] * 180)
    found = fill_hours(hours(None, first=3600 * 181), D(95), on=ON, history=before)
    assert found.filled == 5  # the 100 is the 181st
    low_capture = fill_hours(hours(None, first=3600 * 181), D(80), on=ON, history=before)
    assert low_capture.filled == 100  # 2160 hours


def test_a_long_gap_looks_further_back():
    before = hours(100, *[5] * 200)
    day = fill_hours(hours(*[None] * 24, first=3600 * 201), D(95), on=ON, history=before)
    more = fill_hours(hours(*[None] * 25, first=3600 * 201), D(95), on=ON, history=before)
    assert (day.filled, more.filled) == (5 * 24, 100 * 25)


def test_out_of_control_counts_from_the_last_good_calibration():
    run = hours(4, 8, 20, "ooc", 6)
    assert fill_hours(run, D(95), on=ON).filled == 20
    assert fill_hours(run, D(95), on=ON, calibrations=[7200, 99999]).filled == 8


def test_below_75_per_cent_only_manual_figures():
    gap = [*hours(4), AmountHour(3600, None, INVALID, D(7)), AmountHour(7200, None, INVALID)]
    found = fill_hours(gap, D(70), on=ON)
    assert [part.amount for part in found.parts] == [4, 7, None]
    assert (found.filled, found.open) == (7, 1)
    assert "手工" in found.parts[2].reason


def test_stopped_hours_emit_nothing_and_nothing_before_means_open():
    found = fill_hours(hours("stop", None, 5), D(95), on=ON)
    assert [part.amount for part in found.parts] == [0, None, 5]
    assert found.open == 1
    with pytest.raises(BadInput):
        look_back(D(95), 1, on=ON, cause="weather")


def days(*loads, first=ON):
    return [
        LoadDay(first + timedelta(n), None if load is None else D(load), "valid" if load is not None else INVALID)
        for n, load in enumerate(loads)
    ]


def test_water_takes_the_highest_of_thirty_valid_days():
    run = days(90, *[10] * 29, None)
    assert fill_days(run, on=ON).filled == 90
    assert fill_days(days(90, *[10] * 30, None), on=ON).filled == 10
    assert fill_days(days(30, 90, None), on=ON, last_good=ON + timedelta(1)).filled == 30


@pytest.mark.parametrize(("readings", "filled"), [(4, 12), (3, 50)])
def test_manual_readings_come_first_when_there_are_four(readings, filled):
    gap = LoadDay(ON + timedelta(1), None, INVALID, D(12), readings)
    assert fill_days([*days(50), gap], on=ON).filled == filled

"""Closing of tasks, lag of works, patrols, fines and warnings at and around their limits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from jinyun.domains.supervision.heavy_pollution import schemes, warning_level
from jinyun.domains.supervision.patrol import patrol_counts, periods_without
from jinyun.domains.supervision.penalties import bands, penalty_band, statutory_range
from jinyun.domains.supervision.rectification import Check, Figure, Measured, held_days, rectification_state
from jinyun.domains.supervision.works import PlanPoint, project_lag
from jinyun.kernel.errors import BadInput

D = Decimal
ALL = dict.fromkeys(("measures", "solved", "mechanism", "proper", "papers"), True)


def may(day):
    return date(2024, 5, day)


THREE = [Check("self_check", may(6)), Check("recheck", may(13)), Check("office_check", may(20))]
FIGURE = Figure("NH3-N", D("1.0"), hold_days=3, watch_days=5)
GOOD = [Measured(may(day), D("1.0")) for day in (17, 18, 19)]


def state(steps=THREE, met=ALL, *, deadline=may(31), as_of=date(2024, 6, 30), **more):
    return rectification_state(steps, met, deadline=deadline, as_of=as_of, **more)


@pytest.mark.parametrize(
    ("day", "value", "found"),
    [
        (21, "1.0", "closed"),  # equal to the limit meets it
        (21, "1.01", "reopened"),
        (25, "1.01", "reopened"),  # the last day it is watched
        (26, "1.01", "closed"),
    ],
)
def test_a_break_while_watched_reopens(day, value, found):
    assert state(figure=FIGURE, readings=[*GOOD, Measured(may(day), D(value))]).state == found


def test_a_reopened_task_begins_its_checks_again_and_is_late_after_its_deadline():
    readings = [*GOOD, Measured(may(22), D("3"))]
    again = state(figure=FIGURE, readings=readings)
    assert (again.state, again.late, again.closed_on) == ("reopened", True, None)
    assert not state(figure=FIGURE, readings=readings, as_of=may(30)).late
    steps = [*THREE, Check("office_check", may(23)), Check("self_check", may(24)), Check("recheck", may(25))]
    half = state(steps, figure=FIGURE, readings=readings)
    assert (half.state, [one.why for one in half.refused]) == ("rechecked", ["order"])
    more = [*readings, *(Measured(may(day), D("0.9")) for day in (26, 27, 28))]
    done = state([*steps, Check("office_check", may(28))], figure=FIGURE, readings=more)
    assert (done.state, done.closed_on, done.late) == ("closed", may(28), False)


def test_days_that_hold_are_counted_back_without_a_break():
    readings = [
        Measured(may(day), D(value)) for day, value in ((10, "2"), (12, "1"), (13, "1"), (13, "1.2"), (14, "1"))
    ]
    assert held_days(FIGURE, readings, may(14)) == 1  # one bad reading spoils its day
    assert held_days(FIGURE, readings, may(12)) == 1
    assert held_days(FIGURE, readings, may(9)) == 0
    oxygen = Figure("DO", D("5"), 1, op="ge")
    assert held_days(oxygen, [Measured(may(1), D("5"))], may(2)) == 1


def test_closing_on_the_deadline_is_in_time():
    assert not state(deadline=may(20)).late
    assert state(deadline=may(19)).late
    assert state(as_of=may(19)).state == "rechecked"  # what comes later is not looked at
    assert state(met={}).refused[0].why == "conditions:measures,solved,mechanism,proper,papers"


def test_what_a_task_does_not_know_is_refused():
    with pytest.raises(BadInput, match="tidy"):
        state(met={"tidy": True})
    with pytest.raises(BadInput, match="office"):
        state([Check("office", may(6))])


# --- works ------------------------------------------------------------------------------------------------------------

YEAR_END = date(2024, 12, 31)


@pytest.mark.parametrize(
    ("done", "light"),
    [("10000", "green"), ("9999.99", "yellow"), ("9000", "yellow"), ("8999.99", "red"), ("0", "red")],
)
def test_lights_at_their_limits(done, light):
    assert project_lag(YEAR_END, D("10000"), D(done)).light == light


def test_the_day_of_a_start_or_end_is_in_time():
    def light(day, **more):
        return project_lag(day, D("100"), D("100"), **more)

    start = {"planned_start": date(2024, 2, 28)}
    assert light(date(2024, 2, 28), **start).reasons == ()
    assert light(date(2024, 2, 29), **start).reasons == ("not_started",)
    assert light(date(2024, 2, 29), **start, started=date(2024, 3, 5)).light == "red"  # not yet, on that day
    assert light(date(2024, 3, 5), **start, started=date(2024, 3, 5)).reasons == ()
    both = light(YEAR_END, **start, planned_end=date(2024, 12, 1))
    assert both.reasons == ("not_started", "not_finished")


def test_a_curve_holds_until_its_next_point_and_nothing_due_is_no_lag():
    curve = [PlanPoint(date(2024, 6, 30), D("0.4")), PlanPoint(date(2024, 3, 31), D("0.1"))]
    assert project_lag(date(2024, 6, 29), D("1000"), D("100"), curve=curve).due == D("100.00")
    early = project_lag(date(2024, 3, 30), D("1000"), D("0"), curve=curve)
    assert (early.due, early.ratio, early.light) == (D("0.00"), None, "green")
    with pytest.raises(BadInput, match="rise"):
        project_lag(YEAR_END, D("1"), D("1"), curve=[PlanPoint(may(1), D("0.5")), PlanPoint(may(2), D("0.4"))])
    with pytest.raises(BadInput, match="below 0"):
        project_lag(YEAR_END, D("-1"), D("1"))


# --- patrols ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rank", "minutes", "km", "hours", "reasons"),
    [
        ("town", "30", "2", "96.1", ()),
        ("town", "29.9", "2", "96.1", ("too_short",)),
        ("village", "30", "1.99", None, ("too_near",)),  # the first patrol has none before it
        ("county", "30", "0.1", "96", ("too_soon",)),
    ],
)
def test_a_patrol_at_its_limits(rank, minutes, km, hours, reasons):
    found = patrol_counts(rank, D(minutes), D(km), None if hours is None else D(hours))
    assert (found.counts, found.reasons) == (not reasons, reasons)


def test_periods_that_lack_a_patrol():
    year = date(2024, 1, 1), YEAR_END
    assert periods_without("county", [date(2024, 2, 1), date(2024, 7, 1), YEAR_END], *year) == [
        (date(2024, 4, 1), date(2024, 6, 30))
    ]
    months = periods_without("town", [date(2024, 4, 30)], *year)
    assert [first.month for first, _ in months] == [3, 5, 6, 7, 8, 9, 10, 11, 12]  # March to December
    weeks = periods_without("village", [], date(2024, 3, 1), date(2024, 3, 31))
    assert weeks == [(date(2024, 3, monday), date(2024, 3, monday + 6)) for monday in (4, 11, 18, 25)]
    assert periods_without("village", [date(2024, 3, 10)], date(2024, 3, 4), date(2024, 3, 10)) == []
    with pytest.raises(BadInput, match="county, town, village"):
        patrol_counts("city", D(1), D(1))


# --- fines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "repeats", "low", "high"),
    [("2.99", 0, 10, 12), ("3", 0, 25, 28), ("9.99", 2, 28, 30), ("10", 3, 55, 65), ("0", 1, 12, 15)],
)
def test_bands_at_their_limits(quantity, repeats, low, high):
    """ "Below" excludes and "above" includes the number."""
    found = penalty_band("filled_but_wrong", D(quantity), True, repeats)
    assert (found.low, found.high, found.ordinary) == (low, high, D(low + high) / 2)


def test_every_row_of_the_bands_is_reached_once():
    found = {
        penalty_band(degree, D(quantity), corrected, repeats).grounds
        for degree in ("filled_but_wrong", "not_filled")
        for quantity in (1, 5, 50)
        for corrected in (True, False)
        for repeats in (0, 1, 3)
    }
    assert len(found) == 36 == len(bands()) - 1
    with pytest.raises(BadInput, match="forgotten"):
        penalty_band("forgotten", D(1), True, 0)
    with pytest.raises(BadInput, match="no band"):
        penalty_band("not_filled", D(1), True, -1)


def test_the_frame_of_the_law():
    assert (statutory_range("112", D("20.01"), item=10).low, statutory_range("112", D("19"), item=10).low) == (
        D("60.03"),
        60,
    )
    assert statutory_range("113", D(7)).high == 21  # no least cost there
    assert (statutory_range("114 no licence").low, statutory_range("114 outside licence").high) == (100, 200)
    with pytest.raises(BadInput, match="disposal cost"):
        statutory_range("112", item=3)
    with pytest.raises(BadInput, match="item 14"):
        statutory_range("112", item=14)


# --- warnings ---------------------------------------------------------------------------------------------------------


def level(scheme, joined=False, **forecast):
    days = {item: [None if day is None else D(day) for day in values] for item, values in forecast.items()}
    return warning_level(scheme, days, joined=joined).level


def test_a_missing_day_ends_a_run_and_the_run_may_lie_anywhere():
    assert level("national_2017", aqi=[210, None, 210, 210]) == "yellow"
    assert level("national_2017", aqi=[100, 210, 301, 210, 100]) == "orange"
    assert level("national_2017", aqi=[100, 500]) == "red"
    assert level("national_2017", aqi=[499]) == "blue"
    assert level("national_2017", aqi=[]) == "none"


def test_joined_episodes_count_as_one():
    two = [210, 310, 150, 320]
    assert level("national_2017", aqi=two) == "yellow"
    assert level("national_2017", aqi=two, joined=True) == "orange"  # four days, the two above 300 not running
    assert level("national_2017", aqi=[210, 310, None, 320], joined=True) == "yellow"
    assert level("national_2017", aqi=[310, 150, 150, 310], joined=True) == "blue"  # two cleaner days end it


def test_chongqing_by_each_item():
    quiet = [100, 100, 100]
    assert level("chongqing_2022", aqi=[201]) == "yellow"
    assert level("chongqing_2022", aqi=quiet, pm2_5=[115, 116, 115]) == "none"
    assert level("chongqing_2022", aqi=quiet, o3_8h=[216, 266, 216]) == "orange"
    assert level("chongqing_2022", aqi=quiet, o3_8h=[216, 265, 216]) == "yellow"
    assert "national_2024" in schemes()
    found = warning_level("chongqing_2022", {"pm2_5": [D(80), D(118), D(121)]})
    assert (found.zh, found.first, [way.item for way in found.ways]) == ("黄色预警", 1, ["pm2_5"])
    assert found.ways[0].words == "pm2_5 > 115 ug/m3, 2 d"


def test_what_a_forecast_does_not_know_is_refused():
    with pytest.raises(BadInput, match="chengdu"):
        level("chengdu", aqi=[1])
    with pytest.raises(BadInput, match="so2"):
        level("national_2017", so2=[1])
    with pytest.raises(BadInput, match="different numbers of days"):
        level("chongqing_2022", aqi=[1], pm2_5=[1, 2])

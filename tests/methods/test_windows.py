"""Windows: figures by hand, what makes them valid, and both forms equal on anything."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.kernel.ports import MICRO, NO_VALUE
from jinyun.methods import window_columns as many
from jinyun.methods.windows import (
    ARITHMETIC,
    NON_DETECT,
    TOO_LARGE,
    How,
    Level,
    Part,
    State,
    WindowRule,
    bounds,
    figure,
    flow_weighted,
    max_8h,
)

DAY = 1_767_196_800  # 2026-01-01T00:00 in China [s]
HOUR_RULE = WindowRule("hour", Level.HOUR, "minute", How.MEAN, 45, unit="minute")
DAY_RULE = WindowRule("day", Level.DAY, "hour", How.MEAN, 20)
MONTH_RULE = WindowRule("month", Level.MONTH, "day", How.MEAN, 27, unit="day", february=25)
YEAR_RULE = WindowRule("year", Level.YEAR, "day", How.MEAN, 324, unit="day", each_month=27, each_february=25)
O3_RULE = WindowRule("o3", Level.MAX_8H, "hour", How.MAX_8H, 14, unit="eight_hours", span_hours=6)


def m(number):
    return round(Fraction(str(number)) * MICRO)


def minutes(values, start=DAY, step=60, good=True):
    return [Part(start + step * i, m(v), good) for i, v in enumerate(values) if v is not None]


def test_an_hour_is_the_mean_of_its_valid_minutes_divided_once():
    one = figure(HOUR_RULE, DAY, DAY + 3600, minutes([1, 2, 2] * 20))
    assert (one.due, one.present, one.valid, one.count, one.total, one.weight) == (60, 60, 60, 60, 100 * MICRO, 60)
    assert one.exact == Fraction(5, 3)
    assert one.value == 1_666_667
    assert (one.state, one.coverage, one.low, one.high) == (State.VALID, 1, MICRO, 2 * MICRO)


@pytest.mark.parametrize(("have", "state"), [(44, State.FEW), (45, State.VALID), (46, State.VALID), (0, State.NONE)])
def test_an_hour_needs_45_minutes(have, state):
    parts = [Part(DAY + 60 * i, MICRO, i < have) for i in range(60)]
    one = figure(HOUR_RULE, DAY, DAY + 3600, parts)
    assert (one.state, one.valid, one.present) == (state, have, 60)


def test_six_ten_minute_means_cover_an_hour_and_thirty_second_readings_count_by_the_minute():
    assert figure(HOUR_RULE, DAY, DAY + 3600, minutes([3] * 6, step=600), step=10).valid == 60
    assert figure(HOUR_RULE, DAY, DAY + 3600, minutes([3] * 4, step=600), step=10).state is State.FEW
    one = figure(HOUR_RULE, DAY, DAY + 3600, minutes([3] * 100, step=30))
    assert (one.valid, one.count) == (50, 100)


def test_zero_missing_invalid_and_non_detect_are_four_things():
    zero = figure(DAY_RULE, DAY, DAY + 86400, [Part(DAY, 0, True)])
    assert (zero.value, zero.state, zero.present) == (0, State.FEW, 1)
    invalid = figure(DAY_RULE, DAY, DAY + 86400, [Part(DAY, MICRO, False)])
    assert (invalid.value, invalid.state, invalid.present, invalid.valid) == (None, State.NONE, 1, 0)
    lone = figure(DAY_RULE, DAY, DAY + 86400, [Part(DAY, 25_000, True, non_detect=True)])
    assert (lone.value, lone.marks) == (25_000, NON_DETECT)
    two = figure(DAY_RULE, DAY, DAY + 86400, [Part(DAY, 25_001, True, non_detect=True), Part(DAY + 3600, 10, True)])
    assert two.exact == Fraction(25_001 + 20, 4 * MICRO)  # half the detection limit, exactly
    assert two.marks == 0


def test_months_and_years_count_their_days():
    february = bounds(Level.MONTH, DAY + 40 * 86400)
    days = [Part(february[0] + 86400 * i, MICRO, True) for i in range(28)]
    assert figure(MONTH_RULE, *february, days[:25]).state is State.VALID
    assert figure(MONTH_RULE, *february, days[:24]).state is State.FEW
    january = bounds(Level.MONTH, DAY)
    assert figure(MONTH_RULE, *january, [Part(DAY + 86400 * i, MICRO, True) for i in range(26)]).state is State.FEW
    year = bounds(Level.YEAR, DAY)
    days = [Part(DAY + 86400 * i, MICRO, True) for i in range(365)]
    assert figure(YEAR_RULE, *year, days).due == 365
    assert figure(YEAR_RULE, *year, days[41:]).state is State.FEW  # 324 days, but January has none
    one_off_each = [d for i, d in enumerate(days) if i % 30 != 0 or i < 28]
    assert figure(YEAR_RULE, *year, one_off_each).state is State.VALID


def test_eight_hours_of_ozone_as_the_standards_example():
    # shared/rules: hours 1..24 -> 152.875 with 17 windows
    hours = [30, 28, 25, 24, 22, 25, 30, 40, 55, 75, 95, 120, 140, 155, 165, 170, 168, 160, 145, 120, 95, 70, 55, 45]
    parts = [Part(DAY + 3600 * i, m(v), True) for i, v in enumerate(hours)]
    one = max_8h(O3_RULE, DAY, parts, m(160))
    assert (one.exact, one.valid, one.due, one.state) == (Fraction("152.875"), 17, 17, State.VALID)
    few = [p if i >= 12 else None for i, p in enumerate(parts)]
    assert max_8h(O3_RULE, DAY, few, m(160)).state is State.FEW
    assert max_8h(O3_RULE, DAY, few, m(150)).state is State.VALID  # over the limit: it counts with fewer windows
    flat = [p and p._replace(value=m(100)) for p in few]
    assert max_8h(O3_RULE, DAY, flat, m(100)).state is State.FEW  # equal to the limit is not over it


WATER = WindowRule("w", Level.DAY, "hour", How.FLOW_WEIGHTED, 75, test="share", drop_negative=True)


def test_a_day_of_water_is_weighted_by_flow_and_hours_without_flow_are_not_due():
    hours = [Part(DAY + 3600 * i, m(10 + i), True) for i in range(24)]
    flows = {DAY + 3600 * i: m(1 if i < 23 else 2) for i in range(24)}
    one = flow_weighted(WATER, DAY, DAY + 86400, hours, flows)
    assert one.exact == Fraction(sum(range(10, 33)) + 2 * 33, 25)
    assert (one.state, one.marks, one.due) == (State.VALID, 0, 24)
    still = {**flows, **{DAY + 3600 * i: 0 for i in range(8)}}
    dropped = flow_weighted(WATER, DAY, DAY + 86400, hours[:20], still)
    assert (dropped.due, dropped.valid, dropped.state) == (16, 12, State.VALID)
    assert flow_weighted(WATER, DAY, DAY + 86400, hours[:19], still).state is State.FEW
    assert flow_weighted(WATER, DAY, DAY + 86400, hours, {}).marks == ARITHMETIC
    negative = [hours[0]._replace(value=-1), *hours[1:]]
    assert flow_weighted(WATER, DAY, DAY + 86400, negative, flows).valid == 23


def test_sums_keep_what_there_is_and_sums_too_large_are_said():
    amount = WindowRule("cou", Level.DAY, "hour", How.SUM, 100, test="share")
    parts = [Part(DAY + 3600 * i, m(2), i != 3) for i in range(24)]
    one = figure(amount, DAY, DAY + 86400, parts)
    assert (one.value, one.state, one.valid) == (m(48), State.FEW, 23)
    huge = figure(amount, DAY, DAY + 86400, [Part(DAY + 3600 * i, 10**18 - 1, True) for i in range(24)])
    assert (huge.total, huge.state, huge.marks) == (24 * (10**18 - 1), State.FEW, TOO_LARGE)


def test_a_night_and_a_median():
    night = WindowRule("ln", Level.LN, "hour", How.ENERGY, 1, test="missing")
    parts = [Part(DAY + 3600 * (22 + i), m(50), True) for i in range(7)]
    assert figure(night, DAY, DAY + 86400, parts, due=8, energy=lambda v: v[0]).state is State.VALID
    assert figure(night, DAY, DAY + 86400, parts[1:], due=8, energy=lambda v: v[0]).state is State.FEW
    ph = replace(DAY_RULE, how=How.MEDIAN)
    hours = [Part(DAY + 3600 * i, m(v), True) for i, v in enumerate([7.2, 6.9, 9.9, 7.1])]
    assert figure(ph, DAY, DAY + 86400, hours).exact == Fraction("7.15")
    assert figure(ph, DAY, DAY + 86400, hours[:3]).exact == Fraction("7.2")


# --- both forms ---------------------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-2_000_000, 90_000_000), st.just(0), st.just(NO_VALUE), st.integers(-(10**18) + 1, 10**18 - 1)
)


def lots(length, most):
    one = st.tuples(st.integers(0, length - 1), numbers, st.booleans(), st.booleans(), st.booleans())
    window = st.lists(one, min_size=1, max_size=most, unique_by=lambda row: row[0]).map(sorted)
    return st.lists(window, min_size=1, max_size=5)


def parts_of(windows, starts, unit):
    plain, number, rows = [], [], []
    for i, (window, start) in enumerate(zip(windows, starts, strict=True)):
        mine = [
            Part(start + place * unit, None if v == NO_VALUE else v, good and v != NO_VALUE, nd, un)
            for place, v, good, nd, un in window
        ]
        plain.append(mine)
        number += [i] * len(mine)
        rows += mine
    array = many.Parts(
        np.array(number), np.array([p.time for p in rows]),
        np.array([NO_VALUE if p.value is None else p.value for p in rows], np.int64), np.array([p.good for p in rows]),
        np.array([p.non_detect for p in rows]), np.array([p.unflagged for p in rows]),
    )  # fmt: skip
    return plain, array


def energy(values):
    return sum(values) // len(values)


@given(
    lots(60, 60),
    st.sampled_from(["minute", "reading"]),
    st.sampled_from([How.MEAN, How.SUM, How.LOW, How.HIGH, How.MEDIAN, How.ENERGY, How.NONE]),
    st.sampled_from([1, 10]),
)
@settings(deadline=None, max_examples=80)
def test_hours_from_minutes_are_equal_in_both_forms(windows, unit, how, step):
    rule = replace(HOUR_RULE, unit=unit, how=how, least=45 if unit == "minute" else 1)
    starts = [DAY + 3600 * i for i in range(len(windows))]
    plain, array = parts_of(windows, starts, 60)
    begin = np.array(starts)
    found = many.figures(rule, begin, begin + 3600, array, step=step, energy=energy)
    for i, mine in enumerate(plain):
        assert found.row(i, rule, starts[i], starts[i] + 3600) == figure(
            rule, starts[i], starts[i] + 3600, mine, step=step, energy=energy
        )


@given(
    lots(24, 24),
    st.sampled_from([How.MEAN, How.SUM, How.LOW, How.HIGH, How.MEDIAN, How.ENERGY]),
    st.sampled_from(["least", "share", "missing"]),
    st.integers(1, 24),
    st.booleans(),
    st.sampled_from([None, 0, 1, 6]),
)
@settings(deadline=None, max_examples=80)
def test_days_from_hours_are_equal_in_both_forms(windows, how, test, least, negative, places):
    rule = replace(DAY_RULE, how=how, test=test, least=least, drop_negative=negative, part_places=places)
    starts = [DAY + 86400 * i for i in range(len(windows))]
    plain, array = parts_of(windows, starts, 3600)
    begin = np.array(starts)
    found = many.figures(rule, begin, begin + 86400, array, energy=energy)
    for i, mine in enumerate(plain):
        assert found.row(i, rule, starts[i], starts[i] + 86400) == figure(
            rule, starts[i], starts[i] + 86400, mine, energy=energy
        )


@given(st.lists(st.sets(st.integers(0, 364), min_size=1), min_size=1, max_size=3), st.sampled_from(list(Level)[3:6]))
@settings(deadline=None, max_examples=15)
def test_months_quarters_and_years_are_equal_in_both_forms(missing, level):
    rule = replace(YEAR_RULE, level=level, least=20) if level is not Level.MONTH else MONTH_RULE
    days = [sorted(set(range(365)) - gone) for gone in missing]
    for gone in days:
        times = np.array([DAY + 86400 * i for i in gone])
        begin, window = np.unique(many.starts(level, times), return_inverse=True)
        end = many.ends(level, begin)
        assert [bounds(level, int(b)) for b in begin] == list(zip(begin.tolist(), end.tolist(), strict=True))
        yes = np.ones(len(times), bool)
        found = many.figures(rule, begin, end, many.Parts(window, times, times * 7, yes, ~yes, ~yes))
        for i, (b, e) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
            mine = [Part(int(t), int(t) * 7, True) for t in times if b <= t < e]
            assert found.row(i, rule, b, e) == figure(rule, b, e, mine)


@given(lots(24, 24), st.integers(1, 8), st.one_of(st.none(), st.integers(-(10**6), 10**8)))
@settings(deadline=None, max_examples=80)
def test_eight_hour_maxima_are_equal_in_both_forms(windows, least, limit):
    rule = replace(O3_RULE, span_hours=least)
    starts = [DAY + 86400 * i for i in range(len(windows))]
    plain, array = parts_of(windows, starts, 3600)
    limits = np.full(len(starts), NO_VALUE if limit is None else limit)
    found = many.max_8h(rule, np.array(starts), array, limits)
    for i, mine in enumerate(plain):
        hours = [None] * 24
        for one in mine:
            hours[(one.time - starts[i]) // 3600] = one
        assert found.row(i, rule, starts[i], starts[i] + 86400) == max_8h(rule, starts[i], hours, limit)

"""Leq, LN, Ld, Ln, Ldn: against an independent computation with 80 digits, at ties, with what is missing."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from handmade import at
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.noise.levels import (
    Setting,
    as_micro,
    by_hour,
    day_from_seconds,
    day_night,
    from_seconds,
    ld_ln,
    ldn,
    leq,
    night_of,
    percent_levels,
    valid_hour,
)
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import NO_VALUE

HOUR = Path(__file__).parents[2] / "data" / "noise" / "laeq_1s_2025-03-22_19h.csv"
DAY = date(2026, 3, 2)


def exactly(pairs, places=1):
    """10 lg Σ w·10^(L/10) / Σ w with 80 digits, half to even."""
    with localcontext() as context:
        context.prec = 80
        top = sum(Decimal(w) * Decimal(10) ** (Decimal(v) / 10) for v, w in pairs)
        level = (10 * (top / sum(Decimal(w) for _, w in pairs)).log10()).quantize(Decimal("1e-40"))
        return level.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


LEVELS = st.decimals(20, 120, places=2)


@given(st.lists(st.tuples(LEVELS, st.integers(1, 3600)), min_size=1, max_size=30), st.integers(0, 4))
def test_leq_is_the_energy_mean_rounded_once(pairs, places):
    found = leq([v for v, _ in pairs], [w for _, w in pairs], places=places)
    assert found == exactly(pairs, places)
    assert found.as_tuple().exponent == -places


@given(LEVELS, st.integers(1, 200))
def test_many_equal_levels_are_that_level_even_on_a_rounding_boundary(level, count):
    assert leq([level] * count) == level.quantize(Decimal("0.1"), ROUND_HALF_EVEN)


@pytest.mark.parametrize(("level", "printed"), [("54.25", "54.2"), ("54.35", "54.4"), ("54.350001", "54.4")])
def test_ties_go_to_the_even_tenth(level, printed):
    assert str(leq([level] * 60)) == printed


def test_equal_times_of_60_and_70_are_67_4_and_not_65():
    assert leq([60, 70]) == Decimal("67.4")
    assert leq([60, 70], [3, 1]) == exactly([(60, 3), (70, 1)])
    assert leq([60, 90], [1, 0]) == 60


def test_what_is_no_level_is_refused():
    with pytest.raises(BadInput, match="no levels"):
        leq([])
    with pytest.raises(BadInput, match="2 levels have 1 durations"):
        leq([1, 2], [1])
    with pytest.raises(BadInput, match="not be negative"):
        leq([1, 2], [1, -1])
    with pytest.raises(BadInput, match="six decimals"):
        leq(["1.1234567"])
    with pytest.raises(TypeError, match="never floats"):
        leq([60.1])


def test_ldn_of_the_rules_example():
    assert ldn(Decimal("58.66"), Decimal("46.76"), places=2) == Decimal("58.11")
    assert ldn(Decimal(50), Decimal(40)) == 50  # the ten decibels of the night
    assert ldn(Decimal(60), Decimal(50), day_hours=17) == 60
    with pytest.raises(BadInput, match="day part of 24 hours"):
        ldn(Decimal(60), Decimal(50), day_hours=24)


def test_a_hundred_samples_sorted_downward():
    """The 10th, the 50th and the 90th."""
    samples = list(range(1, 101))
    assert percent_levels(samples) == {10: 91, 50: 51, 90: 11}
    assert percent_levels([60]) == {10: 60, 50: 60, 90: 60}
    assert percent_levels([40, 50, 60], [5, 95]) == {5: 60, 95: 40}
    with pytest.raises(BadInput, match="L100"):
        percent_levels(samples, [100])


@given(st.lists(st.integers(200, 1200), min_size=1, max_size=300), st.integers(1, 99))
def test_ln_is_exceeded_at_most_so_long_and_reached_at_least(tenths, percent):
    level = percent_levels([Decimal(t) / 10 for t in tenths], [percent])[percent] * 10
    n = len(tenths)
    assert sum(t > level for t in tenths) * 100 < percent * n + 100
    assert sum(t >= level for t in tenths) * 100 >= percent * n


@given(st.lists(st.one_of(st.none(), st.integers(200, 1200)), min_size=1, max_size=200))
def test_the_vector_says_what_the_scalar_says(tenths):
    good = [Decimal(t) / 10 for t in tenths if t is not None]
    found = from_seconds(np.array([NO_VALUE if t is None else t * 100_000 for t in tenths], np.int64))
    again = from_seconds(np.array([np.nan if t is None else t / 10 for t in tenths]))
    assert found == again
    assert (found.count, found.missing) == (len(good), len(tenths) - len(good))
    if good:
        assert (found.leq, found.ln) == (leq(good), percent_levels(good))
        assert (found.lmax, found.lmin) == (max(good), min(good))
    else:
        assert (found.leq, found.lmax, dict(found.ln)) == (None, None, {})
    if len(good) > 1:
        with localcontext() as context:
            context.prec = 60
            middle = sum(good) / len(good)
            sd = (sum((v - middle) ** 2 for v in good) / (len(good) - 1)).sqrt()
        assert abs(found.sd - sd) <= Decimal("0.05") + Decimal("1e-40")


def test_an_hour_of_one_second_data_as_measured():
    """2025-03-22 19:00 of a public record; numpy's float64 is the other computation."""
    values = np.array([float(text) for text in HOUR.read_text("utf-8").split()[1:]])
    assert len(values) == 3600
    found, ordered = from_seconds(values), np.sort(values)[::-1]
    assert float(found.leq) == round(10 * np.log10(np.mean(10 ** (values / 10))), 1) == 53.8
    assert [float(found.ln[n]) for n in (10, 50, 90)] == [round(ordered[n * 36 - 1], 1) for n in (10, 50, 90)]
    assert float(found.lmax) == round(values.max(), 1)
    assert float(found.sd) == round(values.std(ddof=1), 1)
    assert valid_hour(found.count)


DAY_HOURS = [Decimal(v) for v in (52, 55, 58, 60, 61, 60, 59, 58, 58, 59, 60, 61, 60, 58, 56, 54)]
NIGHT_HOURS = [Decimal(v) for v in (50, 48, 46, 44, 43, 43, 45, 49)]


def test_day_and_night_of_hours():
    found = day_night(DAY_HOURS, NIGHT_HOURS, places=2)
    assert (found.ld, found.ln, found.ldn) == (Decimal("58.66"), Decimal("46.76"), Decimal("58.11"))
    assert day_night(DAY_HOURS, NIGHT_HOURS).ld == Decimal("58.7")


def clock(hours):
    """Levels by the start of the hour, from (month, day, hour)."""
    return {at(2026, *when): level for when, level in hours.items()}


def test_a_night_is_the_one_that_began_on_the_date_unless_set_otherwise():
    evening = clock({(3, 2, h): Decimal(50) for h in (22, 23)})
    after = clock({(3, 3, h): Decimal(40) for h in range(6)})
    before = clock({(3, 2, h): Decimal(60) for h in range(6)})
    hours = {**evening, **after, **before}
    assert ld_ln(hours, DAY).ln == exactly([(50, 2), (40, 6)])
    assert ld_ln(hours, DAY, setting=Setting(night="calendar")).ln == exactly([(50, 2), (60, 6)])
    assert [night_of(at(2026, 3, 3, h)) for h in (2, 6)] == [DAY, date(2026, 3, 3)]
    assert night_of(at(2026, 3, 3, 2), Setting(night="calendar")) == date(2026, 3, 3)
    with pytest.raises(BadInput, match="began or calendar"):
        Setting(night="both")


def test_the_local_government_may_shift_the_hours():
    hours = clock({(3, 2, h): Decimal(60 if 7 <= h < 23 else 40) for h in range(24)})
    shifted = ld_ln(hours, DAY, setting=Setting.of("7-23"))
    assert (shifted.ld, shifted.day_due, shifted.night_due) == (60, 16, 8)
    assert ld_ln(hours, DAY).ld < 60
    assert Setting.of("") == Setting() == Setting(6, 22, "began")
    for wrong in ("22-6", "x", "0-24"):
        with pytest.raises(BadInput):
            Setting.of(wrong)


def test_how_many_hours_may_be_missing():
    """Two of the day, one of the night: a project choice of rules.csv."""
    hours = clock({(3, 2, h): Decimal(50) for h in range(6, 24)} | {(3, 3, h): Decimal(40) for h in range(6)})
    whole = ld_ln(hours, DAY)
    assert (whole.day_used, whole.night_used, whole.ld) == (16, 8, 50)
    for gone, ld, ln in ((8, 50, True), (10, 50, True), (12, None, True)):
        hours[at(2026, 3, 2, gone)] = None
        found = ld_ln(hours, DAY)
        assert (found.ld, found.ln is not None) == (ld, ln)
    assert found.ldn is None
    del hours[at(2026, 3, 2, 23)]
    assert ld_ln(hours, DAY).ln is not None
    del hours[at(2026, 3, 3, 0)]
    assert ld_ln(hours, DAY).ln is None


def test_samples_of_a_day_are_rounded_once_and_short_hours_left_out():
    start = at(2026, 3, 2)
    times = start + np.arange(86400, dtype=np.int64)
    hour = (times - start) // 3600
    levels = np.where((hour >= 6) & (hour < 22), 55.04, 45.0) + (hour == 9) * 20.0
    keep = (hour != 9) | ((times - start) % 3600 < 2699)  # the loud hour has a second less than it needs
    found = day_from_seconds(times[keep], levels[keep], DAY, setting=Setting(night="calendar"))
    assert (found.ld, found.ln, found.day_used) == (Decimal("55.0"), Decimal("45.0"), 15)
    whole = day_from_seconds(times, levels, DAY, setting=Setting(night="calendar"))
    assert whole.ld == exactly([("55.04", 15), ("75.04", 1)])
    figures = by_hour(times, levels)
    assert len(figures) == 24
    assert figures[start + 9 * 3600].leq == Decimal("75.0")
    with pytest.raises(BadInput, match="ascend"):
        by_hour(times[::-1], levels)
    with pytest.raises(BadInput, match="times have"):
        by_hour(times[:5], levels)


def test_floats_are_read_to_the_nearest_millionth():
    assert as_micro(np.array([54.25, np.nan], np.float32)).tolist() == [54_250_000, NO_VALUE]

"""GB 3095 and HJ 633 at every figure: one rounding step below, on, above; halves go to the even digit, once."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_rows import step_of, table, tried

from jinyun.domains.air.aqi import aqi_daily, aqi_hourly, iaqi
from jinyun.domains.air.concentration import PERIODS, judge_concentration
from jinyun.domains.air.limits import index_edition
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Status
from jinyun.methods.statistics import round_fraction

TOOLS = Path(__file__).parents[2] / "tools"
DAYS = {("gb3095_2012.csv", ""): date(2020, 5, 1), ("gb3095_2026.csv", "transition"): date(2026, 5, 1),
        ("gb3095_2026.csv", "final"): date(2031, 5, 1)}  # fmt: skip
YEARS = {"HJ 633-2012": date(2019, 7, 18), "HJ 633-2026": date(2026, 4, 1)}


@pytest.mark.parametrize(("name", "stage"), DAYS, ids=str)
def test_every_limit_of_gb_3095(name, stage):
    """A mean that is rounded to the limit complies, the next printed one does not."""
    done = 0
    for row in table("air", name):
        if row.op != "le" or (row.stage and row.stage != stage) or row.period not in PERIODS:
            continue
        if row.unit.startswith("ug/(dm2"):  # fluoride as deposition, by kind of area: no concentration is judged by it
            continue
        grade = row.group if row.group.startswith("level") else "reference"
        whole = row.item_code != "co" and row.value == row.value.to_integral_value()
        step = Decimal(1) if whole else step_of(row.value)
        for value, complies in tried(row, step):
            verdict = judge_concentration(
                "point", {row.item_code: value}, averaging=row.period, day=DAYS[name, stage], grade=grade
            )
            assert verdict.status is (Status.ATTAINS if complies else Status.EXCEEDS), (row, value, verdict)
        done += 1
    assert done >= 36


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=2000, places=3), st.sampled_from(["so2", "no2", "o3", "pm10", "pm2_5", "co"]))
def test_a_concentration_is_rounded_once_half_to_even(value, name):
    """The index of a value is that of the value rounded by GB/T 8170, computed here with integers."""
    edition = index_edition(date(2026, 4, 1))
    places = 1 if name == "co" else 0
    thousandths = int(value * 1000)
    unit = 10 ** (3 - places)
    whole, rest = divmod(thousandths, unit)
    whole += rest * 2 > unit or (rest * 2 == unit and whole % 2 == 1)
    span = "8h" if name == "o3" else "24h"
    assert iaqi(name, span, value, edition) == iaqi(name, span, Decimal(whole).scaleb(-places), edition)


@pytest.mark.parametrize("standard", YEARS)
def test_every_break_point_gives_its_own_index(standard):
    edition = index_edition(YEARS[standard])
    for key, points in edition.points.items():
        for index, concentration in zip(points.iaqi, points.concentration, strict=True):
            assert iaqi(*key, concentration, edition) == index, key


def test_carbon_monoxide_2_2_is_55():
    """Exactly 55; binary floats make it 56."""
    for day in YEARS.values():
        assert iaqi("co", "24h", Decimal("2.2"), index_edition(day)) == 55


@pytest.fixture(scope="module")
def reference():
    sys.path.insert(0, str(TOOLS))
    try:
        from cases_reference import air

        yield air
    finally:
        sys.path.remove(str(TOOLS))


CONCENTRATION = st.one_of(st.none(), st.decimals(min_value=0, max_value=1300, places=1).map(str))
GASES = dict.fromkeys(("so2", "no2", "o3", "pm10", "pm2_5"), CONCENTRATION)
DAY = st.fixed_dictionaries({**GASES, "co": st.one_of(st.none(), st.decimals(0, 160, places=2).map(str))})


@settings(deadline=None)
@given(values=DAY, standard=st.sampled_from(list(YEARS)), report=st.sampled_from(["daily", "hourly"]))
def test_any_day_and_hour_agree_with_a_second_reading_of_the_standard(reference, values, standard, report):
    want = reference.answer(standard, report, values)
    given_ = {name: None if text is None else Decimal(text) for name, text in values.items()}
    edition = index_edition(YEARS[standard])
    found = aqi_daily(given_, edition) if report == "daily" else aqi_hourly(given_, edition)
    assert found.value == want["aqi"]
    assert {name: index for (name, _), index in found.iaqi.items()} == want["iaqi"]
    if want["aqi"] is not None:
        assert sorted(found.primary) == sorted(want["primary"])
        assert found.level.category_zh == want["category_zh"]


@settings(deadline=None)
@given(st.fractions(min_value=-1000, max_value=1000, max_denominator=10_000), st.integers(0, 4))
def test_rounding_is_half_even_and_never_off_by_more_than_half(value, places):
    done = round_fraction(value, places)
    off = abs(Fraction(done) - value) * 10**places
    assert off <= Fraction(1, 2)
    if off == Fraction(1, 2):
        assert int(done.scaleb(places)) % 2 == 0
    assert round_gb(done, places) == done  # rounding what is rounded changes nothing


def test_rounding_twice_is_not_rounding_once():
    """0.0545 to two places is 0.05; by way of three places it would become 0.06 or 0.05 by luck of the digits."""
    assert round_gb("0.0549", 2) == Decimal("0.05")
    assert round_gb("2.549", 0) == Decimal(3)
    assert round_gb(round_gb("2.4999", 2), 0) == Decimal(2)  # 2.50 goes to the even 2
    assert round_gb(round_gb("3.4999", 2), 0) == Decimal(4)  # 3.50 goes to 4, though 3.4999 is below the half
    assert round_gb("3.4999", 0) == Decimal(3)

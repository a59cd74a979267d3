"""When means of online data are valid, and the rates they give (HJ 75-2017, HJ 356-2019)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.emission import rates, validity
from jinyun.domains.emission.validity import Run, Sample
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Flag
from jinyun.methods.editions import NoEdition

ON, D = date(2026, 3, 1), Decimal


def of(*values, flag=Flag.NORMAL, flow=None):
    return [Sample(None if v is None else D(str(v)), flag, flow) for v in values]


@pytest.mark.parametrize(("minutes", "valid"), [(44, False), (45, True), (60, True)])
def test_an_hour_needs_45_valid_minutes(minutes, valid):
    assert validity.valid_hour(minutes, ON) is valid
    samples = of(*[10] * minutes) + of(*[99] * (60 - minutes), flag=Flag.CALIBRATION)
    mean = validity.hour_mean(samples, ON)
    assert (mean.valid, mean.value, mean.used) == (valid, D(10) if valid else None, minutes)
    assert mean.left_out == ({"calibration": 60 - minutes} if minutes < 60 else {})
    assert bool(mean.reason) is not valid


def test_the_hour_mean_is_exact_and_rounded_once():
    mean = validity.hour_mean(of(*["0.1", "0.2"] * 24), ON)
    assert (mean.exact, mean.value) == (Fraction(3, 20), D("0.2"))  # 0.15 half to even
    ten_minutes = validity.hour_mean(of(1, 2, 3, 4, 5), ON, step_minutes=10)
    assert (ten_minutes.least, ten_minutes.value) == (5, 3)


def test_missing_invalid_non_detect_and_zero_are_four_things():
    samples = of(*[0] * 44) + of(None) + of(4, flag=Flag.NON_DETECT) + of(7, flag=Flag.FAULT)
    mean = validity.hour_mean(samples, ON)
    assert (mean.used, mean.exact) == (45, Fraction(2, 45))  # zeros count, a non-detect stands at half its limit
    assert mean.left_out == {"missing": 1, "fault": 1}


@pytest.mark.parametrize(("hours", "least", "valid"), [(20, None, True), (19, None, False), (18, 18, True)])
def test_a_day_of_gas(hours, least, valid):
    assert validity.gas_day(of(*[5] * hours, *[None] * (24 - hours)), ON, least_hours=least).valid is valid


@pytest.mark.parametrize(
    ("days", "month", "valid"),
    [(25, date(2026, 3, 1), True), (24, date(2026, 3, 9), False), (23, date(2026, 2, 1), True),
     (22, date(2026, 2, 1), False)],
)  # fmt: skip
def test_a_month_of_gas(days, month, valid):
    assert validity.valid_month(days, month) is valid
    assert validity.gas_month(of(*[5] * days), month).valid is valid


def test_water_is_weighted_by_flow():
    samples = [Sample(D(c), flow=D(q)) for c, q in ((40, 100), (60, 200), (80, 100))]
    mean = validity.water_day(samples, ON, due=3)
    assert (mean.exact, mean.how, mean.value) == (60, "flow_weighted", 60)


def test_water_readings_at_zero_flow_are_not_due_and_negative_ones_not_valid():
    run = [Sample(D(30), flow=D(2)) for _ in range(6)]
    still = [Sample(D(900), flow=D(0)) for _ in range(16)]
    day = validity.water_day([*run, *still, Sample(D(-1), flow=D(2)), Sample(None, flow=D(2))], ON)
    assert (day.value, day.used, day.least, day.left_out) == (30, 6, 6, {"zero_flow": 16, "negative": 1, "missing": 1})
    assert not validity.water_day([*run[:5], *still], ON).valid


@pytest.mark.parametrize(("count", "valid"), [(17, False), (18, True)])
def test_water_needs_three_quarters_of_the_readings_due(count, valid):
    mean = validity.water_day([Sample(D(10), flow=D(1))] * count, ON)
    assert (mean.valid, mean.least) == (valid, 18)


def test_water_without_flow_is_arithmetic_and_says_so():
    assert validity.water_day(of(*[10, 20] * 9), ON).how == "arithmetic"


def test_a_month_of_water():
    assert validity.water_month(of(*[10] * 23), 30).valid
    assert not validity.water_month(of(*[10] * 22), 30).valid  # 22.5


def test_ph_has_a_median_and_a_range_never_a_mean():
    day = validity.ph_day(of("6.9", "7.0", "7.4", "9.5") + of(12, flag=Flag.CALIBRATION))
    assert (day.median, day.low, day.high, day.used) == (D("7.2"), D("6.9"), D("9.5"), 4)
    assert validity.ph_day(of(None)).median is None


def test_flat_lines():
    values = [D(v) if v is not None else None for v in (1, 1, 1, None, 1, 0, 0, 0, 0, 2)]
    assert validity.constant_runs(values, 3) == [Run(0, 3, D(1)), Run(5, 4, D(0))]
    assert validity.constant_runs(values) == []  # the table asks for six
    with pytest.raises(BadInput):
        validity.constant_runs(values, 0)


def test_before_the_edition_nothing_is_known():
    with pytest.raises(NoEdition):
        validity.valid_hour(60, date(2018, 2, 28))


# --- rates ------------------------------------------------------------------------------------------------------------


def test_capture_rate():
    rate = rates.capture_rate(2184, 184, 150)
    assert (rate.exact, rate.value, rate.counted, rate.due) == (Fraction(185, 2), D("92.50"), 1850, 2000)
    assert rates.capture_rate(24, 24, 0).exact is None


def test_effective_transmission_rate_is_the_product():
    sent, valid = rates.transmission_rate(950, 1000), rates.valid_rate(900, 950)
    both = rates.effective_transmission_rate(sent, valid)
    assert (sent.value, valid.value, both.exact, both.value) == (D("95.00"), D("94.74"), 90, D("90.00"))
    assert all(rate.definition_zh and rate.definition_en for rate in (sent, valid, both))
    assert rates.effective_transmission_rate(rates.transmission_rate(0, 0), valid).value is None
    with pytest.raises(BadInput, match="1001 of 1000"):
        rates.transmission_rate(1001, 1000)

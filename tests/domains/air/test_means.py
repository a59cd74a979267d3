"""Valid means by GB 3095 table 4: hour, 8 h, day, month, year."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.limits import validity
from jinyun.domains.air.means import day_mean, eight_hour_mean, hour_mean, period_mean
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA, Period, instant, window_of

RULES = validity(date(2026, 3, 1))


def some(count, length, value="2"):
    return [Decimal(value)] * count + [None] * (length - count)


@pytest.mark.parametrize(
    ("mean", "length", "least"),
    [
        (hour_mean, 60, 45), (eight_hour_mean, 8, 6), (day_mean, 24, 20),
        (lambda hours, rules: day_mean(hours, rules, "tsp"), 24, 24),
        (lambda hours, rules: day_mean(hours, rules, "benzo_a_pyrene"), 24, 24),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rules", [validity(date(2020, 1, 1)), RULES], ids=lambda rules: rules.standard)
def test_just_enough_and_one_too_few(mean, length, least, rules):
    assert mean(some(least, length), rules).valid
    few = mean(some(least - 1, length), rules)
    assert (few.valid, few.have, few.need, few.value) == (False, least - 1, least, 2)


def test_missing_values_are_not_zeros():
    found = day_mean([Decimal(1), *some(23, 23, "3")], RULES)
    assert found.value == Fraction(70, 24)
    assert day_mean([Decimal(1), None, *some(22, 22, "3")], RULES).value == Fraction(67, 23)
    assert hour_mean([None] * 60, RULES).value is None
    assert not hour_mean([None] * 60, RULES).valid


def test_mean_of_a_month():
    march = window_of(Period.MONTH, instant(datetime(2026, 3, 1, tzinfo=CHINA)))
    days = [DayValues(date(2026, 3, n), {"so2": Decimal(n)}) for n in range(1, 28)]
    value, enough = period_mean(
        "so2", [*days, DayValues(date(2026, 4, 1), {"so2": Decimal(999)})], march, on=march_day()
    )
    assert (value, enough.valid, enough.have, enough.need) == (14, True, 27, 27)
    value, enough = period_mean("so2", days[1:], march, on=march_day())
    assert (enough.valid, enough.note_en) == (False, "26 valid days of the 27 needed")
    assert period_mean("no2", days, march, on=march_day())[0] is None


def march_day():
    return date(2026, 3, 1)


def test_refused():
    with pytest.raises(BadInput, match="an hour has 60 values, 59 were given"):
        hour_mean([None] * 59, RULES)
    with pytest.raises(BadInput, match="no daily mean of o3"):
        day_mean([None] * 24, RULES, "o3")

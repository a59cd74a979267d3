"""Kept windows of months, quarters and years say what the evaluation of the period says."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from jinyun.app.services.windows import plain_places
from jinyun.app.windowing import rule_book
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import evaluation
from jinyun.domains.air.period import evaluate
from jinyun.kernel.ports import MICRO
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import CHINA, Period, Stat, instant, window_of
from jinyun.methods.windows import Level, Part, State, figure

BOOK = rule_book()
SPANS = [
    (Level.MONTH, date(2025, 5, 1)), (Level.MONTH, date(2026, 5, 1)), (Level.QUARTER, date(2025, 7, 1)),
    (Level.YEAR, date(2025, 1, 1)), (Level.QUARTER, date(2026, 7, 1)),
]  # fmt: skip


def start_of(day):
    return instant(datetime(day.year, day.month, day.day, tzinfo=CHINA))


@pytest.mark.parametrize(("level", "first"), SPANS)
@pytest.mark.parametrize("item", ["so2", "no2", "pm10", "pm2_5"])
def test_means_are_those_of_the_period_evaluation(level, first, item):
    """Day means as kept (six decimals), some missing, one below zero: from printed days both give one figure."""
    dice = random.Random(f"{level}{first}{item}")
    window = window_of(Period(int(level)), start_of(first))
    places = evaluation(first).value_places[item]
    rule = BOOK.find("air_station", item, Stat.AVG, level, base="", day=first)
    days = [first + timedelta(days=n) for n in range((window.end - window.start) // 86400)]
    parts, values = [], []
    for day in days:
        if dice.random() < 0.03:
            continue
        # many near a half, where rounding first and rounding last part ways
        micro = dice.randrange(0, 80) * MICRO + dice.choice([499_999, 500_000, 500_001, dice.randrange(MICRO)])
        if dice.random() < 0.02:
            micro = -dice.choice([400_000, 700_000])
        parts.append(Part(start_of(day), micro, True))
        printed = round_gb(Decimal(micro).scaleb(-6), places)
        values.append(DayValues(day, {item: printed}))
    made = figure(rule, window.start, window.end, parts)
    told = evaluate("站", values, window, on=first).items[item]
    mean = next(one for one in told.figures if one.kind == "mean")
    assert plain_places(made.exact, rule.places) == format(mean.value, "f")
    assert made.exact == mean.exact
    assert made.valid == told.enough.have
    assert (made.state is State.VALID) == (told.enough.valid is not False)


def test_days_of_a_month_are_rounded_before_they_are_averaged():
    """20.5 and 21.5 print as 20 and 22 (half to even): 1 000 days of 20.4 would be a mean of 20, not 20.4."""
    rule = BOOK.find("air_station", "so2", Stat.AVG, Level.MONTH, base="", day=date(2025, 5, 1))
    window = window_of(Period.MONTH, start_of(date(2025, 5, 1)))
    parts = [Part(window.start + 86400 * n, 20_400_000, True) for n in range(31)]
    assert figure(rule, window.start, window.end, parts).exact == 20
    co = BOOK.find("air_station", "co", Stat.AVG, Level.MONTH, base="", day=date(2025, 5, 1))
    parts = [Part(window.start + 86400 * n, 850_000 + 100_000 * (n % 2), True) for n in range(30)]
    assert figure(co, window.start, window.end, parts).exact == Decimal("0.9")  # 0.8 (even) and 1.0

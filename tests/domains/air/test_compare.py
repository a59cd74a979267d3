"""Year on year: both periods by one edition, in points and per cent as bureaus print them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from jinyun.domains.air.compare import (
    change_words,
    same_period_last_year,
    spanned,
    three_year_average,
    year_on_year,
)
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.period import evaluate
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA, Period, Window, instant, window_of

CLEAN = {"so2": "8", "no2": "20", "co": "0.7", "o3": "90", "pm10": "45"}


def days(year, month, *pm2_5):
    """One day after another from the first of a month; a text is PM2.5, None leaves the day out."""
    return [
        DayValues(date(year, month, 1) + timedelta(days=n), {k: Decimal(v) for k, v in {**CLEAN, "pm2_5": one}.items()})
        for n, one in enumerate(pm2_5)
        if one is not None
    ]


def month(year, number):
    return window_of(Period.MONTH, instant(datetime(year, number, 1, tzinfo=CHINA)))


def test_the_same_days_change_only_by_the_edition_and_never_in_a_comparison():
    """April with PM2.5 of 62 in both years: good by 2012, polluted by 2026; compared in one edition nothing moved."""
    now, before = days(2026, 4, *["62"] * 30), days(2025, 4, *["62"] * 30)
    apart = (
        evaluate("x", now, month(2026, 4), on=date(2026, 4, 1)).good_days.ratio,
        evaluate("x", before, month(2025, 4), on=date(2025, 4, 1)).good_days.ratio,
    )
    assert apart == (Decimal("0.0"), Decimal("100.0"))
    for on, ratio in ((date(2026, 4, 1), "0.0"), (date(2025, 4, 1), "100.0")):
        found = year_on_year(now, before, on=on, name="北碚区")
        assert found.changes["good_ratio"].now == found.changes["good_ratio"].before == Decimal(ratio)
        assert "同比持平" in found.sentence_zh
    assert (found.edition, found.index_standard) == ("HJ 663-2013", "HJ 633-2012")
    assert "均按HJ 663-2013和HJ 633-2012评价" in found.sentence_zh


def test_printed_as_a_bureau_prints_it():
    """86 of 91 days: 94.5 %; 84 of 91: 92.3 %; the difference of the exact shares is 2.198 -> 2.2 points."""
    now = days(2025, 1, *["30"] * 86, *["80"] * 5)
    before = days(2024, 1, *["30"] * 84, *["80"] * 7)
    span = spanned(now)
    found = year_on_year(now, before, on=date(2025, 3, 1), name="某市", window=span)
    good = found.changes["good_ratio"]
    assert (good.now, good.before, good.difference) == (Decimal("94.5"), Decimal("92.3"), Decimal("2.2"))
    assert "优良天数比例94.5%，" in found.sentence_zh
    assert change_words(good)[0] == "优良天数比例94.5%，同比提高2.2个百分点"
    pm = found.changes["pm2_5"]
    # Means (86*30+5*80)/91 = 32.7 -> 33, (84*30+7*80)/91 = 33.8 -> 34; (33-34)/34 = -2.94 %.
    assert (pm.now, pm.before, pm.per_cent) == (Decimal(33), Decimal(34), Decimal("-2.9"))
    assert change_words(pm) == ("PM2.5均值33 μg/m³，同比下降2.9%", "mean PM2.5 33 μg/m³, down 2.9 %")


def test_a_fall_of_5_3_per_cent():
    """36 after 38: 2/38 = 5.26 %."""
    now, before = days(2025, 4, *["36"] * 30), days(2024, 4, *["38"] * 30)
    found = year_on_year(now, before, on=date(2025, 4, 1), name="北碚区")
    assert change_words(found.changes["pm2_5"])[0] == "PM2.5均值36 μg/m³，同比下降5.3%"
    assert "同比下降5.3%" in found.sentence_zh
    assert "与2024年4月相比" in found.sentence_zh


def test_judged_periods_are_judged_again():
    now = evaluate("x", days(2026, 4, *["62"] * 30), month(2026, 4), on=date(2026, 4, 1))
    before = evaluate("x", days(2025, 4, *["62"] * 30), month(2025, 4), on=date(2025, 4, 1))
    found = year_on_year(now, before, on=date(2026, 4, 1))
    assert found.before.verdict.edition == "HJ 663-2026"
    assert found.before.good_days.ratio == 0
    assert found.changes["good_ratio"].difference == 0


def test_heavy_days_and_missing_figures():
    now, before = days(2025, 4, "160", "160", "30"), days(2024, 4, "160", "30", "30")
    found = year_on_year(now, before, on=date(2025, 4, 1))
    assert change_words(found.changes["heavy_days"]) == (
        "重度及以上污染天数2天，同比增加1天",
        "heavily polluted days 2, 1 more",
    )
    without = [DayValues(one.day, {**one.values, "pm2_5": None}) for one in now]
    lost = year_on_year(without, before, on=date(2025, 4, 1)).changes["pm2_5"]
    assert (lost.now, lost.per_cent, change_words(lost)[0]) == (None, None, "PM2.5均值无有效数据")
    back = year_on_year(before, without, on=date(2025, 4, 1)).changes["pm2_5"]
    assert change_words(back)[0].endswith("无法比较")
    zero = year_on_year(before, [DayValues(o.day, {**o.values, "so2": Decimal(0)}) for o in now], on=date(2025, 4, 1))
    assert (zero.changes["so2"].per_cent, zero.changes["so2"].difference) == (None, 8)


def test_the_word_for_year_on_year_is_kept_for_a_year():
    found = year_on_year(days(2025, 4, *["36"] * 30), days(2025, 3, *["38"] * 31), on=date(2025, 4, 1))
    assert "同比" not in found.sentence_zh
    assert "较对比期下降5.3%" in found.sentence_zh


def test_windows_of_the_year_before():
    assert same_period_last_year(month(2025, 2)) == month(2024, 2)
    leap = Window(Period.DAY, instant(datetime(2024, 2, 29)), instant(datetime(2024, 3, 1)))  # noqa: DTZ001
    assert same_period_last_year(leap).start == instant(datetime(2023, 2, 28, tzinfo=CHINA))
    assert spanned(days(2025, 4, *["36"] * 30)) == month(2025, 4)
    assert spanned(days(2025, 4, "36", None, "36")).period is Period.DAY
    with pytest.raises(BadInput, match="no days"):
        spanned([])


def test_three_year_average_judges_nothing():
    annual = {2026: Decimal("31.2"), 2025: Decimal("32.9"), 2024: Decimal("35.0")}
    found = three_year_average(annual, 2026, item="pm2_5", on=date(2026, 12, 31))
    assert (found.printed, found.years, found.missing) == (Decimal("33.0"), (2024, 2025, 2026), ())  # 99.1/3 = 33.03
    assert "原文未见" in found.note_zh
    lost = three_year_average({2026: Decimal(1)}, 2026, item="pm2_5", on=date(2026, 12, 31))
    assert (lost.value, lost.missing) == (None, (2024, 2025))

"""Evaluation of periods: statistics reckoned again with fractions, validity, missing and stamped days."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import enough_days, evaluation
from jinyun.domains.air.good_days import count_days, day_aqi, from_levels, good_ratio
from jinyun.domains.air.limits import index_edition
from jinyun.domains.air.period import Setting, evaluate
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.terms import CHINA, Period, Status, Window, instant, window_of

SIX = ("so2", "no2", "pm10", "pm2_5", "co", "o3")
CLEAN = {"so2": "8", "no2": "20", "co": "0.7", "o3": "90", "pm10": "45", "pm2_5": "25"}
OLD, NEW, FINAL = date(2025, 1, 1), date(2026, 3, 1), date(2031, 1, 1)


def window(period, year, month=1):
    return window_of(period, instant(datetime(year, month, 1, tzinfo=CHINA)))


def dates(year, first=(1, 1), last=(12, 31)):
    start, end = date(year, *first), date(year, *last)
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def day(when, stamps=(), **changes):
    merged = {**CLEAN, **changes}
    values = {name: None if text is None else Decimal(text) for name, text in merged.items()}
    return DayValues(when, values, frozenset(stamps))


def year_of(year=2025, **changes):
    return [day(when, **changes) for when in dates(year)]


# --- statistics -------------------------------------------------------------------------------------------------------


def by_hand(values, per_cent=None):
    """HJ 663: mean, or X_s + (k-s)(X_s+1 - X_s) with k = 1 + (n-1)p, counted from 1."""
    exact = [Fraction(one) for one in values]
    if per_cent is None:
        return sum(exact) / len(exact)
    exact.sort()
    k = 1 + (len(exact) - 1) * Fraction(per_cent, 100)
    s = k.numerator // k.denominator
    return exact[-1] if s == len(exact) else exact[s - 1] + (k - s) * (exact[s] - exact[s - 1])


def half_even(exact, places):
    scaled = exact * 10**places
    return Decimal(round(scaled)).scaleb(-places)


WANTED = {"so2": (None, 98), "no2": (None, 98), "pm10": (None, 95), "pm2_5": (None, 95), "co": (95,), "o3": (90,)}
LIMITS = {  # level 2, rules 2.1 and GB 3095: (annual, daily)
    OLD: {"so2": (60, 150), "no2": (40, 80), "pm10": (70, 150), "pm2_5": (35, 75), "co": (4,), "o3": (160,)},
    NEW: {"so2": (60, 150), "no2": (40, 80), "pm10": (60, 120), "pm2_5": (30, 60), "co": (4,), "o3": (160,)},
    FINAL: {"so2": (20, 50), "no2": (30, 50), "pm10": (50, 100), "pm2_5": (25, 50), "co": (4,), "o3": (160,)},
}


@pytest.mark.parametrize("on", [OLD, NEW, FINAL])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_year_reckoned_again_with_fractions(on, seed):
    rng = random.Random(seed)
    rows = {
        name: [Decimal(rng.randint(0, top)).scaleb(-1) for _ in range(365)]
        for name, top in {"so2": 400, "no2": 800, "pm10": 1500, "pm2_5": 900, "co": 50, "o3": 2200}.items()
    }
    days = [DayValues(when, {name: rows[name][n] for name in SIX}) for n, when in enumerate(dates(2025))]
    found = evaluate("x", days, window(Period.YEAR, 2025), on=on)
    for name, wanted in WANTED.items():
        item, over = found.items[name], False
        assert len(item.figures) == len(wanted)
        for figure, per_cent, limit in zip(item.figures, wanted, LIMITS[on][name], strict=True):
            exact = by_hand(rows[name], per_cent)
            places = (1 if name == "co" else 0) + (on >= NEW)
            assert figure.exact == exact
            assert figure.value == half_even(exact, places), name
            assert figure.limit == limit
            assert figure.attains == (figure.value <= limit)
            if not figure.attains:
                over = True
                multiple = (Fraction(figure.value) - limit) / limit
                assert figure.multiple == half_even(multiple, 2)
        assert item.status == ("exceeds" if over else "attains")
        unit = Decimal("0.1") if name == "co" else Decimal(1)
        good = sum(one.quantize(unit, ROUND_HALF_EVEN) <= LIMITS[on][name][-1] for one in rows[name])
        assert (item.attaining, item.attain_rate) == (good, half_even(Fraction(good * 100, 365), 1))
    assert found.verdict.status == ("exceeds" if found.verdict.deciding else "attains")


def test_mean_and_percentile_must_both_attain():
    """Annual mean of PM2.5 low, but P95 over 75: twenty days of 200 among days of 10."""
    days = [day(when, pm2_5="200" if n < 20 else "10") for n, when in enumerate(dates(2025))]
    found = evaluate("x", days, window(Period.YEAR, 2025), on=OLD)
    item = found.items["pm2_5"]
    assert (item.mean, item.percentile) == (Decimal(20), Decimal(200))  # (20*200 + 345*10)/365 = 20.4; k = 346.8
    assert (item.figure("mean").attains, item.figure("percentile").attains) == (True, False)
    assert item.status is Status.EXCEEDS
    assert found.verdict.deciding == ("pm2_5",)
    assert item.figure("percentile").multiple == Decimal("1.67")  # (200-75)/75


def test_on_the_limit_attains_and_a_rounding_step_above_does_not():
    for value, on, status in (
        ("35", OLD, "attains"), ("35.5", OLD, "exceeds"), ("35.4", OLD, "attains"), ("30", NEW, "attains"),
        ("30.05", NEW, "attains"), ("30.06", NEW, "exceeds"), ("25.1", FINAL, "exceeds"),
    ):  # fmt: skip
        found = evaluate("x", year_of(pm2_5=value), window(Period.YEAR, 2025), on=on)
        assert found.items["pm2_5"].status == status, (value, on)


def test_rounding_of_statistics_is_a_setting():
    days, whole = year_of(pm2_5="30.4"), window(Period.YEAR, 2025)
    assert evaluate("x", days, whole, on=NEW).items["pm2_5"].mean == Decimal("30.4")
    coarse = evaluate("x", days, whole, on=NEW, setting=Setting(places={"pm2_5": 0}))
    assert (coarse.items["pm2_5"].mean, coarse.items["pm2_5"].status) == (Decimal(30), Status.ATTAINS)


# --- validity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "valid"),
    [
        (0, True),
        (41, False),  # 324 days stay, but one month falls below 27
        ("spread 41", True),  # 324
        ("spread 42", False),  # 323
    ],
)
def test_a_year_needs_324_days_and_every_month(left_out, valid):
    """GB 3095 table 4. February has 28 days and needs 25; the others need 27."""
    days = dates(2025)
    if isinstance(left_out, int):
        days = days[left_out:]
    else:
        spare, gone = dict.fromkeys(range(1, 13), 3), int(left_out.split()[1])
        spare = {m: 3 if m == 2 or m in (4, 6, 9, 11) else 4 for m in spare}
        drop = []
        for when in days:
            if len(drop) < gone and spare[when.month] > 0:
                spare[when.month] -= 1
                drop.append(when)
        if len(drop) < gone:  # one month more would break its own rule
            drop.append(days[-1])
        days = [when for when in days if when not in drop]
    found = enough_days("pm2_5", days, window(Period.YEAR, 2025), evaluation(OLD))
    assert found.valid is valid, found


@pytest.mark.parametrize(("month", "have", "valid"), [(3, 27, True), (3, 26, False), (2, 25, True), (2, 24, False)])
def test_a_month_needs_27_days_and_february_25(month, have, valid):
    days = [day(date(2025, month, n + 1)) for n in range(have)]
    found = evaluate("x", days, window(Period.MONTH, 2025, month), on=OLD)
    assert found.items["so2"].enough.valid is valid
    assert found.verdict.status == ("attains" if valid else "cannot_judge")
    assert found.items["so2"].mean == 8  # the figure is shown all the same


@pytest.mark.parametrize("item", ["tsp", "pb", "benzo_a_pyrene"])
def test_items_of_table_2_need_60_days_with_5_in_each_month(item):
    rules, whole = evaluation(OLD), window(Period.YEAR, 2025)
    five = [date(2025, month, n) for month in range(1, 13) for n in range(1, 6)]
    assert enough_days(item, five, whole, rules).valid is True
    assert enough_days(item, five[:-1], whole, rules).valid is False
    bunched = [one for one in five if one.month != 12] + [date(2025, 1, n) for n in range(10, 20)]
    assert enough_days(item, bunched, whole, rules).valid is False


def test_lead_of_a_quarter_needs_15_days_with_5_in_each_month():
    rules, quarter = evaluation(OLD), window(Period.QUARTER, 2025, 4)
    days = [date(2025, month, n) for month in (4, 5, 6) for n in range(1, 6)]
    assert enough_days("pb", days, quarter, rules).valid is True
    assert enough_days("pb", [*days[1:], date(2025, 5, 20)], quarter, rules).valid is False


def test_lead_and_tsp_are_judged_where_measured():
    days = [day(when, pb="0.51", tsp="201", nox="50") for when in dates(2025)]
    found = evaluate("x", days, window(Period.YEAR, 2025), on=OLD)
    assert [found.items[name].status.value for name in ("pb", "tsp", "nox")] == ["exceeds", "exceeds", "attains"]
    quarter = evaluate("x", days, window(Period.QUARTER, 2025, 4), on=OLD)
    assert (quarter.items["pb"].figures[0].limit, quarter.items["pb"].status) == (1, Status.ATTAINS)
    assert "benzo_a_pyrene" not in found.items


def test_an_item_without_a_value_cannot_be_judged_and_the_year_neither():
    found = evaluate("x", year_of(o3=None), window(Period.YEAR, 2025), on=OLD)
    assert found.items["o3"].status is Status.CANNOT_JUDGE
    assert found.items["o3"].attains is None
    assert found.verdict.status is Status.CANNOT_JUDGE
    assert (found.index.total, found.index.missing) == (None, ("o3",))
    assert "臭氧有效数据不足" in found.verdict.sentence_zh
    # One that is over is over, whatever else is missing.
    assert evaluate("x", year_of(o3=None, pm2_5="36"), window(Period.YEAR, 2025), on=OLD).verdict.status == "exceeds"
    planned = evaluate("x", year_of(o3=None), window(Period.YEAR, 2025), on=OLD, setting=Setting(not_monitored=("o3",)))
    assert planned.verdict.status is Status.ATTAINS


def test_values_below_zero_are_not_valid():
    days = year_of(2025)
    days[0] = day(days[0].day, pm2_5="-3")
    found = evaluate("x", days, window(Period.YEAR, 2025), on=OLD)
    assert (found.items["pm2_5"].days, found.items["pm2_5"].mean) == (364, Decimal(25))


def test_months_are_indicative_and_say_so():
    found = evaluate(
        "北碚区", [day(when) for when in dates(2025, (4, 1), (4, 30))], window(Period.MONTH, 2025, 4), on=OLD
    )
    assert found.verdict.extra["indicative"] is True
    assert "指示性" in found.verdict.sentence_zh
    assert "no limit is set" in found.verdict.sentence_en
    year = evaluate("北碚区", year_of(), window(Period.YEAR, 2025), on=OLD)
    assert year.verdict.extra["indicative"] is False
    assert year.verdict.sentence_zh.startswith("北碚区2025年环境空气质量达标；优良天数365天，优良天数比例100.0%")


def test_any_range_of_days_is_judged_without_a_rule_for_its_days():
    start = instant(datetime(2025, 1, 10, tzinfo=CHINA))
    span = Window(Period.DAY, start, start + 20 * 86400)
    found = evaluate("x", year_of(), span, on=OLD)
    assert (found.items["so2"].enough.valid, found.items["so2"].days) == (None, 20)
    assert found.verdict.status is Status.ATTAINS
    assert "2025年1月10日至2025年1月29日" in found.verdict.sentence_zh


# --- good days --------------------------------------------------------------------------------------------------------


def test_missing_days_shrink_the_denominator_and_are_shown():
    days = [day(when, pm2_5="80") if when.day == 1 else day(when) for when in dates(2025)][:-65]
    found = evaluate("x", days, window(Period.YEAR, 2025), on=OLD).good_days
    # 300 days to 27 October, ten of them a first of the month.
    assert (found.good, found.valid, found.calendar, found.missing) == (290, 300, 365, 65)
    assert found.ratio == Decimal("96.7")
    assert found.by_level == {1: 290, 2: 0, 3: 10, 4: 0, 5: 0, 6: 0}
    assert found.primary == {"pm2_5": 10}


def test_published_good_day_ratio():
    """Naiman county, S27: 51 excellent and 35 good days of 91 -> 94.5 %."""
    assert good_ratio(86, 91, on=OLD) == Decimal("94.5")
    found = from_levels({1: 51, 2: 35, 3: 3, 4: 1, 5: 1, 6: 0}, calendar=92, good_level=2, heavy_level=5, places=1)
    assert (found.good, found.ratio, found.heavy, found.missing) == (86, Decimal("94.5"), 1, 1)
    assert good_ratio(0, 0, on=OLD) is None
    with pytest.raises(BadInput):
        good_ratio(92, 91, on=OLD)


def test_heavy_days_begin_above_200():
    # 2012: PM2.5 150 -> 200, 151 -> 201.
    days = [day(date(2025, 1, 1), pm2_5="150"), day(date(2025, 1, 2), pm2_5="151"), day(date(2025, 1, 3), pm2_5="500")]
    assert evaluate("x", days, window(Period.MONTH, 2025), on=OLD).good_days.heavy == 2


def test_stamped_days_are_kept_out_only_when_asked_and_both_are_printed():
    days = [
        day(when, pm10="400", stamps=["sand_dust"]) if when.month == 3 and when.day <= 3 else day(when)
        for when in dates(2025, (3, 1), (3, 31))
    ]
    month = window(Period.MONTH, 2025, 3)
    kept = evaluate("x", days, month, on=OLD)
    assert (kept.good_days.good, kept.good_days.valid, kept.good_days.left_out) == (28, 31, 0)
    assert kept.items["pm10"].mean == Decimal(79)  # (28*45 + 3*400)/31 = 79.35
    out = evaluate("x", days, month, on=OLD, leave_out_stamps=["sand_dust"])
    assert (out.good_days.good, out.good_days.valid, out.good_days.left_out, out.good_days.missing) == (28, 28, 3, 0)
    assert out.items["pm10"].mean == Decimal(45)
    for one in (kept, out):
        assert (one.all_days.good_days.ratio, one.without_stamped.good_days.ratio) == (
            Decimal("90.3"),
            Decimal("100.0"),
        )
        assert "计入沙尘等标记日90.3%" in one.verdict.sentence_zh
        assert "剔除标记日3天后100.0%" in one.verdict.sentence_zh
    assert (kept.verdict.status, out.verdict.status) == ("exceeds", "attains")


# --- one reference state ----------------------------------------------------------------------------------------------


def test_a_year_that_crosses_september_2018_is_brought_to_one_state():
    """Gases before it were stated at 273 K: times 273/298.15 = 0.9157. Particles stay."""
    days = year_of(2018, so2="30", pm10="45")
    whole = window(Period.YEAR, 2018)
    found = evaluate("x", days, whole, on=date(2018, 12, 31))
    old, new = 243, 122  # days before and from 1 September
    exact = (Fraction(30) * Fraction(27300, 29815) * old + 30 * new) / 365
    assert abs(found.items["so2"].figures[0].exact - exact) < Fraction(1, 10**6)
    assert found.items["pm10"].figures[0].exact == 45
    assert found.verdict.extra["rebased_days"] == old
    assert "298.15 K" in found.verdict.sentence_zh
    as_they_are = evaluate("x", days, whole, on=date(2018, 12, 31), setting=Setting(rebased=True))
    assert as_they_are.items["so2"].figures[0].exact == 30
    # Judged by the state at the start of the year, it is the last four months that are converted back.
    assert evaluate("x", days, whole, on=date(2018, 1, 1)).rebased.changed == new


def test_refused_days():
    with pytest.raises(BadInput, match="2025-01-01 is given twice"):
        evaluate("x", [day(date(2025, 1, 1))] * 2, window(Period.MONTH, 2025), on=OLD)
    with pytest.raises(UnknownFactor, match="pm2_5"):
        evaluate("x", [DayValues(date(2025, 1, 1), {"pm25": Decimal(1)})], window(Period.MONTH, 2025), on=OLD)


def test_no_days_at_all_cannot_be_judged():
    found = evaluate("x", [], window(Period.MONTH, 2025), on=OLD)
    assert found.verdict.status is Status.CANNOT_JUDGE
    assert (found.verdict.figure, found.good_days.missing) == (None, 31)


def test_class_1_areas_have_their_own_limits():
    found = evaluate("缙云山", year_of(), window(Period.YEAR, 2025), on=OLD, grade="level1")
    assert found.items["pm2_5"].figures[0].limit == 15
    assert found.verdict.deciding == ("pm10", "pm2_5")


def test_the_verdict_carries_everything():
    found = evaluate("北碚区", year_of(pm2_5="38"), window(Period.YEAR, 2025), on=OLD).verdict
    assert (found.edition, found.clause) == ("HJ 663-2013", "HJ 663-2013；GB 3095-2012")
    assert (found.figure, found.unit, found.level, found.label_zh) == ("100.0", "%", 5, "不达标")
    pm = [one for one in found.items if one.factor == "pm2_5"]
    assert [(one.grade, one.figure, one.limit, one.multiple) for one in pm] == [
        ("mean", "38", "35", "0.09"), ("p95", "38", "75", None),
    ]  # fmt: skip
    assert pm[0].clause == "GB 3095-2012 表1"
    assert "PM2.5均值38 μg/m³（限值35，超标0.09倍）" in found.sentence_zh


def test_days_are_counted_by_columns_as_one_by_one():
    """The columns that count a year of days give what each day's AQI gives, also for figures no column can hold."""
    chance = random.Random(7)
    tops = {"so2": 60, "no2": 150, "co": 9, "pm10": 300, "pm2_5": 200, "o3": 300, "o3_1h": 400}
    for on in (date(2019, 1, 1), date(2026, 4, 1)):
        table = index_edition(on)
        for places in (1, 8):
            days = [
                DayValues(
                    date(2026, 1, 1) + timedelta(n),
                    {
                        name: None
                        if chance.random() < 0.05
                        else Decimal(chance.randint(-9, top * 10**places)).scaleb(-places)
                        for name, top in tops.items()
                    },
                )
                for n in range(120)
            ]
            for out in ((), ("co",)):
                found = count_days(days, on=on, calendar=365, not_monitored=out)
                each = [day_aqi(one, table, out) for one in days]
                levels = Counter(one.level.level for one in each if one.level)
                assert {n: count for n, count in found.by_level.items() if count} == levels
                polluted = [one for one in each if one.level and one.level.level > table.good_level]
                assert found.primary == Counter(name for one in polluted for name in one.primary)

"""Rivers, lakes, means and change: 环办[2011]22号; published figures of bulletins."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.water.change import class_change, status_change
from jinyun.domains.water.lake import evaluate_lake, evaluate_parts
from jinyun.domains.water.means import Sample, mean_of, mean_samples, samples_needed, time_mean
from jinyun.domains.water.river import evaluate_river, good_ratio, point_change, ratio_sentence, river_indicators
from jinyun.domains.water.section import day_window
from jinyun.domains.water.shares import target_attainment
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, Status, window_of

DAY = date(2026, 11, 22)
MONTH = window_of(Period.MONTH, day_window(DAY).start)
YEAR = window_of(Period.YEAR, day_window(DAY).start)


def values(**given):
    return {key: Decimal(value) for key, value in given.items()}


def classes(**counts):
    return {f"{name}{n}": int(name[1:]) for name, count in counts.items() for n in range(count)}


def test_the_42_sections_as_a_bureau_prints_them():
    """41 of 42 = 97.6 %, +7.1 points after 38 of 42 (90.5 %)."""
    now, before = good_ratio([1] * 3 + [2] * 30 + [3] * 8 + [4]), good_ratio([2] * 38 + [4] * 4)
    assert (now.good, now.total, now.printed, before.printed) == (41, 42, "97.6", "90.5")
    assert point_change(now, before) == Decimal("7.1")
    zh, en = ratio_sentence(now, before)
    assert zh == "42个断面中Ⅰ～Ⅲ类断面41个，占97.6%，同比提高7.1个百分点"
    assert en == "41 of 42 sections are Class I to III, 97.6 %, up 7.1 percentage points on the year before"
    assert "同比下降7.1个百分点" in ratio_sentence(before, now)[0]
    assert "持平" in ratio_sentence(now, now)[0]
    assert now.percent == Fraction(4100, 42)


def test_a_section_without_a_class_is_in_no_share():
    found = good_ratio([2, 3, None, 6])
    assert (found.good, found.total, found.unjudged, found.worse) == (2, 3, 1, 1)
    assert "另有1个断面无法判定" in ratio_sentence(found)[0]
    with pytest.raises(BadInput):
        good_ratio([None])
    with pytest.raises(BadInput, match="7 is no class"):
        good_ratio([7])


def test_a_section_may_be_class_iv_and_on_target():
    found = target_attainment([(4, 4), (3, 2), (2, 2), (None, 3)])
    assert (found.good, found.total, found.unjudged, found.printed) == (2, 3, 1, "66.7")


def test_the_yangtze_of_the_bulletin():
    """94 sections, 80.9 % (76) and 5.3 % (5): 良好; 62 sections, 72.6 % (45) and 8.1 % (5): 轻度污染."""
    verdict = evaluate_river("长江流域", classes(c2=76, c4=13, c6=5), day=DAY, window=YEAR)
    assert (verdict.label_zh, verdict.figure, verdict.extra["worse_share"]) == ("良好", "80.9", "5.3")
    assert verdict.sentence_zh == "长江流域2026年水质为良好，94个断面中Ⅰ～Ⅲ类断面76个，占80.9%；劣Ⅴ类5个，占5.3%。"
    verdict = evaluate_river("长江支流", classes(c2=45, c4=12, c6=5), day=DAY)
    assert (verdict.label_zh, verdict.level, verdict.status) == ("轻度污染", 4, Status.EXCEEDS)


@pytest.mark.parametrize(
    ("counts", "word"),
    [({"c3": 9, "c4": 1}, "优"), ({"c3": 15, "c6": 5}, "良好"), ({"c3": 14, "c4": 2, "c6": 4}, "中度污染"),
     ({"c3": 6, "c6": 4}, "重度污染"), ({"c3": 4, "c4": 1}, "良好")],
)  # fmt: skip
def test_shares_on_a_bound(counts, word):
    """Shares of exactly 90, 75, 20, 40 % reach their row; five sections are enough for shares."""
    assert evaluate_river("河", classes(**counts), day=DAY).label_zh == word


def test_fewer_than_five_sections_are_averaged_and_classified_once():
    sections = {"上": values(tp="0.31", do="6"), "中": values(tp="0.12", do="6"), "下": values(tp="0.13", do="6")}
    verdict = evaluate_river("小河", sections, day=DAY)
    # (0.31 + 0.12 + 0.13) / 3 = 0.18666…: class III, though one section is worse than IV
    assert (verdict.level, verdict.extra["method"], verdict.extra["sections"]) == (3, "mean", 3)
    assert next(one for one in verdict.items if one.factor == "tp").figure == "0.19"
    assert "按3个断面各项目均值评价" in verdict.sentence_zh
    with pytest.raises(BadInput, match="classes"):
        evaluate_river("小河", {"上": 3, "下": 4}, day=DAY)
    with pytest.raises(BadInput, match="no sections"):
        evaluate_river("小河", {}, day=DAY)


def test_main_indicators_of_a_river_by_share_of_sections():
    """Six sections: TP worse than III in 3, NH3-N in 2, COD-Mn in 1, BOD in 1: three are kept."""
    bad = [{"tp": 4, "nh3_n": 4, "cod_mn": 4, "bod5": 4}, {"tp": 5, "nh3_n": 6}, {"tp": 4}]
    good = [{"tp": 1}, {"tp": 2}, {"tp": 1}]
    found = river_indicators([*bad, *good, {}])
    assert found == [("tp", Fraction(50)), ("nh3_n", Fraction(100, 3)), ("cod_mn", Fraction(50, 3))]
    sections = {str(n): values(tp="0.25" if n < 3 else "0.1", nh3_n="1.2" if n < 2 else "0.1") for n in range(6)}
    verdict = evaluate_river("河", sections, day=DAY)
    assert verdict.deciding == ("tp", "nh3_n")
    assert "主要污染指标为总磷（50.0%断面）、氨氮（33.3%断面）" in verdict.sentence_zh


def test_a_river_against_the_year_before():
    verdict = evaluate_river("北碚区", classes(c2=41, c4=1), day=DAY, window=MONTH, before=[2] * 38 + [4] * 4)
    assert verdict.sentence_zh == ("北碚区2026年11月水质为优，42个断面中Ⅰ～Ⅲ类断面41个，占97.6%，同比提高7.1个百分点。")
    assert (verdict.extra["points"], verdict.extra["change_zh"]) == ("7.1", "无明显变化")


def test_a_non_detect_that_is_good_either_way_stays_in_the_share():
    """Volatile phenol: 0.003 mg/L may be I, II or III; 0.006 may be IV."""

    def section(limit):
        return Sample(values(do="8", volatile_phenol=limit), frozenset({"volatile_phenol"}))

    verdict = evaluate_river("河", classes(c2=5) | {"x": section("0.003"), "y": section("0.006")}, day=DAY)
    assert (verdict.extra["classes"]["x"], verdict.extra["unjudged"]) == (3, ["y"])


def test_sections_whose_class_is_open_leave_the_shares():
    sections = classes(c2=5) | {"x": None, "y": {"tp": None, "do": Decimal(8)}}
    verdict = evaluate_river("河", sections, day=DAY)
    assert (verdict.extra["unjudged"], verdict.figure) == (["x", "y"], "100.0")
    few = evaluate_river("河", classes(c2=4) | {"x": None}, day=DAY)
    assert few.status is Status.CANNOT_JUDGE


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (1, 2, "无明显变化"),
        (3, 3, "无明显变化"),
        (3, 2, "有所好转"),
        (3, 4, "有所变差"),
        (6, 4, "明显好转"),
        (2, 5, "明显变差"),
    ],
)
def test_change_of_one_section_is_told_by_its_words(before, after, word):
    assert class_change(before, after).label_zh == word


def test_change_refuses_what_is_no_status():
    with pytest.raises(BadInput, match="no status word"):
        status_change("优", "很好")
    with pytest.raises(BadInput, match="no class"):
        class_change(0, 2)


def test_half_the_detection_limit_counts_in_a_mean():
    samples = [
        Sample(values(tp="0.02", hg="0.04"), frozenset({"tp", "hg"})),
        Sample(values(tp="0.05", hg="0.02"), frozenset({"hg"})),
    ]
    means = mean_samples(samples)
    assert means.values["tp"] == Decimal("0.03")  # (0.01 + 0.05) / 2
    assert (means.values["hg"], means.non_detects) == (Decimal("0.04"), {"hg"})  # never detected: stays a non-detect
    assert means.counts == {"tp": 2, "hg": 2}


def test_ph_is_averaged_as_told():
    """H+: (1e-6 + 1e-8)/2 = 5.05e-7, pH 6.297; the values give 7."""
    pair = [Decimal("6.0"), Decimal("8.0")]
    assert mean_of(pair, item="ph", places=2) == Decimal("7.00")
    assert mean_of(pair, item="ph", ph="hydrogen", places=2) == Decimal("6.30")
    assert mean_of(pair, item="tp", ph="hydrogen", places=2) == Decimal("7.00")
    with pytest.raises(BadInput, match="hydrogen"):
        mean_of(pair, ph="h")


def test_a_mean_is_rounded_once_to_the_places_of_its_values():
    assert mean_of([Decimal("0.201"), Decimal("0.200")]) == Decimal("0.200")  # 0.2005, half to even


@pytest.mark.parametrize(
    ("period", "ice", "least"),
    [(Period.MONTH, False, 1), (Period.QUARTER, False, 2), (Period.YEAR, False, 12), (Period.YEAR, True, 8)],
)
def test_samplings_that_a_period_needs(period, ice, least):
    assert samples_needed(period, ice=ice) == least
    samples = [Sample(values(tp="0.1"))] * (least - 1)
    assert time_mean(samples, period, ice=ice).values == {}
    assert time_mean([*samples, Sample(values(tp="0.1"))], period, ice=ice).values == values(tp="0.1")


def test_a_lake_over_time_then_over_points():
    """Point a: (0.02 + 0.04)/2 = 0.03, b: 0.09; mean 0.06, class IV of a lake. All samples pooled give 0.05: III."""
    points = {"a": [Sample(values(tp="0.02")), Sample(values(tp="0.04"))], "b": [Sample(values(tp="0.09"))]}
    verdict = evaluate_lake("湖", points, day=DAY, window=MONTH)
    assert (verdict.level, verdict.extra["body"]) == (4, "lake_reservoir")
    parts = evaluate_parts("湖", {"东": ["a"], "西": ["b"]}, points, day=DAY, window=MONTH)
    assert {name: one.level for name, one in parts.items()} == {"东": 3, "西": 4, "湖": 4}
    assert parts["东"].sentence_zh.startswith("湖东2026年11月")
    with pytest.raises(BadInput, match="no point c"):
        evaluate_parts("湖", {"东": ["c"]}, points, day=DAY)


def test_a_lake_with_too_few_samplings_cannot_be_judged():
    points = {"a": [Sample(values(tp="0.02"))] * 11}
    verdict = evaluate_lake("湖", points, day=DAY, window=YEAR)
    assert (verdict.status, verdict.extra["too_few"]) == (Status.CANNOT_JUDGE, {"a": {"tp": 12}})
    assert evaluate_lake("湖", points, day=DAY, window=YEAR, ice=True).level == 2


def test_a_mean_keeps_the_decimals_its_factor_is_shown_with():
    """2.0 and 7.0 mg/L of dissolved oxygen average to 4.5, although both could be written without decimals."""
    assert mean_of([Decimal("2.0"), Decimal("7.0")], item="do") == Decimal("4.5")
    assert mean_of([Decimal(2), Decimal(7)], item="do") == Decimal("4.5")
    assert mean_of([Decimal("0.02"), Decimal("0.03"), Decimal("0.0305")], item="tp") == Decimal("0.0268")

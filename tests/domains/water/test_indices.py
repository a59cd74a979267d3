"""TLI, CWQI, stability, trend and sewage rate: worked numbers of the rules, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import log

import pytest

from jinyun.domains.water.cwqi import city_cwqi, cwqi, cwqi_change, rank_cities
from jinyun.domains.water.section import day_window
from jinyun.domains.water.sewage import treatment_rate
from jinyun.domains.water.stable import judge_stable, stable_at
from jinyun.domains.water.tli import tli, tli_level
from jinyun.domains.water.trend import critical_value, ranks, spearman
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, Status, window_of

LAKE = {"chl_a": "10", "tp": "0.04", "tn": "1.0", "sd": "1.2", "cod_mn": "4"}
MONTH = window_of(Period.MONTH, day_window(date(2026, 10, 1)).start)


def numbers(given):
    return {key: None if value is None else Decimal(value) for key, value in given.items()}


def test_tli_of_the_rules():
    """50.01, 42.09, 54.53, 47.64, 37.98: TLI 46.69, 中营养."""
    found = tli(numbers(LAKE))
    assert [f"{found.parts[key]:.2f}" for key in LAKE] == ["50.01", "42.09", "54.53", "47.64", "37.98"]
    assert (str(found.total), found.level, found.level_zh, found.level_en) == ("46.69", 2, "中营养", "mesotrophic")
    assert abs(sum(found.weights.values()) - 1) < Decimal("1e-27")
    assert float(found.parts["chl_a"]) == pytest.approx(10 * (2.5 + 1.086 * log(10)), abs=1e-9)


def test_tli_does_not_weigh_anew_in_silence():
    for change in ({"tn": None}, {"sd": "0"}):
        found = tli(numbers(LAKE | change))
        assert (found.total, found.level, found.level_zh) == (None, None, "无法判定")
        assert "不能" in found.reason_zh
    asked = tli(numbers(LAKE | {"tn": None}), reweight=True)
    assert asked.total is not None
    assert asked.missing == ("tn",)
    assert "重新分配" in asked.reason_zh
    assert tli(numbers(LAKE | {"chl_a": None}), reweight=True).total is None


@pytest.mark.parametrize(
    ("total", "word"),
    [("29.99", "贫营养"), ("30", "中营养"), ("50", "中营养"), ("50.01", "轻度富营养"), ("60", "轻度富营养"),
     ("60.01", "中度富营养"), ("70", "中度富营养"), ("70.01", "重度富营养")],
)  # fmt: skip
def test_the_upper_end_belongs_to_the_lower_level(total, word):
    assert tli_level(Decimal(total))[1] == word


CITY = {
    "ph": "7.6", "do": "8", "cod_mn": "3", "cod_cr": "12", "bod5": "2", "nh3_n": "0.3", "tp": "0.08", "cu": "0.005",
    "zn": "0.02", "fluoride": "0.3", "se": "0.2", "as": "2", "hg": "0.02", "cd": "0.05", "cr6": "2", "pb": "1",
    "cyanide": "0.002", "volatile_phenol": "0.0005", "petroleum": "0.02", "las": "0.03", "sulfide": "0.005",
}  # fmt: skip


def test_cwqi_of_the_worked_case():
    """cwqi_001 and cwqi_002: 4.565 for rivers, 4.865 for the lake, 4.64 for three sections and one point."""
    river = cwqi(numbers(CITY))
    lake = cwqi(numbers(CITY | {"ph": "6.6", "tp": "0.03"}), body="lake")
    assert (river.printed, lake.printed) == ("4.5650", "4.8650")
    assert river.terms["do"] == Fraction(5, 8)
    assert (river.terms["ph"], lake.terms["ph"]) == (Fraction(3, 10), Fraction(2, 5))
    assert city_cwqi(river.total, lake.total, river_sections=3, lake_points=1) == Fraction("4.64")
    assert city_cwqi(river.total, None, river_sections=4) == river.total


def test_cwqi_of_20_items_is_no_cwqi():
    found = cwqi(numbers(CITY | {"hg": None}))
    assert (found.total, found.printed, found.missing) == (None, None, ("hg",))
    with pytest.raises(BadInput, match="oxygen of zero"):
        cwqi(numbers(CITY | {"do": "0"}))
    with pytest.raises(BadInput, match="both or neither"):
        city_cwqi(Fraction(4), None, river_sections=0)


def test_ranking_smaller_is_better_and_equal_ones_share_a_place():
    found = rank_cities({"甲": Fraction(5), "乙": Fraction(4), "丙": Fraction(5), "丁": Fraction(6)})
    assert [(one.place, one.city) for one in found] == [(1, "乙"), (2, "甲"), (2, "丙"), (4, "丁")]
    assert cwqi_change(Fraction(4), Fraction(5)) == -20
    by_change = rank_cities({"甲": Fraction(-20), "乙": Fraction(3)}, by_change=True)
    assert (by_change[0].city, by_change[0].printed) == ("甲", "-20.0")


@pytest.mark.parametrize(
    ("levels", "status"),
    [
        ([2] * 12, Status.ATTAINS),
        ([1, 2] * 6, Status.ATTAINS),
        ([2] * 11 + [3], Status.EXCEEDS),
        ([3] + [2] * 12, Status.EXCEEDS),  # a longer run is judged as a whole
        ([2] * 11, Status.CANNOT_JUDGE),
        ([2] * 11 + [None], Status.CANNOT_JUDGE),
        ([2] * 10 + [None, 3], Status.EXCEEDS),  # worse anyway
        ([], Status.CANNOT_JUDGE),
    ],
)
def test_stably_class_ii_means_every_month_of_a_whole_year(levels, status):
    """A project rule: stable_class.csv."""
    assert stable_at(levels, 2).status is status


def test_the_verdict_on_stability_says_whose_rule_it_is():
    verdict = judge_stable("长江干流", [2] * 12, 2, window=MONTH)
    assert (verdict.status, verdict.figure, verdict.limit, verdict.level) == (Status.ATTAINS, "12/12", "2", 2)
    assert verdict.sentence_zh == (
        "长江干流截至2026年10月稳定达到Ⅱ类：连续12个月均达到或优于Ⅱ类（项目规则，非国家标准）。"
    )
    assert "未稳定达到Ⅱ类：连续12个月中有1个月劣于Ⅱ类" in judge_stable("x", [2] * 11 + [4], 2, window=MONTH).sentence_zh
    assert stable_at([2] * 4, 2, period=Period.QUARTER).status is Status.ATTAINS
    with pytest.raises(BadInput, match="periods of HOUR"):
        stable_at([2], 2, period=Period.HOUR)
    with pytest.raises(BadInput, match="no class"):
        stable_at([2], 6)
    with pytest.raises(BadInput, match="stable"):
        stable_at([2] * 12, 2, on=date(2000, 1, 1))


def test_spearman():
    """Falling 5, 3, 4, 2, 1: Σd² = 16+1+1+4+16 = 38, r = 1 − 228/120 = −0.9, significant at N = 5."""
    found = spearman([Decimal(n) for n in (5, 3, 4, 2, 1)])
    assert (found.r, found.printed, found.critical, found.significant, found.rises) == (
        Fraction(-9, 10), "-0.900", Decimal("0.900"), True, False,
    )  # fmt: skip
    assert found.label_zh == "显著下降"
    weak = spearman([Decimal(n) for n in (1, 3, 2, 5, 4)])  # Σd² = 4, r = 0.8
    assert (weak.r, weak.significant, weak.rises) == (Fraction(4, 5), False, None)
    with pytest.raises(BadInput, match="at least 5"):
        spearman([Decimal(1)] * 4)


def test_equal_values_share_their_ranks_and_it_is_said():
    assert ranks([Decimal(n) for n in (2, 1, 2, 3)]) == [Fraction(5, 2), 1, Fraction(5, 2), 4]
    assert spearman([Decimal(n) for n in (1, 1, 2, 3, 4)]).ties
    assert not spearman([Decimal(n) for n in (1, 5, 2, 3, 4)]).ties


def test_between_rows_the_stricter_critical_value_holds():
    assert critical_value(11) == (Decimal("0.564"), 10)
    assert critical_value(40) == (Decimal("0.306"), 30)


def test_sewage_rate():
    assert treatment_rate(Decimal("973.5"), Decimal(1000)).printed == "97.4"  # 97.35 half to even
    assert treatment_rate(Decimal(1200), Decimal(1000)).over
    with pytest.raises(BadInput):
        treatment_rate(Decimal(1), Decimal(0))

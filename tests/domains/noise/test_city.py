"""City noise by HJ 640: means, every end of every grade, change year on year."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.noise.city import area_mean, change, grade, judge_city, road_mean
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Status

DAY = date(2025, 12, 31)
WORDS = ("好", "较好", "一般", "较差", "差")
# HJ 640-2012: upper ends of the first four grades; by night ten less (recalled).
ENDS = {("area", "day"): (50, 55, 60, 65), ("road", "day"): (68, 70, 72, 74)}
ENDS |= {(topic, "night"): tuple(end - 10 for end in ends) for (topic, _), ends in ENDS.items()}


@pytest.mark.parametrize(("topic", "period"), ENDS)
def test_every_end_below_on_and_above(topic, period):
    for number, end in enumerate(ENDS[topic, period]):
        for value, word in (
            (end - Decimal("0.1"), number), (Decimal(end), number), (end + Decimal("0.04"), number),
            (end + Decimal("0.05"), number), (end + Decimal("0.06"), number + 1), (end + Decimal("0.1"), number + 1),
        ):  # fmt: skip
            found = grade(value, topic, period, DAY)
            assert (found.quality_zh, found.level) == (WORDS[word], word + 1), value


@pytest.mark.parametrize(
    ("topic", "period", "value", "word"),
    [("area", "day", "54.5", "较好"), ("area", "night", "46.1", "一般"), ("road", "day", "59.3", "好")],
)
def test_published_grades(topic, period, value, word):
    assert grade(Decimal(value), topic, period, DAY).quality_zh == word


def test_roads_weigh_by_their_length():
    levels, lengths = [Decimal(v) for v in ("70.2", "66.5", "68.9")], [Decimal(v) for v in (1200, 800, 2000)]
    assert road_mean(levels, lengths, places=2) == Decimal("68.81")
    assert road_mean(levels, lengths) == Decimal("68.8")
    with pytest.raises(BadInput, match="3 road sections have 2"):
        road_mean(levels, lengths[:2])
    with pytest.raises(BadInput, match="not negative"):
        road_mean(levels, [Decimal(1), Decimal(1), Decimal(-1)])


@given(st.lists(st.integers(300, 900), min_size=1, max_size=50))
def test_the_area_mean_is_arithmetic_and_half_to_even(tenths):
    total, n = sum(tenths), len(tenths)
    whole, rest = divmod(total, n)
    expected = whole + (2 * rest > n or (2 * rest == n and whole % 2 == 1))
    assert area_mean([Decimal(t) / 10 for t in tenths]) * 10 == expected


def test_the_change_is_of_printed_figures():
    assert change(Decimal("51.3"), Decimal("51.8")) == Decimal("-0.5")
    assert change(Decimal("51.34"), Decimal("51.26")) == 0


def test_a_city():
    verdict = judge_city("某市", "area", [Decimal("51.2"), Decimal("51.4")], day=DAY, before=Decimal("51.8"))
    assert (verdict.figure, verdict.level, verdict.label_zh, verdict.status) == ("51.3", 2, "较好", Status.ATTAINS)
    assert verdict.sentence_zh == (
        "某市12月31日昼间区域环境噪声平均等效声级 51.3 dB(A)，二级（较好），同比下降 0.5 dB(A)。"
    )
    assert verdict.extra["change"] == "-0.5"
    roads = judge_city("某市", "road", [Decimal(66)], lengths=[Decimal(1)], day=DAY, period="night", before=Decimal(66))
    assert (roads.status, roads.level) == (Status.EXCEEDS, 5)
    assert "同比持平" in roads.sentence_zh
    assert "未核对原文" in roads.sentence_zh
    with pytest.raises(BadInput, match="weighted by length"):
        judge_city("某市", "road", [Decimal(66)], day=DAY)
    with pytest.raises(BadInput, match="area or road"):
        grade(Decimal(50), "rail", "day", DAY)

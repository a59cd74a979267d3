"""Verdicts on sections: figure, limit, evidence, and what happens when something is missing."""

from __future__ import annotations

import pytest
from handmade import NOON, Book, day_at, hour_at

from jinyun.domains.water import DOMAIN
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Flag, Period, ReadingRef, Site, Stat, Status

HOUR = next(judge for judge in DOMAIN.judges if judge.id == "water.section_class")
DAY = next(judge for judge in DOMAIN.judges if judge.id == "water.section_class_day")
NOON_HOUR = hour_at(2026, 11, 22, 12)
SITE = Site("b", "北温泉", "water_section", data={"target_class": 3, "body": "river"})


def judge(book, *, site=SITE, monitored=None, window=NOON_HOUR, by=HOUR):
    return by.run(JudgeInput(site, window, book.rows, {}, monitored))


def test_a_section_over_its_target():
    book = Book()
    book.add("nh3_n", "1.23")
    book.add("tp", "0.15")
    book.add("do", "6.8")
    verdict = judge(book)
    assert (verdict.status, verdict.figure, verdict.level, verdict.limit) == (Status.EXCEEDS, "4", 4, "3")
    assert verdict.deciding == ("nh3_n",)
    assert (verdict.label_zh, verdict.edition) == ("Ⅳ类", "GB 3838-2002")
    item = next(item for item in verdict.items if item.factor == "nh3_n")
    assert (item.figure, item.unit, item.limit, item.grade, item.multiple) == ("1.23", "mg/L", "1", "4", "0.23")
    assert item.status is Status.EXCEEDS
    assert item.readings == (ReadingRef(1, NOON, 1),)
    assert "设备小时均值" in item.reason
    assert verdict.sentence_zh == (
        "北温泉11月22日12时水质为Ⅳ类（轻度污染），未达到目标Ⅲ类；"
        "定类因子：氨氮1.23 mg/L（Ⅳ类，超Ⅲ类0.23倍）。评价21项中的3项，为指示性类别。"
    )
    assert "does not meet the target Class III" in verdict.sentence_en
    assert {ref.series for ref in verdict.evidence()} == {1, 2, 3}


def test_a_value_on_the_limit_attains():
    book = Book()
    book.add("nh3_n", "1.00")
    verdict = judge(book)
    assert (verdict.status, verdict.level) == (Status.ATTAINS, 3)


def test_the_target_is_the_sections_own():
    book = Book()
    book.add("tp", "0.15")
    strict = Site("c", "支流", "water_section", data={"target_class": 2})
    verdict = judge(book, site=strict)
    assert (verdict.status, verdict.level, verdict.limit) == (Status.EXCEEDS, 3, "2")
    assert verdict.items[0].limit == "0.1"
    assert verdict.items[0].multiple == "0.50"  # over its own limit; class III is kept, so no main indicator
    assert verdict.extra["main_indicators"] == []
    assert judge(book, site=Site("d", "无目标", "water_section")).status is Status.ATTAINS


def test_without_hour_data_the_hour_is_computed_and_says_so():
    book = Book()
    for n, value in enumerate(("1.00", "1.02", "1.03")):
        book.add("nh3_n", value, NOON + 600 * n, period=Period.MINUTE)
    book.add("nh3_n", "9", NOON + 1800, period=Period.MINUTE, flag=Flag.FAULT)
    verdict = judge(book)
    item = verdict.items[0]
    assert item.figure == "1.02"  # 1.01666… kept to the places of its readings
    assert (verdict.level, len(item.readings)) == (4, 3)
    assert ReadingRef(1, NOON + 1800, 4) not in item.readings
    assert "分钟数据" in item.reason


def test_an_invalid_factor_leaves_the_section_unjudged_unless_the_rest_is_worse():
    book = Book()
    book.add("nh3_n", "0.4", flag=Flag.MAINTENANCE)
    book.add("tp", "0.15")
    verdict = judge(book)
    assert (verdict.status, verdict.figure, verdict.level) == (Status.CANNOT_JUDGE, None, None)
    assert verdict.extra["missing"] == ["nh3_n"]
    assert "维护×1" in next(item for item in verdict.items if item.factor == "nh3_n").reason
    assert "其余1项为Ⅲ类" in verdict.sentence_zh
    book.add("cod_mn", "16")
    worse = judge(book)
    assert (worse.status, worse.level, worse.deciding) == (Status.EXCEEDS, 6, ("cod_mn",))


def test_a_monitored_factor_that_is_silent_is_missing():
    book = Book()
    book.add("tp", "0.15")
    assert judge(book, monitored=frozenset({"tp"})).status is Status.ATTAINS
    silent = judge(book, monitored=frozenset({"tp", "nh3_n", "conductivity"}))
    assert silent.status is Status.CANNOT_JUDGE
    assert silent.extra["missing"] == ["nh3_n"]


def test_nothing_that_gives_a_class_is_no_verdict():
    book = Book()
    book.add("water_temp", "18")
    book.add("tn", "3.1")
    assert judge(book) is None


def test_river_nitrogen_is_never_judged_and_a_lakes_is_a_reference():
    book = Book()
    book.add("tn", "1.4")
    book.add("do", "8")
    assert [item.factor for item in judge(book).items] == ["do"]
    lake = judge(book, site=Site("l", "湖", "water_section", data={"body": "lake"}))
    reference = next(item for item in lake.items if item.factor == "tn")
    assert (lake.level, reference.grade) == (1, "4")
    assert "参考指标" in reference.reason


def test_oxygen_by_saturation_names_the_temperature_reading():
    book = Book()
    book.add("do", "7.2")
    book.add("water_temp", "27.0")
    verdict = judge(book)
    assert verdict.level == 1
    assert len(verdict.items[0].readings) == 2
    assert "按饱和率达到Ⅰ类" in verdict.items[0].reason


def test_a_value_without_a_flag_counts_and_says_so():
    book = Book()
    book.add("nh3_n", "0.4", flag=Flag.UNKNOWN)
    verdict = judge(book)
    assert verdict.status is Status.ATTAINS
    assert "数据未带标记" in verdict.items[0].reason


def test_a_lone_non_detect_is_compared_by_its_limit():
    book = Book()
    book.add("volatile_phenol", "0.003", flag=Flag.NON_DETECT)
    verdict = judge(book)
    assert verdict.level == 3
    assert "检出限" in verdict.items[0].reason


def test_a_day_is_the_mean_of_its_hours():
    book = Book()
    midnight = NOON - 12 * 3600
    for n, value in enumerate(("0.9", "1.0", "1.1", "1.4")):
        book.add("nh3_n", value, midnight + n * 4 * 3600)
    verdict = judge(book, window=day_at(2026, 11, 22), by=DAY)
    assert verdict.items[0].figure == "1.10"
    assert (verdict.level, len(verdict.evidence())) == (4, 4)
    assert "11月22日水质" in verdict.sentence_zh


def test_a_day_without_hours_takes_the_devices_day_mean():
    book = Book()
    book.add("nh3_n", "0.8", NOON - 12 * 3600, period=Period.DAY)
    verdict = judge(book, window=day_at(2026, 11, 22), by=DAY)
    assert (verdict.level, verdict.items[0].figure) == (3, "0.80")
    assert "设备日均值" in verdict.items[0].reason


@pytest.mark.parametrize("kind", ["water_section", "water_micro"])
def test_declared_for_sections(kind):
    assert kind in HOUR.site_kinds
    assert HOUR.on_arrival
    assert HOUR.period is Period.HOUR
    assert Stat.AVG in HOUR.stats

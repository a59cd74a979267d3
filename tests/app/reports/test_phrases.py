"""Phrases as bureaus print them; the words expected are those of published bulletins."""

import pytest
from period_dicts import figure

from jinyun.app.reports.phrases import amount, change, id_ranges, stated, water_class


@pytest.mark.parametrize(
    ("now", "before", "unit", "zh", "en"),
    [
        ("93.5", "90.3", "%", "同比提高3.2个百分点", "up 3.2 percentage points on last year"),
        ("97.6", "90.5", "%", "同比提高7.1个百分点", "up 7.1 percentage points on last year"),
        ("90.3", "93.5", "%", "同比下降3.2个百分点", "down 3.2 percentage points on last year"),
        ("28", "30", "ug/m3", "同比下降6.7%", "down 6.7% on last year"),
        ("131", "127", "ug/m3", "同比上升3.1%", "up 3.1% on last year"),
        ("29", "28", "d", "同比增加1天", "up 1 days on last year"),
        ("0", "2", "d", "同比减少2天", "down 2 days on last year"),
        ("59.3", "59.8", "dB(A)", "同比下降0.5分贝", "down 0.5 dB(A) on last year"),
        ("46", "46", "ug/m3", "同比持平", "unchanged from last year"),
        ("0.0", "0.0", "%", "同比持平", "unchanged from last year"),
        ("7", None, "ug/m3", "同比无数据", "no figure for the same period of last year"),
        ("3.02", "0", "", "同比上升3.02", "up 3.02 on last year"),
        (None, "25", "ug/m3", "", ""),
    ],
)
def test_change_against_last_year(now, before, unit, zh, en):
    one = figure("x", "某项", "x", now, before, unit)
    share = unit == "d"
    assert change(one, "zh", share=share) == zh
    assert change(one, "en", share=share) == en


def test_days_change_in_days_even_when_a_percentage_is_there():
    one = figure("good_days", "优良天数", "Good days", "29", "28", "d")
    assert one["change_percent"] == "+3.6"
    assert change(one, "zh", share=True) == "同比增加1天"


def test_missing_is_said_with_its_reason_and_is_never_zero():
    one = figure(
        "no2.mean", "NO2平均浓度", "NO2", None, "25", "ug/m3", reason_zh="有效日均值不足27天", reason_en="few days"
    )
    assert stated("NO2平均浓度", one, "zh") == "NO2平均浓度无有效数据（有效日均值不足27天）"
    assert stated("mean NO2", one, "en") == "mean NO2: no valid data (few days)"
    assert amount(None, "zh") == "无有效数据"
    assert amount(figure("x", "", "", "0", None, "d"), "zh") == "0天"


def test_a_figure_stands_with_its_unit_and_change():
    one = figure("pm2_5.mean", "", "", "28", "30", "ug/m3")
    assert stated("PM2.5平均浓度", one, "zh") == "PM2.5平均浓度为28微克/立方米，同比下降6.7%"
    assert stated("mean PM2.5", one, "en") == "mean PM2.5 was 28 μg/m³ (down 6.7% on last year)"


def test_classes_and_ranges():
    assert [water_class(n, "zh") for n in (1, 3, "6", None, "x")] == ["Ⅰ类", "Ⅲ类", "劣Ⅴ类", "—", "—"]
    assert id_ranges([3, 1, 2, 9, 11, 10, 9]) == "1–3, 9–11"
    assert id_ranges([]) == ""

"""Verdicts on sections from values in hand. Figures from GB 3838-2002 tables 1, 2, 3; rules of 环办[2011]22号."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from jinyun.domains.water.section import day_window, judge_section, unit_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, Status, window_of
from jinyun.methods.editions import NoEdition

DAY = date(2026, 11, 22)


def judge(body="river", **given):
    options = {key: given.pop(key) for key in list(given) if key in OPTIONS}
    values = {key: None if value is None else Decimal(value) for key, value in given.items()}
    return judge_section("北温泉", values, day=DAY, body=body, **options)


OPTIONS = {
    "target", "non_detects", "units", "window", "temperature_rise", "temperature_fall", "oxygen_by_saturation",
}  # fmt: skip


def part(verdict, factor):
    return next(one for one in verdict.items if one.factor == factor)


def test_worked_case_sw_008():
    """standards_examples, surface_water.json: DO has a class but no multiple."""
    verdict = judge(ph="7.8", do="4.9", cod_mn="6.6", cod_cr="12", bod5="2.1", nh3_n="2.3", tp="0.33")
    assert (verdict.status, verdict.level, verdict.figure, verdict.label_zh) == (Status.EXCEEDS, 6, "6", "劣Ⅴ类")
    assert verdict.deciding == ("nh3_n",)
    assert verdict.extra["main_indicators"] == ["nh3_n", "tp", "cod_mn"]
    assert verdict.extra["main_indicators_zh"] == ["氨氮(1.3)", "总磷(0.6)", "高锰酸盐指数(0.1)"]  # 0.65 half to even
    assert [part(verdict, f).multiple for f in ("do", "cod_mn", "nh3_n", "tp")] == [None, "0.10", "1.30", "0.65"]
    assert part(verdict, "do").limit == "≥ 5"
    assert part(verdict, "ph").limit == "6–9"
    assert part(verdict, "tp").clause == "GB 3838-2002 表1"
    assert "评价21项中的7项" in verdict.sentence_zh
    assert verdict.extra["indicative"]


def test_a_sample_stands_for_its_day_unless_told():
    assert judge(tp="0.1").window == window_of(Period.DAY, day_window(DAY).start)
    month = window_of(Period.MONTH, judge(tp="0.1").window.start)
    assert judge(tp="0.1", window=month).sentence_zh.startswith("北温泉2026年11月水质为Ⅱ类")


def test_the_target_is_the_sections_own_and_a_class_iv_section_may_be_on_target():
    assert judge(tp="0.25").status is Status.EXCEEDS
    verdict = judge(tp="0.25", target=4)
    assert (verdict.status, verdict.level, verdict.limit, part(verdict, "tp").multiple) == (
        Status.ATTAINS,
        4,
        "4",
        None,
    )
    over = part(judge(tp="0.15", target=2), "tp")
    assert (over.limit, over.multiple, over.status) == ("0.1", "0.50", Status.EXCEEDS)
    with pytest.raises(BadInput, match="1 to 5"):
        judge(tp="0.1", target=6)


def test_nitrogen_of_a_river_is_never_judged_and_said_so():
    verdict = judge(tp="0.02", tn="9", foo="1")
    assert verdict.level == 1
    assert [one.factor for one in verdict.items] == ["tp"]
    assert verdict.extra["not_judged"]["tn"].startswith("河流总氮不评价")
    assert "foo" in verdict.extra["not_judged"]
    lake = judge("lake", tp="0.01", tn="1.4")
    assert (lake.level, part(lake, "tn").grade) == (1, "4")
    assert "参考指标" in part(lake, "tn").reason


def test_coliforms_stand_apart():
    """sw_016: 50,000 per litre never changes the class."""
    verdict = judge(tp="0.02", fecal_coliform="50000")
    assert (verdict.level, part(verdict, "fecal_coliform").grade) == (1, "6")


@pytest.mark.parametrize(("rise", "fall", "over"), [("1", "2", False), ("1.1", None, True), (None, "2.1", True)])
def test_weekly_temperature_change_is_judged_apart_when_it_is_given(rise, fall, over):
    changes = {key: Decimal(value) for key, value in (("temperature_rise", rise), ("temperature_fall", fall)) if value}
    verdict = judge(tp="0.02", water_temp="18", **changes)
    assert (verdict.level, verdict.status) == (1, Status.ATTAINS)
    statuses = [one.status for one in verdict.items if one.factor == "water_temp"]
    assert (Status.EXCEEDS in statuses) is over
    assert ("水温变化超过限值" in verdict.sentence_zh) is over


def test_temperature_itself_is_not_judged():
    assert "周平均温升" in judge(tp="0.02", water_temp="33").extra["not_judged"]["water_temp"]


def test_oxygen_by_saturation_can_be_switched_off():
    """7.2 mg/L at 27 °C is 90.2 % of 468/(31.6+27)."""
    given = {"do": "7.2", "water_temp": "27"}
    assert judge(**given).level == 1
    assert judge(**given, oxygen_by_saturation=False).level == 2
    assert "饱和率90.2%" in part(judge(**given), "do").reason


@pytest.mark.parametrize(
    ("limit", "status", "level", "label"),
    [
        ("0.002", Status.ATTAINS, 1, "Ⅰ类"),  # on the limit of class I
        ("0.003", Status.ATTAINS, 3, "不劣于Ⅲ类"),  # I and II cannot be told
        ("0.005", Status.ATTAINS, 3, "不劣于Ⅲ类"),
        ("0.006", Status.CANNOT_JUDGE, None, "无法判定"),  # nor can III
        ("0.2", Status.CANNOT_JUDGE, None, "无法判定"),
    ],
)
def test_a_lone_non_detect(limit, status, level, label):
    """Volatile phenol: limits 0.002 (I, II), 0.005, 0.01, 0.1 mg/L."""
    verdict = judge(volatile_phenol=limit, do="8", non_detects=["volatile_phenol"])
    assert (verdict.status, verdict.level, verdict.label_zh) == (status, level, label)
    assert part(verdict, "volatile_phenol").figure.startswith("<")
    assert "未检出" in part(verdict, "volatile_phenol").reason


def test_a_non_detect_changes_nothing_where_the_rest_is_worse():
    verdict = judge(volatile_phenol="0.006", do="4", non_detects=["volatile_phenol"])
    assert (verdict.status, verdict.level, verdict.label_zh, verdict.deciding) == (Status.EXCEEDS, 4, "Ⅳ类", ("do",))
    assert verdict.extra["main_indicators"] == ["do"]
    open_ = judge(volatile_phenol="0.2", do="4", non_detects=["volatile_phenol"])
    assert (open_.status, open_.level, open_.label_zh, open_.deciding) == (Status.EXCEEDS, 4, "不优于Ⅳ类", ("do",))


def test_oxygen_not_detected_is_worse_than_its_detection_limit():
    assert judge(do="0.5", non_detects=["do"]).level == 6
    assert judge(do="2.5", non_detects=["do"]).label_zh == "不优于Ⅴ类"


def test_missing_is_not_below_a_limit():
    verdict = judge(tp="0.02", nh3_n=None)
    assert (verdict.status, verdict.extra["missing"]) == (Status.CANNOT_JUDGE, ["nh3_n"])
    assert judge(tp="0.3", nh3_n=None).status is Status.EXCEEDS
    assert judge(nh3_n=None).sentence_zh.endswith("无法判定：无有效数据。")


def test_items_of_tables_2_and_3_pass_or_are_over_and_never_give_the_class():
    verdict = judge(tp="0.02", sulfate="250", sb="0.0051", benzo_a_pyrene="0.0000028", benzene="0.01")
    assert (verdict.level, verdict.status) == (1, Status.ATTAINS)
    assert [part(verdict, f).status for f in ("sulfate", "sb", "benzo_a_pyrene", "benzene")] == [
        Status.ATTAINS, Status.EXCEEDS, Status.ATTAINS, Status.ATTAINS,
    ]  # fmt: skip
    assert part(verdict, "sb").clause == "GB 3838-2002 表3"
    assert part(verdict, "sulfate").clause == "GB 3838-2002 表2"
    assert verdict.extra["source_items_over"] == ["sb"]
    assert "锑超过限值" in verdict.sentence_zh
    alone = judge(sb="0.0051")
    assert (alone.status, alone.level, alone.deciding) == (Status.EXCEEDS, None, ("sb",))
    assert judge(sb="0.005").status is Status.ATTAINS


def test_units():
    """Mercury is in ug/L in the house, 0.00005 mg/L the limit of class I; benzene in the table's mg/L."""
    assert [unit_of(one, DAY) for one in ("hg", "tp", "benzene", "be", "nitrate")] == [
        "ug/L",
        "mg/L",
        "mg/L",
        "ug/L",
        "mg/L",
    ]
    assert judge(hg="0.05").level == 1
    assert judge(hg="0.00006", units={"hg": "mg/L"}).level == 3
    assert judge(w20089="100").status is Status.ATTAINS  # thallium by its factor id, ng/L: the limit is 0.0001 mg/L
    assert judge(w20089="101").status is Status.EXCEEDS
    with pytest.raises(BadInput, match="m3/s"):
        judge(hg="1", units={"hg": "m3/s"})
    with pytest.raises(BadInput, match="no item"):
        unit_of("foo", DAY)


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="negative"):
        judge(tp="-0.01")
    with pytest.raises(BadInput, match="detection limit"):
        judge(tp="0.02", non_detects=["hg"])
    with pytest.raises(BadInput, match="no number"):
        judge(tp="NaN")
    with pytest.raises(BadInput, match="tl is there twice: tl and w20089"):
        judge(tl="0.0001", w20089="1")
    with pytest.raises(NoEdition):
        judge_section("x", {"tp": Decimal(1)}, day=date(2002, 5, 31))


def test_a_name_that_ends_in_a_digit_keeps_its_distance():
    assert judge_section("S3", {"tp": Decimal("0.1")}, day=DAY).sentence_zh.startswith("S3 11月22日水质为Ⅱ类")

"""One outlet against its limits by figures alone: conversion, units, several limits, amounts, sentences."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.domains.emission.conversion import nox_as_no2, ppm_to_mass, to_reference_oxygen, to_standard_state
from jinyun.domains.emission.outlet import judge_outlet
from jinyun.domains.emission.standards import limits_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, Status, Window

ON, D = date(2026, 3, 1), Decimal
WORKS = limits_of("GB 18918-2002", group="grade_1a", on=ON, facts={"water_temp": 20, "built": "2010-01-01"})
COAL = limits_of("GB 13271-2014", group="coal", stage="new", on=ON)


def test_a_sample_is_told_so_that_it_can_be_read_out():
    verdict = judge_outlet("甲厂总排口", {"cod_cr": D(62), "nh3_n": D("3.2")}, WORKS, day=ON)
    assert verdict.sentence_zh == "甲厂总排口3月1日超标：化学需氧量62.0 mg/L，限值50（GB 18918-2002 表1），超标0.24倍。"
    assert "exceeds, Chemical oxygen demand" in verdict.sentence_en
    assert (verdict.figure, verdict.unit, verdict.limit, verdict.deciding) == ("62.0", "mg/L", "50", ("cod_cr",))
    assert (verdict.level, verdict.edition, verdict.clause) == (5, "GB 18918-2002", "GB 18918-2002 表1")
    assert (verdict.window.period, verdict.window.end - verdict.window.start) == (Period.DAY, 86400)
    fine = judge_outlet("甲厂总排口", {"cod_cr": D(50), "nh3_n": D("3.2")}, WORKS, day=ON)
    assert (
        fine.sentence_zh
        == "甲厂总排口3月1日2项均达标，最接近限值的是化学需氧量50.0 mg/L，限值50（GB 18918-2002 表1）。"
    )
    assert (fine.status, fine.level) == (Status.ATTAINS, 1)


def test_missing_not_measured_and_not_limited_are_three_things():
    verdict = judge_outlet("x", {"cod_cr": None, "tp": D("0.4"), "conductivity": D(900)}, WORKS, day=ON)
    assert verdict.status is Status.CANNOT_JUDGE
    assert verdict.extra["missing"] == ["cod_cr"]
    assert "nh3_n" in verdict.extra["not_measured"]
    assert verdict.extra["no_limit"] == ["conductivity"]
    assert judge_outlet("x", {}, WORKS, day=ON).status is Status.CANNOT_JUDGE
    over = judge_outlet("x", {"cod_cr": None, "tp": D("0.6")}, WORKS, day=ON)
    assert over.status is Status.EXCEEDS  # one above is enough


@pytest.mark.parametrize(
    ("value", "oxygen", "figure", "status"),
    [("45", "10", "49.1", "attains"), ("46", "10", "50.2", "exceeds"), ("50", "9", "50.0", "attains"),
     ("80", "3", "53.3", "exceeds"), ("80", "2", "50.5", "exceeds"), ("79", "2", "49.9", "attains")],
)  # fmt: skip
def test_flue_gas_is_judged_at_reference_oxygen(value, oxygen, figure, status):
    """New coal boiler, particles 50 at 9 % O2: C × 12/(21 - O2)."""
    verdict = judge_outlet("x", {"stack_pm": D(value)}, COAL, day=ON, oxygen=D(oxygen))
    assert (verdict.figure, verdict.status) == (figure, status)
    assert "折算" in verdict.sentence_zh


@pytest.mark.parametrize("oxygen", [None, D("20"), D("20.9"), D("21"), D("22")])
def test_without_a_usable_oxygen_content_nothing_is_converted(oxygen):
    verdict = judge_outlet("x", {"stack_pm": D(1)}, COAL, day=ON, oxygen=oxygen)
    assert (verdict.status, verdict.figure) == (Status.CANNOT_JUDGE, None)
    assert ("接近或高于空气" in verdict.sentence_zh) is (oxygen is not None)
    ready = judge_outlet("x", {"stack_pm": D(1)}, COAL, day=ON, oxygen=oxygen, converted={"stack_pm"})
    assert ready.status is Status.ATTAINS


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**6), st.integers(0, 199), st.integers(0, 209))
def test_conversion_is_exact_and_undone_by_itself(milli, oxygen, reference):
    value, o2, ref = D(milli) / 1000, D(oxygen) / 10, D(reference) / 10
    found = to_reference_oxygen(value, o2, ref)
    assert found == Fraction(value) * (21 - Fraction(ref)) / (21 - Fraction(o2))
    assert found * (21 - Fraction(o2)) / (21 - Fraction(ref)) == Fraction(value)


def test_other_conversions_of_hj_75():
    assert nox_as_no2(D(30), D(10)) == 56  # 30 × 46/30 + 10
    assert ppm_to_mass(D(100), D(64)) == Fraction(6400 * 10, 224)  # 285.71 mg/m3 of SO2
    assert to_standard_state(D(100), D(101325), D(0), D(273)) == 200
    assert to_standard_state(D(100), D(101325), D(-1325), D(0)) == Fraction(101325, 1000)
    with pytest.raises(BadInput, match="not above zero"):
        to_standard_state(D(1), D(0), D(0), D(0))


def test_units_are_the_factors_or_as_said():
    assert judge_outlet("x", {"hg": D("1.0")}, WORKS, day=ON).status is Status.ATTAINS  # 1 ug/L on 0.001 mg/L
    assert judge_outlet("x", {"hg": D("1.1")}, WORKS, day=ON).status is Status.EXCEEDS
    assert judge_outlet("x", {"hg": D("0.001")}, WORKS, day=ON, units={"hg": "mg/L"}).status is Status.ATTAINS
    with pytest.raises(BadInput, match="cannot turn 'kg/h'"):
        judge_outlet("x", {"hg": D(1)}, WORKS, day=ON, units={"hg": "kg/h"})


def test_non_detects():
    low = judge_outlet("x", {"hg": D("0.5")}, WORKS, day=ON, non_detects={"hg"})
    assert low.status is Status.ATTAINS
    high = judge_outlet("x", {"hg": D(2)}, WORKS, day=ON, non_detects={"hg"})
    assert high.status is Status.CANNOT_JUDGE
    assert "检出限高于限值" in high.sentence_zh
    assert judge_outlet("x", {"alkyl_hg": D(10)}, WORKS, day=ON, non_detects={"alkyl_hg"}).status is Status.ATTAINS
    assert judge_outlet("x", {"alkyl_hg": D(10)}, WORKS, day=ON).status is Status.EXCEEDS


def test_of_two_limits_the_stricter_decides_and_both_are_shown():
    permit = [{"standard": "许可证1号", "item_code": "cod_cr", "op": "le", "value": "40", "unit": "mg/L", "group": "",
               "condition": "", "period": "daily", "stage": "", "source": "permit"}]  # fmt: skip
    both = (*WORKS, *limits_of("许可证1号", on=ON, extra_rows=permit))
    verdict = judge_outlet("x", {"cod_cr": D(45)}, both, day=ON)
    assert (verdict.status, verdict.limit, verdict.clause) == (Status.EXCEEDS, "40", "许可证1号")
    (item,) = verdict.items
    assert "≤ 50（GB 18918-2002 表1）" in item.reason
    assert verdict.extra["beside"] == ["cod_cr ≤ 50 GB 18918-2002 表1"]


def test_concentration_rate_and_boundary_at_once():
    """GB 16297 table 2, NMHC, grade 2, 15 m: 120 mg/m3, 10 kg/h, 4 mg/m3 at the boundary."""
    limits = limits_of("GB 16297-1996", group="grade_2", on=ON, facts={"height": 15})

    def judged(value, flow, edge):
        return judge_outlet("x", {"nmhc": D(value)}, limits, day=ON, flow=D(flow), boundary={"nmhc": D(edge)})

    assert judged(120, 83333, 4).status is Status.ATTAINS
    assert {item.limit: item.unit for item in judged(120, 83333, 4).items} == {
        "120": "mg/m3",
        "10": "kg/h",
        "4": "mg/m3",
    }
    assert judged(120, 83334, 4).figure == "10.00008"  # kg/h
    assert judged("120.1", 1000, 4).status is Status.EXCEEDS
    assert "厂界" in judged(1, 1, "4.1").sentence_zh


def test_amounts_are_of_the_measured_value():
    hour = Window(Period.HOUR, 0, 3600)
    gas = judge_outlet("x", {"stack_pm": D(40)}, COAL, day=ON, window=hour, oxygen=D(12), flow=D(10000))
    assert gas.extra["amounts"] == {"stack_pm": "0.4"}  # 40 mg/m3 × 10000 m3/h, not of the converted 53.3
    assert gas.figure == "53.3"
    water = judge_outlet("x", {"cod_cr": D(30)}, WORKS, day=ON, flow=D(100))
    assert water.extra["amounts"] == {"cod_cr": "72"}  # 30 g/m3 × 100 m3/h × 24 h

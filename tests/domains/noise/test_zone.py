"""Function zones by GB 3096: every limit below, on, above; 4b and old railways; attainment rates as printed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.noise.limits import edition, one_row, zone_of, zones
from jinyun.domains.noise.zone import attainment, judge_zone, rate_change, zone_limit
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, Status
from jinyun.methods.editions import NoEdition

DAY = date(2026, 3, 2)
# GB 3096-2008 table 1, as printed.
LIMITS = {
    "0": (50, 40), "1": (55, 45), "2": (60, 50), "3": (65, 55), "4a": (70, 55), "4b": (70, 60),
}  # fmt: skip
STEP = Decimal("0.1")


@pytest.mark.parametrize("zone", LIMITS)
def test_every_limit_below_on_and_above(zone):
    for part, limit in zip(("day", "night"), LIMITS[zone], strict=True):
        assert zone_limit(zone, part, DAY) == limit
        name = {"day": "ld", "night": "ln"}[part]
        for value, status in ((limit - STEP, Status.ATTAINS), (limit, Status.ATTAINS), (limit + STEP, Status.EXCEEDS)):
            verdict = judge_zone("点", zone, **{name: Decimal(value)}, day=DAY)
            assert (verdict.status, verdict.items[0].factor, verdict.limit) == (status, name, str(limit))
            assert verdict.level == (1 if status is Status.ATTAINS else 5)
    night = LIMITS[zone][1]
    for above, status in ((15, Status.ATTAINS), (Decimal("15.1"), Status.EXCEEDS)):
        verdict = judge_zone("点", zone, ln=Decimal(night), lmax_night=night + Decimal(above), day=DAY)
        assert verdict.status is status
        assert verdict.items[1].limit == str(night + 15)


@given(st.sampled_from(sorted(LIMITS)), st.decimals(20, 100, places=3), st.decimals(20, 100, places=3))
def test_a_verdict_is_its_two_parts_rounded_to_a_tenth(zone, ld, ln):
    """The other computation: tenths as whole numbers, half to even by the decimal module."""
    verdict = judge_zone("点", zone, ld=ld, ln=ln, day=DAY)
    over = [round(v, 1) > limit for v, limit in zip((ld, ln), LIMITS[zone], strict=True)]
    assert [item.status is Status.EXCEEDS for item in verdict.items] == over
    assert (verdict.status is Status.EXCEEDS) == any(over)
    assert verdict.deciding == tuple(name for name, bad in zip(("ld", "ln"), over, strict=True) if bad)


def test_55_04_is_55_0_and_attains():
    assert judge_zone("点", "1", ld=Decimal("55.04"), day=DAY).status is Status.ATTAINS
    assert judge_zone("点", "1", ld=Decimal("55.06"), day=DAY).figure == "55.1"


def test_the_sentence_can_be_read_out():
    verdict = judge_zone("双溪站", "2类", ld=Decimal("54.34"), ln=Decimal(52), day=DAY)
    assert verdict.sentence_zh == (
        "双溪站（2类区）3月2日昼间等效声级 54.3 dB(A)，达标（限值 60 dB(A)）；"
        "夜间等效声级 52.0 dB(A)，超标 2.0 dB(A)（限值 50 dB(A)）。"
    )
    assert verdict.sentence_en.startswith("双溪站 (zone 2), 2 Mar: day level 54.3 dB(A), attains (limit 60 dB(A)); ")
    assert (verdict.figure, verdict.limit, verdict.unit) == ("52.0", "50", "dB(A)")
    assert (verdict.edition, verdict.label_zh, verdict.window.period) == ("GB 3096-2008", "超标", Period.DAY)


def test_what_is_not_there_is_not_judged():
    verdict = judge_zone("点", "1", day=DAY)
    assert (verdict.status, verdict.level, verdict.figure) == (Status.CANNOT_JUDGE, None, None)
    half = judge_zone("点", "1", ld=Decimal(50), missing={"ln": ("停电", "no power")}, day=DAY)
    assert half.status is Status.CANNOT_JUDGE
    assert [item.status for item in half.items] == [Status.ATTAINS, Status.CANNOT_JUDGE]
    assert "夜间等效声级无法判定：停电" in half.sentence_zh
    worse = judge_zone("点", "1", ld=Decimal(60), missing={"ln": ("停电", "no power")}, day=DAY)
    assert worse.status is Status.EXCEEDS


def test_lmax_may_be_shown_for_reference_only():
    shown = judge_zone("点", "2", ln=Decimal(45), lmax_night=Decimal(80), day=DAY, lmax_decides=False)
    assert (shown.status, shown.deciding, shown.figure) == (Status.ATTAINS, (), "45.0")
    assert shown.items[1].figure == "80.0"
    assert "参考" in shown.items[1].reason


def test_4b_is_for_railways_approved_from_2011_on():
    new = judge_zone("站", "4b", ln=Decimal(60), day=DAY, railway_approved=date(2011, 1, 1))
    assert new.status is Status.ATTAINS
    old = judge_zone("站", "4b", ln=Decimal(60), day=DAY, railway_approved=date(2010, 12, 31))
    assert (old.status, old.limit, old.clause) == (Status.EXCEEDS, "55", "GB 3096-2008 5.3")
    unsaid = judge_zone("站", "4b", ln=Decimal(60), day=DAY)
    assert unsaid.status is Status.ATTAINS
    assert "批准日期未给出" in unsaid.sentence_zh


def test_words_for_a_zone():
    assert {zone_of(word).id for word in ("4a", "4A类", "zone_4a", "4a类区", " 4a 类 ")} == {"zone_4a"}
    with pytest.raises(BadInput, match="4a, 4b"):
        zone_of("5")
    with pytest.raises(BadInput, match="parted into 4a and 4b"):
        judge_zone("点", "4", ld=Decimal(50), day=DAY)
    with pytest.raises(BadInput, match="sets no limit"):
        one_row(edition("zone", DAY), item="leq", group="zone_9", period="day")
    assert set(zones()) == {f"zone_{z}" for z in ("0", "1", "2", "3", "4", "4a", "4b")}


def test_a_day_before_the_standard_has_no_edition():
    with pytest.raises(NoEdition, match="GB 3096-2008"):
        judge_zone("点", "1", ld=Decimal(50), day=date(2008, 9, 30))


def points(zone, good, bad, part="ld"):
    limit = LIMITS[zone][part == "ln"]
    values = [Decimal(limit)] * good + [limit + STEP] * bad
    return [judge_zone(f"{zone}-{n}", zone, **{part: value}, day=DAY) for n, value in enumerate(values)]


def test_attainment_as_a_bureau_prints_it():
    """23 of 24 point-times by day: 95.8 %; 22 of 24 by night: 91.7 %."""
    verdicts = (
        points("1", 7, 1) + points("2", 8, 0) + points("3", 8, 0)
        + points("1", 6, 2, "ln") + points("2", 8, 0, "ln") + points("4a", 8, 0, "ln")
    )  # fmt: skip
    found = attainment(verdicts)
    assert (found.day.rate, found.night.rate) == (Decimal("95.8"), Decimal("91.7"))
    assert (found.of("1", "day").rate, found.of("1", "night").rate) == (Decimal("87.5"), Decimal("75.0"))
    assert found.of("4b", "night").rate is None
    assert found.sentence_zh.startswith(
        "功能区昼间点次达标率 95.8%(23/24)，夜间点次达标率 91.7%(22/24)；1类区昼间 87.5%、夜间 75.0%"
    )
    assert found.sentence_en.startswith("Function zones: day attainment 95.8 % of point-times (23/24)")


def test_what_could_not_be_judged_is_not_in_the_rate():
    lost = judge_zone("点", "2", missing={"ld": ("停电", "no power")}, day=DAY)
    found = attainment([*points("2", 1, 1), lost])
    assert (found.day.judged, found.day.not_judged, found.day.rate) == (2, 1, Decimal("50.0"))
    assert "另有1个点次无法判定，未计入" in found.sentence_zh
    none = attainment([lost])
    assert none.day.rate is None
    assert "昼间无有效点次" in none.sentence_zh


def test_a_burst_is_not_in_the_rate():
    loud = judge_zone("点", "2", ln=Decimal(45), lmax_night=Decimal(80), day=DAY)
    assert loud.status is Status.EXCEEDS
    assert attainment([loud]).night.rate == 100


def test_the_change_from_a_year_before():
    """21 of 24 after 23 of 24: 87.5 - 95.8 = -8.3 points."""
    before = attainment(points("2", 23, 1))
    now = attainment(points("2", 21, 3), before=before)
    assert rate_change(now.day, before.day) == Decimal("-8.3")
    assert "昼间点次达标率 87.5%(21/24)、同比下降 8.3 个百分点" in now.sentence_zh
    assert "(-8.3 points)" in now.sentence_en
    assert rate_change(now.night, before.night) is None
    assert "同比持平" in attainment(points("2", 23, 1), before=before).sentence_zh

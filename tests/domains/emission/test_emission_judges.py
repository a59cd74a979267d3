"""Verdicts on outlets: hour, day and now, flags, conversion, flow, and what leaves an outlet unjudged."""

from __future__ import annotations

import pytest
from handmade import NOON, Book, day_at, hour_at

from jinyun.domains.emission import DOMAIN
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Flag, Period, ReadingRef, Site, Stat, Status

NOW, HOUR, DAY = DOMAIN.judges
WATER, STACK = Site("w", "甲厂废水总排口", "water_outlet"), Site("k", "乙厂锅炉烟囱", "stack_outlet")
NOON_HOUR, TODAY = hour_at(2026, 11, 22, 12), day_at(2026, 11, 22)


def limit(factor, value, period="hour", unit="mg/L", **more):
    return {"id": f"{factor}-{period}-{value}", "outlet": "o", "factor": factor, "period": period, "limit": value,
            "unit": unit, "basis": "91500109MA0001P", **more}  # fmt: skip


def judge(book, *limits, by=HOUR, site=WATER, monitored=None, outlet=None):
    records = {"permit_limit": limits, "outlet": [{"id": "o", "site": site.id, **(outlet or {})}]}
    window = TODAY if by is DAY else NOON_HOUR
    return by.run(JudgeInput(site, window, book.rows, records, monitored))


@pytest.mark.parametrize(("value", "status"), [("49.9", "attains"), ("50", "attains"), ("50.1", "exceeds")])
def test_below_on_and_above_the_limit(value, status):
    book = Book()
    book.add("cod_cr", value)
    verdict = judge(book, limit("cod_cr", "50"))
    assert verdict.status == status
    assert verdict.level == (5 if status == "exceeds" else 1)


def test_an_exceedance_is_told_with_figure_limit_and_multiple():
    book = Book()
    row = book.add("cod_cr", "62")
    book.add("nh3_n", "3.2")
    verdict = judge(book, limit("cod_cr", "50"), limit("nh3_n", "5"))
    assert (verdict.figure, verdict.unit, verdict.limit, verdict.deciding) == ("62.0", "mg/L", "50", ("cod_cr",))
    item = verdict.items[0]
    assert (item.figure, item.limit, item.multiple, item.status) == ("62.0", "50", "0.24", Status.EXCEEDS)
    assert item.readings == (ReadingRef(row.series, NOON, row.seq),)
    assert item.clause.startswith("91500109MA0001P")
    assert (
        verdict.sentence_zh == "甲厂废水总排口11月22日12时小时均值超标：化学需氧量62.0 mg/L，限值50 mg/L，超标0.24倍。"
    )
    assert "exceeds, Chemical oxygen demand" in verdict.sentence_en
    assert verdict.extra["limit_records"] == ["cod_cr-hour-50", "nh3_n-hour-5"]
    assert (verdict.edition, verdict.items[1].status) == ("HJ 356-2019", Status.ATTAINS)


def test_two_exceedances_worst_first():
    book = Book()
    book.add("cod_cr", "55")
    book.add("nh3_n", "9")
    assert judge(book, limit("cod_cr", "50"), limit("nh3_n", "5")).deciding == ("nh3_n", "cod_cr")


@pytest.mark.parametrize(
    "flag", [Flag.MAINTENANCE, Flag.FAULT, Flag.CALIBRATION, Flag.OVER_RANGE, Flag.STOPPED, Flag.MANUAL]
)
def test_only_normal_values_are_judged(flag):
    book = Book()
    book.add("cod_cr", "500", flag=flag)
    verdict = judge(book, limit("cod_cr", "50"))
    assert (verdict.status, verdict.figure, verdict.level, verdict.evidence()) == (Status.CANNOT_JUDGE, None, None, ())
    assert "化学需氧量有效数据不足" in verdict.sentence_zh


def test_a_value_without_flag_is_judged_and_says_so():
    book = Book()
    book.add("cod_cr", "62", flag=Flag.UNKNOWN)
    verdict = judge(book, limit("cod_cr", "50"))
    assert verdict.status is Status.EXCEEDS
    assert "flag not sent" in verdict.items[0].reason


def test_what_is_not_known_does_not_attain():
    book = Book()
    book.add("cod_cr", "20")
    limits = (limit("cod_cr", "50"), limit("nh3_n", "5"))
    assert judge(book, *limits).status is Status.CANNOT_JUDGE
    assert judge(book, *limits, monitored=frozenset({"cod_cr", "nh3_n"})).extra["missing"] == ["nh3_n"]
    never = judge(book, *limits, monitored=frozenset({"cod_cr"}))
    assert (never.status, never.extra["not_monitored"]) == (Status.ATTAINS, ["nh3_n"])
    book.add("nh3_n", "8", flag=Flag.FAULT)
    assert judge(book, *limits).status is Status.CANNOT_JUDGE
    book.rows[0] = book.rows[0]._replace(value=book.rows[0].value * 10)
    assert judge(book, *limits).status is Status.EXCEEDS  # one above is enough, whatever the other was


def test_water_by_the_hour_needs_an_hour_limit_or_ph():
    book = Book()
    book.add("cod_cr", "62")
    assert judge(book, limit("cod_cr", "50", "day")) is None
    book.add("ph", "9.2")
    verdict = judge(book, limit("cod_cr", "50", "day"), limit("ph", "6", "day", "1"), limit("ph", "9", "day", "1"))
    assert (verdict.status, verdict.deciding, verdict.limit) == (Status.EXCEEDS, ("ph",), "6–9")
    assert verdict.items[0].multiple is None


def test_ph_is_judged_by_each_reading():
    book = Book()
    book.add("ph", "7.4")
    book.add("ph", "5.8", stat=Stat.MIN)
    book.add("ph", "8.1", stat=Stat.MAX)
    verdict = judge(book, limit("ph", "6", unit="1"), limit("ph", "9", unit="1"))
    assert (verdict.status, verdict.figure) == (Status.EXCEEDS, "5.80")


def test_no_limit_no_reading_no_verdict():
    book = Book()
    assert judge(book, limit("cod_cr", "50")) is None
    book.add("cod_cr", "20")
    assert judge(book) is None
    assert judge(book, limit("cod_cr", "50", valid_from="2027-01-01")) is None


def test_a_limit_in_a_wrong_unit_cannot_be_judged():
    book = Book()
    book.add("cod_cr", "20")
    verdict = judge(book, limit("cod_cr", "50", unit="kg"))
    assert verdict.status is Status.CANNOT_JUDGE
    assert "限值登记有误" in verdict.items[0].reason


# --- stacks -----------------------------------------------------------------------------------------------------------


def test_the_converted_value_as_sent():
    book = Book()
    book.add("stack_nox", "140")
    zs = book.add("stack_nox", "190", stat=Stat.ZS_AVG)
    verdict = judge(book, limit("stack_nox", "150", unit="mg/m3", converted=True), site=STACK)
    assert (verdict.figure, verdict.status, verdict.edition) == ("190.0", Status.EXCEEDS, "HJ 75-2017")
    assert verdict.evidence() == (ReadingRef(zs.series, NOON, zs.seq),)
    assert "折算190.0" in verdict.sentence_zh
    assert judge(book, limit("stack_nox", "150", unit="mg/m3"), site=STACK).status is Status.ATTAINS


def test_the_converted_value_computed_here():
    """45 mg/m3 at 10 % O2 to 9 %: 49.09 (emission.json o2_003)."""
    book = Book()
    book.add("stack_pm", "45")
    book.add("o2", "10")
    limits = limit("stack_pm", "50", unit="mg/m3", converted=True)
    verdict = judge(book, limits, site=STACK, outlet={"reference_o2": "9"})
    assert (verdict.figure, verdict.status, len(verdict.evidence())) == ("49.1", Status.ATTAINS, 2)
    assert "含氧量10" in verdict.items[0].reason
    without = judge(book, limits, site=STACK)
    assert without.status is Status.CANNOT_JUDGE
    assert "未登记基准含氧量" in without.items[0].reason


@pytest.mark.parametrize("oxygen", ["20.0", "20.9", "21", "21.3"])
def test_oxygen_near_air_is_not_converted(oxygen):
    book = Book()
    book.add("stack_pm", "5")
    book.add("stack_pm", "600", stat=Stat.ZS_AVG)
    book.add("o2", oxygen)
    verdict = judge(
        book, limit("stack_pm", "50", unit="mg/m3", converted=True), site=STACK, outlet={"reference_o2": "9"}
    )
    assert verdict.status is Status.CANNOT_JUDGE
    assert "接近空气" in verdict.items[0].reason


def test_gas_by_the_day_needs_twenty_hours():
    limits = limit("stack_nox", "100", "day", "mg/m3")
    book = Book()
    for n in range(19):
        book.add("stack_nox", "101", TODAY.start + 3600 * n)
    short = judge(book, limits, by=DAY, site=STACK)
    assert (short.status, short.extra["missing"]) == (Status.CANNOT_JUDGE, ["stack_nox"])
    book.add("stack_nox", "101", TODAY.start + 3600 * 19)
    full = judge(book, limits, by=DAY, site=STACK)
    assert (full.status, full.figure, len(full.evidence())) == (Status.EXCEEDS, "101.0", 20)
    assert judge(book, limit("stack_nox", "100", "hour", "mg/m3"), by=DAY, site=STACK) is None


def test_an_hour_of_ten_minute_means():
    book = Book()
    for n in range(6):
        book.add(
            "stack_so2", "40", NOON + 600 * n, period=Period.MINUTE, flag=Flag.CALIBRATION if n > 4 else Flag.NORMAL
        )
    limits = limit("stack_so2", "35", unit="mg/m3")
    verdict = judge(book, limits, site=STACK)
    assert (verdict.status, len(verdict.evidence())) == (Status.EXCEEDS, 5)  # 50 valid minutes
    book.rows[4] = book.rows[4]._replace(flag=Flag.CALIBRATION)
    assert judge(book, limits, site=STACK).status is Status.CANNOT_JUDGE  # 40


# --- days of water ----------------------------------------------------------------------------------------------------


def water_day(flows=True, hours=24):
    book = Book()
    for n in range(hours):
        heavy = n < 12
        book.add("cod_cr", "80" if heavy else "40", TODAY.start + 3600 * n)
        if flows:
            book.add("wastewater_flow", "1" if heavy else "3", TODAY.start + 3600 * n)
    return book


def test_a_day_of_water_is_weighted_by_flow():
    verdict = judge(water_day(), limit("cod_cr", "50", "day"), by=DAY)
    assert (verdict.figure, verdict.status) == ("50.0", Status.ATTAINS)  # (80·1 + 40·3)/4
    assert len(verdict.evidence()) == 48
    assert "流量加权" in verdict.items[0].reason


def test_without_flow_the_mean_is_arithmetic_and_says_so():
    verdict = judge(water_day(flows=False), limit("cod_cr", "50", "day"), by=DAY)
    assert (verdict.figure, verdict.status) == ("60.0", Status.EXCEEDS)
    assert "算术平均" in verdict.items[0].reason


def test_a_day_of_water_needs_three_quarters_of_the_hours_due():
    assert judge(water_day(hours=17), limit("cod_cr", "50", "day"), by=DAY).status is Status.CANNOT_JUDGE
    assert judge(water_day(hours=18), limit("cod_cr", "90", "day"), by=DAY).status is Status.ATTAINS


def test_hours_without_flow_are_not_due():
    """A plant that discharges eight hours a day: sixteen hours at zero flow are dropped, six of eight are needed."""

    def half(hours):
        book = Book()
        for n in range(24):
            running = n < 8
            book.add("wastewater_flow", "2" if running else "0", TODAY.start + 3600 * n)
            if n < hours or not running:
                book.add("cod_cr", "30" if running else "900", TODAY.start + 3600 * n)
        return book

    assert judge(half(6), limit("cod_cr", "50", "day"), by=DAY).figure == "30.0"
    assert judge(half(5), limit("cod_cr", "50", "day"), by=DAY).status is Status.CANNOT_JUDGE


def test_the_devices_day_mean_when_there_are_no_hours():
    book = Book()
    book.add("cod_cr", "48", TODAY.start, period=Period.DAY)
    verdict = judge(book, limit("cod_cr", "50", "day"), by=DAY)
    assert (verdict.status, verdict.figure) == (Status.ATTAINS, "48.0")


# --- now --------------------------------------------------------------------------------------------------------------


def test_now_takes_the_newest_reading_and_is_indicative():
    book = Book()
    book.add("cod_cr", "40", NOON, period=Period.MINUTE)
    newest = book.add("cod_cr", "70", NOON + 630, period=Period.REALTIME, stat=Stat.RTD)
    verdict = judge(book, limit("cod_cr", "50"), limit("cod_cr", "30", "day"), by=NOW)
    assert (verdict.figure, verdict.limit, verdict.status) == ("70.0", "50", Status.EXCEEDS)
    assert verdict.evidence() == (ReadingRef(newest.series, NOON + 630, newest.seq),)
    assert verdict.extra["indicative"]
    assert "仅供参考" in verdict.clause


def test_now_falls_back_on_the_day_limit():
    book = Book()
    book.add("cod_cr", "40", period=Period.REALTIME, stat=Stat.RTD)
    verdict = judge(book, limit("cod_cr", "30", "day"), by=NOW)
    assert verdict.status is Status.EXCEEDS
    assert "日均限值" in verdict.items[0].reason


def test_a_non_detect_above_the_limit_cannot_be_told():
    book = Book()
    book.add("hg", "60", flag=Flag.NON_DETECT)
    verdict = judge(book, limit("hg", "0.05"))  # 50 ug/L
    assert verdict.status is Status.CANNOT_JUDGE
    assert "检出限高于限值" in verdict.items[0].reason
    assert judge(book, limit("hg", "0.06")).status is Status.ATTAINS

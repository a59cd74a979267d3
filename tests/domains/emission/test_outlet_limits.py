"""Outlets that name their standard: its limits beside the permit's, the stricter decides and the verdict says which."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from handmade import Book, day_at, hour_at

from jinyun.domains.emission import DOMAIN
from jinyun.domains.emission.outlet_limits import limits_in_force, record_of, rows_of
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Period, Site, Stat, Status

NOW, HOUR, DAY = DOMAIN.judges
WATER = Site("w", "甲厂总排口", "water_outlet", jurisdiction="500109")
STACK = Site("k", "乙厂锅炉", "stack_outlet", jurisdiction="500109")
ON, NOON, TODAY = date(2026, 11, 22), hour_at(2026, 11, 22, 12), day_at(2026, 11, 22)


def judge(book, outlet, *permits, by=HOUR, site=STACK, local=(), monitored=None):
    records = {
        "outlet": [{"id": "o", "site": site.id, **outlet}], "permit_limit": permits, "standard_limit": local,
    }  # fmt: skip
    return by.run(JudgeInput(site, TODAY if by is DAY else NOON, book.rows, records, monitored))


def permit(factor, value, period="hour", unit="mg/m3", **more):
    return {"id": f"p-{factor}", "outlet": "o", "factor": factor, "period": period, "limit": value, "unit": unit,
            "basis": "许可证1号", **more}  # fmt: skip


def coal(so2, o2="9", **more):
    book = Book()
    book.add("stack_so2", so2)
    book.add("o2", o2)
    return book


BOILER = {"standard": "GB 13271-2014", "standard_group": "coal", "standard_stage": "in_use"}


@pytest.mark.parametrize(("so2", "status"), [("549.9", "attains"), ("550", "attains"), ("550.1", "exceeds")])
def test_a_standard_holds_without_a_permit_row(so2, status):
    """In-use coal boilers of Chongqing: SO2 550 (GB 13271-2014 table 1), converted to 9 % O2."""
    verdict = judge(coal(so2), BOILER)
    assert (verdict.status, verdict.limit) == (status, "550")
    assert "GB 13271-2014 表1" in verdict.clause
    assert "折算" in verdict.sentence_zh
    assert [item.factor for item in verdict.items] == ["stack_so2"]  # what is never measured is no part of it


def test_another_province_keeps_the_general_limit():
    elsewhere = Site("k", "乙厂锅炉", "stack_outlet", jurisdiction="330102")
    assert judge(coal("401"), BOILER, site=elsewhere).status is Status.EXCEEDS
    assert judge(coal("400"), BOILER, site=elsewhere).status is Status.ATTAINS


def test_conversion_uses_the_standards_reference_oxygen():
    verdict = judge(coal("500", o2="10"), BOILER)  # 500 × (21 - 9)/(21 - 10) = 545.45…
    assert (verdict.figure, verdict.status) == ("545.5", Status.ATTAINS)
    assert judge(coal("505", o2="10"), BOILER).status is Status.EXCEEDS  # 550.9
    for oxygen in ("21", "20.5"):
        assert judge(coal("500", o2=oxygen), BOILER).status is Status.CANNOT_JUDGE


def test_the_stricter_of_permit_and_standard_decides_and_both_are_shown():
    stricter = judge(coal("60"), BOILER, permit("stack_so2", "50", converted=True))
    assert (stricter.status, stricter.limit, len(stricter.items)) == (Status.EXCEEDS, "50", 1)
    assert stricter.clause.startswith("许可证1号")
    assert "550（GB 13271-2014 表1）" in stricter.items[0].reason
    laxer = judge(coal("560"), BOILER, permit("stack_so2", "600", converted=True))
    assert (laxer.status, laxer.limit) == (Status.EXCEEDS, "550")
    assert "600（许可证1号）" in laxer.items[0].reason
    apart = judge(coal("60"), BOILER, permit("stack_so2", "50"))  # the permit limits the measured value
    assert [item.status for item in apart.items] == [Status.EXCEEDS, Status.ATTAINS]


def test_an_unknown_stage_is_decided_where_all_agree():
    outlet = {**BOILER, "standard_stage": ""}
    assert judge(coal("300"), outlet).status is Status.ATTAINS  # new 300, in use 550
    assert judge(coal("551"), outlet).status is Status.EXCEEDS
    open_ = judge(coal("301"), outlet)
    assert open_.status is Status.CANNOT_JUDGE
    assert "时段" in open_.items[0].reason
    assert open_.items[0].limit == "300/550"


def works(nh3, temperature=None):
    book = Book()
    for n in range(24):
        book.add("nh3_n", nh3, TODAY.start + 3600 * n)
        if temperature is not None:
            book.add("water_temp", temperature, TODAY.start + 3600 * n)
    return book


@pytest.mark.parametrize(
    ("temperature", "nh3", "status"),
    [("12.0", "8", "attains"), ("12.0", "8.01", "exceeds"), ("12.1", "5", "attains"), ("12.1", "5.01", "exceeds"),
     (None, "5", "attains"), (None, "7", "cannot_judge"), (None, "8.01", "exceeds")],
)  # fmt: skip
def test_ammonia_by_the_waters_temperature(temperature, nh3, status):
    """GB 18918-2002 table 1, grade 1A: 5 above 12 °C, 8 up to it; the site's own readings say which."""
    outlet = {"standard": "GB 18918-2002", "standard_group": "grade_1a"}
    assert judge(works(nh3, temperature), outlet, by=DAY, site=WATER).status == status


def test_a_standard_without_limits_cannot_be_judged_until_somebody_adds_them():
    """DB50/963-2020: in force, limits not obtained; a user's rows fill them."""
    outlet = {"standard": "DB50/963-2020"}
    verdict = judge(works("1"), outlet, by=DAY, site=WATER)
    assert verdict.status is Status.CANNOT_JUDGE
    assert "未获得" in verdict.items[0].reason
    row = {"id": "1", "standard": "DB50/963-2020", "item": "nh3_n", "op": "le", "value": "1.5", "unit": "mg/L",
           "period": "daily", "source": "example only"}  # fmt: skip
    assert judge(works("1.5"), outlet, by=DAY, site=WATER, local=[row]).status is Status.ATTAINS
    assert judge(works("1.6"), outlet, by=DAY, site=WATER, local=[row]).status is Status.EXCEEDS
    later = {**row, "valid_from": "2027-01-01"}
    assert judge(works("1.5"), outlet, by=DAY, site=WATER, local=[later]).status is Status.CANNOT_JUDGE


def test_a_standard_of_the_user_with_its_own_name_and_oxygen():
    row = {"id": "1", "standard": "DB50/1-2024", "item": "so2", "group": "kiln", "op": "lt", "value": "50",
           "unit": "mg/m3", "period": "hourly", "reference_o2": "10", "source": "example only"}  # fmt: skip
    outlet = {"standard": "DB50/1-2024", "standard_group": "kiln"}
    verdict = judge(coal("50", o2="10"), outlet, local=[row])
    assert (verdict.status, verdict.limit) == (Status.EXCEEDS, "<50")  # "below 50" is not kept by 50
    assert judge(coal("49.9", o2="10"), outlet, local=[row]).status is Status.ATTAINS
    assert judge(coal("49.9", o2="10.1"), outlet, local=[row]).status is Status.EXCEEDS


def test_a_name_that_is_not_there_is_told_and_the_permit_still_holds():
    outlet = {"standard": "GB 18918-2020"}
    verdict = judge(coal("60"), outlet, permit("stack_so2", "50"))
    assert verdict.status is Status.EXCEEDS
    fine = judge(coal("40"), outlet, permit("stack_so2", "50"))
    assert fine.status is Status.CANNOT_JUDGE
    assert any("GB 18918-2020" in item.reason for item in fine.items)


def test_rates_of_gb_16297_where_flow_is_measured():
    """NMHC, grade 2, 15 m: 120 mg/m3 and 10 kg/h, each hour (table 2)."""
    outlet = {"standard": "GB 16297-1996", "standard_group": "grade_2", "stack_height": "15"}

    def book(value, flow=None):
        found = Book()
        found.add("nmhc", value)
        if flow:
            found.add("gas_flow", flow)
        return found

    # 100 mg/m3 × 27.7778 m3/s × 3600 s = 10.000008 kg/h
    over, on = judge(book("100", "27.7778"), outlet), judge(book("100", "27.7777"), outlet)
    assert (over.status, over.figure, over.unit, over.limit) == (Status.EXCEEDS, "10.000008", "kg/h", "10")
    assert "排放速率" in over.sentence_zh
    assert on.status is Status.ATTAINS
    assert [item.limit for item in on.items] == ["120", "10"]
    assert [item.limit for item in judge(book("100"), outlet).items] == ["120"]
    low = judge(book("100", "10"), {**outlet, "stack_height": "12"})  # half of 6.4
    assert [item.limit for item in low.items] == ["120", "3.2"]
    squeezed = judge(book("100", "10"), {**outlet, "buildings_height": "11"})
    assert [item.limit for item in squeezed.items] == ["120", "5"]


def test_ph_keeps_the_stricter_range():
    book = Book()
    book.add("ph", "8.6")
    outlet = {"standard": "GB 8978-1996", "standard_group": "grade_1"}
    limits = (permit("ph", "6.5", unit="1"), permit("ph", "8.5", unit="1"))
    assert judge(book, outlet, site=WATER).status is Status.ATTAINS
    verdict = judge(book, outlet, *limits, site=WATER)
    assert verdict.status is Status.EXCEEDS


def test_the_newest_reading_is_held_against_the_standard():
    book = Book()
    book.add("cod_cr", "61", period=Period.REALTIME, stat=Stat.RTD)
    outlet = {"standard": "GB 18918-2002", "standard_group": "grade_1b"}
    assert judge(book, outlet, by=NOW, site=WATER).status is Status.EXCEEDS


def test_records_and_rows_of_a_local_standard_are_one():
    row = {"standard": "DB50/1-2024", "item_code": "cod_cr", "op": "le", "value": "30", "unit": "mg/L",
           "source": "text", "verified": "", "valid_from": "2025-01-01"}  # fmt: skip
    record = record_of(row)
    assert record == {"item": "cod_cr", "standard": "DB50/1-2024", "op": "le", "value": "30", "unit": "mg/L",
                      "source": "text", "valid_from": "2025-01-01"}  # fmt: skip
    (back,) = rows_of([record])
    assert {name: back[name] for name in row if row[name]} == {name: text for name, text in row.items() if text}


def test_water_units_are_the_factors():
    limits, bad = limits_in_force(ON, (), [{"id": "o", "standard": "GB 8978-1996", "standard_group": "grade_1"}])
    assert not bad
    mercury = next(one for one in limits if one.factor == "hg")
    assert (mercury.high, mercury.unit, mercury.period) == (Decimal(50), "ug/L", "day")

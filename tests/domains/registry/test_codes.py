"""Codes: what is beside the shared cases; shape, checks, tables, and that nothing a person types breaks a parser."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.registry import uscc
from jinyun.domains.registry.divisions import division, province_known
from jinyun.domains.registry.identifiers import PARSERS, formats, identify
from jinyun.domains.registry.industries import industry
from jinyun.domains.registry.waste_codes import build_label_id, label_id, label_size, waste_code
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.tables import csv_rows

SOURCE = "91130200699229617X001P"  # printed in HJ 608-2017
UNIT = SOURCE[:18]


def test_an_outlet_of_the_nation():
    found = identify("outlet_full", SOURCE + "DW003")
    assert found.valid
    assert (found.parts["unit"], found.parts["outlet"], found.parts["medium"]) == (UNIT, "DW003", "water")
    assert identify("outlet_full", SOURCE + "TA003").why == "no outlet: DA or DW"
    assert identify("outlet_full", SOURCE + "DA0").why == "25 characters; 27 are needed"


def test_another_mark_is_taken_with_a_warning():
    found = identify("source_code", SOURCE[:-1] + "Q")
    assert (found.valid, found.warnings) == (True, ("mark Q: HJ 608-2017 gives P",))
    assert not identify("source_code", SOURCE[:-1] + "p").valid
    assert identify("source_code", SOURCE).warnings == ()


def test_units_without_a_credit_code():
    org = identify("source_code", f"H9500109{UNIT[8:17]}b001P")
    assert (org.valid, org.parts["org_code"]) == (True, "699229617")
    assert identify("source_code", "H9500109699229618b001P").why == "organisation code check"
    assert not identify("source_code", "H9500109000000012i001P").valid  # i and o are not used


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("900-001-S08", "class S08 does not exist"),
        ("900-001-S00", "class S00 does not exist"),
        ("900-100-S17", "serial is 001-099"),
        ("900-001-17", "shape is 3 digits - 3 digits - S and 2 digits"),
    ],
)
def test_solid_waste_codes_that_are_none(code, why):
    assert identify("solid_waste_code", code).why == why


def test_solid_waste_of_each_kind():
    kinds = {
        name: identify("solid_waste_code", f"900-001-{name}").parts["kind"] for name in ("S59", "S60", "S80", "S99")
    }
    assert kinds == {"S59": "industrial", "S60": "household", "S80": "agricultural", "S99": "other"}


def test_the_catalogue_is_whole_and_each_of_its_codes_is_one():
    rows = csv_rows("jinyun.domains.registry", "hazardous_waste_catalogue.csv")
    assert len(rows) == 467  # the official total of 2021
    for row in rows:
        found = waste_code(row["waste_code"])
        assert found.valid
        assert (found.parts["listed"], found.parts["category"]) == (True, row["hw_category"])
        assert found.parts["name"] == row["official_name"]
    unlisted = waste_code("900-999-17")
    assert (unlisted.valid, unlisted.parts["listed"]) == (True, False)
    with pytest.raises(NotFound, match="2021"):
        waste_code("900-041-49", "2025")


def test_a_label_is_what_it_was_built_from():
    code = build_label_id(UNIT, "900-041-49", date(2024, 2, 29), 7)
    found = label_id(code)
    assert len(code) == 37
    assert found.parts == {"unit": UNIT, "waste_code": "900-041-49", "date": date(2024, 2, 29), "serial": 7}
    assert label_id(code[:26] + "20230229" + code[34:]).why == "not a date"
    assert label_id("1" * 18 + code[18:]).why == "credit code check"
    with pytest.raises(BadInput, match="serial 1000"):
        build_label_id(UNIT, "900-041-49", date(2024, 2, 29), 1000)
    with pytest.raises(BadInput, match="HW41"):
        build_label_id(UNIT, "900-041-41", date(2024, 2, 29), 1)


@pytest.mark.parametrize(
    ("volume", "size", "labels"),
    [("50", "100x100", 1), ("50.001", "150x150", 1), ("450", "150x150", 1), ("450.1", "200x200", 2)],
)
def test_label_sizes_at_their_limits(volume, size, labels):
    found = label_size(Decimal(volume))
    assert (found.min_size_mm, found.labels) == (size, labels)
    with pytest.raises(BadInput, match="more than 0"):
        label_size(Decimal(0))


def test_credit_codes_of_other_provinces():
    assert uscc.check(UNIT).reasons == ()  # 130200: that province is known, its divisions are not held
    assert uscc.check(uscc.make("91", "500999", "12345678")).reasons == ("division_unknown",)
    assert uscc.check(uscc.make("91", "100000", "12345678")).reasons == ()  # registered by the State
    assert not province_known("10")
    assert uscc.check(UNIT.lower()).reasons == ("alphabet",)


def test_divisions_of_old_records():
    old = division("500110")
    assert (old.name, old.name_on(date(2008, 5, 1)), old.name_on(date(2020, 1, 1))) == ("綦江区", "万盛区", "綦江区")
    gone = division("500234")
    assert (gone.known, gone.current, gone.level, gone.parent) == (True, False, "county", "500200")
    assert division("513402").current
    assert division("513425").status.startswith("replaced by 513402")
    assert not division("50010").known


def test_townships():
    rows = csv_rows("jinyun.domains.registry", "townships_pilot_counties.csv")
    assert sum(row["county"] == "500109" for row in rows) == 17  # Beibei
    for row in rows:
        found = division(row["code"])
        assert (found.name, found.level, found.parent, found.listed) == (row["name"], "township", row["county"], True)
    assert not division("500109999").known  # Beibei's are held: there is no such one
    assert (division("500101001").known, division("500101001").listed) == (True, False)  # those of Wanzhou are not
    assert not division("500999001").known


def test_industries_and_their_sections():
    assert industry("D3391").why == "3391 belongs to section C, not D"
    assert not industry("CC").known
    rows = csv_rows("jinyun.domains.registry", "industry_codes_gbt4754.csv")
    assert [sum(row["level"] == str(n) for row in rows) for n in (1, 2, 3, 4)] == [20, 97, 473, 1381]
    for row in rows:
        found = industry(row["code"])
        assert len(found.parents) == found.level - 1
        assert (found.parents[-1:] or (found.code,))[0] == row["section"]


OTHER_NAMES = {
    "source_code_no_uscc": "unit", "source_code_org_only": "unit", "industry_subcode": "industry",
    "facility_mf": "facility", "facility_t": "facility", "outlet_d": "facility",
}  # fmt: skip


def test_every_format_of_the_table_has_a_parser():
    for row in formats():
        assert OTHER_NAMES.get(row["id"], row["id"]) in PARSERS, row["id"]
    assert identify("section_hj1291", "anything").warnings
    assert not identify("outfall_hj1235", " ").valid
    handle = identify("iii_handle", "88.123.abc.d/42/x").parts
    assert handle == {"second_level": "123", "enterprise": "abc.d", "suffix": "42/x"}
    assert identify("catalogue_resource", "301002abc").parts["class_name"] == "department"
    with pytest.raises(NotFound, match="manifest"):
        identify("manifesto", "1")


@given(st.sampled_from(sorted(PARSERS)), st.one_of(st.text(max_size=40), st.text("0123456789HWSD-.９", max_size=38)))
def test_no_text_breaks_a_parser(kind, code):
    found = identify(kind, code)
    assert found.valid is not bool(found.why)
    assert found.code == code

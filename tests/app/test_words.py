"""Shapes for pages: exact figures as text, masks, CSV that spreadsheets read and cannot be tricked by."""

import csv
import io
from decimal import Decimal

import pytest

from jinyun.app.services.words import (
    MASK,
    PERIODS,
    STATS,
    csv_bytes,
    history_dict,
    parse_period,
    plain,
    record_dict,
    type_dict,
)
from jinyun.kernel.errors import BadInput
from jinyun.kernel.flags import WORDS
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import Field, RecordType
from jinyun.kernel.terms import Flag, Period, Stat

PUMP = RecordType(
    id="pump",
    zh="水泵",
    en="Pump",
    fields=(
        Field("name", "名称", "Name", required=True),
        Field("power", "功率", "Power", kind="number", unit="kW"),
        Field("key", "密钥", "Key", secret=True),
        Field("phone", "电话", "Phone", personal=True),
        Field("kind", "类型", "Kind", kind="code", codes={"big": ("大", "big")}),
    ),
)


def record(**data):
    return Record("pump", "p1", 3, "", data, 1, 2, "admin")


@pytest.mark.parametrize(
    ("value", "text"),
    [("7.100000", "7.1"), ("0.000000", "0"), ("-0.500000", "-0.5"), ("1200.000000", "1200"), ("0.000001", "0.000001")],
)
def test_values_are_exact_and_short(value, text):
    assert plain(Decimal(value)) == text


def test_no_number_is_not_zero():
    assert plain(None) is None


def test_every_term_has_words():
    assert set(WORDS) == set(Flag)
    assert set(STATS) == set(Stat)
    assert set(PERIODS) == set(Period)


def test_secrets_never_leave_and_personal_needs_a_role():
    shown = record_dict(record(name="一号", key="abc", phone="13800000000"), PUMP, ("officer",))
    assert (shown["key"], shown["phone"]) == (MASK, "13800000000")
    assert record_dict(record(name="一号", phone="13800000000"), PUMP, ("guest",))["phone"] == MASK
    assert record_dict(record(name="一号", key=None), PUMP, ("officer",))["key"] is None


def test_history_masks_both_sides():
    entry = HistoryEntry("pump", "p1", 2, 1, "admin", "update", "", "", {"key": "old"}, {"key": "new"})
    shown = history_dict(entry, PUMP, ("officer",))
    assert (shown["before"], shown["after"]) == ({"key": MASK}, {"key": MASK})


def test_declaration_has_all_a_form_needs():
    told = type_dict(PUMP)
    assert told["listed"] == ["name", "power", "phone", "kind"]  # a secret is no column
    kinds = {one["name"]: one for one in told["fields"]}
    assert kinds["kind"]["codes"] == {"big": {"zh": "大", "en": "big"}}
    assert kinds["power"]["unit"] == "kW"
    assert told["procedure"] is None


def test_unknown_period_names_the_known_ones():
    with pytest.raises(BadInput, match="HOUR"):
        parse_period("fortnight")


def test_csv_reads_back_with_bom_and_chinese_headings():
    rows = [{"name": '名,"称"\n二', "power": 1.5, "more": [1, {"a": "中"}]}, {"name": "", "power": None}]
    body = csv_bytes(rows, {"name": "名称", "power": "功率"})
    assert body.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert read == [["名称", "功率", "more"], ['名,"称"\n二', "1.5", '[1, {"a": "中"}]'], ["", "", ""]]


@pytest.mark.parametrize("trick", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1"])
def test_csv_never_carries_a_formula(trick):
    read = list(csv.reader(io.StringIO(csv_bytes([{"a": trick}]).decode("utf-8-sig"))))
    assert read[1][0] == "'" + trick


@pytest.mark.parametrize("number", ["-1.5", "+3", "-0"])
def test_csv_leaves_signed_numbers_alone(number):
    read = list(csv.reader(io.StringIO(csv_bytes([{"a": number}]).decode("utf-8-sig"))))
    assert read[1][0] == number


def test_an_empty_export_still_has_its_headings():
    assert csv_bytes([], {"name": "名称"}).decode("utf-8-sig").strip() == "名称"

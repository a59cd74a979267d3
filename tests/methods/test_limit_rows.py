"""Rows of limits: read, compared, printed. What a comparison means is the same for every table."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.kernel.errors import BadInput
from jinyun.methods.limit_rows import OPS, VERIFIED, limit_rows, pick


def row(**more):
    given = {
        "standard": "GB 1-2000", "table_no": "2", "item_no": "", "item_code": "pm", "item_zh": "颗粒物",
        "group": "coal", "condition": "", "period": "hourly", "stage": "new", "op": "le", "value": "0.50",
        "value_hi": "", "unit": "mg/m3", "note": "", "source": "S1", "verified": "one source",
    }  # fmt: skip
    return {**given, **more}


def one(**more):
    (found,) = limit_rows([row(**more)], name="x.csv")
    return found


DIGITS = st.decimals(min_value="-1e6", max_value="1e6", allow_nan=False, allow_infinity=False, places=4)
STEP = st.decimals(min_value="0.0001", max_value="1e3", allow_nan=False, allow_infinity=False, places=4)


@settings(deadline=None)
@given(limit=DIGITS, step=STEP)
def test_below_on_and_above(limit, step):
    """Equality complies for le and ge, not for lt and gt, however near the next value is."""
    for op, below, on, above in (
        ("le", True, True, False), ("lt", True, False, False), ("ge", False, True, True), ("gt", False, False, True),
    ):  # fmt: skip
        found = one(op=op, value=str(limit))
        answers = [found.met_by(value) for value in (limit - step, limit, limit + step)]
        assert answers == [below, on, above], op


@settings(deadline=None)
@given(low=DIGITS, width=STEP, step=STEP)
def test_both_ends_of_a_range_comply(low, width, step):
    found = one(op="range", value=str(low), value_hi=str(low + width))
    values = (low - step, low, low + width / 2, low + width, low + width + step)
    assert [found.met_by(value) for value in values] == [False, True, True, True, False]


def test_the_last_digit_decides_not_a_float_beside_it():
    """0.1 + 0.2 as a float is above 0.3; as decimals it is 0.3."""
    assert one(value="0.3").met_by(Decimal("0.1") + Decimal("0.2")) is True
    assert one(value="0.3").met_by(Decimal("0.3000000000000000000000000001")) is False


@pytest.mark.parametrize(
    ("more", "printed"),
    [({}, "≤ 0.50"), ({"op": "lt"}, "< 0.50"), ({"op": "ge"}, "≥ 0.50"), ({"op": "gt"}, "> 0.50"),
     ({"op": "range", "value": "6", "value_hi": "9"}, "6–9"), ({"op": "not_detected", "value": ""}, "不得检出"),
     ({"op": "text", "value": "limit - 10"}, "limit - 10")],
)  # fmt: skip
def test_a_limit_prints_as_it_was_written(more, printed):
    assert one(**more).printed == printed


def test_where_it_stands():
    assert one().clause == "GB 1-2000 表2"
    assert one(table_no="").clause == "GB 1-2000"


def test_what_compares_with_no_number():
    assert one(op="text", value="see 4.3").met_by(Decimal(1)) is None
    found = one(op="not_detected", value="")
    assert found.met_by(Decimal(0)) is True
    assert found.met_by(Decimal("0.0001")) is False


def test_what_was_not_obtained_is_said_and_judges_nothing():
    found = one(verified="not obtained", value="", unit="")
    assert not found.obtained
    assert found.met_by(Decimal(1)) is None
    assert all(one(verified=mark).obtained for mark in VERIFIED if mark != "not obtained")


@pytest.mark.parametrize(
    ("more", "column"),
    [({"op": "<="}, "op"), ({"value": "5O"}, "value"), ({"value": ""}, "value"), ({"value": "inf"}, "value"),
     ({"unit": ""}, "unit"), ({"standard": " "}, "standard"), ({"source": ""}, "source"),
     ({"op": "range", "value": "9", "value_hi": "6"}, "value_hi"), ({"op": "range", "value": "6"}, "value_hi")],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_named(more, column):
    with pytest.raises(BadInput, match=r"^x\.csv row 3: ") as wrong:
        limit_rows([row(), row(**more)], name="x.csv")
    assert wrong.value.field == column
    assert all(op in OPS for op in ("le", "range"))


def test_picking_rows():
    rows = limit_rows([row(), row(group="oil", stage="in_use"), row(item_code="so2", condition="stack 15 m")])
    assert [r.group for r in pick(rows, item="pm")] == ["coal", "oil"]
    assert [r.group for r in pick(rows, item="pm", stage="in_use")] == ["oil"]
    assert pick(rows, item="so2", condition="") == ()
    assert pick(rows, item="so2", condition="stack 15 m", period="hourly", group="coal")[0].item_code == "so2"

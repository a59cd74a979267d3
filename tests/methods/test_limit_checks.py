"""Checks of tables of limits, rules and editions: what a shipped table and a user's file must keep."""

from __future__ import annotations

import pytest

from jinyun.methods.limit_checks import check_editions, check_rows, check_rule_rows
from jinyun.methods.limit_rows import USER_VERIFIED


def row(**more):
    given = {
        "standard": "DB50/1-2024", "table_no": "1", "item_no": "", "item_code": "cod_cr", "item_zh": "化学需氧量",
        "group": "grade_1", "condition": "", "period": "daily", "stage": "", "op": "le", "value": "50", "value_hi": "",
        "unit": "mg/L", "note": "", "source": "the standard's text", "verified": "one source",
    }  # fmt: skip
    return {**given, **more}


def columns(rows, **more):
    return [(one.row, one.column) for one in check_rows(rows, **more)]


def test_a_good_table_has_no_problems():
    assert check_rows([row(), row(group="grade_2", value="100"), row(item_code="nh3_n", value="5")]) == []


@pytest.mark.parametrize(
    ("wrong", "column"),
    [({"unit": ""}, "unit"), ({"source": ""}, "source"), ({"op": "<="}, "op"), ({"value": "5O"}, "value"),
     ({"value": "NaN"}, "value"), ({"verified": "sure"}, "verified"), ({"valid_from": "1 May"}, "valid_from"),
     ({"valid_from": "2024-05-01", "valid_to": "2024-04-30"}, "valid_to"), ({"item_code": " "}, "item_code"),
     ({"op": "range", "value": "9", "value_hi": "6"}, "value_hi")],
)  # fmt: skip
def test_each_fault_is_named_with_its_row_and_column(wrong, column):
    (problem,) = check_rows([row(item_code="nh3_n"), row(**wrong)])
    assert (problem.row, problem.column) == (3, column)
    assert problem.hint
    assert str(problem).startswith(f"row 3, {column}: ")


def test_absent_columns_and_an_empty_table():
    bare = {key: value for key, value in row().items() if key not in ("unit", "source")}
    assert columns([bare]) == [(1, "source"), (1, "unit")]
    assert columns([]) == [(1, "")]


def test_the_same_limit_twice():
    assert columns([row(), row()]) == [(3, "item_code")]
    assert columns([row(), row(condition="new")]) == []
    early, late = row(valid_from="2020-01-01", valid_to="2023-12-31"), row(valid_from="2024-01-01")
    assert columns([early, late]) == []
    assert columns([early, row(valid_from="2023-12-31")]) == [(3, "item_code")]
    assert columns([row(op="ge", value="6"), row(value="9")]) == []  # a lower and an upper bound


@pytest.mark.parametrize(
    ("first", "second", "good"),
    [({"group": "grade_1a"}, {"group": "grade_1b", "value": "49"}, False),
     ({"group": "grade_1a"}, {"group": "grade_1b", "value": "50"}, True),
     ({"group": "class_1", "op": "ge", "value": "7.5"}, {"group": "class_2", "op": "ge", "value": "6"}, True),
     ({"group": "class_1", "op": "ge", "value": "6"}, {"group": "class_2", "op": "ge", "value": "7.5"}, False),
     ({"stage": "new"}, {"stage": "in_use", "value": "40"}, False),
     ({"stage": "new"}, {"stage": "special", "value": "40"}, True),
     ({"stage": "new"}, {"stage": "in_use", "value": "40", "condition": "CFB"}, True),
     ({"group": "kiln"}, {"group": "mill", "value": "10"}, True)],
)  # fmt: skip
def test_limits_ascend_where_the_table_orders_them(first, second, good):
    assert (check_rows([row(**first), row(**second)]) == []) is good


def test_a_users_rows_need_no_mark():
    assert columns([row(verified="")]) == [(2, "verified")]
    assert columns([row(verified="")], user=True) == []
    assert columns([row(verified=USER_VERIFIED)]) == []


def test_rule_rows():
    rule = {"rule": "valid_hour", "value": "45", "unit": "minute", "source": "S42", "verified": "one source"}
    assert check_rule_rows([rule]) == []
    found = check_rule_rows([{**rule, "unit": ""}, {**rule, "source": "", "verified": "maybe"}])
    assert [(one.row, one.column) for one in found] == [(2, "unit"), (3, "source"), (3, "verified")]
    assert check_rule_rows([{**rule, "value": "wastewater_flow", "unit": ""}]) == []


def test_editions_of_a_part_follow_one_another():
    old = {"standard": "GB 1-2012", "part": "limits", "valid_from": "2012-01-01", "valid_to": "2020-06-30",
           "source": "S1", "verified": "one source"}  # fmt: skip
    new = {**old, "standard": "GB 1-2020", "valid_from": "2020-07-01", "valid_to": ""}
    assert check_editions([old, new]) == []
    assert [(p.row, p.column) for p in check_editions([old, {**new, "valid_from": "2020-06-30"}])] == [
        (3, "valid_from")
    ]
    assert check_editions([old, {**old, "part": "index"}]) == []
    assert [p.column for p in check_editions([{**old, "valid_to": "2011-01-01", "source": ""}])] == [
        "source",
        "valid_to",
    ]

"""GB 3838 and GB/T 14848 at every figure: below, on and above each limit through the judging functions."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from standard_rows import table, tried

from jinyun.domains.water.groundwater import item_class as ground_class
from jinyun.domains.water.items import items
from jinyun.domains.water.section import judge_section
from jinyun.kernel.terms import Status

DAY = date(2026, 5, 1)
CLASSES = {f"class_{n}": n for n in range(1, 6)}


def limits(name, body=None, tables=("1",)):
    """Item -> rows of class I to V, as the table has them."""
    found = defaultdict(list)
    for row in table("water", name):
        fits = body is None or row.condition in ("", body)
        if row.group in CLASSES and row.op != "text" and row.table_no in tables and fits:
            found[row.item_code].append(row)
    return {item: sorted(rows, key=lambda row: row.group) for item, rows in found.items()}


def expected(rows, value):
    """Best class whose row a value keeps; 6 when it keeps none."""
    return next((CLASSES[row.group] for row in rows if row.met_by(value)), 6)


@pytest.mark.parametrize("body", ["river", "lake_reservoir"])
def test_every_limit_of_table_1(body):
    """Alone in a section (or beside clean oxygen, for what gives no class) an item has the class its rows say."""
    done = 0
    for item, rows in limits("gb3838_2002.csv", body).items():
        for row in rows:
            for value, _ in tried(row):
                if value < 0:
                    continue
                units = {} if row.unit == "dimensionless" else {item: row.unit}
                verdict = judge_section("section", {item: value, "do": Decimal(8)} if item != "do" else {item: value},
                                        day=DAY, body=body, units=units)  # fmt: skip
                got = {one.factor: one.grade for one in verdict.items}
                if item not in got and item in ("tn", "fecal_coliform"):
                    assert item == "tn", item  # never judged in a river
                    assert body == "river"
                    continue
                assert got[item] == str(expected(rows, value)), (item, value, verdict)
                done += 1
    assert done >= 300


@pytest.mark.parametrize("number", ["2", "3"])
def test_every_limit_of_tables_2_and_3(number):
    """Source-water items: on the limit is kept, above is over."""
    done = 0
    for row in table("water", "gb3838_2002.csv"):
        if row.table_no != number or row.op != "le":
            continue
        for value, complies in tried(row):
            if value < 0:
                continue
            verdict = judge_section("intake", {row.item_code: value, "do": Decimal(8)}, day=DAY,
                                    units={row.item_code: row.unit})  # fmt: skip
            found = next(one for one in verdict.items if one.factor == row.item_code)
            assert found.status is (Status.ATTAINS if complies else Status.EXCEEDS), (row, value, found)
        done += 1
    assert done == {"2": 5, "3": 80}[number]


def test_every_limit_of_groundwater():
    done = 0
    for item, rows in limits("gbt14848_2017.csv", tables=("1", "2")).items():
        for row in rows:
            for value, _ in tried(row) if row.value is not None else [(Decimal(0), True)]:
                if value < 0 or (item == "ph" and value > 14):
                    continue
                unit = None if row.unit == "dimensionless" else row.unit
                found = ground_class(item, value, day=DAY, unit=unit)
                wanted = expected(rows, value)
                # Class V is "above class IV": where nothing is met the item is in class V all the same.
                assert min(found.best, 5) == min(wanted, 5), (item, value, found)
                done += 1
    assert done >= 900
    assert len(limits("gbt14848_2017.csv", tables=("1", "2"))) >= 90


def test_items_of_the_tables_have_english_and_chinese_names():
    for name in ("gb3838_2002.csv", "gbt14848_2017.csv"):
        for row in table("water", name):
            assert items()[row.item_code].en, row.item_code
            assert items()[row.item_code].zh, row.item_code

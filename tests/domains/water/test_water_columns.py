"""Columns against the scalar function, row by row; limits on, below and above for every limit of every table."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.domains.water.columns import section_classes
from jinyun.domains.water.groundwater import ground_items
from jinyun.domains.water.groundwater import item_class as ground_class
from jinyun.domains.water.limits import edition
from jinyun.domains.water.quality import item_class, oxygen_saturation, section_class
from jinyun.domains.water.section import judge_section
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Status
from jinyun.kernel.units import convert
from jinyun.methods.columns import MISSING, from_decimals

DAY = date(2026, 11, 22)
RIVER, LAKE = edition(DAY), edition(DAY, "lake")
TABLES = Path(__file__).parents[3] / "src" / "jinyun" / "domains" / "water" / "tables"
STEP = Decimal("0.000001")


def printed_rows(name):
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values_near_limits(code):
    limits = RIVER.item(code)
    points = {*limits.limits, *limits.lows, *LAKE.item(code).limits}
    near = [p + d for p in points for d in (-STEP, 0, STEP) if p + d >= 0]
    return st.none() | st.sampled_from(near) | st.decimals(0, 2 * max(points), places=6)


ROW = st.fixed_dictionaries({code: values_near_limits(code) for code in RIVER.evaluated})
TEMPERATURE = st.none() | st.decimals(-5, 45, places=1)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ROW, TEMPERATURE, st.booleans()), min_size=1, max_size=12), st.booleans())
def test_each_row_is_that_of_the_scalar_function(rows, by_saturation):
    columns = {code: from_decimals([row[code] for row, _, _ in rows]) for code in RIVER.evaluated}
    columns["water_temp"] = from_decimals([temperature for _, temperature, _ in rows])
    which = np.array([int(lake) for _, _, lake in rows])
    found = section_classes(columns, (RIVER, LAKE), which, oxygen_by_saturation=by_saturation)
    for n, (row, temperature, lake) in enumerate(rows):
        table = LAKE if lake else RIVER
        present = {code: value for code, value in row.items() if value is not None}
        saturation = None
        if by_saturation and temperature is not None and "do" in present:
            saturation = oxygen_saturation(present["do"], temperature)
        one = section_class(present, table, saturation=saturation)
        if one is None:
            assert (found.level[n], found.deciding[n], found.evaluated[n]) == (0, 0, 0)
            continue
        assert (found.level[n], found.deciding_of(n), found.evaluated[n]) == (one.level, one.deciding, one.evaluated)


@settings(max_examples=300, deadline=None)
@given(st.decimals(0, 8, places=6), st.decimals(-5, 45, places=2))
def test_saturation_is_the_same_to_the_last_digit(oxygen, temperature):
    columns = {"do": from_decimals([oxygen]), "water_temp": from_decimals([temperature])}
    expected = item_class(RIVER.item("do"), oxygen, oxygen_saturation(oxygen, temperature))
    assert section_classes(columns, RIVER, oxygen_by_saturation=True).level[0] == expected


def test_saturation_just_below_90_per_cent_rounds_to_it():
    """At 30.9 °C full is 468/62.5 = 7.488 mg/L: 6.735456 is 89.95 % exactly, rounded half to even 90.0."""
    columns = {"do": from_decimals([Decimal("6.735456"), Decimal("6.735455")]),
               "water_temp": from_decimals([Decimal("30.9")] * 2)}  # fmt: skip
    assert section_classes(columns, RIVER).level.tolist() == [1, 2]
    assert oxygen_saturation(Decimal("6.735456"), Decimal("30.9")) == Decimal("90.0")


def test_columns_refuse_what_does_not_fit():
    one, two = from_decimals([1]), from_decimals([1, 2])
    with pytest.raises(BadInput, match="column tp"):
        section_classes({"ph": two, "tp": one}, RIVER)
    with pytest.raises(BadInput, match="float64"):
        section_classes({"ph": np.array([7.0])}, RIVER)
    with pytest.raises(BadInput, match="which"):
        section_classes({"ph": one}, (RIVER, LAKE))
    with pytest.raises(BadInput, match="0 to 1"):
        section_classes({"ph": one}, (RIVER, LAKE), np.array([2]))
    empty = section_classes({"ph": np.empty(0, dtype=np.int64)}, RIVER)
    assert len(empty.level) == 0
    assert section_classes({"ph": np.array([MISSING])}, RIVER).level.tolist() == [0]


def by_class(name, table_no=None, body=""):
    """Limits of an item in class order, straight from the file: item -> [(op, low, high, unit)]."""
    found = {}
    for row in printed_rows(name):
        if row["group"].startswith("class_") and row["condition"] in ("", body) and row["op"] in ("le", "ge", "range"):
            found.setdefault(row["item_code"], []).append(row)
    return found


@pytest.mark.parametrize("body", ["river", "lake_reservoir"])
def test_every_limit_of_table_1_below_on_and_above(body):
    """Read from the file anew: on a limit the best class that has it, a step beyond it the next class that does not."""
    table = edition(DAY, body)
    seen = 0
    for code, rows in by_class("gb3838_2002.csv", body=body).items():
        limits = table.item(code)
        op, unit = rows[0]["op"], rows[0]["unit"]
        figures = [
            convert(Decimal(row["value"]), unit if unit != "dimensionless" else "1", limits.unit) for row in rows
        ]
        if op == "range":
            high = Decimal(rows[0]["value_hi"])
            for value, level in ((figures[0], 1), (figures[0] - STEP, 6), (high, 1), (high + STEP, 6)):
                assert item_class(limits, value) == level
            continue
        beyond = -STEP if op == "ge" else STEP
        for figure in figures:
            best = figures.index(figure) + 1
            after = max(n for n, other in enumerate(figures, 1) if other == figure) + 1
            assert item_class(limits, figure) == best, (code, figure)
            assert item_class(limits, figure - beyond) <= best, (code, figure)
            assert item_class(limits, figure + beyond) == after, (code, figure)
            seen += 1
    assert seen == (100 if body == "river" else 105) + 5  # 21 or 22 items of five classes besides pH


def test_every_limit_of_tables_2_and_3_below_on_and_above():
    rows = [row for row in printed_rows("gb3838_2002.csv") if row["table_no"] in ("2", "3")]
    assert len(rows) == 85
    for row in rows:
        code, limit = row["item_code"], Decimal(row["value"])
        step = limit / 1000
        for value, status in ((limit - step, Status.ATTAINS), (limit, Status.ATTAINS), (limit + step, Status.EXCEEDS)):
            verdict = judge_section("x", {code: value}, day=DAY, units={code: row["unit"]})
            assert verdict.status is status, (code, value)


def test_every_limit_of_groundwater_below_on_and_above():
    known = ground_items("gbt14848_2017.csv")
    seen = 0
    for code, rows in by_class("gbt14848_2017.csv").items():
        rows = [row for row in rows if row["op"] == "le"]
        figures = [Decimal(row["value"]) for row in rows]
        levels = [int(row["group"][-1]) for row in rows]
        for figure in figures:
            best = levels[figures.index(figure)]
            last = len(figures) - 1 - figures[::-1].index(figure)
            after = levels[last + 1] if last + 1 < len(levels) else levels[-1] + 1
            unit = None if known[code].unit == known[code].table_unit else rows[0]["unit"]
            on = ground_class(code, figure, day=DAY, unit=unit)
            over = ground_class(code, figure * Decimal("1.001"), day=DAY, unit=unit)
            assert (on.best, over.best) == (best, after), (code, figure)
            seen += 1
    assert seen > 300

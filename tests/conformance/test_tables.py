"""The tables of the standards: complete, monotone, and the only place where their numbers stand."""

from __future__ import annotations

import ast
import csv
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from jinyun.domains.air.limits import index_edition, limit
from jinyun.domains.emission.rules import rules
from jinyun.domains.water.limits import CLASSES, edition, status_words

DOMAINS = Path(__file__).parents[2] / "src" / "jinyun" / "domains"
MINE = ("water", "air", "emission")
TABLES = sorted(path for name in MINE for path in (DOMAINS / name / "tables").glob("*.csv"))
SHARED = Path(__file__).parents[3] / "shared" / "standards"


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_each_row_says_unit_source_and_how_sure(path):
    for number, row in enumerate(rows(path), 2):
        where = f"{path.name} line {number}"
        assert None not in row, f"{where}: more cells than columns"
        assert "unit" in row, f"{where}: no unit column"
        assert row["source"], f"{where}: no source"
        assert row["verified"] in {
            "two independent public sources agree", "one source", "memory only", "not obtained", "project choice",
        }, where  # fmt: skip
        if row.get("op", "text") in {"le", "lt", "ge", "gt", "range"}:
            assert row["unit"], f"{where}: a limit without a unit"
            Decimal(row["value"])


@pytest.mark.parametrize("name", MINE)
def test_editions_leave_no_day_out_and_none_twice(name):
    parts = {}
    for row in rows(DOMAINS / name / "tables" / "editions.csv"):
        parts.setdefault(row["part"], []).append(row)
    for part, ones in parts.items():
        for older, newer in pairwise(sorted(ones, key=lambda row: row["valid_from"])):
            gap = date.fromisoformat(newer["valid_from"]) - date.fromisoformat(older["valid_to"])
            assert gap.days == 1, (name, part)
        assert not max(ones, key=lambda row: row["valid_from"])["valid_to"], (name, part)


@pytest.mark.parametrize("body", ["river", "lake"])
def test_water_classes_are_monotone(body):
    table = edition(date(2026, 1, 1), body)
    assert len(table.evaluated) == 21
    assert not set(table.evaluated) & {"tn", "fecal_coliform", "water_temp"}
    for item in table.items.values():
        assert len(item.limits) == len(CLASSES), item.factor
        ordered = sorted(item.limits, reverse=item.op == "ge")
        assert list(item.limits) == ordered, item.factor
    assert set(status_words()) == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("day", [date(2020, 1, 1), date(2026, 3, 1)])
def test_break_points_rise(day):
    table = index_edition(day)
    for key, points in table.points.items():
        assert points.iaqi[0] == 0, key
        assert points.concentration[0] == 0, key
        assert list(points.iaqi) == sorted(set(points.iaqi)), key
        assert list(points.concentration) == sorted(set(points.concentration)), key
    assert [level.level for level in table.levels] == [1, 2, 3, 4, 5, 6]
    assert [level.top for level in table.levels] == [50, 100, 150, 200, 300, 500]
    for report, keys in table.items.items():
        assert set(keys) <= set(table.points), report


def test_air_limits_tighten_with_each_stage():
    stages = [date(2026, 2, 28), date(2026, 3, 1), date(2031, 1, 1)]
    for pollutant, period in [(p, "daily") for p in ("so2", "no2", "co", "pm10", "pm2_5")] + [("o3", "daily_max_8h")]:
        for grade in ("level1", "level2"):
            values = [limit(pollutant, period, day, grade) for day in stages]
            assert values == sorted(values, reverse=True), (pollutant, grade)
        assert limit(pollutant, period, stages[0], "level1") <= limit(pollutant, period, stages[0], "level2")
    # GB 3095-2026, 24 h of PM2.5, level 2: 75 before, 60 in the transition, 50 in the end.
    assert [limit("pm2_5", "daily", day) for day in stages] == [75, 60, 50]


def test_validity_of_outlets():
    gas, water = rules(date(2026, 1, 1), stack=True), rules(date(2026, 1, 1), stack=False)
    assert (gas.standard, gas.hour_minutes, gas.day_hours) == ("HJ 75-2017", 45, 20)
    assert (water.standard, water.hour_minutes, water.day_hours) == ("HJ 356-2019", 45, 18)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/standards")
def test_transcribed_tables_are_those_shared():
    same = [path for path in TABLES if (SHARED / path.name).is_file()]
    assert len(same) >= 12
    for path in same:
        assert rows(path) == rows(SHARED / path.name), path.name


def limit_numbers():
    """Every figure of a limit, break point or rule that is not a plain small count."""
    found = set()
    for path in TABLES:
        for row in rows(path):
            for column in ("value", "value_hi", "concentration", "lo", "hi"):
                text = row.get(column) or ""
                if text.replace(".", "", 1).isdigit():
                    found.add(Decimal(text))
    # 0–8, 10, 24, 100 and 1000 count things, name hours, or turn a share into per cent.
    return found - {Decimal(n) for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 24, 100, 1000)}


@pytest.mark.parametrize(
    "path",
    sorted(path for name in MINE for path in (DOMAINS / name).glob("*.py")),
    ids=lambda p: f"{p.parent.name}-{p.name}",
)
def test_no_limit_stands_in_code(path):
    limits = limit_numbers()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            assert Decimal(str(node.value)) not in limits, f"{path.name}:{node.lineno} holds {node.value}"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Decimal" and node.args:
            text = getattr(node.args[0], "value", None)
            if isinstance(text, str):
                assert Decimal(text) not in limits, f"{path.name}:{node.lineno} holds {text}"

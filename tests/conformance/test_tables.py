"""The tables of the standards: complete, monotone, known, and the same as those they were taken from."""

from __future__ import annotations

import ast
import csv
import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from jinyun.domains.air.limits import index_edition, limit
from jinyun.domains.emission.rules import rules
from jinyun.domains.water.limits import CLASSES, edition, status_words
from jinyun.kernel.factors import factors
from jinyun.methods.limit_checks import MARKS, check_editions, check_rows, check_rule_rows
from jinyun.methods.limit_rows import limit_rows

DOMAINS = Path(__file__).parents[2] / "src" / "jinyun" / "domains"
SHARED = Path(__file__).parents[3] / "shared" / "standards"
STANDARDS = sorted(path.parents[1].name for path in DOMAINS.glob("*/tables/editions.csv"))
TABLES = sorted(path for name in STANDARDS for path in (DOMAINS / name / "tables").glob("*.csv"))


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def holds_limits(path):
    return {"item_code", "op", "value", "unit"} <= set(rows(path)[0])


LIMITS = [path for path in TABLES if holds_limits(path)]


def label(path):
    return f"{path.parents[1].name}-{path.stem}"


def test_all_domains_of_standards_are_here():
    assert {"air", "water", "noise", "soil", "emission"} <= set(STANDARDS)
    assert len(LIMITS) >= 17


@pytest.mark.parametrize("path", TABLES, ids=label)
def test_each_row_says_source_and_how_sure(path):
    assert rows(path), "an empty table"
    for number, row in enumerate(rows(path), 2):
        where = f"{path.name} line {number}"
        assert None not in row, f"{where}: more cells than columns"
        assert None not in row.values(), f"{where}: fewer cells than columns"
        assert row["source"].strip(), f"{where}: no source"
        assert row["verified"] in MARKS, where
        assert (row["verified"] == "project choice") <= ("project" in " ".join(row.values())), where


@pytest.mark.parametrize("path", TABLES, ids=label)
def test_the_checker_finds_nothing(path):
    """Units, numbers, dates, duplicates, and the order of classes, grades, zones, stages, heights, day and night."""
    check = check_rows if path in LIMITS else check_editions if path.name == "editions.csv" else check_rule_rows
    assert [str(problem) for problem in check(rows(path))] == []


@pytest.mark.parametrize("path", LIMITS, ids=label)
def test_every_limit_can_be_read_and_judges_its_own_value(path):
    """A value equal to a limit complies, unless the comparison is strict."""
    for row in limit_rows(rows(path), name=path.name):
        assert row.printed or row.op == "text" or not row.obtained, row
        if row.value is None or row.op in ("text", "not_detected"):
            continue
        assert row.met_by(row.value) is (row.op in ("le", "ge", "range")), row
        if row.op == "range":
            assert row.met_by(row.value_hi) is True, row


# --- the checker is not blind: a fault planted into a real table is found ---------------------------------------------


def planted(name, choose, **change):
    """Problems after changing the one row that `choose` accepts first."""
    table = rows(next(path for path in LIMITS if path.name == name))
    before = check_rows(table)
    row = next(row for row in table if choose(row))
    row.update(change)
    return [problem for problem in check_rows(table) if problem not in before]


FAULTS = {
    "a class stricter than the one before": (
        "gb3838_2002.csv", lambda r: r["item_code"] == "nh3_n" and r["group"] == "class_4", {"value": "0.4"}),
    "a zone stricter than the one before": (
        "gb3096_2008.csv", lambda r: r["group"] == "zone_3" and r["period"] == "day", {"value": "59"}),
    "night above day": (
        "gb3096_2008.csv", lambda r: r["group"] == "zone_4b" and r["period"] == "night", {"value": "71"}),
    "control below screening": (
        "gb36600_2018.csv", lambda r: r["item_code"] == "as" and r["stage"] == "control", {"value": "19"}),
    "first land class above the second": (
        "gb36600_2018.csv", lambda r: r["item_code"] == "as" and r["group"] == "land_class_1", {"value": "61"}),
    "a higher stack held to less": (
        "gb16297_1996.csv", lambda r: r["item_code"] == "nmhc" and r["condition"] == "stack 30 m", {"value": "16"}),
    "special above new": (
        "gb13271_2014.csv", lambda r: r["item_code"] == "so2" and r["stage"] == "special", {"value": "301"}),
    "final above transition": (
        "gb3095_2026.csv", lambda r: r["item_code"] == "pm2_5" and r["stage"] == "final" and r["period"] == "daily",
        {"value": "61"}),
    "a year above a day": (
        "gb3095_2012.csv", lambda r: r["item_code"] == "pm2_5" and r["period"] == "annual" and r["group"] == "level2",
        {"value": "76"}),
    "no unit": ("gb15618_2018.csv", lambda r: r["item_code"] == "cd", {"unit": ""}),
    "no source": ("gb15618_2018.csv", lambda r: r["item_code"] == "cd", {"source": " "}),
    "an unknown mark": ("gb8978_1996.csv", lambda r: r["item_code"] == "hg", {"verified": "sure"}),
    "an unknown comparison": ("gb8978_1996.csv", lambda r: r["item_code"] == "hg", {"op": "<="}),
    "a comma in a number": ("gb18918_2002.csv", lambda r: r["item_code"] == "cod_cr", {"value": "1,5"}),
    "a row twice": (
        "gb18918_2002.csv", lambda r: r["item_code"] == "tn" and r["group"] == "grade_1b", {"group": "grade_1a"}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "choose", "change"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(name, choose, change):
    found = planted(name, choose, **change)
    assert found
    assert all(problem.row > 1 and problem.what and problem.hint for problem in found)


# --- editions ---------------------------------------------------------------------------------------------------------


def spans(of):
    return sorted((row["valid_from"] or "0001-01-01", row["valid_to"] or "9999-12-31") for row in of)


def unbroken(of):
    """One edition after the other, no day left out, none twice, and the last one open."""
    ones = spans(of)
    steps = (date.fromisoformat(later[0]) - date.fromisoformat(earlier[1]) for earlier, later in pairwise(ones))
    return all(step == timedelta(1) for step in steps) and ones[-1][1] == "9999-12-31"


@pytest.mark.parametrize("name", STANDARDS)
def test_editions_leave_no_day_out_and_none_twice(name):
    """Per part; where stages hold beside each other (in use, new, special), per part and stage."""
    parts = defaultdict(list)
    for row in rows(DOMAINS / name / "tables" / "editions.csv"):
        parts[row["part"]].append(row)
    for part, ones in parts.items():
        stages = defaultdict(list)
        for row in ones:
            stages[row["stage"]].append(row)
        assert unbroken(ones) or all(unbroken(few) for few in stages.values()), (name, part)


@pytest.mark.parametrize("name", STANDARDS)
def test_tables_and_editions_name_each_other(name):
    """Every table an edition names is there and holds that standard; every table there is read by somebody."""
    folder = DOMAINS / name
    editions = rows(folder / "tables" / "editions.csv")
    for row in editions:
        table = folder / "tables" / row["table"]
        assert table.is_file(), row
        held = rows(table)[0]
        if table in LIMITS:
            assert row["standard"] in {one["standard"] for one in rows(table)}, row
        assert row["unit"] == "date", row
        assert "standard" in held or "topic" in held, row
    code = "\n".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    named = {row["table"] for row in editions}
    unread = [
        path.name for path in (folder / "tables").glob("*.csv") if path.name not in named and path.name not in code
    ]
    unread = [one for one in unread if one != "windows.csv"]  # read by methods.window_rules
    assert unread == []


@pytest.mark.parametrize("path", LIMITS, ids=label)
def test_every_standard_of_a_table_has_an_edition(path):
    known = {row["standard"] for row in rows(path.with_name("editions.csv"))}
    assert {row["standard"] for row in rows(path)} <= known


def test_a_standard_lies_in_one_domain_or_is_the_same_in_both():
    by_name = defaultdict(list)
    for path in TABLES:
        by_name[path.name].append(path)
    own = {"editions.csv", "rules.csv", "items.csv", "windows.csv"}  # each domain has its own
    for name, paths in by_name.items():
        if name not in own:
            assert all(rows(path) == rows(paths[0]) for path in paths), name


# --- codes ------------------------------------------------------------------------------------------------------------

NOT_SUBSTANCES = {"reference_o2", "stack_height", "blackness", "lmax", "leq", "octave_spl"}


def item_names():
    """Codes a domain's items.csv explains, per domain."""
    found = defaultdict(set)
    for path in TABLES:
        if path.name == "items.csv":
            for row in rows(path):
                for column in ("item", "item_code", "alias"):
                    found[path.parents[1].name] |= {one for one in (row.get(column) or "").split(";") if one}
    return found


@pytest.mark.parametrize("path", LIMITS, ids=label)
def test_every_item_is_named_once(path):
    """A code has one Chinese name in a table; an item that no device sends still says what it is."""
    names = defaultdict(set)
    for row in rows(path):
        names[row["item_code"]].add(row["item_zh"])
    assert all(zh != {""} for zh in names.values())
    for code, zh in names.items():
        assert len(zh) == 1 or code in NOT_SUBSTANCES or code in factors(), (code, zh)


def test_every_code_that_rules_use_is_an_item():
    """Pollutants and items that evaluation tables name are factors, explained items, or items of a limit table."""
    limited = defaultdict(set)
    for path in LIMITS:
        limited[path.parents[1].name] |= {row["item_code"] for row in rows(path)}
    explained = item_names()
    for path in TABLES:
        domain = path.parents[1].name
        known = set(factors()) | limited[domain] | explained[domain]
        for number, row in enumerate(rows(path), 2):
            where = f"{path.name} line {number}"
            for column in ("pollutant", "parameter_code", "item_code", "factor"):
                for code in (row.get(column) or "").replace(" ", ";").split(";"):
                    assert not code or code in known, f"{where}: {column} {code!r} is unknown"
            if row.get("rule_group") in ("evaluated_items", "reference_items"):
                assert row["rule_code"] in known, where


def test_factors_that_items_are_mapped_to_exist():
    for path in TABLES:
        if path.name == "items.csv":
            for row in rows(path):
                assert not row["factor"] or row["factor"] in factors(), row


# --- what the standards order -----------------------------------------------------------------------------------------


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


LADDERS = ["hj640_2012.csv", "tli_levels.csv", "hj633_levels.csv"]


@pytest.mark.parametrize("name", LADDERS)
def test_levels_meet_without_gap(name):
    """Where one level ends the next begins; the umbrella word for everything above 50 TLI stands beside its parts."""
    groups = defaultdict(list)
    for row in rows(next(path for path in TABLES if path.name == name)):
        if row["level_zh"] != "富营养":
            groups[row["standard"], row.get("topic"), row.get("period")].append(row)
    low, high = ("aqi_lo", "aqi_hi") if name.startswith("hj633") else ("lo", "hi")
    step = 1 if name.startswith("hj633") else 0
    for key, levels in groups.items():
        for before, after in pairwise(levels):
            assert Decimal(after[low]) == Decimal(before[high]) + step, (key, after)
            if not step:
                assert (before["op_hi"], after["op_lo"]) in {("le", "gt"), ("lt", "ge")}, (key, after)


def test_items_are_as_many_as_the_standards_list():
    def items(name, **chosen):
        path = next(path for path in LIMITS if path.name == name)
        return {row["item_code"] for row in rows(path) if all(row[key] == value for key, value in chosen.items())}

    assert [len(items("gb3838_2002.csv", table_no=table)) for table in ("1", "2", "3")] == [24, 5, 80]
    assert [len(items("gb36600_2018.csv", table_no=table)) for table in ("1", "2")] == [45, 40]
    assert len(items("gbt14848_2017.csv")) == 93
    assert len(items("gb16297_1996.csv")) >= 33


def test_validity_of_outlets():
    gas, water = rules(date(2026, 1, 1), stack=True), rules(date(2026, 1, 1), stack=False)
    assert (gas.standard, gas.hour_minutes, gas.day_hours) == ("HJ 75-2017", 45, 20)
    assert (water.standard, water.hour_minutes, water.day_hours) == ("HJ 356-2019", 45, 18)


# --- where they were taken from, and that no figure stands in code ----------------------------------------------------


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/standards")
def test_transcribed_tables_are_those_shared():
    """Row by row; a row that differs must say so in its note ("changed")."""
    same = [path for path in TABLES if (SHARED / path.name).is_file()]
    assert len({path.name for path in same}) >= 27
    for path in same:
        ours, theirs = rows(path), rows(SHARED / path.name)
        assert len(ours) >= len(theirs), path.name
        told = [row for row in ours if "changed" in (row.get("note") or "")]
        assert [row for row in ours if row not in theirs and row not in told] == [], path.name
        assert len([row for row in theirs if row not in ours]) <= len(told), path.name


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/standards")
def test_every_shared_table_of_quality_emission_and_validity_is_shipped():
    listed = (SHARED / "README_quality_standards.md").read_text("utf-8").partition("Files:")[2]
    names = {word for word in listed.replace("\n", " ").split("`")[1::2] if (SHARED / f"{word}.csv").is_file()}
    assert len(names) >= 30
    assert names - {path.stem for path in TABLES} == set()


def limit_numbers():
    """Every figure of a limit, break point or rule that is not a plain small count."""
    found = set()
    for path in TABLES:
        for row in rows(path):
            for column in ("value", "value_hi", "concentration", "denominator", "lo", "hi"):
                text = row.get(column) or ""
                if text.replace(".", "", 1).isdigit():
                    found.add(Decimal(text))
    return found


def test_break_points_and_limits_of_cases_are_those_of_the_tables():
    """Figures that our cases give as limits stand in a table."""
    limits = limit_numbers()
    folder = Path(__file__).parents[1] / "data" / "standards_examples"
    for path in folder.glob("*.json"):
        for case in json.loads(path.read_text("utf-8"))["cases"]:
            for key in ("screening", "control"):
                value = case.get("expected", {}).get(key)
                assert value is None or Decimal(str(value)) in limits, (path.name, case["id"])


def test_tables_are_read_by_the_one_reader():
    """Domains open no file: they name a table and the kernel reads it."""
    for path in DOMAINS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                assert not {"csv", "importlib.resources", "pathlib"} & set(names), path

"""`jinyun standards`: list, show, check, add."""

import csv
import io
import json
from pathlib import Path

import pytest
from live import Live, register

from jinyun.app.accounts import Accounts
from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.cli.main import run

TABLES = Path(__file__).parents[2] / "tests/data/judge"


def say(capsys, *words):
    code = run(["standards", *map(str, words)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def shown(capsys, *words):
    code, out, _ = say(capsys, "show", *words, "--format", "json")
    assert code == 0
    found = json.loads(out)
    return found["editions"], [row for rows in found["parts"].values() for row in rows]


def test_list_names_every_standard_with_its_days(capsys):
    code, out, _ = say(capsys, "list", "--json")
    assert code == 0
    rows = json.loads(out)
    names = {row["standard"] for row in rows}
    assert {
        "GB 3095-2012", "GB 3095-2026", "HJ 633-2012", "HJ 633-2026", "HJ 663-2013", "HJ 663-2026", "GB 3838-2002",
        "GB/T 14848-2017", "GB 3096-2008", "GB 12348-2008", "GB 22337-2008", "GB 12523-2011", "HJ 640-2012",
        "GB 36600-2018", "GB 15618-2018", "GB 8978-1996", "GB 16297-1996", "GB 13223-2011", "GB 13271-2014",
        "GB 4915-2013", "GB 18918-2002", "HJ 75-2017", "HJ 356-2019", "DB50/963-2020",
    } <= names  # fmt: skip
    assert all(row["rows"] > 0 for row in rows)
    assert {row["domain"] for row in json.loads(say(capsys, "list", "--domain", "soil", "--json")[1])} == {"soil"}
    assert say(capsys, "list", "--domain", "sol")[0] == 2


@pytest.mark.parametrize("name", ["GB3838", "GB 3838-2002", "gb3838-2002", "gb 3838", "3838"])
def test_names_are_taken_as_people_write_them(capsys, name):
    _, rows = shown(capsys, name, "--item", "tp", "--date", "2026-03-01")
    limits = {(row["condition"], row["group"]): row["limit"] for row in rows}
    assert limits["river", "class_3"] == "≤ 0.2"
    assert limits["lake_reservoir", "class_3"] == "≤ 0.05"
    assert {row["unit"] for row in rows} == {"mg/L"}
    assert {row["clause"] for row in rows} == {"GB 3838-2002 表1"}
    assert all(row["source"] and row["verified"] for row in rows)


@pytest.mark.parametrize("item", ["pm2_5", "PM2.5", "细颗粒物", "a34004"])
def test_editions_stand_side_by_side(capsys, item):
    told, rows = shown(capsys, "gb3095", "--item", item)
    (row,) = [row for row in rows if (row["group"], row["period"]) == ("level2", "daily")]
    assert [row[name] for name in ("GB 3095-2012", "GB 3095-2026 transition", "GB 3095-2026 final")] == [
        "≤ 75", "≤ 60", "≤ 50"
    ]  # fmt: skip
    assert any("2026-03-01 – 2030-12-31" in line for line in told)


def test_break_points_side_by_side(capsys):
    _, rows = shown(capsys, "hj633", "--item", "pm2_5", "--part", "index")
    (row,) = [row for row in rows if row["iaqi"] == "100"]
    assert (row["HJ 633-2012"], row["HJ 633-2026"]) == ("75", "60")


@pytest.mark.parametrize(
    ("day", "limit", "before", "after"),
    [("2026-02-28", "≤ 75", None, "GB 3095-2026 transition"),
     ("2026-03-01", "≤ 60", "GB 3095-2012", "GB 3095-2026 final"),
     ("2031-01-01", "≤ 50", "GB 3095-2026 transition", None)],
)  # fmt: skip
def test_on_a_day_with_what_was_before_and_comes_after(capsys, day, limit, before, after):
    told, rows = shown(capsys, "gb3095", "--item", "pm2_5", "--date", day, "--part", "limits")
    (row,) = [row for row in rows if (row["group"], row["period"]) == ("level2", "daily")]
    assert row["limit"] == limit
    assert any(f"before it: {before}" in line for line in told) == bool(before)
    assert any(f"after it: {after}" in line for line in told) == bool(after)


def test_table_and_csv(capsys):
    code, out, _ = say(capsys, "show", "DB50/963")
    assert code == 0
    assert "not obtained" in out
    code, out, complained = say(capsys, "show", "gb3096", "--format", "csv", "--item", "leq")
    found = list(csv.DictReader(io.StringIO(out)))
    (row,) = [row for row in found if (row["group"], row["period"]) == ("zone_2", "night")]
    assert (row["limit"], row["unit"]) == ("≤ 50", "dB(A)")
    assert "GB 3096-2008" in complained


@pytest.mark.parametrize(
    ("words", "says"),
    [(["show", "gb3839"], "did you mean 'gb3838'"), (["show", "GB3838", "--item", "xx"], "it has water_temp"),
     (["show", "GB3096", "--date", "2001-01-01"], "no edition was in force"),
     (["show", "GB3096", "--date", "x"], "2026-03-01"),
     (["show", "GB3096", "--format", "xml"], "table, csv or json"), (["check", "none.csv"], "there is no file")],
)  # fmt: skip
def test_errors_are_one_sentence(capsys, words, says):
    code, _, complained = say(capsys, *words)
    assert code == 2
    assert says in complained


BAD = """standard,item_code,op,value,unit,source,valid_from
X,cod_cr,le,thirty,mg/L,s,
X,,le,3,mg/L,s,
X,tp,approx,3,mg/L,s,
X,tn,le,3,,s,
X,ss,le,3,mg/L,,2020-13-01
"""


def test_check_names_row_and_column(tmp_path, capsys):
    bad = tmp_path / "bad.csv"
    bad.write_text(BAD, encoding="utf-8")
    code, out, _ = say(capsys, "check", TABLES / "local_standard.csv", TABLES / "permit.csv", bad)
    assert code == 1
    assert "local_standard.csv: 2 rows of DB00/1-2020, 0 problems" in out
    assert "permit.csv: 2 rows of permit limits, 0 problems" in out
    for row, column in ((2, "value"), (3, "item_code"), (4, "op"), (5, "unit"), (6, "source"), (6, "valid_from")):
        assert f"bad.csv: row {row}, {column}: " in out
    permit = tmp_path / "permit.csv"
    permit.write_text("outlet,factor,period,limit,unit\na,foo,month,x,mg/L\n", encoding="utf-8")
    code, out, _ = say(capsys, "check", permit)
    assert code == 1
    for column in ("factor", "period", "limit"):  # the file's own words, not ours
        assert f"row 2, {column}: " in out


@pytest.fixture(params=["running", "stopped"])
def folder(request, tmp_path):
    where = tmp_path / "var"
    if request.param == "running":
        node = Live(where, lambda house: register(house, []))
        yield where
        node.close()
        return
    house = House(Settings.load(where))
    try:
        Accounts(house.kv).first_password()
    finally:
        house.close()
    yield where


def test_added_limits_are_records_of_the_node(folder, capsys):
    code, out, _ = say(capsys, "add", TABLES / "local_standard.csv", "--folder", folder)
    assert code == 0
    assert "2 rows checked, 2 limits created or changed" in out
    assert "2 rows checked, 0 limits" in say(capsys, "add", TABLES / "local_standard.csv", "--folder", folder)[1]
    assert run(["records", "list", "standard_limit", "--folder", str(folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    found = {row["item"]: row for row in rows}
    assert set(found) == {"cod_cr", "nh3_n"}
    assert (found["cod_cr"]["standard"], str(found["cod_cr"]["value"]), found["cod_cr"]["valid_from"]) == (
        "DB00/1-2020", "30", "2020-04-01",
    )  # fmt: skip
    code, out, _ = say(capsys, "list", "--folder", folder)
    assert "DB00/1-2020" in out
    code, _, complained = say(capsys, "add", TABLES / "permit.csv", "--folder", folder)
    assert code == 2
    assert "jinyun records load permit_limit" in complained


def test_a_bad_file_adds_nothing(folder, tmp_path, capsys):
    bad = tmp_path / "bad.csv"
    bad.write_text(BAD, encoding="utf-8")
    assert say(capsys, "add", bad, "--folder", folder)[0] == 2
    assert run(["records", "list", "standard_limit", "--folder", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []

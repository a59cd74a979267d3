"""Worked cases of business rules run through the public functions, and nothing but the topic decides what answers."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path

import pytest

from jinyun.app.conformance import State
from jinyun.app.conformance.rules import ANSWERS, run_rules
from jinyun.cli.main import run
from jinyun.kernel.errors import BadInput

HERE = Path(__file__).parents[1] / "data" / "rules_examples"
SHARED = Path(__file__).parents[3] / "shared"
TOPICS = {
    "workday_deadlines": 33, "rectification_closure": 5, "project_lag": 5, "river_patrol": 5, "identifiers": 49,
    "uscc": 27, "divisions": 11, "industries": 10, "penalty_band": 7, "heavy_pollution_warning": 13,
}  # fmt: skip


def load(topic):
    return json.loads((HERE / f"{topic}.json").read_text("utf-8"))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_case_of_the_ten_topics_passes(topic):
    report = run_rules([HERE / f"{topic}.json"])
    assert (report.passed, report.failed, report.not_covered) == (TOPICS[topic], 0, 0), report.lines
    assert set(TOPICS) <= set(ANSWERS)


def changed(value):
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}!"
        case list():
            return [*value, "more"]
        case dict():
            return {**value, "more": 1}
        case None:
            return "something"


@pytest.mark.parametrize("topic", TOPICS)
def test_every_key_that_is_expected_is_compared(tmp_path, topic):
    """Each expected value of each case, changed alone, makes that case fail."""
    content, cases = load(topic), []
    for case in content["cases"]:
        for key in case["expect"]:
            if key != "note":  # a remark in words
                twin = copy.deepcopy(case)
                twin["expect"][key] = changed(twin["expect"][key])
                cases.append({**twin, "id": f"{case['id']} {key}"})
    (tmp_path / "any_name.json").write_text(json.dumps({**content, "cases": cases}), "utf-8")
    report = run_rules([tmp_path])
    assert [one.id for one in report.cases if one.state is not State.FAILED] == []
    assert all(one.answer for one in report.cases), report.lines  # answered, and found to differ


def test_neither_the_name_of_the_file_nor_the_id_decides(tmp_path):
    for number, topic in enumerate(TOPICS):
        content = load(topic)
        for place, case in enumerate(content["cases"]):
            case["id"] = f"x{place}"
            case.pop("title", None)
        content["cases"].reverse()
        (tmp_path / f"{number}.json").write_text(json.dumps(content), "utf-8")
    report = run_rules([tmp_path])
    assert (report.passed, report.failed, report.not_covered) == (sum(TOPICS.values()), 0, 0)


def test_what_is_not_built_is_counted_apart(tmp_path, capsys):
    case = {"id": "g-1", "given": {"items": []}, "expect": {"gep": 1}}
    (tmp_path / "a.json").write_text(json.dumps({"topic": "gep", "cases": [case]}), "utf-8")
    (tmp_path / "b.json").write_text((HERE / "river_patrol.json").read_text("utf-8"), "utf-8")
    assert run(["conformance", "rules", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("not covered  a.json g-1: topic 'gep' is not built; built are uscc")
    assert said[-1] == "5 passed, 0 failed, 1 not covered"
    assert run(["conformance", "rules", str(tmp_path), "--strict"]) == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "cannot be read as JSON"),
        ('{"topic": "uscc"}', "no list of cases"),
        ('{"topic": "uscc", "cases": []}', "no list of cases"),
        ('{"cases": [{}]}', "no topic"),
        ('{"topic": "uscc", "cases": [3]}', "case 1 is no object"),
        ('{"topic": "uscc", "cases": [{"expect": {"valid": true}}]}', "the case has no given"),
        ('{"topic": "uscc", "cases": [{"given": {"code": "1"}}]}', "the case expects nothing"),
        ('{"topic": "uscc", "cases": [{"given": {"kode": "1"}, "expect": {"valid": true}}]}', "'code' is missing"),
        ('{"topic": "uscc", "cases": [{"given": {"code": "1"}, "expect": {"colour": 1}}]}', "colour: not answered"),
        (
            '{"topic": "workday_deadlines", "cases": [{"given": {"rule": "hw.acept", "start": "2024-01-02"},'
            ' "expect": {"last": ""}}]}',
            "did you mean 'hw.accept'",
        ),
        (
            '{"topic": "workday_deadlines", "cases": [{"given": {"rule": "hw.accept", "n": 6, "unit": "workday",'
            ' "start": "2024-01-02"}, "expect": {"last": ""}}]}',
            "hw.accept is 5 workday in the table",
        ),
        (
            '{"topic": "workday_deadlines", "cases": [{"given": {"rule": "hw.accept", "n": 5, "unit": "workday",'
            ' "start": "2026-12-30"}, "expect": {"last": "2027-01-06"}}]}',
            "calendar not loaded",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_and_the_rest_goes_on(tmp_path, content, what):
    (tmp_path / "a.json").write_text(content, "utf-8")
    (tmp_path / "b.json").write_text((HERE / "river_patrol.json").read_text("utf-8"), "utf-8")
    report = run_rules([tmp_path])
    assert (report.passed, report.failed) == (5, 1)
    assert what in report.lines[0]


def test_without_a_file_it_says_what_it_needs():
    with pytest.raises(BadInput, match="no case file"):
        run_rules([])
    with pytest.raises(BadInput, match="no file or folder"):
        run_rules(["nowhere.json"])


def test_all_answers_can_be_written(tmp_path, capsys):
    out = tmp_path / "answers.json"
    assert run(["conformance", "rules", str(HERE), "--json", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "165 passed, 0 failed"
    rows = json.loads(out.read_text("utf-8"))
    assert len(rows) == sum(TOPICS.values())
    assert all(row["state"] == "passed" and row["answer"] for row in rows)


def test_the_copies_are_the_shared_cases():
    shared = SHARED / "data" / "rules_examples"
    if not shared.is_dir():
        pytest.skip("no shared cases beside the repository")
    for topic in TOPICS:
        assert (HERE / f"{topic}.json").read_bytes() == (shared / f"{topic}.json").read_bytes(), topic


TABLES = Path(__file__).parents[2] / "src" / "jinyun" / "domains"
OURS = {"rules.csv", "provinces.csv", "warning_conditions.csv", "warning_levels.csv"}


@pytest.mark.parametrize("domain", ["registry", "supervision"])
def test_tables_say_source_and_mark_and_are_the_shared_ones(domain):
    files = sorted((TABLES / domain / "tables").glob("*.csv"))
    assert len(files) >= 6
    code = "\n".join(path.read_text("utf-8") for path in (TABLES / domain).glob("*.py"))
    for path in files:
        rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        assert rows, path.name
        for number, row in enumerate(rows, 2):
            assert None not in row.values(), f"{path.name} line {number}: fewer cells than columns"
            assert None not in row, f"{path.name} line {number}: more cells than columns"
            assert row["source"].strip(), f"{path.name} line {number}"
            assert row["verified"].strip(), f"{path.name} line {number}"
            if path.name in OURS:
                assert (row["source"] == "project choice") == (row["verified"] == "project choice"), (path.name, number)
        read = path.name in code or path.name == "heavy_pollution_warnings.csv"  # the sentences, told as conditions
        assert read, f"{path.name} is read by nobody"
        shared = SHARED / "standards" / path.name
        if path.name not in OURS and shared.is_file():
            assert rows == list(csv.DictReader(shared.open(encoding="utf-8", newline=""))), path.name

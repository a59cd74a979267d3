"""The verb that checks the standards' cases: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jinyun.cli.main import run

CASES = Path(__file__).parents[1] / "data" / "standards_examples"


def test_all_cases_are_counted(capsys):
    names = ("surface_water.json", "air_daily_aqi_2026_derived.json")
    assert run(["conformance", "standards", *(str(CASES / name) for name in names)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "surface_water.json: 26 passed, 0 failed",
        "air_daily_aqi_2026_derived.json: 27 passed, 0 failed",
        "53 passed, 0 failed",
    ]


def test_alone_it_explains(capsys):
    run(["conformance"])
    said = capsys.readouterr()
    assert "standards" in said.out + said.err
    assert "worked cases of the standards" in said.out + said.err


def test_without_a_file_the_shipped_set_runs(capsys):
    assert run(["conformance", "standards"]) == 0
    passed, failed = re.fullmatch(r"(\d+) passed, (\d+) failed", capsys.readouterr().out.splitlines()[-1]).groups()
    assert int(passed) >= 400
    assert failed == "0"


def test_every_answer_is_written_and_can_be_compared(capsys, tmp_path):
    file, out = str(CASES / "surface_water.json"), tmp_path / "answers.json"
    assert run(["conformance", "standards", file, "--json", str(out)]) == 0
    rows = json.loads(out.read_text("utf-8"))
    first = json.loads(Path(file).read_text("utf-8"))["cases"][0]
    assert len(rows) == 26
    assert rows[0]["id"] == first["id"]
    assert {key: rows[0]["answer"][key] for key in first["expected"]} == first["expected"]
    assert run(["conformance", "standards", file, "--answers", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "26 passed, 0 failed"
    rows[0]["answer"]["class"] = 4
    out.write_text(json.dumps(rows), "utf-8")
    assert run(["conformance", "standards", file, "--answers", str(out)]) == 1
    assert "FAILED       surface_water.json sw_001: class: 4 instead of 1" in capsys.readouterr().out


def test_a_failing_case_ends_with_one(capsys, tmp_path):
    case = {"id": "w", "rule": "wet_to_dry", "input": {"wet": 80, "moisture_pct": 12}, "expected": {"dry": 80}}
    (tmp_path / "w.json").write_text(json.dumps({"topic": "online", "cases": [case]}), "utf-8")
    assert run(["conformance", "standards", str(tmp_path)]) == 1
    assert "FAILED       w.json w: dry: 90.9091 instead of 80" in capsys.readouterr().out


def test_a_missing_file_is_one_sentence(capsys):
    assert run(["conformance", "standards", "nowhere.json"]) == 2
    assert "no file or folder 'nowhere.json'" in capsys.readouterr().err


def test_what_cannot_be_written_or_read_is_one_sentence(capsys, tmp_path):
    file = str(CASES / "emission.json")
    assert run(["conformance", "standards", file, "--json", str(tmp_path / "no" / "such.json")]) == 2
    assert "such.json cannot be written: No such file or directory" in capsys.readouterr().err
    (tmp_path / "answers.json").write_text("[1, 2", "utf-8")
    assert run(["conformance", "standards", file, "--answers", str(tmp_path / "answers.json")]) == 2
    assert "answers.json cannot be read as JSON" in capsys.readouterr().err
    (tmp_path / "answers.json").write_text("[1, 2]", "utf-8")
    assert run(["conformance", "standards", file, "--answers", str(tmp_path / "answers.json")]) == 2
    assert "answers cannot be read" in capsys.readouterr().err

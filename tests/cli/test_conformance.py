"""The verb that checks the standards' cases: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from jinyun.cli.main import run

CASES = Path(__file__).parents[1] / "data" / "standards_examples"


def test_all_cases_are_counted(capsys):
    assert run(["conformance", str(CASES / "surface_water.json"), str(CASES / "emission.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "surface_water.json: 26 passed, 0 failed, 0 not covered" in lines
    assert lines[-1] == "30 passed, 0 failed, 10 not covered"


def test_a_failing_case_ends_with_one(capsys, tmp_path):
    case = {"id": "w", "rule": "wet_to_dry", "input": {"wet": 80, "moisture_pct": 12}, "expected": {"dry": 80}}
    (tmp_path / "w.json").write_text(json.dumps({"topic": "online", "cases": [case]}), "utf-8")
    assert run(["conformance", str(tmp_path)]) == 1
    assert "FAILED       w.json w: dry: 90.9091 instead of 80" in capsys.readouterr().out


def test_a_missing_file_is_one_sentence(capsys):
    assert run(["conformance", "nowhere.json"]) == 2
    assert "no file or folder 'nowhere.json'" in capsys.readouterr().err

"""Worked cases of the standards, run through the functions that judge live data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jinyun.app.conformance import check, run_standards
from jinyun.kernel.errors import BadInput

CASES = Path(__file__).parents[1] / "data" / "standards_examples"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "standards_examples"

COVERED = {  # file -> cases that must pass now; the rest of the file waits for more rules
    "surface_water.json": 26,
    "air_hourly_aqi_2012_published.json": 106,
    "air_hourly_aqi_2026_derived.json": 12,
    "air_daily_aqi_2026_derived.json": 27,
    "air_period.json": 14,
    "emission.json": 4,
    "online_validity.json": 6,
    "peers_failing_inputs.json": 29,
}


@pytest.mark.parametrize("name", COVERED)
def test_cases_agree(name):
    lines, passed, failed = run_standards([CASES / name])
    assert not failed, lines
    assert passed == COVERED[name]


def test_every_case_is_counted_once():
    lines, passed, failed = run_standards([CASES])
    total = sum(len(json.loads(path.read_text("utf-8"))["cases"]) for path in CASES.glob("*.json"))
    waiting = sum(line.startswith("not covered") for line in lines)
    assert (passed, failed, waiting) == (sum(COVERED.values()), 0, total - sum(COVERED.values()))
    assert lines[-1] == f"{passed} passed, 0 failed, {waiting} not covered"


def test_a_wrong_expectation_is_told(tmp_path):
    content = json.loads((CASES / "surface_water.json").read_text("utf-8"))
    content["cases"] = content["cases"][:2]
    content["cases"][0]["expected"]["class"] = 2
    (tmp_path / "wrong.json").write_text(json.dumps(content), "utf-8")
    lines, passed, failed = run_standards([tmp_path])
    assert (passed, failed) == (1, 1)
    assert "FAILED       wrong.json sw_001: class: 1 instead of 2" in lines


def test_a_case_that_cannot_be_computed_fails(tmp_path):
    case = {"rule": "reference_oxygen", "expected": {"converted": 1}, "input": {
        "measured_mg_m3": 300, "o2_measured_pct": 21, "o2_reference_pct": 9, "limit": 50}}  # fmt: skip
    (tmp_path / "o2.json").write_text(json.dumps({"topic": "emission", "cases": [case]}), "utf-8")
    lines, passed, failed = run_standards([tmp_path / "o2.json"])
    assert (passed, failed) == (0, 1)
    assert "cannot be converted" in lines[0]


def test_an_unknown_rule_is_not_passed(tmp_path):
    case = {"id": "x", "rule": "no_such_rule", "input": {}, "expected": {}}
    (tmp_path / "new.json").write_text(json.dumps({"topic": "air", "cases": [case]}), "utf-8")
    lines, passed, failed = run_standards([tmp_path])
    assert (passed, failed) == (0, 0)
    assert lines[0] == "not covered  new.json x: rule 'no_such_rule' of air"


def test_a_tolerance_is_kept_to():
    case = {"rule": "wet_to_dry", "input": {"wet": 80, "moisture_pct": 12}, "expected": {"dry": 90.9091}}
    assert check("online", {**case, "tolerance": 0.001}) == ""
    assert check("online", {**case, "tolerance": 0}) != ""


def test_a_missing_file_is_named():
    with pytest.raises(BadInput, match="no file or folder 'nowhere'"):
        run_standards(["nowhere"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/standards_examples")
def test_copies_are_those_shared():
    for path in CASES.glob("*.json"):
        assert json.loads(path.read_text("utf-8")) == json.loads((SHARED / path.name).read_text("utf-8")), path.name

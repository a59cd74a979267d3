"""Worked cases of the standards, run through the functions that judge live data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jinyun.app.conformance import TOPICS, State, check, run, run_standards
from jinyun.kernel.errors import BadInput

CASES = Path(__file__).parents[1] / "data" / "standards_examples"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "standards_examples"

FILES = sorted(path.name for path in CASES.glob("*.json"))


@pytest.mark.parametrize("name", FILES)
def test_every_case_agrees(name):
    lines, passed, failed = run_standards([CASES / name])
    total = len(json.loads((CASES / name).read_text("utf-8"))["cases"])
    assert (passed, failed) == (total, 0), lines
    assert lines == [f"{name}: {total} passed, 0 failed", f"{total} passed, 0 failed"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/standards_examples")
def test_every_shared_case_agrees():
    """All worked cases there are: 100 %."""
    report = run([SHARED])
    total = sum(len(json.loads(path.read_text("utf-8"))["cases"]) for path in SHARED.glob("*.json"))
    assert [case.line for case in report.cases if case.state is not State.PASSED] == []
    assert report.passed == total


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
    assert lines[0].startswith("not covered  new.json x: rule 'no_such_rule' of air; its rules are ")
    assert "o3_mda8" in lines[0]
    assert lines[-1] == "0 passed, 0 failed, 1 not covered"


def good_case():
    return {"id": "good", "rule": "wet_to_dry", "tolerance": 0.001, "source": "HJ 75-2017 A.5",
            "input": {"wet": 80, "moisture_pct": 12}, "expected": {"dry": 90.909}}  # fmt: skip


BROKEN = {  # what stands in the file -> what the line must name
    "not json": ("{", "cannot be read as JSON"),
    "not text": (b"\xff\xfe\x00", "cannot be read as JSON"),
    "no object": ("[1, 2]", "no list of cases"),
    "no cases": ('{"topic": "air"}', "no list of cases"),
    "no topic": ('{"cases": []}', "no topic"),
}


@pytest.mark.parametrize(("content", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_one_line_and_the_rest_goes_on(tmp_path, content, says):
    (tmp_path / "a.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "b.json").write_text(json.dumps({"topic": "online", "cases": [good_case()]}), "utf-8")
    report = run([tmp_path])
    assert (report.passed, report.failed, report.not_covered) == (1, 1, 0)
    assert report.lines[0].startswith(f"FAILED       a.json: {says}")
    assert '{"topic"' in report.lines[0]  # what would work
    assert report.lines[1:] == ["a.json: 0 passed, 1 failed", "b.json: 1 passed, 0 failed", "1 passed, 1 failed"]


BAD_CASES = {
    "no object": (7, "case 1 is no object"),
    "no input": ({"rule": "wet_to_dry", "expected": {"dry": 1}}, "the case has no input"),
    "an input is missing": ({"rule": "wet_to_dry", "input": {"wet": 80}, "expected": {"dry": 1}}, "'moisture_pct'"),
    "an input is no number": (
        {"rule": "wet_to_dry", "input": {"wet": "much", "moisture_pct": 1}, "expected": {"dry": 1}}, "input has wet",
    ),
    "expects nothing": ({"rule": "wet_to_dry", "input": {"wet": 80, "moisture_pct": 12}}, "the case expects nothing"),
    "expects what is not answered": (
        {"rule": "wet_to_dry", "input": {"wet": 80, "moisture_pct": 12}, "expected": {"wetness": 1}},
        "wetness: not answered",
    ),
    "text for a number": (
        {"rule": "wet_to_dry", "input": {"wet": 80, "moisture_pct": 12}, "expected": {"dry": "90"}}, "instead of 90",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("case", "says"), BAD_CASES.values(), ids=BAD_CASES)
def test_a_malformed_case_fails_alone(tmp_path, case, says):
    (tmp_path / "c.json").write_text(json.dumps({"topic": "online", "cases": [case, good_case()]}), "utf-8")
    report = run([tmp_path])
    assert [one.state for one in report.cases] == [State.FAILED, State.PASSED]
    assert report.lines[0].startswith("FAILED       c.json 1: ")
    assert says in report.lines[0]


def test_an_unknown_topic_names_those_there_are(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps({"topic": "sea", "cases": [good_case()]}), "utf-8")
    report = run([tmp_path / "t.json"])
    assert report.not_covered == 1
    assert "topic 'sea' is unknown; the topics are " in report.lines[0]
    assert {"air", "surface_water", "peers"} <= set(TOPICS)
    assert "surface_water" in report.lines[0]


def test_neither_file_name_nor_id_decide(tmp_path):
    """The same cases under other names, without ids, split over folders' files, give the same answers."""
    for number, path in enumerate(sorted(CASES.glob("*.json"))):
        content = json.loads(path.read_text("utf-8"))
        for case in content["cases"]:
            case.pop("id", None)
        (tmp_path / f"{number:03}.json").write_text(json.dumps(content), "utf-8")
    before, after = run([CASES]), run([tmp_path])
    assert [(c.state, c.answer) for c in before.cases] == [(c.state, c.answer) for c in after.cases]


def test_answers_of_another_implementation_are_compared(tmp_path):
    """Our own written answers pass; one changed digit fails; one left out is not covered."""
    file = CASES / "emission.json"
    rows = json.loads(json.dumps(run([file]).answers()))
    same = run([file], answers=rows)
    assert (same.passed, same.failed) == (run([file]).passed, 0)
    rows[0]["answer"]["converted"] = 366.0
    other = run([file], answers=[row for row in rows if row["id"] != "o2_002"])
    assert other.lines[0] == "FAILED       emission.json o2_001: converted: 366.0 instead of 366.667"
    assert other.lines[1] == "not covered  emission.json o2_002: no answer was given"
    with pytest.raises(BadInput, match="answers cannot be read"):
        run([file], answers=[{"id": "o2_001"}])


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


def one_of_each_rule():
    found = {}
    for path in sorted(CASES.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        for case in content["cases"]:
            found.setdefault((content["topic"], case.get("rule") or case.get("report")), case)
    return found


@pytest.mark.parametrize("odd", [None, "x", [], {}, -1, True, "1e999", [None], {"a": None}], ids=repr)
def test_odd_inputs_never_stop_a_run(tmp_path, odd):
    """Each input of each rule is replaced by something odd, left out, or left as it is: every case ends in a line."""
    total = 0
    for number, ((topic, _), case) in enumerate(one_of_each_rule().items()):
        given = case["input"]
        changed = [{**case, "input": odd}, {**case, "expected": odd}, {**case, "tolerance": odd}, case]
        if isinstance(given, dict):
            changed += [{**case, "input": {**given, key: odd}} for key in given]
            changed += [{**case, "input": {k: v for k, v in given.items() if k != key}} for key in given]
        total += len(changed)
        (tmp_path / f"{number}.json").write_text(json.dumps({"topic": topic, "cases": changed}), "utf-8")
    report = run([tmp_path])
    assert len(report.cases) == total
    assert all(one.difference for one in report.cases if one.state is not State.PASSED)
    assert report.passed >= len(one_of_each_rule())  # the unchanged ones
    assert json.dumps(report.answers(), allow_nan=False)

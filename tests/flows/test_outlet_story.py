"""The outlet story through the API of a live node: class IV measured, two causes, three measures, a close refused with
what is missing, class III held, closed, a relapse on day 5 reopens. Then evaluation and hand-over of the same case."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from types import SimpleNamespace

import pytest
from staged import CLASS_3, CLASS_4, UNITS, Stage
from typer.testing import CliRunner

from jinyun.app.services.cases.handover import verify
from jinyun.cli.case import app
from jinyun.kernel.errors import BadInput

DAY = 24


class Story(Stage):
    """A stage, and an officer's hands on its API."""

    def __init__(self, folder):
        super().__init__(folder, UNITS)
        self.client = self.live.client()

    def get(self, path, **asked):
        answer = self.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body, status=200):
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.content

    def step(self, case, name, status=200, **given):
        return self.post(f"/api/records/case/{case}/steps/{name}", {"given": given}, status)

    def case(self, case):
        return self.get(f"/api/cases/{case}")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    made = Story(tmp_path_factory.mktemp("outlet") / "node")
    yield made
    made.client.close()
    made.live.close()


@pytest.fixture(scope="module")
def story(stage):
    """The whole story once; what was seen on the way is kept for the tests."""
    seen = SimpleNamespace()
    stage.measure(CLASS_3, 2)
    seen.quiet = stage.get("/api/cases")["total"]
    stage.measure(CLASS_4, 2)
    (seen.alarm,) = [one for one in stage.get("/api/alarms")["items"] if one["rule"] == "section-target"]
    (opened,) = stage.get("/api/cases")["items"]
    seen.id = case = opened["id"]
    seen.opened = stage.case(case)
    seen.units = stage.get(f"/api/cases/{case}/units")["items"]
    stage.step(case, "acknowledge")
    stage.step(case, "dispatch", owner="u-water", note="两日内查清来水")
    seen.task = stage.post(f"/api/cases/{case}/tasks", {"kind": "trace", "instructions": "沿河排查"}, 201)
    stage.step(case, "accept")
    stage.step(case, "begin")
    for cause in ("裸露渣堆", "散排生活污水"):
        stage.step(case, "add_cause", text=cause)
    for measure in ("覆盖渣堆", "铺设截污管 400 米", "清淤"):
        stage.step(case, "add_measure", text=measure)
    for name, given in (("accept", {}), ("finish", {"text": "已沿河排查"})):  # an open task would hold its case
        stage.post(f"/api/records/task/{seen.task['id']}/steps/{name}", {"given": given})
    stage.step(case, "report", text="措施已完成")
    stage.measure(CLASS_4)
    stage.measure(CLASS_3)
    seen.refused = stage.step(case, "close", 409)
    stage.measure(CLASS_3, 2)
    seen.held = stage.case(case)
    stage.step(case, "close", note="连续3小时达到Ⅲ类")
    seen.closed = stage.case(case)
    seen.evaluated = stage.get("/api/evaluation", **{"from": "2026-03-01", "to": "2026-03-31"})
    stage.measure(CLASS_3, 5 * DAY - 1)
    stage.measure(CLASS_4, 2)  # on the fifth day after the close
    seen.relapsed = stage.case(case)
    seen.all = stage.get("/api/cases", state="all")
    seen.after = stage.get("/api/evaluation", **{"from": "2026-03-01", "to": "2026-03-31"})
    return seen


def test_class_four_measured_opens_an_alarm_and_a_case_with_its_condition(story):
    assert story.quiet == 0
    assert story.alarm["sentence_zh"].startswith("北碚断面水质劣于目标：Ⅳ类，目标Ⅲ类，定类因子氨氮")
    case = story.opened["case"]
    assert (case["state"], case["kind"], case["procedure_version"]) == ("opened", "section_class", 2)
    assert story.opened["recovery"]["condition"]["max_level"] == 3
    (clock,) = story.opened["clocks"]
    assert (clock["unit"], clock["amount"], clock["late"]) == ("hour", 168, False)  # level 3: deadlines.toml


def test_units_are_found_by_cell_first_then_by_division_with_who_is_on_duty(story):
    assert [one["owner"] for one in story.units] == ["u-water", "u-town"]
    assert story.units[0]["grounds"][0]["zh"] == "位于网格“滨江网格”"
    assert story.units[1]["person"] == "zhao"
    assert (story.task["owner"], story.task["state"], story.task["site"]) == ("u-water", "assigned", "s-up")
    assert story.task["clocks"][0]["unit"] == "hour"


def test_a_manual_close_is_refused_with_the_missing_condition(story):
    missing = story.refused["error"]["missing"]
    assert [one["zh"] for one in missing] == ["需连续3小时达到Ⅲ类，已有1小时，最早08:00可满足"]
    assert story.held["case"]["state"] == "observing"
    assert story.held["recovery"]["held"] is True


def test_closed_by_the_figure_with_two_causes_and_three_measures(story):
    case = story.closed["case"]
    assert (case["state"], case["closed_by"], case["owner"]) == ("closed", "admin", "u-water")
    assert [one["text"] for one in case["causes"]] == ["裸露渣堆", "散排生活污水"]
    assert [one["text"] for one in case["measures"]] == ["覆盖渣堆", "铺设截污管 400 米", "清淤"]
    steps = [one["step"] for one in story.closed["history"] if one["step"] != "update"]
    assert steps == [
        "create", "acknowledge", "dispatch", "accept", "begin", "add_cause", "add_cause", "add_measure", "add_measure",
        "add_measure", "report", "recover", "close",
    ]  # fmt: skip


def test_a_relapse_on_day_five_reopens_the_same_case(story):
    case = story.relapsed["case"]
    assert (case["state"], case["reopened"], case["closed_at"]) == ("reopened", 1, None)
    assert len(story.relapsed["alarms"]) == 2
    assert story.all["total"] == 1
    reopened = next(one for one in story.relapsed["history"] if one["step"] == "reopen")
    closed = next(one for one in story.relapsed["history"] if one["step"] == "close")
    assert 4.5 < (reopened["at"] - closed["at"]) / 86_400_000_000 < 5.5
    assert story.relapsed["clocks"][0]["state"] == "running"


def test_the_reopening_is_told_to_the_owner(stage, story):
    topics = {one.name: one.emits for one in stage.live.house.types["case"].procedure.transitions}
    assert topics["reopen"] == "case_reopened"
    assert story.relapsed["case"]["owner"] == "u-water"


def test_evaluation_counts_in_time_recovered_and_then_the_relapse(story):
    (row,) = story.evaluated["items"]
    assert (row["unit"], row["on_time"]["part"], row["on_time"]["whole"]) == ("u-water", 1, 1)
    assert (row["recovered"]["percent"], row["relapsed"]["percent"]) == ("100.0", "0.0")
    assert set(story.evaluated["definitions"]) == {"on_time", "recovered", "relapsed"}
    (row,) = story.after["items"]
    assert row["relapsed"]["cases"] == [story.id]
    assert (row["recovered"]["part"], row["recovered"]["whole"]) == (1, 2)  # the second round has not recovered


def test_the_sealed_file_holds_the_evidence_and_says_when_it_was_changed(stage, story):
    data = stage.post(f"/api/cases/{story.id}/hand-over", {"to": "prosecutor"})
    told = verify(data)
    assert (told["case"], told["to_zh"]) == (story.id, "检察机关")
    key = stage.get("/api/figures/key")["public_key"]
    assert verify(data, public_key=key)["public_key"] == key
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    lines = {
        name: [json.loads(one) for one in gzip.decompress(files[name]).splitlines()]
        for name in files
        if name.endswith(".gz")
    }
    assert lines["case.jsonl.gz"][0]["id"] == story.id
    assert len(lines["alarms.jsonl.gz"]) == 2
    assert {one["step"] for one in lines["history.jsonl.gz"]} >= {"create", "report", "close", "reopen"}
    assert all(one["readings"] for one in lines["verdicts.jsonl.gz"])
    raw = lines["raw.jsonl.gz"]
    assert raw
    assert all(len(one["sha256"]) == 64 and one["crc_in_frame"] == one["crc_computed"] for one in raw)
    assert '"kind":"raw"' in json.dumps(lines["why.jsonl.gz"], separators=(",", ":"))
    entry = [one for one in stage.case(story.id)["history"] if one["step"] == "hand_over"][-1]
    assert entry["given"]["to"] == "prosecutor"
    files["case.jsonl.gz"] = gzip.compress(b'{"id":"other"}')
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    with pytest.raises(BadInput, match=r"case\.jsonl\.gz was changed"):
        verify(changed.getvalue())


# --- matters without a figure; several of one, one of several ---------------------------------------------------------


def test_cases_merge_and_split_with_both_histories_saying_so_and_the_conditions_of_both(stage, story):
    complaint = stage.post(
        "/api/records/complaint",
        {"title": "河水发臭", "channel": "12345", "ask": "complaint", "kind": "odour", "content": "河边有异味",
         "complainant": "王某"},
        201,
    )["id"]  # fmt: skip
    verdict = story.relapsed["case"]["verdict_open"]
    own = stage.post(
        "/api/cases",
        {"data": {"title": "河道异味", "kind": "complaint", "place": {"lon": 106.43, "lat": 29.82},
                  "complaints": [complaint], "verdicts": [verdict]}},
        201,
    )  # fmt: skip
    assert own["jurisdiction"] == "500109"  # the district that holds the place
    assert stage.get(f"/api/records/complaint/{complaint}")["case"] == own["id"]
    into = stage.post(f"/api/cases/{own['id']}/merge", {"into": story.id, "note": "同一来源"})
    assert complaint in into["complaints"]
    assert into["merged_from"] == [own["id"]]
    gone = stage.case(own["id"])
    assert (gone["case"]["state"], gone["case"]["merged_into"]) == ("merged", story.id)
    assert "take_in" in [one["step"] for one in stage.case(story.id)["history"]]
    split = stage.post(f"/api/cases/{story.id}/split", {"title": "异味另案", "complaints": [complaint],
                                                       "kind": "complaint"}, 201)  # fmt: skip
    assert split["split_from"] == story.id
    assert not split.get("recovery")
    assert stage.get(f"/api/records/complaint/{complaint}")["case"] == split["id"]
    related = {one["how"]: one["id"] for one in stage.case(story.id)["related"]}
    assert related == {"merged_from": own["id"], "split_into": split["id"]}
    refused = stage.step(split["id"], "close", 409)
    assert [one["code"] for one in refused["error"]["missing"]] == ["evidence", "second-person"]


def test_a_contest_keeps_the_case_open_until_it_is_answered_and_keeps_both_verdicts(stage, story):
    before = stage.case(story.id)["case"]["verdict_open"]
    stage.post(f"/api/cases/{story.id}/contest", {"text": "当时仪器校准"})
    refused = stage.step(story.id, "close", 409)
    assert refused["error"]["missing"][0]["code"] == "contest-open"
    stage.post(f"/api/cases/{story.id}/contest/answer", {"text": "无校准记录", "outcome": "rejected"})
    (contest,) = stage.case(story.id)["contests"]
    assert contest["before"]["id"] == before
    assert contest["reply"]["outcome"] == "rejected"
    assert contest["reply"]["after"]["id"] == before  # nothing corrected it since
    by_hand = stage.client.post(f"/api/records/case/{story.id}/steps/merge", json={"given": {"into": "x"}})
    assert by_hand.status_code == 409
    assert by_hand.json()["error"]["missing"][0]["code"] == "desk"


def test_the_verb_seals_verifies_and_evaluates_beside_the_running_node(stage, story, tmp_path):
    folder, file = str(stage.live.house.settings.folder), tmp_path / "case.zip"
    run = CliRunner().invoke
    made = run(app, ["hand-over", story.id, "--to", "court", "-o", str(file), "--folder", folder])
    assert made.exit_code == 0, made.output
    told = run(app, ["verify", str(file), "--json"])
    assert json.loads(told.output)["to"] == "court"
    shown = run(app, ["evaluate", "--from", "2026-03-01", "--to", "2026-03-31", "--folder", folder])
    assert shown.exit_code == 0, shown.output
    assert "u-water" in shown.output
    assert "按期率 = 按期件数 ÷ 应办件数" in shown.output


def test_works_and_rectification_items_are_shown_with_what_is_computed(stage):
    project = {
        "name": "龙凤溪截污", "kind": "sewer", "owner": "u-water", "site": "s-up", "plan_year": "365",
        "done": [{"date": "2026-03-01", "money": "40"}], "planned_start": "2026-02-01", "started": "2026-01-20",
    }  # fmt: skip
    made = stage.post("/api/records/project", project, 201)["id"]
    (row,) = stage.get("/api/works", day="2026-03-07")["items"]  # 66 of 365 days gone
    assert row["lag"] == {"due": "66.00", "ratio": "0.6061", "light": "red", "reasons": [], "stuck": False}
    shown = stage.get(f"/api/works/{made}", day="2026-02-09")
    assert shown["lag"]["due"] == "40.00"
    assert shown["lag"]["light"] == "red"  # the 40 were reported on 1 March only
    item = {"title": "黑臭水体整治", "source": "central", "problem": "截污不到位", "deadline": "2026-03-01"}
    whole = stage.post("/api/records/rectification", item | {"batch": "20260302-01"}, 201)["id"]
    part = stage.post("/api/records/rectification", item | {"title": "管网", "parent": whole}, 201)["id"]
    tree = stage.get(f"/api/rectifications/{whole}")
    assert (tree["late"], tree["closed"], tree["of"]) == (True, 0, 1)
    assert tree["parts"][0]["item"]["id"] == part
    assert [one["name"] for one in tree["conditions"]] == ["measures", "solved", "mechanism", "proper", "papers"]

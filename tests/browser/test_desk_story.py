"""The outlet story in a real Chromium: class IV measured, two causes, three measures, a close refused with what is
missing, class III held, closed, a relapse on day 5 reopens the same case.

With JINYUN_SHOTS=FOLDER the pictures of the guide are made on the way.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pages import counted, shot, told
from staged import CLASS_3, CLASS_4, UNITS, Stage

pytestmark = [pytest.mark.browser]
SIZE = (1280, 1000)
CAUSES = ("裸露渣堆", "散排生活污水")
MEASURES = ("覆盖渣堆", "铺设截污管 400 米", "清淤")


@pytest.fixture(scope="module")
def stage(built, tmp_path_factory):
    made = Stage(tmp_path_factory.mktemp("story") / "var", UNITS)
    yield made
    made.live.close()


@pytest.fixture(scope="module")
def node(stage):
    """The node that `open_page` of this folder opens."""
    return stage.live


def state(page: Any) -> str:
    return str(page.get_attribute("[data-test=case-state]", "data-state"))


def reach(page: Any, wanted: str) -> None:
    """Read the case anew until it is in the state: what the node did is told over the live stream too."""
    page.reload()
    page.wait_for_selector(f"[data-test=case-state][data-state={wanted}]")


def fill(page: Any, step: str, **given: str) -> None:
    page.click(f"[data-test=step-{step}]")
    for name, value in given.items():
        page.fill(f".el-dialog [name={name}]", value)
    page.click("[data-test=form-go]")
    page.wait_for_selector(".el-dialog", state="hidden")


def finish_task(node: Any) -> None:
    with closing(node.client()) as client:
        (task,) = client.get("/api/records/task").json()["items"]
        for step, given in (("accept", {}), ("finish", {"text": "已沿河排查"})):
            answer = client.post(f"/api/records/task/{task['id']}/steps/{step}", json={"given": given})
            assert answer.status_code == 200, answer.text


def test_the_outlet_story_from_class_four_to_the_relapse(open_page, stage, node):
    stage.measure(CLASS_3, 2)
    page = open_page("/cases", size=SIZE)
    page.wait_for_selector("[data-test=state-empty]")

    # class IV measured for two hours: an alarm, a case with its recovery condition
    stage.measure(CLASS_4, 2)
    page.reload()
    assert told(page, "[data-test=cases]", "北碚断面")
    page.click("[data-test=as-board]")
    counted(page, "[data-test=col-confirm] [data-test=board-card]", 1)
    card = page.locator("[data-test=col-confirm] [data-test=board-card]")
    shot(page, "desk-board")
    card.locator("a.title").click()
    page.wait_for_selector("[data-test=recovery]")
    seen = SimpleNamespace(case=page.url.rsplit("/", 1)[1])
    assert told(page, "[data-test=recovery] .windows", "Ⅳ")
    assert told(page, "[data-test=recovery]", "Ⅲ")
    assert page.locator("[data-test=case-clocks] [data-test=clock]").get_attribute("data-late") == "false"

    # confirmed, dispatched, a task to the nearest unit, taken on
    page.click("[data-test=step-acknowledge]")
    page.wait_for_selector("[data-test=case-state][data-state=acknowledged]")
    fill(page, "dispatch", owner="u-water", note="两日内查清来水")
    page.wait_for_selector("[data-test=case-state][data-state=dispatched]")
    page.click("[data-test=new-task]")
    page.wait_for_selector(".el-dialog [data-test=form-go]")
    page.click("[data-test=form-go]")
    assert told(page, "[data-test=tasks]", "滨江网格")
    page.click("[data-test=step-accept]")
    page.wait_for_selector("[data-test=case-state][data-state=accepted]")
    page.click("[data-test=step-begin]")
    page.wait_for_selector("[data-test=case-state][data-state=acting]")

    # two causes, three measures, reported
    for cause in CAUSES:
        fill(page, "add_cause", text=cause)
        page.wait_for_selector(f"[data-test=causes] >> text={cause}")
    for measure in MEASURES:
        fill(page, "add_measure", text=measure)
        page.wait_for_selector(f"[data-test=measures] >> text={measure}")
    finish_task(node)  # an open one would hold the case
    reach(page, "acting")
    fill(page, "report", text="措施已完成")
    page.wait_for_selector("[data-test=case-state][data-state=reported]")

    # one hour of class III is not enough: the close is refused and says what is missing
    stage.measure(CLASS_4)
    stage.measure(CLASS_3)
    page.reload()
    page.wait_for_selector("[data-test=case-state][data-state=reported]")
    page.click("[data-test=step-close]")
    page.wait_for_selector("[data-test=refused] [data-test=missing]")
    missing = page.locator("[data-test=refused] [data-test=missing]").all_inner_texts()
    assert len(missing) == 1
    assert "需连续3小时达到Ⅲ类，已有1小时" in missing[0]
    assert state(page) == "reported"
    shot(page, "story-refused")

    # class III held for three hours: under observation by itself, and now it can be closed
    stage.measure(CLASS_3, 2)
    reach(page, "observing")
    assert told(page, "[data-test=recovery]", "恢复条件已满足")
    shot(page, "story-held")
    fill(page, "close", note="连续3小时达到Ⅲ类")
    page.wait_for_selector("[data-test=case-state][data-state=closed]")
    assert told(page, "main", *CAUSES, *MEASURES)
    shot(page, "story-closed")

    # on the fifth day after the close class IV again: the same case is open again
    stage.measure(CLASS_3, 5 * 24 - 1)
    stage.measure(CLASS_4, 2)
    reach(page, "reopened")
    assert page.url.endswith(seen.case)
    assert told(page, "[data-test=relapses]", "1")
    assert told(page, "[data-test=history]", "复发重开")
    shot(page, "story-reopened")
    page.goto(node.url + "/cases")
    counted(page, "[data-test=board-card]", 1)  # the same, no second one


def test_the_evaluation_prints_its_figures_with_their_definitions(open_page, stage):
    page = open_page("/evaluation", size=SIZE)
    page.wait_for_selector("[data-test=evaluation] tbody tr")
    table = page.inner_text("[data-test=evaluation]")
    assert "北碚区水利局" in table
    assert "1 / 2" in table  # two rounds, of which the first recovered
    printed = page.inner_text("[data-test=definitions]")
    for word in ("按期率 =", "恢复率 =", "复发率 ="):
        assert word in printed
    shot(page, "evaluation")


def test_a_contest_shows_both_verdicts_side_by_side(open_page, node):
    client = node.client()
    try:
        case = client.get("/api/cases").json()["items"][0]["id"]
    finally:
        client.close()
    page = open_page(f"/case/{case}", size=SIZE)
    page.click("[data-test=more-steps]")
    page.click("[data-test=step-contest_it]")
    page.fill(".el-dialog [name=text]", "当时仪器校准")
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=contest-state]")
    assert told(page, "[data-test=contest-state]", "待答复") == "待答复"
    page.click("[data-test=step-close]")
    page.wait_for_selector("[data-test=refused] [data-test=missing]")
    assert told(page, "[data-test=refused]", "申辩尚未答复")
    page.click("[data-test=step-answer_contest]")
    page.fill(".el-dialog [name=text]", "无校准记录")
    page.locator(".el-dialog .el-select").first.click()
    page.locator(".el-select-dropdown__item", has_text="申辩不成立").click()
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=contest-state] >> text=申辩不成立")
    for side in ("before", "after"):
        assert told(page, f"[data-test=contest-{side}]", "Ⅳ")
    shot(page, "case-contest")


def test_the_case_is_handed_over_as_a_sealed_file(open_page, node, tmp_path):
    from jinyun.app.services.cases.handover import verify

    client = node.client()
    try:
        case = client.get("/api/cases").json()["items"][0]["id"]
    finally:
        client.close()
    page = open_page(f"/case/{case}", size=SIZE)
    page.click("[data-test=more-steps]")
    page.click("[data-test=step-hand_over]")
    page.locator(".el-dialog .el-select").first.click()
    page.locator(".el-select-dropdown__item", has_text="检察机关").click()
    with page.expect_download() as got:
        page.click("[data-test=form-go]")
    told = verify(Path(got.value.path()).read_bytes())
    assert (told["case"], told["to"]) == (case, "prosecutor")
    page.wait_for_selector("[data-test=handed]")

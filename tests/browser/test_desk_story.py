"""The outlet story in a real Chromium: class IV measured, two causes, three measures, a close refused with what is
missing, class III held, closed, a relapse on day 5 reopens the same case.

With JINYUN_SHOTS=FOLDER the pictures of the guide are made on the way.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from staged import CLASS_3, CLASS_4, Stage

pytestmark = [pytest.mark.browser]
SHOTS = os.environ.get("JINYUN_SHOTS", "")
SIZE = (1280, 1000)
CAUSES = ("裸露渣堆", "散排生活污水")
MEASURES = ("覆盖渣堆", "铺设截污管 400 米", "清淤")
UNITS = [
    ("unit", "u-town", {"name": "天生街道", "kind": "township", "jurisdictions": ["500109"]}),
    ("unit", "u-water", {"name": "北碚区水利局", "kind": "department", "jurisdictions": ["5001"]}),
    ("duty", "d1", {"unit": "u-town", "person": "zhao", "from": "2026-03-02T00:00:00+08:00",
                    "to": "2026-03-09T00:00:00+08:00"}),
    ("cell", "c1", {"name": "滨江网格", "owner": "u-water", "kinds": ["section_class"],
                    "ring": [[106.42, 29.81], [106.44, 29.81], [106.44, 29.83], [106.42, 29.83]]}),
]  # fmt: skip


@pytest.fixture(scope="module")
def stage(built, tmp_path_factory):
    made = Stage(tmp_path_factory.mktemp("story") / "var", UNITS)
    yield made
    made.live.close()


@pytest.fixture(scope="module")
def node(stage):
    """The node that `open_page` of this folder opens."""
    return stage.live


def shot(page: Any, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


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


def test_the_outlet_story_from_class_four_to_the_relapse(open_page, stage, node):
    stage.measure(CLASS_3, 2)
    page = open_page("/cases", size=SIZE)
    page.wait_for_selector("[data-test=state-empty]")

    # class IV measured for two hours: an alarm, a case with its recovery condition
    stage.measure(CLASS_4, 2)
    page.reload()
    page.wait_for_selector("[data-test=cases] tbody tr")
    assert "北碚断面" in page.inner_text("[data-test=cases]")
    page.click("[data-test=as-board]")
    card = page.locator("[data-test=col-confirm] [data-test=board-card]")
    assert card.count() == 1
    shot(page, "desk-board")
    card.locator("a.title").click()
    page.wait_for_selector("[data-test=recovery]")
    seen = SimpleNamespace(case=page.url.rsplit("/", 1)[1])
    assert "Ⅳ" in page.inner_text("[data-test=recovery] .windows")
    assert "Ⅲ" in page.inner_text("[data-test=recovery]")
    assert page.locator("[data-test=case-clocks] [data-test=clock]").get_attribute("data-late") == "false"

    # confirmed, dispatched, a task to the nearest unit, taken on
    page.click("[data-test=step-acknowledge]")
    page.wait_for_selector("[data-test=case-state][data-state=acknowledged]")
    fill(page, "dispatch", owner="u-water", note="两日内查清来水")
    page.wait_for_selector("[data-test=case-state][data-state=dispatched]")
    page.click("[data-test=new-task]")
    page.wait_for_selector(".el-dialog [data-test=form-go]")
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=tasks] [data-test=task]")
    assert "滨江网格" in page.inner_text("[data-test=tasks]")
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
    assert "恢复条件已满足" in page.inner_text("[data-test=recovery]")
    shot(page, "story-held")
    fill(page, "close", note="连续3小时达到Ⅲ类")
    page.wait_for_selector("[data-test=case-state][data-state=closed]")
    for word in (*CAUSES, *MEASURES):
        assert word in page.inner_text("main")
    shot(page, "story-closed")

    # on the fifth day after the close class IV again: the same case is open again
    stage.measure(CLASS_3, 5 * 24 - 1)
    stage.measure(CLASS_4, 2)
    reach(page, "reopened")
    assert page.url.endswith(seen.case)
    assert "1" in page.inner_text("[data-test=relapses]")
    assert "复发重开" in page.inner_text("[data-test=history]")
    shot(page, "story-reopened")
    page.goto(node.url + "/cases")
    page.wait_for_selector("[data-test=board-card]")
    assert page.locator("[data-test=board-card]").count() == 1  # the same, no second one


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
    assert page.inner_text("[data-test=contest-state]") == "待答复"
    page.click("[data-test=step-close]")
    page.wait_for_selector("[data-test=refused] [data-test=missing]")
    assert "申辩尚未答复" in page.inner_text("[data-test=refused]")
    page.click("[data-test=step-answer_contest]")
    page.fill(".el-dialog [name=text]", "无校准记录")
    page.locator(".el-dialog .el-select").first.click()
    page.locator(".el-select-dropdown__item", has_text="申辩不成立").click()
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=contest-state] >> text=申辩不成立")
    for side in ("before", "after"):
        assert "Ⅳ" in page.inner_text(f"[data-test=contest-{side}]")
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

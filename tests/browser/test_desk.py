"""Complaints with their map, rectification, works, administration and search in a real Chromium."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pages import NARROWEST, shot, told, until, wider
from staged import CLASS_3, CLASS_4, Stage

pytestmark = [pytest.mark.browser]
SIZE = (1280, 1000)
IGNORED = re.compile(r"status of (401|403|404|409|422)|WebGL|GPU stall")
PAGES = ["/cases", "/cases?view=board", "/complaints", "/complaints/new", "/rectification", "/works",
         "/works/p1", "/evaluation", "/search?q=北碚", "/admin", "/admin?tab=roles",
         "/admin?tab=audit", "/account"]  # fmt: skip
HERE = {"lon": 106.43, "lat": 29.82}
ITEM = {"source": "central", "batch": "20260224-03", "kind": "water", "problem": "渣堆淋溶水入河",
        "jurisdiction": "500109", "lead_unit": "区生态环境局", "check_unit": "区督察办"}  # fmt: skip
ROWS = [
    ("unit", "u-bureau", {"name": "北碚区生态环境局", "kind": "bureau", "jurisdictions": ["500109"]}),
    ("unit", "u-town", {"name": "天生街道", "kind": "township", "parent": "u-bureau", "jurisdictions": ["500109"]}),
    ("complaint", "k1", {"title": "河边异味", "channel": "12345", "ask": "complaint", "kind": "odour",
                         "content": "夜间河边有臭味", "address": "滨江路", "place": {"lon": 106.431, "lat": 29.821},
                         "jurisdiction": "500109", "received_at": "2026-03-01T20:00:00+08:00", "complainant": "王某",
                         "phone": "13900000000"}),
    ("rectification", "r1", {**ITEM, "title": "渣堆整治", "number": "Z-01", "deadline": "2026-02-20",
                             "owner": "水土街道"}),
    ("rectification", "r2", {**ITEM, "title": "覆盖渣堆", "number": "Z-01-1", "deadline": "2026-03-20", "parent": "r1",
                             "owner": "水土街道", "cond_measures": True}),
    ("rectification", "r3", {**ITEM, "title": "截污管 400 米", "number": "Z-01-2", "deadline": "2026-12-20",
                             "parent": "r1", "owner": "区住建委"}),
    ("project", "p1", {"name": "北碚滨江截污管工程", "number": "G-07", "kind": "sewer", "owner": "u-town",
                       "site": "s-up", "river": "嘉陵江", "jurisdiction": "500109", "budget": "2400.00",
                       "plan_year": "1200.00", "planned_start": "2026-01-10", "started": "2026-02-01",
                       "planned_end": "2026-11-30",
                       "plan": [{"date": "2026-01-31", "share": "0.10"}, {"date": "2026-03-01", "share": "0.25"},
                                {"date": "2026-06-30", "share": "0.60"}, {"date": "2026-12-31", "share": "1"}],
                       "done": [{"date": "2026-01-31", "money": "60"}, {"date": "2026-02-27", "money": "180"}],
                       "amounts": [{"name": "污水管", "planned": "4.0", "done": "0.9", "unit": "km"}]}),
    ("project", "p2", {"name": "缙云山微站建设", "kind": "monitoring", "owner": "u-bureau", "plan_year": "100.00",
                       "done": [{"date": "2026-02-20", "money": "40"}], "planned_start": "2026-02-01",
                       "started": "2026-02-01"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def stage(built, tmp_path_factory):
    made = Stage(tmp_path_factory.mktemp("desk") / "var", ROWS)
    made.measure(CLASS_3, 2)
    made.measure(CLASS_4, 3)
    yield made
    made.live.close()


@pytest.fixture(scope="module")
def node(stage):
    """The node that `open_page` of this folder opens."""
    return stage.live


def choose(page: Any, label: str, option: str) -> None:
    """One of a select's options, by what a person reads."""
    page.locator(".field", has=page.locator(".label", has_text=label)).locator(".el-select").first.click()
    page.locator(".el-select-dropdown__item:visible", has_text=option).first.click()


def test_a_complaint_is_taken_in_with_its_place_and_the_same_matter_is_seen(open_page, node):
    page = open_page("/complaints/new", size=SIZE)
    until(page, "document.querySelector('[data-test=pick-map]')?.jinyunMap?.isStyleLoaded()")
    page.fill("[name=title]", "滨江路夜间臭味")
    page.fill("[name=content]", "晚上十点后明显")
    choose(page, "污染类别", "异味")
    spot = page.evaluate(
        "([lon, lat]) => { const m = document.querySelector('[data-test=pick-map]').jinyunMap;"
        " const p = m.project([lon, lat]); return [p.x, p.y] }",
        [HERE["lon"], HERE["lat"]],
    )
    page.locator("[data-test=pick-map]").click(position={"x": spot[0], "y": spot[1]})
    until(page, "document.querySelector('[data-test=picked]').innerText.includes('106.4')")
    assert told(page, "[data-test=nearest] li", "北碚断面")
    assert told(page, "[data-test=same-matter]", "河边异味")
    page.click("[data-test=same-matter] button")
    page.locator("[data-test=nearest] li button").first.click()
    shot(page, "complaint-new")
    page.click("[data-test=save-complaint]")
    page.wait_for_url("**/records/complaint/*")
    client = node.client()
    try:
        found = client.get("/api/records/complaint", params={"q": "滨江路夜间臭味"}).json()["items"]
    finally:
        client.close()
    assert len(found) == 1
    assert (found[0]["same_as"], found[0]["site"], found[0]["state"]) == ("k1", "s-up", "registered")
    assert abs(found[0]["place"]["lon"] - HERE["lon"]) < 0.01


def test_a_complaint_that_lacks_something_says_what_field_by_field(open_page):
    page = open_page("/complaints/new", size=SIZE)
    page.click("[data-test=save-complaint]")
    page.wait_for_selector("[data-test=form-wrong]")
    assert page.locator(".field .error").count() >= 3  # title, class, content


def test_the_rectification_tree_shows_parts_conditions_and_lights(open_page):
    page = open_page("/rectification", size=SIZE)
    page.wait_for_selector("[data-test=rect-item]")
    assert page.get_attribute("[data-id=r1]", "data-light") == "red"  # over its deadline
    assert page.get_attribute("[data-id=r2]", "data-light") == "yellow"  # due within 30 days
    assert page.get_attribute("[data-id=r3]", "data-light") == "green"
    assert told(page, "[data-test=batch] h2", "20260224-03")
    assert told(page, "[data-id=r1]", "子任务 0 / 2")
    shot(page, "rectification")
    # a measure, the unit's own check, and the office's check refused with what is missing
    page.locator("[data-id=r2] .fold").first.click()
    page.locator("[data-id=r2] [data-test=rect-steps]").click()
    page.click("[data-id=r2] [data-test=step-add_measure]")
    page.fill(".el-dialog [name=text]", "覆土绿化")
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-id=r2] summary >> text=措施 1")
    page.locator("[data-id=r2] [data-test=rect-steps]").click()
    page.click("[data-id=r2] [data-test=step-self_check]")
    page.fill(".el-dialog [name=text]", "已覆盖")
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-id=r2] >> text=已自查")


def test_a_sub_plan_is_added_below_its_item(open_page):
    page = open_page("/rectification", size=SIZE)
    page.locator("[data-id=r1] [data-test=add-part]").first.click()
    page.fill(".el-dialog [name=title]", "监测下渗")
    page.fill(".el-dialog [name=problem]", "防渗层未验收")
    page.click("[data-test=form-go]")
    assert told(page, "[data-id=r1]", "监测下渗", "子任务 0 / 3")


def test_the_works_ledger_puts_what_lags_first_and_draws_both_curves(open_page):
    page = open_page("/works", size=SIZE)
    page.wait_for_selector("[data-test=works] li")
    rows = page.locator("[data-test=works] > li")
    assert [rows.nth(i).get_attribute("data-light") for i in range(2)] == ["red", "green"]
    assert "0.6000" in rows.first.inner_text()  # 180 of 0.25 × 1200 due since 1 March
    assert "晚 22 天" in rows.first.inner_text()  # started on 1 February, planned for 10 January
    shot(page, "works")
    page.click("[data-test=works] a >> text=北碚滨江截污管工程")
    page.wait_for_selector("[data-test=plan-chart] canvas")
    page.wait_for_selector("[data-test=serves] [data-test=chart] canvas")
    assert page.get_attribute("[data-test=lag]", "data-light") == "red"
    assert told(page, "main", "0.9 / 4.0")
    shot(page, "work")


def test_search_goes_across_registers_and_the_page_leads_on(open_page):
    page = open_page("/cases", size=SIZE)
    page.click("[data-test=search-link]")
    page.fill("[data-test=search-field]", "北碚")
    page.wait_for_selector("[data-test=found-site]")
    for kind in ("site", "case", "project"):
        assert told(page, f"[data-test=found-{kind}]", "北碚")
    shot(page, "search")
    page.fill("[data-test=search-field]", "没有这样的词")
    page.wait_for_selector("[data-test=search-none]")
    page.fill("[data-test=search-field]", "断面")
    page.click("[data-test=found-site] a >> text=北碚断面")
    page.wait_for_url("**/site/s-up")


def test_an_account_is_made_and_its_password_is_told_once(open_page):
    page = open_page("/admin", size=SIZE)
    page.wait_for_selector("[data-test=accounts]")
    page.click("[data-test=new-account]")
    page.fill(".el-dialog [name=name]", "zhou")
    choose(page, "角色", "分析员")
    page.keyboard.press("Escape")
    page.locator(".el-dialog__title").click()
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=told-password]")
    assert len(page.inner_text("[data-test=told-password] strong")) >= 8
    assert told(page, "[data-test=account-zhou]", "分析员")
    shot(page, "admin")
    page.click("[data-test=tab-units]")
    assert told(page, "[data-test=units]", "天生街道")
    page.click("[data-test=tab-roles]")
    assert told(page, "[data-test=roles]", "承办单位")


def test_the_board_refuses_a_step_with_what_is_missing(open_page):
    page = open_page("/cases?view=board", size=SIZE)
    page.click("[data-test=board-card] [data-test=card-steps]")
    page.click("[data-test=board-card] [data-test=step-close]")
    page.wait_for_selector("[data-test=board-card] [data-test=missing]")
    assert told(page, "[data-test=board-card] [data-test=refused]", "Ⅲ类")


def test_a_phone_never_scrolls_sideways(open_page, node):
    page = open_page("/cases", size=(NARROWEST, 844))
    for path in PAGES:
        page.goto(node.url + path)
        page.wait_for_selector("main h1")
        assert wider(page) <= 0, path
        shot(page, "phone" + re.sub(r"\W+", "-", path))


def test_every_page_speaks_english_too(open_page, node):
    page = open_page("/cases", size=SIZE, lang="en")
    for path, word in (("/cases", "Cases"), ("/complaints", "Complaints"), ("/rectification", "Rectification"),
                       ("/works", "Works ledger"), ("/evaluation", "Evaluation"), ("/admin", "Administration"),
                       ("/search", "Search")):  # fmt: skip
        page.goto(node.url + path)
        assert told(page, "main h1", word)


def test_zz_nothing_was_asked_of_another_origin_and_nothing_broke(watch):
    """Last: judges what all pages above asked for."""
    assert len(watch.asked) > 50
    assert watch.outside == []
    assert [said for said in watch.complaints if not IGNORED.search(said)] == []

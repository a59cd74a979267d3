"""A day out with the field page: a patrol with its track, a finding with a photo, all offline; the office then sees the
route on a map, pictures from before and after works, and how registers are imported. One node, one phone, axe on it."""

from __future__ import annotations

import io

import openpyxl
import pytest
from axed import axe_source, serious
from live import Live, register
from PIL import Image
from web_rows import ROWS

from jinyun.kernel.ports import Actor

pytestmark = [pytest.mark.browser]
OFFICER = Actor("office", ("officer",))
BANK = [(106.4300 + n * 0.0008, 29.8200 + n * 0.0003) for n in range(8)]  # 83 m from stop to stop
TASK = ("task", "t1", {"title": "现场检查", "kind": "check", "person": "admin", "owner": "执法支队", "level": 2,
                       "place": {"lon": 106.43, "lat": 29.82}, "jurisdiction": "500109"})  # fmt: skip
PROJECT = ("project", "p1", {"name": "滨江截污管工程", "kind": "sewer", "site": "s-up", "jurisdiction": "500109",
                             "plan_year": "100.00", "started": "2026-02-01"})  # fmt: skip


@pytest.fixture(scope="module")
def node(built, tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("day") / "var", lambda house: register(house, [*ROWS, TASK, PROJECT]))
    yield live
    live.close()


@pytest.fixture(scope="module")
def phone(chromium, node, entry):
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, locale="zh-CN", permissions=["geolocation"],
        geolocation={"longitude": BANK[0][0], "latitude": BANK[0][1], "accuracy": 6},
    )  # fmt: skip
    context.set_default_timeout(60_000)
    context.add_cookies([{"name": name, "value": value, "url": node.url} for name, value in entry.items()])
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(node.url + "/field")
    page.wait_for_selector("[data-ready=true]")
    page.wait_for_selector("[data-test=item]")
    yield page
    context.close()


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (160, 120), colour).save(out, "JPEG")
    return out.getvalue()


def test_a_patrol_offline_arrives_once_with_its_route_and_its_finding(phone, node):
    page, context = phone, phone.context
    context.set_offline(True)
    page.click("[data-test=tab-new]")
    page.click("[data-test=patrol-begin]")
    for n, (lon, lat) in enumerate(BANK):
        context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": 6})
        page.wait_for_function("n => Number(document.querySelector('[data-test=patrol-points]').dataset.n) > n", arg=n)
    page.click("[data-test=patrol-end]")
    page.fill("[data-test=form] [name=river]", "嘉陵江")
    page.fill("[data-test=form] [name=chief]", "北碚区河长")
    page.select_option("[data-test=form] [name=rank]", "county")
    page.set_input_files(
        "[data-test=photo-photos]", {"name": "bank.jpg", "mimeType": "image/jpeg", "buffer": jpeg("olive")}
    )
    page.locator("[data-test=shot]").wait_for()
    page.click("[data-test=save]")
    page.wait_for_selector("[data-test=form]", state="detached")
    assert node.house.records.count("patrol") == 0
    context.set_offline(False)
    page.wait_for_selector("[data-test=queue-size]", state="detached", timeout=120_000)
    (made,) = node.house.records.find("patrol", {}, limit=10)
    sent = [figure for one in made.data["route"] for figure in one[:2]]
    assert sent == pytest.approx([figure for stop in BANK for figure in stop], abs=1e-5)
    assert 0.5 < float(made.data["km"]) < 0.7  # seven steps of 83 m
    assert len(made.data["photos"]) == 1
    assert made.data["started"] <= made.data["ended"]
    assert page.complaints == []


def test_the_office_sees_the_route_on_a_map_and_adds_a_finding(open_page, node):
    made = node.cases.registers.create(
        "patrol",
        {"river": "嘉陵江", "chief": "甲", "rank": "town", "started": "2026-03-01T09:00:00+08:00",
         "ended": "2026-03-01T09:40:00+08:00", "route": [[lon, lat, "2026-03-01T09:00:00+08:00"] for lon, lat in BANK]},
        OFFICER,
    )  # fmt: skip
    page = open_page(f"/records/patrol/{made['id']}")
    page.wait_for_selector("[data-test=track-map][data-points='8']")
    page.wait_for_function(
        "() => { const m = document.querySelector('[data-test=track-map]').jinyunMap;"
        " return Boolean(m && m.isStyleLoaded() && m.querySourceFeatures('track').length) }"
    )
    page.click("[data-test=step-add_finding]")
    page.fill(".el-dialog [name=text]", "岸边有垃圾")
    page.set_input_files(
        ".el-dialog [data-test=file]", {"name": "rubbish.jpg", "mimeType": "image/jpeg", "buffer": jpeg("gray")}
    )
    page.wait_for_selector(".el-dialog [data-test=attachment] img")
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=history] [data-test=attachment] img")
    assert "岸边有垃圾" in page.inner_text("[data-test=history]")


def test_works_show_pictures_from_before_and_after(open_page, node):
    page = open_page("/works/p1")
    page.click("[data-test=edit-work]")
    page.set_input_files(
        ".el-dialog [data-test=file][aria-label=实施前照片]",
        {"name": "before.jpg", "mimeType": "image/jpeg", "buffer": jpeg("brown")},
    )
    page.locator(".el-dialog [data-test=attachment] img").first.wait_for()
    page.set_input_files(
        ".el-dialog [data-test=file][aria-label=实施后照片]",
        {"name": "after.jpg", "mimeType": "image/jpeg", "buffer": jpeg("green")},
    )
    page.locator(".el-dialog [data-test=attachment] img").nth(1).wait_for()
    page.click("[data-test=form-go]")
    page.wait_for_selector(".el-dialog", state="hidden")
    for side in (0, 1):
        page.locator(".pictures section").nth(side).locator("img").wait_for()
    record = node.house.records.get("project", "p1").data
    assert (len(record["before"]), len(record["after"])) == (1, 1)


def test_a_register_is_imported_from_the_import_page(open_page):
    page = open_page("/import")
    page.select_option("[data-test=register-imports] select", "project")
    assert page.get_attribute("[data-test=sheet-template]", "href") == "/api/registers/project/template"
    page.click("[data-test=sheet-open]")
    page.wait_for_selector("[data-test=sheet] [data-test=sheet-file]", state="attached")
    sheet = openpyxl.Workbook()
    for row in (("项目名称", "类别"), ("东岸截污", "管网"), ("西岸截污", "未知类别")):
        sheet.active.append(row)
    out = io.BytesIO()
    sheet.save(out)
    page.set_input_files(
        "[data-test=sheet-file]", {"name": "a.xlsx", "mimeType": "application/octet-stream", "buffer": out.getvalue()}
    )
    page.wait_for_selector("[data-test=sheet-counts]")
    assert "新增 1" in page.inner_text("[data-test=sheet-counts]")
    assert "拒收 1" in page.inner_text("[data-test=sheet-counts]")


def test_the_pages_lead_to_the_field_page(open_page, node):
    page = open_page("/")
    assert page.get_attribute("[data-test=field-link]", "href") == "/field"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_field_page(phone, theme):
    page, axe = phone, axe_source()
    if (theme == "dark") != page.evaluate("document.documentElement.classList.contains('dark')"):
        page.click("header button[aria-label]")
    found = {}
    for tab in ("tasks", "map", "new", "queue"):
        page.click(f"[data-test=tab-{tab}]")
        page.wait_for_selector(f"[data-test=tab-{tab}][aria-current=page]")
        if bad := serious(page, axe):
            found[tab] = bad
    page.click("[data-test=tab-tasks]")
    page.click("[data-test=item] >> nth=0")
    page.wait_for_selector("[data-test=step-accept]")
    if bad := serious(page, axe):
        found["item"] = bad
    assert not found, found

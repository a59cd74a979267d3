"""A register of one file, in a browser: form, list, clock, step with its guard, file, Excel, view, history."""

from __future__ import annotations

import io

import openpyxl
import pytest
from live import QUIET_SITE, living
from PIL import Image
from web_rows import ROWS

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
SITE = next(record for type_id, record, _ in ROWS if type_id == "site")


@pytest.fixture(scope="module")
def node(built, tmp_path_factory):
    with living(tmp_path_factory.mktemp("own") / "var", ROWS, registers=[QUIET_SITE]) as live:
        yield live


def made(node, **more):
    registers = node.cases.registers
    from jinyun.kernel.ports import SYSTEM

    return registers.create("quiet_site", {"name": "甲工地", "kind": "home", "site": SITE, **more}, SYSTEM)["id"]


def test_a_record_is_made_by_the_form_with_a_photo(open_page, node):
    page = open_page("/records")
    page.get_by_role("link", name="宁静工地").click()
    page.locator("[data-test=create]").click()
    form = page.locator("[data-test=form]")
    form.get_by_label("名称", exact=True).fill("大桥工地")
    form.get_by_label("类型").click(force=True)
    page.get_by_role("listbox", name="类型").get_by_role("option", name="学校工地").click()
    form.get_by_label("监测点位").fill(SITE)
    page.get_by_role("listbox", name="监测点位").get_by_role("option", name=SITE).first.click()
    photo = io.BytesIO()
    Image.new("RGB", (40, 30), (0, 120, 0)).save(photo, "JPEG")
    form.locator("[data-test=file]").set_input_files(
        {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": photo.getvalue()}
    )
    expect(form.locator("[data-test=attachment] img")).to_be_visible()
    form.locator("[data-test=form-go]").click()
    page.wait_for_url("**/records/quiet_site/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("大桥工地")
    expect(page.locator("[data-test=attachment] img")).to_be_visible()
    (clock,) = page.locator("[data-test=clocks] [data-test=clock]").all()
    assert (clock.get_attribute("data-state"), clock.get_attribute("data-late")) == ("running", "false")
    (record,) = node.house.records.find("quiet_site", text="大桥工地")
    assert len(record.data["photos"]) == 1


def test_a_step_says_what_it_waits_for_and_then_is_taken(open_page, node):
    record = made(node, name="乙工地")
    page = open_page(f"/records/quiet_site/{record}")
    page.locator("[data-test=step-name]").click()
    expect(page.locator("[data-test=step-refused]")).to_contain_text("夜间实测值须不高于45 dB(A)")
    page.locator("[data-test=edit]").click()
    page.locator("[data-test=form]").get_by_label("夜间实测值").fill("44.5")
    page.locator("[data-test=form-go]").click()
    expect(page.locator("[data-test=form]")).to_be_hidden()
    page.locator("[data-test=step-name]").click()
    expect(page.locator(".page-head .chip")).to_have_text("已命名")
    expect(page.locator("[data-test=history]")).to_contain_text("已申报 → 已命名")
    expect(page.locator("[data-test=clocks]")).to_contain_text("已停止，按期")


def test_a_step_with_fields_asks_for_them(open_page, node):
    page = open_page(f"/records/quiet_site/{made(node, name='丙工地')}")
    page.locator("[data-test=step-ask]").click()
    page.locator("[data-test=form]").get_by_label("补正内容").fill("缺平面图")
    page.locator("[data-test=form-go]").click()
    expect(page.locator(".page-head .chip")).to_have_text("待补正")
    expect(page.locator("[data-test=history]")).to_contain_text("缺平面图")


def test_a_sheet_is_previewed_and_accepted(open_page, node):
    book = openpyxl.Workbook()
    for row in (("名称", "类型", "监测点位"), ("表一", "住宅工地", SITE), ("表二", "公园", SITE)):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    page = open_page("/records/quiet_site")
    page.locator("[data-test=import]").click()
    page.locator("[data-test=sheet-file]").set_input_files(
        {"name": "a.xlsx", "mimeType": "application/octet-stream", "buffer": out.getvalue()}
    )
    expect(page.locator("[data-test=sheet-counts]")).to_contain_text("新增 1")
    expect(page.locator("[data-test=sheet-counts]")).to_contain_text("拒收 1")
    expect(page.locator("[data-test=sheet]")).to_contain_text("'公园' is not one of")
    page.locator("[data-test=sheet-accept]").click()
    expect(page.locator("[data-test=sheet-done]")).to_be_visible()
    expect(page.locator("[data-test=records]")).to_contain_text("表一")
    assert node.house.records.count("quiet_site", text="表") == 1


def test_a_view_is_saved_and_chosen(open_page, node):
    made(node, name="丁工地", kind="hospital")
    made(node, name="戊工地", kind="school")
    page = open_page("/records/quiet_site")
    page.get_by_label("类型").select_option("hospital")
    expect(page.locator("[data-test=records]")).not_to_contain_text("戊工地")
    page.locator("[data-test=view-new]").click()
    page.locator("[data-test=view-name]").fill("医院的")
    page.locator("[data-test=view-go]").click()
    expect(page.locator("[data-test=view] option")).to_have_count(2)
    page.reload()
    expect(page.locator("[data-test=records]")).to_contain_text("戊工地")
    page.locator("[data-test=view]").select_option(label="医院的")
    expect(page.locator("[data-test=records]")).not_to_contain_text("戊工地")
    expect(page.locator("[data-test=records]")).to_contain_text("丁工地")


def test_the_pages_asked_nobody_else_and_complained_of_nothing(watch):
    assert watch.outside == []
    assert [one for one in watch.complaints if "409" not in one] == []

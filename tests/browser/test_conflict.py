"""Two officers at one case and at one record: the second sees the conflict with both values, and decides."""

from __future__ import annotations

import re

import pytest

from jinyun.kernel.ports import Actor

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
LI = Actor("li", ("officer",))


def test_the_second_of_two_at_one_case_sees_what_the_first_did_and_their_own_words(open_page, node):
    case = node.house.records.find("case", limit=1)[0].id
    page = open_page(f"/case/{case}")
    page.locator("[data-test=step-add_cause]").click()
    form = page.locator("[data-test=form]")
    form.get_by_label("原因").fill("我查到的：阀门未关")
    node.cases.registers.step("case", case, "add_cause", {"text": "李查到的：暗管"}, LI)
    form.locator("[data-test=form-go]").click()
    told = form.locator("[data-test=conflict]")
    expect(told).to_contain_text("li 在此期间")
    expect(told.locator("[data-test=meanwhile]")).to_contain_text("李查到的：暗管")
    expect(form.get_by_label("原因")).to_have_value("我查到的：阀门未关")
    causes = node.house.records.get("case", case).data["causes"] or []
    assert [one["text"] for one in causes][-1:] == ["李查到的：暗管"]  # nothing was stored unseen
    form.locator("[data-test=form-go]").click()
    expect(form).to_be_hidden()
    causes = [one["text"] for one in node.house.records.get("case", case).data["causes"]]
    assert causes[-2:] == ["李查到的：暗管", "我查到的：阀门未关"]


def made(node, title):
    given = {
        "title": title,
        "channel": "12345",
        "ask": "complaint",
        "kind": "noise",
        "content": "夜里打桩",
        "address": "旧址",
    }
    return node.cases.registers.create("complaint", given, LI)["id"]


def edited(open_page, node, title):
    """Both open it; li is faster."""
    record = made(node, title)
    page = open_page(f"/records/complaint/{record}")
    page.locator("[data-test=edit]").click()
    form = page.locator("[data-test=form]")
    form.get_by_label("问题地点").fill("我写的地址")
    node.cases.registers.update("complaint", record, {"address": "李写的地址", "content": "李写的内容"}, LI)
    form.locator("[data-test=form-go]").click()
    told = form.locator("[data-test=conflict]")
    expect(told.locator("[data-test=mine]")).to_have_text("我写的地址")
    expect(told.locator("[data-test=theirs]")).to_have_text("李写的地址")
    expect(told).to_contain_text("旧址")
    return form, record


def test_both_values_of_a_field_are_shown_and_mine_is_sent_without_undoing_the_rest(open_page, node):
    form, record = edited(open_page, node, "两人同改一")
    form.locator("[data-test=form-go]").click()
    expect(form).to_be_hidden()
    data = node.house.records.get("complaint", record).data
    assert (data["address"], data["content"]) == ("我写的地址", "李写的内容")


def test_what_is_there_now_may_be_kept(open_page, node):
    form, record = edited(open_page, node, "两人同改二")
    form.locator("[data-test=keep-theirs]").click()
    expect(form).to_be_hidden()
    assert node.house.records.get("complaint", record).data["address"] == "李写的地址"


def test_the_pages_complained_of_nothing(watch):
    assert [one for one in watch.complaints if not re.search(r"status of 409|WebGL|GPU stall", one)] == []

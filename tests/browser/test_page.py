"""The page in a real Chromium: what a duty officer does, on a desk, a wall and a phone."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from pages import NARROWEST, PATIENCE, at_rest, no_findings, script, told, until, wider
from web_rows import OUTLET_MN, OVER

pytestmark = [pytest.mark.browser]  # one node, one browser, one worker

PAGES = ["/", "/site/s-out", "/alarms", "/cases", "/links", f"/link/{OUTLET_MN}", "/records", "/records/site",
         f"/records/device/{OUTLET_MN}", "/system"]  # fmt: skip
STRANGER_MN = "WEBTEST0000009"
DARK_BELOW, LIGHT_ABOVE = 60, 200  # mean of red, green and blue of the page's ground
DRAWN, CONTRAST, PIXELS, INKED = (script(name) for name in ("drawn", "contrast", "pixels", "inked"))
IGNORED_COMPLAINTS = re.compile(r"status of (401|409|422)|WebGL|GPU stall")


def drawn_with(page: Any, *sites: str, seconds: float = 30.0) -> dict[str, Any]:
    """What the map has drawn once these sites are on it: a style may be loaded before the overview has come."""
    until(page, "document.querySelector('[data-test=map]')?.jinyunMap?.isStyleLoaded()", seconds)
    end = time.monotonic() + seconds
    drawn: dict[str, Any] = page.evaluate(DRAWN)
    while not set(sites) <= set(drawn["sites"]) and time.monotonic() < end:
        page.wait_for_timeout(100)
        drawn = page.evaluate(DRAWN)
    return drawn


def reds(page: Any) -> int:
    """Pixels of the alarm's red where the outlet stands."""
    colours = page.evaluate(PIXELS, [106.45, 29.8])
    return sum(colours[i] > 180 and colours[i + 1] < 90 and colours[i + 2] < 90 for i in range(0, len(colours), 4))


def test_log_in_refuses_a_wrong_password_and_then_opens_the_page_asked_for(open_page, node):
    page = open_page("/alarms", logged_in=False)
    page.wait_for_url("**/login?to=/alarms")
    page.fill("input[name=password]", "not the password")
    page.click("button[type=submit]")
    assert told(page, "[data-test=login-wrong]", "不对")
    page.fill("input[name=password]", node.password)
    page.click("button[type=submit]")
    page.wait_for_url("**/alarms")
    page.wait_for_selector("[data-test=alarms]")
    page.click("[data-test=logout]")
    page.wait_for_url("**/login")


def test_the_map_draws_base_map_and_sites_without_any_tile(open_page):
    page = open_page("/")
    drawn = drawn_with(page, "s-up", "s-out", "s-mute")
    assert {"s-up", "s-out", "s-mute"} <= set(drawn["sites"])
    assert drawn["districts"] >= 1
    assert drawn["rivers"] >= 1
    assert drawn["names"] >= 1, "labels need glyphs: they must come from local fonts"
    assert "示意图" in page.inner_text("[data-test=indicative]")
    end = time.monotonic() + PATIENCE
    while reds(page) <= 20 and time.monotonic() < end:  # the outlet exceeds: red is painted where it stands
        page.wait_for_timeout(100)
    assert reds(page) > 20


def test_the_duty_page_says_what_is_wrong_and_whose_turn(open_page):
    page = open_page("/")
    page.wait_for_selector("[data-test=case-row]")
    assert told(page, "[data-test=count-sites] strong", "3") == "3"
    assert int(page.inner_text("[data-test=count-alarms] strong")) >= 1
    assert told(page, "[data-test=duty-alarms]", "一号排口")
    assert told(page, "[data-test=duty-cases]", "轮到")
    page.fill("[data-test=find]", "北碚")
    page.press("[data-test=find]", "Enter")
    assert told(page, "[data-test=site-card]", "北碚断面")


def test_the_site_page_draws_a_curve_with_its_limit_and_marks_the_exceedance(open_page):
    page = open_page("/site/s-out")
    page.wait_for_selector("[data-test=chart] canvas")
    row = page.locator("[data-test=latest] tbody tr", has_text="化学需氧量")
    assert OVER[-1] in row.inner_text()
    assert "50" in row.inner_text()
    assert "超标" in row.inner_text()
    assert told(page, ".chart-note", "许可")
    at_rest(page)
    inked = page.evaluate(INKED)
    assert inked > 3, "line, limit line, axis and text have colours of their own"


def test_why_reaches_the_raw_bytes_with_a_matching_crc(open_page):
    page = open_page("/site/s-out")
    page.click("[data-test=verdicts] [data-test=why-button]")
    page.click("[data-test=why-deep]")
    page.wait_for_selector("[data-test=raw]")
    crc = page.locator("[data-test=crc]").first
    assert crc.get_attribute("data-ok") == "true"
    printed = re.findall(r"\b[0-9A-F]{4}\b", crc.inner_text())
    assert len(printed) == 2
    assert printed[0] == printed[1]
    text = page.locator("[data-test=raw-text]").first.inner_text()
    assert text.startswith("##")
    assert f"MN={OUTLET_MN}" in text
    assert printed[0] in text
    page.locator("[data-test=raw-hex]").first.click()
    assert "0000" in page.locator("table.hex").first.inner_text()


def test_every_figure_of_the_latest_values_answers_for_itself(open_page):
    page = open_page("/site/s-up")
    page.locator("[data-test=latest] [data-test=figure]").first.click()
    page.wait_for_selector("[data-test=why] .tree")
    assert told(page, "[data-test=why]", "时间", "统计", "标记")


def case_of(node: Any) -> str:
    client = node.client()
    try:
        found = [one for one in client.get("/api/cases").json()["items"] if one["subject"] == "s-out"]
    finally:
        client.close()
    return str(found[0]["id"])


def test_a_case_cannot_be_closed_before_the_figure_recovered_and_says_what_is_missing(open_page, node):
    page = open_page(f"/case/{case_of(node)}")
    page.click("[data-test=step-close]")
    page.wait_for_selector("[data-test=refused] [data-test=missing]")
    assert "达标" in page.inner_text("[data-test=refused]")
    assert page.get_attribute("[data-test=case-state]", "data-state") != "closed"


def test_a_case_moves_by_its_steps_and_keeps_what_was_filled_in(open_page, node):
    page = open_page(f"/case/{case_of(node)}")
    page.click("[data-test=step-acknowledge]")
    page.wait_for_selector("[data-test=case-state][data-state=acknowledged]")
    page.click("[data-test=step-add_cause]")
    page.fill("textarea[name=text]", "曝气机停了两台")
    page.click("[data-test=form-go]")
    until(page, "document.querySelector('[data-test=history]').innerText.includes('曝气机停了两台')")
    assert page.get_attribute("[data-test=case-state]", "data-state") == "acknowledged"  # a cause moves no state


def test_the_link_page_shows_frames_decoded_and_what_to_do(open_page):
    page = open_page(f"/link/{OUTLET_MN}")
    page.wait_for_selector("[data-test=frames] li")
    page.locator("[data-test=frames] button.frame", has_text="2061").first.click()
    assert told(page, "[data-test=frames] .opened", "化学需氧量")
    until(page, "document.querySelector('[data-test=advice]')?.innerText.trim()")
    page.goto(page.url.replace(OUTLET_MN, STRANGER_MN))
    page.wait_for_selector("[data-test=quarantine]")


def test_a_register_is_listed_searched_and_refuses_a_bad_record_field_by_field(open_page):
    page = open_page("/records/site")
    page.wait_for_selector("[data-test=records] tbody tr")
    page.fill("[data-test=search]", "微站")
    until(page, "document.querySelectorAll('[data-test=records] tbody tr').length === 1")
    page.click("[data-test=create]")
    page.click("[data-test=form-go]")
    page.wait_for_selector("[data-test=form-wrong]")
    assert page.locator(".field .error").count() >= 2  # name and kind are required


def test_lists_export_csv_with_a_mark_for_spreadsheets(open_page):
    page = open_page("/alarms")
    page.wait_for_selector("[data-test=alarms]")
    with page.expect_download() as got:
        page.click("[data-test=csv]")
    with open(got.value.path(), "rb") as file:
        assert file.read(3) == b"\xef\xbb\xbf"


def test_language_switches_and_is_kept(open_page):
    page = open_page("/")
    page.wait_for_selector("[data-test=case-row]")
    page.click(".bar [data-test=lang]")
    assert told(page, "[data-test=duty-cases]", "Open cases")
    until(page, "document.documentElement.lang === 'en'")
    page.reload()
    assert told(page, "[data-test=duty-cases]", "Open cases")


def test_dark_and_light(open_page):
    ground = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    page = open_page("/", theme="dark")
    page.wait_for_selector("[data-test=map]")
    assert sum(page.evaluate(ground)) / 3 < DARK_BELOW
    page.click("[data-test=theme]")
    assert sum(page.evaluate(ground)) / 3 > LIGHT_ABOVE
    assert "s-up" in drawn_with(page, "s-up")["sites"]


def test_a_phone_never_scrolls_sideways(open_page, node):
    page = open_page("/", size=(NARROWEST, 844))
    for path in PAGES:
        page.goto(node.url + path)
        page.wait_for_selector("main h1, [data-test=duty-cases]")
        assert wider(page) <= 0, path
        assert page.locator(".tabs").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_contrast_meets_aa(open_page, node, theme):
    page = open_page("/", theme=theme)
    for path in ("/", "/site/s-out", "/alarms", f"/link/{OUTLET_MN}", "/records/site"):
        page.goto(node.url + path)
        page.wait_for_selector("main h1, [data-test=duty-cases]")
        assert no_findings(page, CONTRAST) == [], path


def test_the_keyboard_reaches_a_case(open_page):
    page = open_page("/cases")
    page.wait_for_selector("[data-test=cases] tbody tr")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.getAttribute('href')?.startsWith('/case/') ?? false"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-test=recovery]")
    assert "/case/" in page.url


def test_a_new_value_appears_without_reloading(open_page, node):
    from web_rows import this_hour

    from jinyun.sense.hj212 import compose

    page = open_page("/site/s-out")
    page.wait_for_selector("[data-test=latest]")
    page.wait_for_selector("[data-test=live][data-state=live]")
    node.send(OUTLET_MN, "2061", this_hour() - 3600, [compose.item("w01018", "N", Avg="47.3", Min="47.3", Max="47.3")])
    node.settle()
    until(page, "document.querySelector('[data-test=latest]').innerText.includes('47.3')")
    assert "47.3" in page.inner_text("[data-test=latest]")


def test_errors_and_missing_things_have_their_own_words(open_page):
    page = open_page("/site/no-such-site")
    page.wait_for_selector("[data-test=state-error]")
    assert told(page, "[data-test=state-error]", "没有找到")
    page = open_page("/no/such/page")
    assert told(page, "main", "没有这个页面")


def test_zz_nothing_was_asked_of_another_origin_and_nothing_broke(watch):
    """Last: judges what all pages above asked for."""
    assert len(watch.asked) > 50
    assert watch.outside == []
    assert [said for said in watch.complaints if not IGNORED_COMPLAINTS.search(said) and "404" not in said] == []

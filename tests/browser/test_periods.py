"""Periods and editions in a real Chromium: figures, their days and why, reports, and a what-if, on a year of days."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import period_seed
import pytest
from live import Live
from pages import NARROWEST, counted, no_findings, script, until, wider
from pages import told as reads

pytestmark = [pytest.mark.browser]

CONTRAST = script("contrast")
IGNORED = re.compile(r"status of (401|409|422)|WebGL|GPU stall")


@pytest.fixture(scope="module")
def node(built, tmp_path_factory):
    """In place of the package's node: a district with more than a year of day verdicts."""
    live = Live(tmp_path_factory.mktemp("periods") / "var", period_seed.seed)
    try:
        period_seed.send_last_day(live, last_day())
        yield live
    finally:
        live.close()


def last_day():
    from datetime import timedelta

    return period_seed.today() - timedelta(1)


@pytest.fixture(scope="module")
def told(node, entry):
    """What the API answers, to compare with what the page shows."""
    client = node.client(log_in=False)
    client.cookies.update(entry)
    yield lambda path: client.get(path).json()
    client.close()


def figure(page: Any, id: str) -> str:
    return page.inner_text(f"[data-test='figure-{id}'] [data-test=figure] > span")


def test_figures_are_the_nodes_with_their_edition_and_the_earlier_month_is_one_step_away(open_page, told):
    page = open_page("/periods")
    page.wait_for_selector("[data-test=figures]")
    first = page.get_attribute("[data-test=figures]", "data-at")
    assert first == told("/api/periods")["subjects"][0]["newest"]["month"]
    page.click("[data-test=earlier]")
    page.wait_for_selector(f"[data-test=figures]:not([data-at='{first}'])")
    at = page.get_attribute("[data-test=figures]", "data-at")
    assert at < first
    answer = told(f"/api/periods/air?at={at}")
    figures = {one["id"]: one for one in answer["figures"]}
    for id in ("good_ratio", "pm2_5.mean", "o3.p90", "composite"):
        assert figure(page, id) == figures[id]["figure"]
    assert reads(page, "[data-test=edition]", answer["edition"]["zh"], "同期")
    counted(page, "[data-test=rows] tbody tr", len(period_seed.AIR))
    counted(page, "[data-test=shares] .stack-bar", 2)  # this month and the year before
    page.wait_for_selector("[data-test=months-chart] canvas")
    page.reload()  # the question lives in the address
    page.wait_for_selector(f"[data-test=figures][data-at='{at}']")


def test_every_period_and_subject_has_its_page(open_page, told):
    page = open_page("/periods?subject=water")
    for kind, at in told("/api/periods")["subjects"][1]["newest"].items():
        page.click(f"[data-test=kind-{kind}]")
        page.wait_for_selector(f"[data-test=figures][data-at='{at}']")
        answer = told(f"/api/periods/water?period={kind}&at={at}")
        assert figure(page, "good_ratio") == next(f["figure"] for f in answer["figures"] if f["id"] == "good_ratio")
        counted(page, "[data-test=rows] tbody tr", len(period_seed.SECTIONS))
        assert page.locator("[data-test=state-error]").count() == 0
    page.click("[data-test=subject-noise]")
    page.wait_for_selector("[data-test=figures][data-subject=noise]")
    assert figure(page, "night_rate")
    counted(page, "[data-test=rows] tbody tr", len(period_seed.NOISE))


def test_a_figure_leads_to_its_days_and_a_day_to_the_raw_bytes(open_page):
    page = open_page(f"/periods?subject=air&scope=site:p-a2&at={last_day():%Y-%m}")
    page.click("[data-test=figure-good_ratio] [data-test=figure]")
    page.wait_for_selector("[data-test=days-table] tbody tr")
    row = page.locator("[data-test=days-table] tbody tr").first
    assert row.inner_text().startswith(last_day().isoformat())
    row.locator("[data-test=day-why]").click()
    page.click("[data-test=why-deep]")
    page.wait_for_selector("[data-test=raw]")
    assert period_seed.AIR_MN in page.locator("[data-test=raw-text]").first.inner_text()


def test_the_calendar_is_one_tab_stop_and_moves_by_arrows(open_page):
    page = open_page("/periods?subject=air")
    page.click("[data-test=earlier]")
    page.wait_for_selector("[data-test=calendar] button")
    until(page, "document.querySelectorAll('[data-test=calendar] button').length > 80")
    assert page.locator("[data-test=calendar] button[tabindex='0']").count() == 1
    page.locator("[data-test=calendar] button[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    until(page, "document.activeElement?.dataset?.place === '1.1'")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-test=why] .tree")


@pytest.mark.parametrize(("format", "part"), [("docx", "word/charts/chart1.xml"), ("xlsx", "xl/charts/chart1.xml")])
def test_a_report_is_downloaded_under_its_name(open_page, told, format, part):
    page = open_page("/periods?subject=water")
    page.wait_for_selector("[data-test=figures]")
    at = page.get_attribute("[data-test=figures]", "data-at")
    with page.expect_download() as got:
        page.click(f"[data-test=report-{format}]")
    assert got.value.suggested_filename == f"示范区地表水环境质量月报{at}.{format}"
    data = Path(got.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert part in packed.namelist()
        text = "".join(
            packed.read(n).decode() for n in packed.namelist() if n.endswith(("document.xml", "Strings.xml"))
        )
    for row in told(f"/api/periods/water?at={at}")["rows"]:
        assert row["name"] in text


def test_a_what_if_lists_the_day_that_flips(open_page, told):
    page = open_page("/editions")
    page.wait_for_selector("[data-test=what-if]")
    page.fill("input[name=as_on]", "2031-01-01")
    page.fill("input[name=from]", last_day().isoformat())
    page.fill("input[name=to]", last_day().isoformat())
    page.click("[data-test=run]")
    page.wait_for_selector("[data-test=sentence][data-state=done]")
    row = page.locator("[data-test=flips] tbody tr", has_text="天生站")
    assert row.count() >= 1
    # PM2.5 55: within the transition limit (60), over the final one (50)
    assert told("/api/editions/what-if")["items"][0]["counts"]["flips"] >= 1
    assert re.search(r"达标[\s\S]*→[\s\S]*超标", row.first.inner_text())
    with page.expect_download() as got:
        page.click("[data-test=csv]")
    assert "天生站" in Path(got.value.path()).read_text(encoding="utf-8-sig")
    row.first.locator("[data-test=flip-why]").click()
    page.wait_for_selector("[data-test=why] .tree")


def test_a_what_if_that_cannot_be_is_refused_in_words(open_page):
    page = open_page("/editions")
    page.fill("input[name=from]", "2026-03-02")
    page.fill("input[name=to]", "2026-03-01")
    page.click("[data-test=run]")
    page.wait_for_selector("[data-test=refused]")
    assert reads(page, "[data-test=refused]", "2026-03-02")


def test_a_phone_never_scrolls_sideways_and_reaches_both_pages(open_page, node):
    page = open_page("/", size=(NARROWEST, 844))
    page.click(".tabs button")
    page.click(".tabs .sheet a[href='/periods']")
    for path, ready in (
        ("/periods", "[data-test=rows]"),
        ("/periods?subject=noise", "[data-test=rows]"),
        ("/editions", "form"),
    ):
        page.goto(node.url + path)
        page.wait_for_selector(ready)
        assert wider(page) <= 0, path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_contrast_meets_aa_in_both_languages(open_page, node, theme):
    page = open_page("/periods?subject=air", theme=theme, lang="en")
    page.wait_for_selector("[data-test=rows]")
    assert reads(page, "[data-test=figures]", "Share of good days")
    for path in ("/periods?subject=air", "/periods?subject=water", "/editions"):
        page.goto(node.url + path)
        page.wait_for_selector("[data-test=rows], form")
        assert no_findings(page, CONTRAST) == [], path


def test_what_cannot_be_loaded_says_so(open_page):
    page = open_page("/periods?subject=air&scope=site:nowhere")
    assert reads(page, "[data-test=state-error]", "没有找到")


def test_zz_nothing_was_asked_of_another_origin_and_nothing_broke(watch):
    """Last: judges what all pages above asked for."""
    assert len(watch.asked) > 50
    assert watch.outside == []
    assert [said for said in watch.complaints if not IGNORED.search(said) and "404" not in said] == []

"""Import and catalogue in a real Chromium: upload, preview, map a column anew, accept; the series then is listed."""

from __future__ import annotations

import re

import pytest
from live import living
from pages import NARROWEST, told, wider

pytestmark = [pytest.mark.browser]

SITE = ("site", "A1", {"name": "北碚站", "kind": "air_station", "jurisdiction": "500109"})
TABLE = "时间,细颗粒,PM10\n2026-03-01 08:00,35,60\n2026-03-01 09:00,36,x\n"


@pytest.fixture(scope="module")
def node(built, tmp_path_factory):
    with living(tmp_path_factory.mktemp("imports") / "var", [SITE]) as live:
        yield live


def test_upload_preview_accept(open_page, node, watch):
    page = open_page("/import")
    page.set_input_files("input[name=file]", {"name": "旧表.csv", "mimeType": "text/csv", "buffer": TABLE.encode()})
    page.fill("input[name=site]", "A1")
    page.fill("input[name=reason]", "补录历史数据")
    page.click("[data-test=read]")
    page.wait_for_selector("[data-test=sentence][data-state=ready]")
    assert page.inner_text("[data-test=count-new]") == "1"
    assert page.inner_text("[data-test=count-refused]") == "1"
    assert told(page, "[data-test=problems]", "x")
    page.fill("[data-test=columns] tbody tr:nth-child(2) input", "pm2_5[ug/m3]")
    page.click("[data-test=again]")
    page.wait_for_selector("[data-test=count-new]:text-is('3')")
    preview = page.inner_text("[data-test=preview]")
    assert "北碚站" in preview
    assert "35" in preview
    page.click("[data-test=accept]")
    page.wait_for_selector("[data-test=sentence][data-state=done]")
    assert told(page, "[data-test=count-stored]", "3") == "3"
    rows = node.house.readings.read("A1", start=0, end=2**33)
    assert sorted((one.factor, int(one.value)) for one in rows) == [("pm10", 60), ("pm2_5", 35), ("pm2_5", 36)]
    frame = node.house.readings.frame(rows[0].frame)
    assert frame.author == "admin"
    assert frame.reason.startswith("补录历史数据")
    bad = [one for one in watch.complaints if not re.search(r"status of (401|409|422)|WebGL|GPU stall", one)]
    assert not bad
    assert not watch.outside


def test_the_catalogue_lists_the_series_and_their_gaps(open_page, node):
    page = open_page("/catalogue")
    page.wait_for_selector("[data-test=series] tbody tr")
    listed = page.inner_text("[data-test=series]")
    assert "北碚站" in listed
    assert page.get_attribute("[data-test=freshness]", "data-state") == "stale"
    page.click("[data-test=gaps-of] >> nth=0")
    page.wait_for_selector("[data-test=gaps] tbody tr")
    assert page.locator("[data-verdict]").count() >= 1
    page.click("[data-test=tab-datasets]")
    page.wait_for_selector("[data-test=state-empty]")


@pytest.mark.parametrize("path", ["/import", "/catalogue"])
def test_nothing_is_wider_than_a_phone(open_page, path):
    page = open_page(path, size=(NARROWEST, 780))
    page.wait_for_selector("h1")
    assert wider(page) <= 0

"""axe-core over the main pages in a real Chromium: nothing serious, nothing critical, in light and in dark."""

from __future__ import annotations

import json
from typing import Any

import pytest
from axed import axe_source, serious
from pages import at_rest
from web_rows import OUTLET_MN

pytestmark = [pytest.mark.browser]
PAGES = {
    "duty": "/", "site": "/site/s-out", "alarms": "/alarms", "cases": "/cases", "board": "/cases?view=board",
    "registers": "/records", "register": "/records/site", "record": f"/records/device/{OUTLET_MN}",
    "periods": "/periods", "search": "/search?q=排口", "complaints": "/complaints", "intake": "/complaints/new",
    "rectification": "/rectification", "works": "/works", "evaluation": "/evaluation", "admin": "/admin",
    "audit": "/admin?tab=audit", "link": f"/link/{OUTLET_MN}",
}  # fmt: skip


@pytest.fixture(scope="module")
def axe(built: None) -> str:
    """The source of axe-core, of the version that the page's lock file names."""
    return axe_source()


def findings(page: Any, axe: str) -> list[Any]:
    """What axe calls serious or critical, once the page is at rest."""
    page.wait_for_selector("main h1, [data-test=duty-cases], input[name=password]")
    at_rest(page)
    return serious(page, axe)


def case_of(node: Any) -> str:
    client = node.client()
    try:
        return str(client.get("/api/cases").json()["items"][0]["id"])
    finally:
        client.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_violation(open_page, node, axe, theme):
    page = open_page("/", theme=theme)
    found = {}
    for name, path in {**PAGES, "case": f"/case/{case_of(node)}"}.items():
        page.goto(node.url + path)
        if bad := findings(page, axe):
            found[name] = bad
    assert not found, json.dumps(found, ensure_ascii=False, indent=1)


def test_the_log_in_has_none(open_page, axe):
    assert findings(open_page("/login", logged_in=False), axe) == []


def test_a_form_and_a_refused_step_have_none(open_page, node, axe):
    page = open_page(f"/case/{case_of(node)}")
    page.click("[data-test=step-close]")
    page.wait_for_selector("[data-test=refused]")
    assert findings(page, axe) == []
    page.click("[data-test=step-dispatch]")
    page.wait_for_selector(".el-dialog [data-test=form-go]")
    assert findings(page, axe) == []

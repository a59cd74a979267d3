"""axe-core over the main pages in a real Chromium: nothing serious, nothing critical, in light and in dark."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from pages import at_rest
from web_rows import OUTLET_MN

pytestmark = [pytest.mark.browser]
FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
BAD = {"serious", "critical"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
PAGES = {
    "duty": "/", "site": "/site/s-out", "alarms": "/alarms", "cases": "/cases", "board": "/cases?view=board",
    "registers": "/records", "register": "/records/site", "record": f"/records/device/{OUTLET_MN}",
    "periods": "/periods", "search": "/search?q=排口", "complaints": "/complaints", "intake": "/complaints/new",
    "rectification": "/rectification", "works": "/works", "evaluation": "/evaluation", "admin": "/admin",
    "audit": "/admin?tab=audit", "link": f"/link/{OUTLET_MN}",
}  # fmt: skip
FINDINGS = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
  const told = (n) => `${n.target.join(' ')}: ${n.failureSummary.replace(/\\s+/g, ' ')}`
  return found.violations.map((v) => ({ id: v.id, impact: v.impact, where: v.nodes.slice(0, 5).map(told) }))
}"""


@pytest.fixture(scope="module")
def axe(built: None) -> str:
    """The source of axe-core, of the version that the page's lock file names."""
    if not AXE.is_file():  # a page that was built elsewhere needs no node_modules
        spec = importlib.util.spec_from_file_location("jinyun_frontend_build", FRONTEND / "build.py")
        assert spec is not None
        assert spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        try:
            module.install()
        except module.BuildError as wrong:
            pytest.skip(f"axe-core cannot be installed here: {wrong}")
    return AXE.read_text(encoding="utf-8")


def findings(page: Any, axe: str) -> list[Any]:
    """What axe calls serious or critical. The content policy forbids script tags, not the inspector."""
    page.wait_for_selector("main h1, [data-test=duty-cases], input[name=password]")
    at_rest(page)
    page.evaluate(axe + "; void 0")
    found = page.evaluate(FINDINGS, RULES)
    return [one for one in found if one["impact"] in BAD]


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

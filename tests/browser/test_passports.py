"""Publishing on the page of periods, and the passport of a figure before and after a correction, in a real Chromium."""

from __future__ import annotations

from datetime import timedelta

import period_seed
import pytest
from days import start_of
from live import Live

from jinyun.kernel.ports import Actor

pytestmark = [pytest.mark.browser]

OFFICER = Actor("张工", ("officer",))
SITE = "p-a2"  # its last day came by HJ 212


@pytest.fixture(scope="module")
def node(built, tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("passports") / "var", lambda house: period_seed.seed(house, days=40))
    try:
        period_seed.send_last_day(live, last_day())
        yield live
    finally:
        live.close()


def last_day():
    return period_seed.today() - timedelta(1)


@pytest.fixture(scope="module")
def told(node, entry):
    client = node.client(log_in=False)
    client.cookies.update(entry)
    yield lambda path: client.get(path).json()
    client.close()


def test_a_figure_is_published_corrected_and_says_what_changed(open_page, node, told):
    page = open_page(f"/periods?subject=air&scope=site:{SITE}&at={last_day():%Y-%m}")
    page.wait_for_selector("[data-test=figures]")
    page.click("[data-test=publish]")
    page.wait_for_selector("[data-test='passport-pm2_5.mean']")
    page.click("[data-test='passport-pm2_5.mean']")
    page.wait_for_selector("[data-test=passport-printed]")
    id = page.inner_text("[data-test=passport-id]")
    first = told(f"/api/figures/{id}")
    assert page.inner_text("[data-test=passport-printed]").strip() == first["printed"].strip()
    assert page.inner_text("[data-test=passport-digest]") == first["inputs_digest"]
    assert first["edition"] in page.inner_text("[data-test=passport-edition]")
    assert page.get_attribute("[data-test=passport-today]", "data-same") == "true"
    assert page.locator("[data-test=passport-causes]").count() == 0
    page.click("[data-test=passport-close]")

    service, start = node.cases.corrections, start_of(last_day())
    edit = {"kind": "set", "site": SITE, "factor": "pm2_5", "stat": "AVG", "period": "HOUR", "time": start + 9 * 3600,
            "value": "995"}  # fmt: skip
    given = {"title": "改正", "reason": "other", "reason_text": "抄表错误", "edits": [edit]}
    session = service.create(given, OFFICER)["id"]
    service.preview(session, OFFICER, wait=True)
    service.accept(session, OFFICER, wait=True)

    page.click("[data-test='passport-pm2_5.mean']")
    page.wait_for_selector("[data-test=passport-causes]")
    assert page.locator("[data-test=passport-causes] li").count() == 1
    cause = page.locator("[data-test=passport-causes] li[data-kind=correction]").inner_text()
    assert session in cause
    assert "抄表错误" in cause
    assert page.get_attribute("[data-test=passport-today]", "data-same") == "false"
    assert page.inner_text("[data-test=passport-printed]").strip() == first["printed"].strip()
    page.click("[data-test=passport-close]")

    page.reload()
    page.wait_for_selector("[data-test='passport-pm2_5.mean']")
    page.click("[data-test=publish]")  # what stands reads otherwise: it gives way, with a reason
    page.fill(".el-message-box input", "更正后重发")
    page.click(".el-message-box .el-button--primary")
    page.wait_for_selector(f"[data-test='passport-pm2_5.mean']:not(:has-text('{id}'))")
    old = told(f"/api/figures/{id}")
    assert (old["state"], old["reason"]) == ("superseded", "更正后重发")
    assert page.inner_text("[data-test='passport-pm2_5.mean']") == old["superseded_by"]
    assert old["printed"] == first["printed"]

"""One correction in a real Chromium, from the site's chart to the verdict that followed."""

from __future__ import annotations

import pytest
from live_over import over_its_limit
from web_rows import HOURS, OVER, this_hour

from jinyun.kernel.terms import Period, china_time, window_of

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def node(built, tmp_path_factory):
    live = over_its_limit(tmp_path_factory.mktemp("correct") / "var")
    yield live
    live.close()


def test_an_officer_corrects_an_hour_and_the_verdict_follows(open_page, node):
    at = this_hour() - HOURS * 3600 + (len(OVER) - 1) * 3600
    window = window_of(Period.HOUR, at)
    before = node.house.verdicts.current("emission.outlet_hour", "s-out", window)
    page = open_page("/site/s-out")
    page.click("[data-test=correct-open]")
    page.wait_for_selector("[data-test=correct]")
    page.fill("[data-test=correct-time]", f"{china_time(at):%Y-%m-%dT%H:%M}")
    page.fill("[data-test=correct-value]", "12.5")
    page.select_option("[data-test=correct-reason]", "lab_check")
    page.fill("[data-test=correct-text]", "实验室复核 12.5")
    assert page.locator("[data-test=correct-accept]").count() == 0  # nothing to accept before a preview
    page.click("[data-test=correct-preview]")
    page.wait_for_selector("[data-test=correct-result]")
    told = page.inner_text("[data-test=correct-verdicts]")
    assert "12.5" in told
    assert str(before.figure) in told
    assert node.house.verdicts.current("emission.outlet_hour", "s-out", window).id == before.id
    page.click("[data-test=correct-accept]")
    page.wait_for_selector("[data-test=correct-done]")
    after = node.house.verdicts.current("emission.outlet_hour", "s-out", window)
    assert (after.figure, str(after.status)) == ("12.5", "attains")
    session = page.inner_text("[data-test=correct-session]")

    client = node.client()
    tree = client.get(f"/api/verdicts/{after.id}/why").text
    assert session in tree
    assert "实验室复核 12.5" in tree
    # back to what it was, for the tests that come after
    made = client.post(
        "/api/corrections",
        json={
            "title": "back",
            "reason": "withdrawn",
            "reason_text": "test",
            "edits": [{"kind": "withdraw", "session": session}],
        },
    ).json()
    client.post(f"/api/corrections/{made['id']}/preview")
    assert client.post(f"/api/corrections/{made['id']}/accept", json={}).json()["cascade"] == "done"
    again = node.house.verdicts.current("emission.outlet_hour", "s-out", window)
    assert (again.figure, again.status) == (before.figure, before.status)
    client.close()

"""Looking back: the page shows what was known at a moment, live data leave it alone, and a click leads back to now."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from live_over import over_its_limit
from pages import told, until
from web_rows import OUTLET_MN, OVER, this_hour

from jinyun.kernel.terms import CHINA
from jinyun.sense.hj212 import compose

pytestmark = [pytest.mark.browser]
LATEST = "[data-test=latest]"


@pytest.fixture(scope="module")
def node(built: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A node of its own: what comes later must not be seen by other tests."""
    live = over_its_limit(tmp_path_factory.mktemp("past") / "var")
    yield live
    live.close()


def hour(node: Any, value: str) -> None:
    node.send(OUTLET_MN, "2061", this_hour(), [compose.item("w01018", "N", Avg=value, Min=value, Max=value)])
    node.settle()


def test_a_moment_is_looked_back_to_and_live_data_leave_it_alone(open_page, node):
    second = node.house.clock.now() // 1_000_000 + 1
    while node.house.clock.now() // 1_000_000 <= second:
        time.sleep(0.05)  # the moment is over before anything else comes
    moment = datetime.fromtimestamp(second, CHINA).strftime("%Y-%m-%dT%H:%M:%S")
    hour(node, "33.3")

    page = open_page("/site/s-out")
    assert told(page, LATEST, "33.3")
    page.click("[data-test=past-open]")
    page.fill("[data-test=past-when]", moment)
    page.click("[data-test=past-look]")
    assert told(page, "[data-test=past-bar]", moment.replace("T", " "))
    assert told(page, LATEST, OVER[-1])
    assert page.locator("[data-test=correct-open]").count() == 0

    live = open_page("/site/s-out")
    assert told(live, LATEST, "33.3")
    hour(node, "44.4")
    assert told(live, LATEST, "44.4")  # it was pushed; the other page heard it too
    assert OVER[-1] in page.inner_text(LATEST)
    assert "44.4" not in page.inner_text(LATEST)

    page.reload()  # the address holds the moment
    assert told(page, LATEST, OVER[-1])
    page.click("a[href^='/alarms']:visible")
    page.wait_for_url("**/alarms?as_of=*")
    assert told(page, "[data-test=past-bar]", "回看")
    assert page.locator("[data-test=alarms] button", has_text="确认").count() == 0
    page.goto(node.url + f"/?as_of={moment}")
    until(page, "document.querySelector('[data-test=duty-alarms]') !== null", 30)
    assert told(page, "[data-test=past-bar]", "回看")
    page.click("[data-test=past-live]")
    until(page, "document.querySelector('[data-test=past-bar]') === null", 30)
    assert "as_of" not in page.url
    page.goto(node.url + f"/links?as_of={moment}")  # a page that knows the present only
    page.wait_for_url("**/links")
    assert page.locator("[data-test=past-bar]").count() == 0


def test_before_a_site_was_there_the_page_says_so(open_page):
    page = open_page("/site/s-out?as_of=2020-01-01T00:00")
    assert told(page, "[data-test=state-error]", "")
    assert told(page, "[data-test=past-bar]", "2020-01-01 00:00")

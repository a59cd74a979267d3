"""One small live node for the web's tests: a section, an outlet over its limit for hours, a silent micro-station."""

from __future__ import annotations

import pytest
from live import Live, register
from web_rows import HOURS, OUTLET_MN, OVER, ROWS, SECTION_MN, this_hour

from jinyun.sense.hj212 import compose


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    node = Live(tmp_path_factory.mktemp("web") / "var", lambda house: register(house, ROWS))
    try:
        first = this_hour() - HOURS * 3600
        for number, value in enumerate(OVER):
            at = first + number * 3600
            node.send(OUTLET_MN, "2061", at, [compose.item("w01018", "N", Avg=value, Min=value, Max=value)])
            node.send(
                SECTION_MN,
                "2061",
                at,
                [
                    compose.item("w01001", "N", Avg="7.8"),
                    compose.item("w01009", "N", Avg="8.2"),
                    compose.item("w01019", "N", Avg="1.8"),
                    compose.item("w21003", "N", Avg="0.61"),
                    compose.item("w21011", "N", Avg="0.081"),
                ],
                st="21",
            )
        node.settle()
        yield node
    finally:
        node.close()


@pytest.fixture(scope="session")
def entry(live):
    """One log-in for all tests that only need to be somebody: argon2 is slow on purpose."""
    client = live.client()
    held = dict(client.cookies), client.headers["X-Jinyun-CSRF"]
    client.close()
    return held


@pytest.fixture
def page(live, entry):
    client = live.client(log_in=False)
    client.cookies.update(entry[0])
    client.headers["X-Jinyun-CSRF"] = entry[1]
    yield client
    client.close()


@pytest.fixture
def stranger(live):
    client = live.client(log_in=False)
    yield client
    client.close()

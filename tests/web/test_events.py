"""The live stream on a real socket: what a device sends reaches the page within seconds."""

from __future__ import annotations

import json
import time

import pytest
from web_rows import SECTION_MN, this_hour

from jinyun.sense.hj212 import compose


class Stream:
    """An EventSource on a thread-free read: lines as they come."""

    def __init__(self, client, topics="", last=""):
        self._context = client.stream(
            "GET", f"/api/events?topics={topics}", headers={"last-event-id": last} if last else {}, timeout=60
        )
        self.answer = self._context.__enter__()
        assert self.answer.status_code == 200
        self._lines = self.answer.iter_lines()
        self.last = ""

    def next(self, wanted=None):
        """The next event (of kind `wanted`): (event, data)."""
        fields, end = {}, time.monotonic() + 60
        for line in self._lines:
            assert time.monotonic() < end, f"no event {wanted or ''} came"
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                self.last = fields.get("id", self.last)
                if wanted is None or fields["event"] == wanted:
                    return fields["event"], json.loads(fields["data"])
                fields = {}
            else:
                fields = {}
        raise AssertionError("the stream ended")

    def close(self):
        self._context.__exit__(None, None, None)


@pytest.fixture
def stream(live, page):
    opened = []

    def open_stream(topics="", last=""):
        opened.append(Stream(page, topics, last))
        return opened[-1]

    yield open_stream
    for one in opened:
        one.close()
    end = time.monotonic() + 60
    while live.app.state.hub.pages and time.monotonic() < end:
        time.sleep(0.05)
    assert live.app.state.hub.pages == 0  # pages that went are forgotten


def test_the_stream_is_no_file(stream):
    answer = stream().answer
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in answer.headers


def test_a_sent_value_reaches_the_page_in_three_seconds(live, stream):
    page = stream("reading")
    assert page.next()[0] == "hello"
    began = time.monotonic()
    live.send(SECTION_MN, "2061", this_hour(), [compose.item("w01010", "N", Avg="17.3")], st="21")
    while True:
        _, data = page.next("reading")
        assert data["site"] == "s-up"
        values = {(one["factor"], one["stat"]): one for one in data["values"]}
        if ("water_temp", "AVG") in values:
            break
    assert time.monotonic() - began < 3
    assert values["water_temp", "AVG"] == {
        "factor": "water_temp", "stat": "AVG", "period": "HOUR", "value": "17.3", "flag": "NORMAL", "time": this_hour(),
    }  # fmt: skip
    assert abs(data["at"] - time.time() * 1e6) < 120e6


def test_a_step_of_a_case_is_told_to_everybody(live, page, stream):
    case = page.get("/api/cases").json()["items"][0]["id"]
    one = stream("case,alarm")
    one.next()
    with live.client(log_in=False) as other:
        other.cookies.update(page.cookies)
        other.headers["X-Jinyun-CSRF"] = page.headers["X-Jinyun-CSRF"]
        other.post(f"/api/records/case/{case}/steps/add_measure", json={"given": {"text": "更换曝气机"}})
    event, data = one.next()
    assert (event, data["id"], data["step"]) == ("case", case, "add_measure")
    assert data["zh"].startswith("登记措施")


def test_a_page_that_was_cut_off_gets_what_it_missed(live, page, stream):
    first = stream("case")
    first.next()
    last = first.last
    first.close()
    case = page.get("/api/cases").json()["items"][0]["id"]
    page.post(f"/api/records/case/{case}/steps/add_measure", json={"given": {"text": "加强巡查"}})
    again = stream("case", last)
    assert again.next()[1]["step"] == "add_measure"


def test_a_page_of_another_life_reads_anew(stream):
    assert stream("case", "0-1").next()[0] == "resync"


def test_a_stranger_hears_nothing(stranger):
    assert stranger.get("/api/events").status_code == 401

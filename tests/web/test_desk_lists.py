"""What the desk's lists ask of registers: filters, late ones, pages, exports of all of it."""

import time

import pytest

from jinyun.kernel.ports import SYSTEM


@pytest.fixture
def records(live):
    """The store; what a test made is taken away again, the node is shared."""
    yield live.house.records
    for type_id in ("case", "complaint"):
        for one in live.house.records.find(type_id, limit=1000):
            if one.id.startswith("desk-"):
                live.house.records.delete(type_id, one.id, SYSTEM)


def test_cases_by_state_lateness_person_and_ids(page, records):
    for number in range(3):
        data = {"title": f"台账分页{number}", "kind": "other", "overdue": number == 1}
        data |= {"person": "desk-li"} if number else {}
        records.create("case", data, SYSTEM, id=f"desk-{number}")
    path, asked = "/api/records/case", {"q": "台账分页", "state": "opened,reopened", "order": "-overdue"}

    def ids(**more):
        answer = page.get(path, params=asked | more)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]], answer.json()["total"]

    assert ids(limit=1) == (["desk-1"], 3)  # the overdue one first, on any page
    assert ids(limit=2, offset=1) == (["desk-0", "desk-2"], 3)
    assert ids(overdue="true") == (["desk-1"], 1)
    assert ids(person="desk-li") == (["desk-1", "desk-2"], 2)
    assert ids(as_of=int(time.time()) - 3600) == ([], 0)
    for exported, wanted in (({"id": "desk-0,desk-2"}, {0, 2}), (asked, {0, 1, 2})):
        text = page.get(path, params=exported | {"format": "csv"}).text
        assert {number for number in range(3) if f"台账分页{number}" in text} == wanted


def test_late_and_urgent_complaints_are_found_apart(page, records):
    old = {"title": "分页投诉旧", "channel": "12369", "ask": "complaint", "kind": "odour", "content": "臭",
           "received_at": "2020-01-02T08:00:00+08:00"}  # fmt: skip
    new = old | {"title": "分页投诉急", "urgent": "drinking_water", "received_at": "2020-01-03T08:00:00+08:00"}
    for number, data in enumerate((old, new)):
        made = page.post("/api/records/complaint", json={"id": f"desk-c{number}", **data})
        assert made.status_code == 201, made.text
    asked = {"q": "分页投诉", "state": "registered,taken_up,dispatched,returned"}

    def ids(**more):
        answer = page.get("/api/records/complaint", params=asked | more)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert ids(order="received_at", limit=1) == ["desk-c0"]
    assert ids(urgent="event,drinking_water,crowd") == ["desk-c1"]
    assert ids(late=1, order="received_at") == []  # their clocks began with their registration just now

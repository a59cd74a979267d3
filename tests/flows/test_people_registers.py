"""Registers of people's work through the API: a complaint by its clock, a rectification by three checks of two people,
a patrol that counts, a household that an analyst does not see."""

from __future__ import annotations

import pytest
from live import Live, register
from register_calls import make, missing, step
from web_rows import ROWS

PASSWORD = "Qing-Shan-2026!"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("people") / "node", lambda house: register(house, ROWS))
    live.cases.accounts.create("wang", PASSWORD, ("officer",))
    live.cases.accounts.create("fenxi", PASSWORD, ("leader",), jurisdictions=("5001",))
    live.cases.accounts.create("kan", PASSWORD, ("analyst",), jurisdictions=("5001",))
    yield live
    live.close()


def enter(node, name, password):
    client = node.client(log_in=False)
    answer = client.post("/api/session", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["X-Jinyun-CSRF"] = answer.json()["csrf"]
    return client


@pytest.fixture(scope="module")
def admin(node):
    client = node.client()
    yield client
    client.close()


@pytest.fixture(scope="module")
def wang(node):
    client = enter(node, "wang", PASSWORD)
    yield client
    client.close()


def test_a_complaint_runs_by_the_clock_of_its_channel_and_closes_by_a_second_person(admin, wang):
    asked = {"title": "夜间施工", "channel": "12345", "ask": "help", "kind": "noise", "content": "夜里打桩"}
    made = make(admin, "complaint", **asked, jurisdiction="500109")
    (clock,) = made["clocks"]
    assert (clock["name"], clock["unit"], clock["amount"]) == ("finish_help", "workday", 7)
    refused = step(admin, "complaint", made["id"], "refuse", 409, why="repeated")
    assert missing(refused) == ["field:reason"]
    step(admin, "complaint", made["id"], "take_up")
    step(admin, "complaint", made["id"], "dispatch", owner="天生街道")
    step(admin, "complaint", made["id"], "answer", text="已责令停工")
    assert admin.post(f"/api/records/complaint/{made['id']}/steps/close", json={"given": {}}).status_code == 403
    closed = step(wang, "complaint", made["id"], "close", satisfaction="satisfied")
    assert (closed["state"], closed["satisfaction"], closed["answered_by"]) == ("closed", "satisfied", "admin")
    assert closed["clocks"][0]["state"] == "stopped"


def test_an_item_is_closed_by_three_checks_of_changing_people_and_five_conditions(admin, wang):
    item = make(admin, "rectification", title="渗滤液处理", source="central", problem="处理不达标",
                deadline="2099-12-31", figure={"name": "氨氮", "limit": "1.0", "hold_days": 2})  # fmt: skip
    id = item["id"]
    assert missing(step(admin, "rectification", id, "office_check", 409)) == ["state"]
    step(admin, "rectification", id, "self_check", text="已完成")
    assert admin.post(f"/api/records/rectification/{id}/steps/recheck",
                      json={"given": {"text": "同意"}}).status_code == 403  # fmt: skip
    step(wang, "rectification", id, "recheck", text="同意")
    assert missing(step(admin, "rectification", id, "office_check", 409)) == [
        "condition:measures", "condition:solved", "condition:mechanism", "condition:proper", "condition:papers",
        "figure",
    ]  # fmt: skip
    met = {f"cond_{one}": True for one in ("measures", "solved", "mechanism", "proper", "papers")}
    readings = [{"date": "2026-03-01", "value": "0.9"}, {"date": "2026-03-02", "value": "1.0"}]
    answer = admin.patch(f"/api/records/rectification/{id}", json=met | {"readings": readings})
    assert answer.status_code == 200, answer.text
    part = make(admin, "rectification", title="子任务", source="central", problem="p", deadline="2099-12-31", parent=id)
    assert missing(step(admin, "rectification", id, "office_check", 409)) == ["parts"]
    assert admin.delete(f"/api/records/rectification/{part['id']}").status_code in (200, 204)
    assert step(admin, "rectification", id, "office_check")["state"] == "closed"


def test_a_patrol_counts_by_time_length_and_the_last_one_that_counted(admin):
    def patrol(day, km="2.0", minutes="08:30"):
        began, ended = (f"2026-03-{day}T{one}:00+08:00" for one in ("08:00", minutes))
        return make(admin, "patrol", river="龙凤溪", chief="李河长", rank="town", km=km, started=began, ended=ended)[
            "id"
        ]

    assert step(admin, "patrol", patrol("02"), "count")["state"] == "counted"  # 30 min and 2 km exactly
    assert missing(step(admin, "patrol", patrol("20", km="1.9", minutes="08:29"), "count", 409)) == [
        "patrol:too_short", "patrol:too_near",
    ]  # fmt: skip
    assert missing(step(admin, "patrol", patrol("06"), "count", 409)) == ["patrol:too_soon"]  # 95.5 h after the end
    assert step(admin, "patrol", patrol("07"), "count")["state"] == "counted"


def test_a_household_is_read_by_those_it_is_for_and_its_identity_once_only(admin, node):
    made = make(admin, "household", number="H-001", head="张三", id_number="110105199003070015", people=4,
                compensation="120000.50", jurisdiction="500109")  # fmt: skip
    assert made["compensation"] == "120000.50"
    again = admin.post("/api/records/household", json={"number": "H-001", "head": "李四"})
    assert "identifies another" in again.text
    leader = enter(node, "fenxi", PASSWORD)
    shown = leader.get(f"/api/records/household/{made['id']}")
    assert shown.status_code == 200, shown.text
    assert leader.post("/api/records/household", json={"number": "H-2", "head": "王五"}).status_code == 403
    leader.close()
    analyst = enter(node, "kan", PASSWORD)
    assert analyst.get(f"/api/records/household/{made['id']}").status_code in (403, 404)
    assert "张三" not in analyst.get("/api/records/household").text
    analyst.close()

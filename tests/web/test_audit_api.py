"""What calls leave in the audit log, and who reads it."""

from __future__ import annotations

import pytest


@pytest.fixture
def log(live):
    def rows(**asked):
        return live.cases.trail.find(**asked)["items"]

    return rows


def test_a_change_leaves_who_what_and_digests(page, log):
    assert page.patch("/api/records/site/s-mute", json={"note": "audited"}).status_code == 200
    [row] = log(object="site/s-mute", limit=1)
    assert (row["who"], row["action"], row["result"]) == ("admin", "register.write", "ok")
    assert row["call"] == "PATCH /api/records/{type_id}/{record}"
    assert row["peer"] == "127.0.0.1"
    [told] = row["detail"]["records"]
    assert (told["type"], told["id"], told["step"]) == ("site", "s-mute", "update")
    assert told["before"] != told["after"]
    assert len(told["after"]) == 64


def test_log_ins_good_and_bad_are_there(live, stranger, log):
    stranger.post("/api/session", json={"name": "ghost", "password": "x" * 12})
    assert log(who="ghost", limit=1)[0]["result"] == "refused 401"
    client = live.client()
    assert log(who="admin", limit=1)[0]["call"] == "POST /api/session"
    client.delete("/api/session")
    assert log(who="admin", limit=1)[0]["call"] == "DELETE /api/session"
    client.close()


def test_reading_a_person_is_noted_once_and_a_place_is_not(page, log):
    def noted():
        return [one for one in log(object="enterprise/e1", limit=50) if one["detail"].get("personal")]

    page.get("/api/records/enterprise/e1")
    page.get("/api/records/enterprise/e1")
    assert len(noted()) == 1
    page.get("/api/records/permit_limit/l1")
    assert log(object="permit_limit/l1") == []


def test_exports_are_noted(page, log):
    assert page.get("/api/export/readings?format=csv").status_code == 200
    assert log(action="export.readings", limit=1)[0]["call"] == "GET /api/export/readings"


def test_a_refusal_is_noted_and_only_the_auditor_reads(live, log):
    accounts = live.cases.accounts
    accounts.create("looks", "a-long-enough-one", ("auditor",))
    accounts.create("reads", "a-long-enough-one", ("reader",), jurisdictions=["500109"])
    for name, status in (("reads", 403), ("looks", 200)):
        client = live.client(log_in=False)
        token, _ = accounts.open_session(name)
        client.cookies.set("jinyun_session", token, domain="127.0.0.1")
        answer = client.get("/api/audit?limit=5")
        assert answer.status_code == status
        client.close()
    assert log(who="reads", limit=1)[0]["result"] == "refused 403"


def test_the_log_of_a_used_node_holds(page, live):
    told = page.get("/api/audit/verify").json()
    assert told["holds"], told
    assert told["rows"] >= 5

"""What calls leave in the audit log, and who reads it."""

from __future__ import annotations

import pytest

from jinyun.app.rights.trail import MOST_TOUCHED, Call
from jinyun.kernel.errors import Unavailable


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


# --- what nobody may fill it with -------------------------------------------------------------------------------------


def test_names_without_a_password_behind_leave_no_row_each(stranger, log):
    other_page = {"origin": "http://x.example"}
    for name in ("made-up-1", "made-up-2"):
        refused = stranger.post("/api/session", json={"name": name, "password": "x"}, headers=other_page)
        assert refused.status_code == 403
        odd = {"content-type": "application/vnd.x+json"}
        told = stranger.post("/api/session", content=f'{{"name": "{name}", "password": "x"}}', headers=odd)
        assert "a log-in is sent as application/json" in told.text
        assert log(who=name) == []
    assert len([one for one in log(result="refused 403", limit=500) if one["call"] == "POST /api/session"]) == 1


def test_a_peer_that_has_to_wait_is_noted_once_whatever_name_it_gives(live):
    trail = live.cases.trail
    asked = [Call(who=name, peer="203.0.113.5", call="POST /api/session", changes=True) for name in ("p", "q")]
    assert [trail.wanted(one, 429) for one in asked] == [True, False]
    assert [trail.wanted(one, 401) for one in asked] == [True, True]


# --- what was asked for -----------------------------------------------------------------------------------------------


def test_rights_that_are_given_are_told_and_secrets_are_not(page, log):
    def newest(call, object):
        [row] = log(action="account.write", object=object, limit=1)
        assert row["call"] == call
        return row["detail"]["given"]

    made = {"name": "given-one", "roles": ["officer"], "password": "a-long-enough-one-7"}
    assert page.post("/api/accounts", json=made).status_code == 201
    told = newest("POST /api/accounts", "given-one")
    assert (told["name"], told["roles"]) == ("given-one", ["officer"])
    assert page.patch("/api/accounts/given-one", json={"roles": ["reader"], "disabled": True}).status_code == 200
    assert newest("PATCH /api/accounts/{name}", "given-one") == {"roles": ["reader"], "disabled": True}
    key = {"label": "for a test", "role": "reader", "jurisdictions": ["500109"]}
    answer = page.post("/api/keys", json=key).json()
    told = newest("POST /api/keys", answer["id"])
    assert told == key | {"days": 90, "unit": "", "enterprise": ""}  # what counts though it was left out, too
    before = page.get("/api/security").json()["idle_minutes"]
    asked = {"idle_minutes": before, "oidc_secret": "a-word-nobody-is-told"}
    assert page.patch("/api/security", json=asked).status_code == 200
    told = newest("PATCH /api/security", "security")
    assert told["idle_minutes"] == before
    assert "oidc_secret" in told
    page.patch("/api/security", json={"oidc_secret": ""})
    rows = str(log(action="account.write", limit=500))
    for word in ("a-long-enough-one-7", "a-word-nobody-is-told", answer["key"]):
        assert word not in rows


def test_many_changed_at_once_are_told_one_by_one_and_how_many(page, log):
    rows = [{"id": f"many-{n:02}", "name": f"甲{n}"} for n in range(MOST_TOUCHED + 3)]
    assert page.post("/api/records/enterprise/load", json={"rows": rows}).json()["changed"] == len(rows)
    [row] = log(action="register.write", limit=1)
    told = row["detail"]["records"]
    assert row["detail"]["changed"] == len(rows)
    assert [one["id"] for one in told] == [one["id"] for one in rows[:MOST_TOUCHED]]
    assert {(one["version"], one["step"], len(one["after"])) for one in told} == {(1, "create", 64)}


# --- what leaves the node ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "call", "object"),
    [
        ("/api/registers/permit_limit/export", "GET /api/registers/{type_id}/export", "permit_limit"),
        ("/api/records/permit_limit?format=csv", "GET /api/records/{type_id}", "permit_limit"),
        ("/api/alarms?format=csv", "GET /api/alarms", ""),
        ("/api/figures/bundle?year=2020", "GET /api/figures/bundle", ""),
    ],
)
def test_each_export_leaves_a_row(page, live, asked, call, object):
    def noted():
        rows = live.cases.trail.find(object=object, limit=500)["items"]
        return len([one for one in rows if one["call"] == call])

    before = noted()
    page.get(asked)
    page.get(asked)
    assert noted() == before + 2
    page.get("/api/records/permit_limit")
    assert noted() == before + 2


def test_an_export_of_persons_says_that_it_is_one(page, log):
    assert page.get("/api/records/enterprise?format=csv").status_code == 200
    [row] = log(object="enterprise", limit=1)
    assert row["detail"] == {"personal": True}


def test_complaints_that_may_be_the_same_are_a_reading_of_persons(page, log):
    assert page.get("/api/complaints/same?kind=water&lon=106.4&lat=29.8").status_code == 200
    [row] = [one for one in log(action="register.read", limit=500) if one["call"] == "GET /api/complaints/same"]
    assert row["detail"] == {"personal": True}


def test_a_reading_that_could_not_be_noted_is_noted_the_next_time(live, monkeypatch):
    trail = live.cases.trail
    call = Call(who="li", action="register.read", call="GET /x", object="enterprise/once", reads_personal=True)

    def full(*_):
        raise Unavailable("disk full")

    assert trail.wanted(call, 200)
    with monkeypatch.context() as patch:
        patch.setattr(trail.log, "append", full)
        with pytest.raises(Unavailable):
            trail.close(call, 200)
    assert trail.wanted(call, 200)
    trail.close(call, 200)
    assert not trail.wanted(call, 200)
    assert len(trail.find(object="enterprise/once")["items"]) == 1

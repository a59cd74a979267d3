"""Open log-ins over HTTP: one's own, those of others for the administrators, the audit log; who is refused at a
provider comes to the log-in page."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest
from oidc_provider_mock import User, run_server_in_thread

from jinyun.kernel.ports import SYSTEM
from jinyun.web import sse

PASSWORD = "a-long-enough-one"
PEOPLE = {
    "wang.er": ("reader",), "zhao.si": ("reader",), "sys.one": ("sysadmin",), "sec.one": ("secadmin",),
    "aud.one": ("auditor",),
}  # fmt: skip


@pytest.fixture(scope="module")
def people(live):
    for name, roles in PEOPLE.items():
        live.cases.accounts.create(name, PASSWORD, roles, jurisdictions=["500109"] if roles == ("reader",) else [])


@pytest.fixture
def enter(live, people):
    """Logs an account in, with a browser of a name."""
    made = []

    def one(name, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"):
        client = live.client(log_in=False)
        made.append(client)
        client.headers["user-agent"] = agent
        told = client.post("/api/session", json={"name": name, "password": PASSWORD})
        assert told.status_code == 200, told.text
        client.headers["X-Jinyun-CSRF"] = told.json()["csrf"]
        return client

    yield one
    for client in made:
        client.close()
    for name in PEOPLE:
        live.cases.accounts.end_sessions(name)


def entries(live, who):
    found = live.cases.trail.find(who=who, limit=50)["items"]
    return [(one["call"], one["object"], one["result"]) for one in found]


def test_somebody_sees_and_ends_their_own_log_ins_only(enter, live):
    desk, phone, other = enter("wang.er", "Desk/1"), enter("wang.er", "Phone/1"), enter("zhao.si")
    shown = desk.get("/api/account/sessions").json()
    assert {(one["agent"], one["current"]) for one in shown} == {("Desk/1", True), ("Phone/1", False)}
    assert all(one["peer"] == "127.0.0.1" and one["way"] == "password" and one["seen"] >= one["since"] for one in shown)
    assert desk.cookies["jinyun_session"] not in str(shown)
    theirs = other.get("/api/account/sessions").json()[0]["id"]
    assert desk.delete(f"/api/account/sessions/{theirs}").status_code == 404
    assert other.get("/api/session").status_code == 200
    id = next(one["id"] for one in shown if not one["current"])
    assert desk.delete(f"/api/account/sessions/{id}").status_code == 204
    assert phone.get("/api/session").status_code == 401
    assert ("DELETE /api/account/sessions/{id}", id, "ok") in entries(live, "wang.er")
    enter("wang.er")
    assert desk.delete("/api/account/sessions").json() == {"ended": 1}
    assert [one["current"] for one in desk.get("/api/account/sessions").json()] == [True]


def test_administrators_end_those_of_others_and_it_is_audited(enter, live):
    reader, sysadmin, secadmin = enter("wang.er"), enter("sys.one"), enter("sec.one")
    for client in (reader, enter("aud.one")):  # neither a reader nor the auditor
        assert client.get("/api/sessions").status_code == 403
        assert client.delete("/api/accounts/sec.one/sessions").status_code == 403
    assert {"wang.er", "sys.one", "sec.one"} <= {one["name"] for one in secadmin.get("/api/sessions").json()}
    (mine,) = sysadmin.get("/api/sessions?name=wang.er").json()
    assert reader.delete(f"/api/sessions/{mine['id']}").status_code == 403
    assert sysadmin.delete(f"/api/sessions/{mine['id']}").status_code == 204
    assert reader.get("/api/session").status_code == 401
    assert ("DELETE /api/sessions/{id}", f"wang.er/{mine['id']}", "ok") in entries(live, "sys.one")
    again = enter("wang.er"), enter("wang.er")
    assert secadmin.delete("/api/accounts/wang.er/sessions").json() == {"ended": 2}
    assert [one.get("/api/session").status_code for one in again] == [401, 401]
    assert ("DELETE /api/accounts/{name}/sessions", "wang.er", "ok") in entries(live, "sec.one")
    assert secadmin.delete("/api/accounts/nobody/sessions").status_code == 404
    assert secadmin.get("/api/sessions?format=csv").text.startswith("﻿")


def test_a_live_page_ends_with_its_log_in(enter, live):
    reader, secadmin = enter("wang.er"), enter("sec.one")
    over, begun = threading.Event(), threading.Event()

    def listen():
        with reader.stream("GET", "/api/events", timeout=60) as stream:
            begun.set()
            for _ in stream.iter_raw():
                pass
        over.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert begun.wait(30)
    secadmin.delete("/api/accounts/wang.er/sessions")
    assert over.wait(60)
    thread.join(30)


def test_the_security_administrator_takes_over_neither_the_setup_account_nor_their_own(enter, live, page):
    live.cases.accounts.create("adm.two", PASSWORD, ("admin",))
    secadmin = enter("sec.one")
    try:
        for name in ("adm.two", "sec.one"):
            for answer in (
                secadmin.post(f"/api/accounts/{name}/totp/remove"), secadmin.post(f"/api/accounts/{name}/reset"),
                secadmin.patch(f"/api/accounts/{name}", json={"login": "sec"}),
                secadmin.delete(f"/api/accounts/{name}"),
            ):  # fmt: skip
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not-permitted"), answer.url
        with live.client(log_in=False) as local:  # those who are it go on
            local.headers["authorization"] = f"Bearer {live.cases.local_token}"
            assert page.post("/api/accounts/adm.two/totp/remove").status_code == 204
            assert len(local.post("/api/accounts/adm.two/reset").json()["password"]) == 16
            assert page.delete("/api/accounts/adm.two").status_code == 204
    finally:
        if "adm.two" in live.cases.accounts.names():
            live.cases.accounts.delete("adm.two", SYSTEM)


def test_a_live_page_of_another_reach_ends(enter, live, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.2)
    secadmin = enter("sec.one")
    for given in ({"jurisdictions": ["500110"]}, {"roles": ["analyst"]}, {"roles": ["auditor"], "jurisdictions": []}):
        with Listening(enter("zhao.si")) as changed, Listening(enter("wang.er")) as same:
            assert secadmin.patch("/api/accounts/zhao.si", json=given).status_code == 200
            if given == {"roles": ["analyst"]}:  # it sees as far as before
                assert changed.beats(3)
            else:
                assert changed.over.wait(60)
            assert same.beats(3)
    live.cases.accounts.change("zhao.si", {"roles": ["reader"], "jurisdictions": ["500109"]}, SYSTEM)


def test_a_live_page_of_a_key_stays_until_the_key_ends(live, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.2)
    made = live.cases.keys.create("a wall of screens", "reader", by="sec.one", jurisdictions=["500109"])
    with live.client(log_in=False) as program, live.client(log_in=False) as owner:
        program.headers["authorization"] = f"Bearer {made['key']}"
        owner.headers["authorization"] = f"Bearer {live.cases.local_token}"
        with Listening(program) as screens, Listening(owner) as local:
            assert screens.beats(3)
            live.cases.keys.revoke(made["id"])
            assert screens.over.wait(60)
            assert local.beats(3)


class Listening:
    """A page at the live stream, on a thread."""

    def __init__(self, client):
        self._client, self._heard, self._gone = client, 0, False
        self.over, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self):
        with self._client.stream("GET", "/api/events", timeout=60) as stream:
            self._begun.set()
            for line in stream.iter_lines():
                self._heard += line == "event: ping"
                if self._gone:
                    return
        self.over.set()

    def beats(self, more):
        """Whether the heart is heard so often more."""
        wanted, end = self._heard + more, time.monotonic() + 30
        while self._heard < wanted and time.monotonic() < end and not self.over.is_set():
            time.sleep(0.02)
        return self._heard >= wanted

    def __enter__(self):
        self._thread.start()
        assert self._begun.wait(30)
        return self

    def __exit__(self, *_):
        self._gone = True
        self._thread.join(30)


# --- at a provider ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    with run_server_in_thread(require_nonce=True, user_claims=[User(sub="wang"), User(sub="nobody")]) as one:
        yield one


@pytest.fixture
def provider(live, people, server):
    live.cases.accounts.put("wang.er", {"login": "wang"})
    live.cases.accounts.set_security({"oidc_issuer": f"http://localhost:{server.server_port}", "oidc_client": "jinyun"})
    live.cases.oidc.set_secret("the client's secret")
    yield
    live.cases.accounts.set_security({"oidc_issuer": "", "oidc_client": ""})


def through(live, client, sub, to=""):
    """The way of a browser: to the provider, and back to us."""
    start = client.get(f"/api/session/oidc/start?to={to}")
    assert start.status_code == 302
    back = httpx.post(start.headers["location"], data={"sub": sub}, follow_redirects=False, trust_env=False)
    place = urlsplit(back.headers["location"])
    return client.get(f"{place.path}?{place.query}"), f"{place.path}?{place.query}"


def noted(live, reason):
    """Rows of log-ins refused so: one in ten minutes, so it may have been another test's."""
    rows = live.cases.trail.find(result=f"refused {reason}", limit=50)["items"]
    return [row["call"] for row in rows if row["call"] == "GET /api/session/oidc/callback"]


def test_who_has_no_account_comes_to_the_log_in_page_with_the_reason(live, stranger, provider):
    answer, address = through(live, stranger, "nobody")
    assert (answer.status_code, answer.headers["location"]) == (302, "/login?refused=no-account")
    assert "jinyun_session" not in answer.cookies
    assert stranger.get("/api/session").status_code == 401
    again = stranger.get(address)  # the same answer once more
    assert again.headers["location"] == "/login?refused=expired"
    assert noted(live, "no-account")
    assert noted(live, "expired")


def test_who_has_one_comes_in_and_the_log_in_says_how(live, stranger, provider):
    answer, _ = through(live, stranger, "wang")
    assert answer.headers["location"] == "/"
    stranger.cookies.set("jinyun_session", answer.cookies["jinyun_session"])
    assert [one["way"] for one in stranger.get("/api/account/sessions").json() if one["current"]] == ["oidc"]


def test_the_field_page_gets_its_people_back(live, stranger, provider):
    answer, _ = through(live, stranger, "nobody", "field")
    assert answer.headers["location"] == "/field?refused=no-account"
    answer, _ = through(live, stranger, "wang", "field")
    assert answer.headers["location"] == "/field"
    assert stranger.get("/api/session/oidc/start?to=//evil.example").status_code == 422


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("error=access_denied", "provider"), ("", "provider"), ("state=a&code=b", "expired"),
        ("error=%3Cscript%3E&state=1", "provider"),
    ],
)  # fmt: skip
def test_no_refusal_is_shown_as_json_or_repeats_what_was_sent(stranger, query, reason):
    answer = stranger.get(f"/api/session/oidc/callback?{query}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/login?refused={reason}")
    assert "script" not in answer.text


def test_a_provider_that_cannot_be_had_is_said_on_the_log_in_page(live, stranger):
    assert stranger.get("/api/session/oidc/start").headers["location"] == "/login?refused=off"
    live.cases.accounts.set_security({"oidc_issuer": "http://localhost:1", "oidc_client": "jinyun"})
    try:
        assert stranger.get("/api/session/oidc/start").headers["location"] == "/login?refused=unreachable"
    finally:
        live.cases.accounts.set_security({"oidc_issuer": "", "oidc_client": ""})

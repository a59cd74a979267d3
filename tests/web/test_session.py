"""Log-in over HTTP: cookie, CSRF, origin, back-off, and what a stranger may see."""

import re
import threading

import httpx
import pytest


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(live, stranger):
    answer = stranger.post("/api/session", json={"name": "admin", "password": live.password})
    assert answer.status_code == 200
    assert set(answer.json()) == {"name", "roles", "csrf"}
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("jinyun_session=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie  # plain http: else the browser would never send it back
    behind = stranger.post(
        "/api/session", json={"name": "admin", "password": live.password}, headers={"x-forwarded-proto": "https"}
    )
    assert "secure" in behind.headers["set-cookie"].lower()


def test_who_am_i_gives_the_same_token_again(page):
    told = page.get("/api/session").json()
    assert told["name"] == "admin"
    assert told["csrf"] == page.headers["X-Jinyun-CSRF"]


def test_log_out_ends_the_session(live):
    client = live.client()
    assert client.delete("/api/session").status_code == 204
    assert client.get("/api/session").status_code == 401
    client.close()


def test_a_stolen_cookie_is_worth_nothing_after_log_out(live):
    client = live.client()
    stolen = client.cookies["jinyun_session"]
    client.delete("/api/session")
    client.cookies.set("jinyun_session", stolen)
    assert client.get("/api/overview").status_code == 401
    client.close()


def paths(live):
    """Every address and method of the API, with something in its place holders."""
    found = live.app.openapi()["paths"].items()
    return [(method.upper(), re.sub(r"{\w+}", "1", path)) for path, methods in found for method in methods]


def test_a_stranger_sees_nothing(live, stranger):
    """Every address of the API but log-in, health and the base map refuses, whatever is sent."""
    checked = 0
    for method, path in paths(live):
        if (
            path in ("/api/health", "/metrics")
            or path.startswith("/api/session/oidc")
            or path.startswith("/api/basemap/")
            or (method, path) == ("POST", "/api/session")
        ):
            continue
        answer = stranger.request(method, path, json={} if method in ("POST", "PATCH") else None)
        assert answer.status_code in (401, 422), f"{method} {path}: {answer.status_code}"
        assert answer.json()["error"]["code"] in ("not-logged-in", "bad-input")
        checked += 1
    assert checked > 30


def test_every_mutation_needs_the_token(live, page):
    page.headers.pop("X-Jinyun-CSRF")
    checked = 0
    for method, path in paths(live):
        if method == "GET" or (method, path) == ("POST", "/api/session"):
            continue
        answer = page.request(method, path, json={"cn": "1011"} if method in ("POST", "PATCH") else None)
        assert answer.status_code in (403, 422), f"{method} {path}: {answer.status_code}"
        checked += 1
    assert checked >= 8
    assert page.get("/api/session").status_code == 200  # nothing happened to us


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"x-jinyun-csrf": "0" * 64}]
)
def test_other_sites_change_nothing_even_with_our_cookie(page, headers):
    answer = page.post("/api/records/site", json={"name": "x", "kind": "water_micro"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not-permitted"


def test_a_form_of_another_site_cannot_log_in(live, stranger):
    answer = stranger.post(
        "/api/session",
        content=f'{{"name":"admin","password":"{live.password}"}}',
        headers={"content-type": "text/plain"},
    )
    assert answer.status_code == 422


def test_guessing_is_slowed_down(live, stranger):
    name = {"name": "nobody", "password": "guess"}
    codes = [stranger.post("/api/session", json=name).status_code for _ in range(8)]
    assert codes[0] == 401
    assert codes[-1] == 429
    last = stranger.post("/api/session", json=name)
    assert int(last.headers["retry-after"]) == last.json()["error"]["retry_after"] >= 1


@pytest.fixture
def threads(live, monkeypatch):
    """Names of the threads in which passwords were looked at."""
    seen, accounts = [], live.cases.accounts

    def noted(call):
        def in_thread(*given):
            seen.append(threading.current_thread().name)
            return call(*given)

        return in_thread

    for name in ("log_in", "change_password"):
        monkeypatch.setattr(accounts, name, noted(getattr(accounts, name)))
    return seen


def test_passwords_are_looked_at_in_the_threads_kept_for_it(live, threads):
    """A new password too, and the first request of a client that logs in by Basic; later ones need no look."""
    live.cases.accounts.create("liu.yi", "a-long-enough-one", ("reader",), jurisdictions=["500109"])
    with live.client(log_in=False) as client:
        told = client.post("/api/session", json={"name": "liu.yi", "password": "a-long-enough-one"}).json()
        given = {"old": "a-long-enough-one", "new": "another-long-one"}
        answer = client.post("/api/account/password", json=given, headers={"x-jinyun-csrf": told["csrf"]})
        assert answer.status_code == 204
    with live.client(log_in=False) as client:
        basic = httpx.BasicAuth("liu.yi", "another-long-one")
        assert [client.get("/sta/v1.1/Things", auth=basic).status_code for _ in range(2)] == [200, 200]
    assert len(threads) == 3
    assert all(name.startswith("log-in") for name in threads)


def test_local_token_needs_no_cookie_and_a_wrong_one_is_refused(live, stranger):
    good = {"authorization": f"Bearer {live.cases.local_token}"}
    assert stranger.get("/api/session", headers=good).json()["name"] == "local"
    assert stranger.get("/api/session", headers={"authorization": "Bearer x"}).status_code == 401


def test_the_local_token_is_for_its_owner_only(live):
    door = live.house.settings.folder / "node.json"
    assert door.stat().st_mode & 0o777 == 0o600


def test_metrics_are_for_this_machine_or_with_a_log_in(page, stranger):
    assert b"jinyun_arrivals_total" in stranger.get("/metrics").content  # loopback
    assert stranger.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 401
    assert page.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 200

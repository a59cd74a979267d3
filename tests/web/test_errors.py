"""One JSON shape for every error, whatever its cause; the unforeseen carries an id that the log has too."""

import logging

import httpx
import pytest

from jinyun.kernel import errors
from jinyun.web.guard import HEADERS, MOST_BODY


def shape(answer):
    body = answer.json()
    assert list(body) == ["error"]
    assert isinstance(body["error"]["code"], str)
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    return body["error"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/sites/nowhere", 404, "not-found"),
        ("/api/verdicts/999999", 404, "not-found"),
        ("/api/verdicts/abc", 422, "bad-input"),
        ("/api/records/sit", 404, "not-found"),
        ("/api/records/site?colour=blue", 422, "bad-input"),
        ("/api/records/site?order=colour", 422, "bad-input"),
        ("/api/records/case?state=lost", 422, "bad-input"),
        ("/api/records/site?limit=0", 422, "bad-input"),
        ("/api/sites/s-up/series?factor=ph&period=WEEK", 422, "bad-input"),
        ("/api/sites/s-up/series?factor=ph&from=9&to=3", 422, "bad-input"),
        ("/api/alarms?state=maybe", 422, "bad-input"),
        ("/api/links/NOBODY", 404, "not-found"),
        ("/api/links?state=asleep", 422, "bad-input"),
        ("/api/events?topics=gossip", 422, "bad-input"),
        ("/api/readings/why?series=0&time=1", 404, "not-found"),
        ("/api/basemap/moon", 404, "not-found"),
        ("/api/nothing", 404, "not-found"),
        ("/assets/none.js", 404, "not-found"),
        ("/api/records/site/a%00b", 422, "bad-input"),
        ("/api/sites?q=%00", 422, "bad-input"),
        ("/api/records/site?@rows=x", 422, "bad-input"),
        ("/api/records/alarm?@late=abc", 422, "bad-input"),
        ("/api/records/alarm?@late=1&format=csv", 422, "bad-input"),
        ("/api/registers/site/export?@rows=x", 422, "bad-input"),
    ],
)
def test_each_refusal_has_the_shape(page, path, status, code):
    answer = page.get(path)
    assert answer.status_code == status, answer.text
    assert shape(answer)["code"] == code


def test_what_is_no_text_is_refused_or_left_out(page):
    made = page.post("/api/records/site", content=r'{"id": "s-odd", "data": {"name": "a", "kind": "water_section"},'
                     r' "note": "a\ud800\u0000b"}', headers={"content-type": "application/json"})  # fmt: skip
    assert made.status_code == 201, made.text
    assert page.get("/api/records/site/s-odd/history").json()["items"][0]["note"] == "a?b"
    for body in (r'{"name": "\ud800"}', r'{"\ud800": 1}', '{"place": {"lon": 106}}'):
        told = page.patch("/api/records/site/s-odd", content=body, headers={"content-type": "application/json"})
        assert (told.status_code, shape(told)["code"]) == (422, "invalid-record")


def test_a_near_miss_is_named(page):
    assert "did you mean 'site'" in shape(page.get("/api/records/sit"))["message"]


def test_the_wrong_method_has_the_shape(page):
    answer = page.put("/api/records/site", json={})
    assert answer.status_code == 405
    assert shape(answer)["code"] == "method-not-allowed"


def test_a_broken_record_names_every_field(page):
    answer = page.post("/api/records/site", json={"kind": "castle", "target_class": 9, "colour": "blue"})
    assert answer.status_code == 422
    error = shape(answer)
    assert error["code"] == "invalid-record"
    assert set(error["problems"]) == {"name", "kind", "target_class", "colour"}


def test_a_body_that_is_no_json(page):
    answer = page.post("/api/records/site", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert shape(answer)["code"] == "bad-input"


def test_a_giant_body_is_refused(page):
    answer = page.post("/api/records/site", json={"note": "x" * (MOST_BODY + 1)})
    assert answer.status_code == 413
    assert shape(answer)["code"] == "too-large"
    assert str(MOST_BODY) in shape(answer)["message"]


def test_a_giant_body_without_a_length_is_refused_too(page):
    def parts():
        for _ in range(40):
            yield b" " * 100_000

    answer = page.post("/api/records/site", content=parts(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert shape(answer)["code"] == "too-large"
    assert str(MOST_BODY) in shape(answer)["message"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Busy("in use"), 409),
        (errors.Unavailable("disk full"), 503),
        (errors.Conflict("changed"), 409),
        (errors.Refused("not yet", missing=[{"code": "x", "zh": "甲", "en": "a"}]), 409),
        (errors.UnknownFactor("phh", table="t", known=["ph"]), 404),
    ],
)
def test_every_error_of_ours_keeps_its_status_and_details(live, page, monkeypatch, error, status):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(live.cases.sites, "verdict", fail)
    answer = page.get("/api/verdicts/1")
    assert answer.status_code == status
    assert answer.json() == error.as_dict()


def test_the_unforeseen_is_a_500_with_an_id_that_the_log_has(live, page, monkeypatch, caplog):
    def fail(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(live.cases.sites, "verdict", fail)
    said = []
    monkeypatch.setattr("jinyun.web.answers.log.error", lambda event, **more: said.append(more))
    with caplog.at_level(logging.ERROR):
        answer = page.get("/api/verdicts/1")
    error = shape(answer)
    assert answer.status_code == 500
    assert error["code"] == "internal"
    assert "secret" not in answer.text
    assert said[0]["id"] == error["id"]
    assert isinstance(said[0]["exc_info"], ZeroDivisionError)


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/overview", "/api/nothing", "/cases/1"])
def test_security_headers_are_on_every_answer(page, path):
    answer = page.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "worker-src 'self' blob:" in policy  # MapLibre
    assert "http:" not in policy
    assert "https:" not in policy


def test_asgi_errors_never_leave_the_application(live):
    """Without a server in between: nothing is raised into it."""
    import asyncio

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(live.app), base_url="http://node") as client:
            return await client.get("/api/overview")

    assert asyncio.run(ask()).status_code == 401

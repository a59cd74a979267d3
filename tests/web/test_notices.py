"""Notices over HTTP: one's own inbox, wishes and channels; nobody else's."""

from __future__ import annotations

import pytest


@pytest.fixture
def told(live, page):
    live.house.notices.tick()
    return page


def test_inbox_unread_read_and_acknowledge(told):
    inbox = told.get("/api/notices").json()
    assert inbox["total"] >= 1
    assert inbox["unread"] == told.get("/api/notices/unread").json()["unread"]
    one = inbox["items"][0]
    assert one["title_zh"]
    assert one["text_zh"]
    left = told.post("/api/notices/read", json={"ids": [one["id"]]}).json()
    assert left["unread"] == inbox["unread"] - (one["read_at"] is None)
    assert told.post(f"/api/notices/{one['id']}/acknowledge").json() == {"id": one["id"], "acknowledged": True}
    assert told.post("/api/notices/read", json={}).json()["unread"] == 0
    assert told.get("/api/notices?unread=true").json()["items"] == []
    assert told.post("/api/notices/999999/acknowledge").status_code == 404


def test_wishes_are_checked_and_kept(page):
    bad = page.put("/api/notices/wishes", json={"quiet_from": "25:99"})
    assert bad.status_code in (400, 422)
    assert page.put("/api/notices/wishes", json={"topics": ["nothing"]}).status_code == 422
    good = {"digest": "daily", "digest_at": "08:30", "level": 3}
    assert page.put("/api/notices/wishes", json=good).status_code == 200
    assert page.get("/api/notices/wishes").json()["subscription"]["digest_at"] == "08:30"
    page.put("/api/notices/wishes", json={"digest": "none"})


def test_channels_of_ones_own(page):
    address = "https://oapi.dingtalk.com/robot/send?access_token=HIDDEN"
    given = {"name": "群", "kind": "dingtalk", "address": address, "secret": "SEC1"}
    made = page.post("/api/notices/channels", json=given)
    assert made.status_code == 201
    assert "HIDDEN" not in made.text
    assert "SEC1" not in made.text
    id = made.json()["id"]
    for path in ("/api/records/channel", f"/api/records/channel/{id}", f"/api/records/channel/{id}/history"):
        text = page.get(path).text
        assert "HIDDEN" not in text
        assert "SEC1" not in text
    assert page.patch(f"/api/notices/channels/{id}", json={"active": False}).json()["active"] is False
    assert page.delete(f"/api/notices/channels/{id}").status_code == 200
    inner = {"name": "x", "kind": "webhook", "address": "https://169.254.169.254/latest"}
    assert page.post("/api/notices/channels", json=inner).status_code == 403


def test_outbox_needs_a_log_in_and_shows_no_words(told, stranger):
    assert stranger.get("/api/notices").status_code == 401
    assert stranger.get("/api/notices/outbox").status_code == 401
    outbox = told.get("/api/notices/outbox?state=sent").json()
    assert outbox["counts"]["sent"] >= 1
    assert not {"title_zh", "text_zh", "facts"} & set(outbox["items"][0])
    assert told.get("/api/notices/outbox?format=csv").text.startswith("﻿")
    assert told.post("/api/notices/outbox/again", json={}).json()["revived"] >= 0

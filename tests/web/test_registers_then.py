"""Registers as of an earlier moment: from history, through the API."""

import time

from jinyun.app.then import parse_as_of


def test_a_record_and_its_list_as_they_stood(page):
    made = page.post("/api/records/site", json={"id": "then-1", "name": "旧名", "kind": "water_section"})
    assert made.status_code == 201, made.text
    path = "/api/records/site/then-1"
    first = made.json()["updated_at"]
    changed = page.patch(path, json={"name": "新名", "target_class": 3, "version": 1})
    assert changed.status_code == 200, changed.text
    second = changed.json()["updated_at"]
    then = page.get(path, params={"as_of": first}).json()
    assert (then["name"], then.get("target_class"), then["version"], then["as_of"]) == ("旧名", None, 1, first)
    now = page.get(path, params={"as_of": second}).json()
    assert (now["name"], now["target_class"], now["created_at"], now["updated_at"]) == ("新名", 3, first, second)
    assert page.get(path, params={"as_of": first - 1}).status_code == 404
    assert page.get(path, params={"as_of": "yesterday"}).json()["error"]["field"] == "as_of"
    asked = {"q": "旧名", "as_of": first}
    assert [one["id"] for one in page.get("/api/records/site", params=asked).json()["items"]] == ["then-1"]
    assert page.get("/api/records/site", params=asked | {"as_of": second}).json()["total"] == 0
    asked = {"kind": "water_section", "as_of": second, "limit": 1000}
    ids = {one["id"] for one in page.get("/api/records/site", params=asked).json()["items"]}
    assert "then-1" in ids
    assert page.get("/api/records/site", params={"as_of": "1990-01-01"}).json() == {
        "items": [], "total": 0, "as_of": parse_as_of("1990-01-01"),
    }  # fmt: skip
    assert page.delete(path).status_code == 204
    assert page.get(path, params={"as_of": second}).json()["name"] == "新名"
    assert page.get(path, params={"as_of": int(time.time()) + 1}).status_code == 404

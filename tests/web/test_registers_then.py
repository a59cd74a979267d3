"""Registers as of an earlier moment: from history, through the API."""

import time

import pytest

from jinyun.app.services.registers.then import folded, parse_as_of
from jinyun.kernel.errors import BadInput


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


def test_moments_in_three_forms():
    assert parse_as_of("") is None
    assert parse_as_of("1795276800") == parse_as_of("1795276800000000") == 1_795_276_800_000_000
    assert parse_as_of("2026-11-22T00:00") == 1_795_276_800_000_000
    assert parse_as_of("2026-11-22T00:00+00:00") == 1_795_276_800_000_000 + 8 * 3600 * 10**6
    with pytest.raises(BadInput):
        parse_as_of("soon")


def test_a_record_that_was_deleted_and_made_again_begins_anew():
    def entry(at, step, before, after, version):
        return {"at": at, "step": step, "before": before, "after": after, "version": version, "state_after": "",
                "actor": "li"}  # fmt: skip

    line = [entry(1, "create", {}, {"a": 1, "b": 2}, 1), entry(2, "update", {"b": 2}, {}, 2),
            entry(3, "delete", {"a": 1}, {}, 3), entry(4, "create", {}, {"a": 5}, 4)]  # fmt: skip
    stood = [folded("t", "i", line, at) for at in range(5)]
    assert [one and {n: one[n] for n in ("a", "b") if n in one} for one in stood] == [
        None, {"a": 1, "b": 2}, {"a": 1}, None, {"a": 5},
    ]  # fmt: skip

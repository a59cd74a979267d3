"""Corrections over HTTP: who may, what a preview and its acceptance answer, what was known before."""

from __future__ import annotations

import time

from web_rows import HOURS, OVER, this_hour


def done(client, told):
    while told["work"]["state"] == "running":
        time.sleep(0.05)
        told = client.get(f"/api/corrections/{told['id']}").json()
    return told


def test_a_session_from_draft_to_accepted_and_back(page, live):
    at = this_hour() - HOURS * 3600 + 2 * 3600
    edit = {
        "kind": "set",
        "site": "s-out",
        "factor": "cod_cr",
        "stat": "AVG",
        "period": "HOUR",
        "time": at,
        "value": "7",
    }
    made = page.post(
        "/api/corrections", json={"title": "t", "reason": "lab_check", "reason_text": "x", "edits": [edit]}
    )
    assert made.status_code == 201, made.text
    path = f"/api/corrections/{made.json()['id']}"
    assert page.post(f"{path}/accept", json={}).json()["error"]["code"] == "refused"
    told = done(page, page.post(f"{path}/preview").json())
    (row,) = [one for one in told["result"]["verdicts"] if one["flip"]]
    assert (row["was"]["figure"], row["would"]["figure"]) == (OVER[2], "7.0")
    now = int(time.time())
    while int(time.time()) == now:  # as_of is in whole seconds
        time.sleep(0.05)
    told = done(page, page.post(f"{path}/accept", json={"note": "ok"}).json())
    assert (told["state"], told["cascade"]) == ("accepted", "done")

    asked = {"factor": "cod_cr", "from": at, "to": at + 1}
    assert page.get("/api/sites/s-out/series", params=asked).json()["points"][0][1] == "7"
    assert page.get("/api/sites/s-out/series", params={**asked, "as_of": now}).json()["points"][0][1] == OVER[2]
    asked = {"judge": "emission.outlet_hour", "from": at, "to": at + 1}
    assert page.get("/api/sites/s-out/verdicts", params=asked).json()["items"][0]["figure"] == "7.0"
    then = page.get("/api/sites/s-out/verdicts", params={**asked, "as_of": now}).json()["items"]
    assert then[0]["figure"] == OVER[2]
    assert page.get("/api/sites/s-out/verdicts", params={**asked, "as_of": 1}).json()["items"] == []

    again = page.post(
        "/api/corrections",
        json={"title": "back", "reason": "withdrawn", "reason_text": "x",
              "edits": [{"kind": "withdraw", "session": told["id"]}]},
    ).json()  # fmt: skip
    done(page, page.post(f"/api/corrections/{again['id']}/preview").json())
    done(page, page.post(f"/api/corrections/{again['id']}/accept", json={}).json())
    found = page.get("/api/corrections", params={"state": "accepted", "site": "s-out"}).json()
    assert {told["id"], again["id"]} <= {one["id"] for one in found["items"]}
    assert page.get("/api/sites/s-out/verdicts", params=asked).json()["items"][0]["figure"] == OVER[2]


def test_strangers_and_the_generic_register_change_nothing(page, stranger):
    assert stranger.get("/api/corrections").status_code == 401
    assert page.post("/api/records/correction", json={"title": "x"}).status_code == 403
    codes = {one["code"] for one in page.get("/api/corrections/reasons").json()}
    assert {"calibration", "mark:calibration"} <= codes


def test_periods_as_of_an_earlier_moment(page):
    asked = {"scope": "site:s-up", "period": "month"}
    now = page.get("/api/periods/water", params=asked).json()
    then = page.get("/api/periods/water", params={**asked, "as_of": int(time.time()) + 1}).json()
    assert then["figures"] == now["figures"]
    refused = page.get("/api/periods/water", params={**asked, "as_of": 1})
    assert refused.status_code == 422, refused.text  # nothing had begun then


def test_a_report_of_what_was_known_then(page):
    asked = {"period": "month", "scope": "site:s-up", "compiled": "2026-11-05"}
    now = page.get("/api/reports/water/fields", params=asked)
    assert now.status_code == 200, now.text
    then = page.get("/api/reports/water/fields", params={**asked, "as_of": int(time.time()) + 1})
    assert then.json() == now.json()
    assert page.get("/api/reports/water", params={**asked, "as_of": 1}).status_code == 422

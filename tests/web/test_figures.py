"""Published figures over HTTP: who may publish, what comes back, and the one shape of errors."""

from __future__ import annotations

import io
import zipfile
from contextlib import closing
from datetime import date, timedelta

import pytest
from days import days_from, water_day
from live import living

from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import china_time

VALUES = {"ph": "7.8", "nh3_n": "0.31", "tp": "0.071"}


def month_before(house) -> date:
    return china_time(house.clock.now() // 1_000_000).date().replace(day=1) - timedelta(1)


def prepare(house) -> None:
    sites = {f"s{n}": {"name": f"断面{n}", "kind": "water_section", "jurisdiction": "500109"} for n in (1, 2)}
    house.records.put_many("site", sites.items(), SYSTEM)
    last = month_before(house)
    days = days_from(last.replace(day=1), last + timedelta(1))
    house.verdicts.add([water_day(site, day, VALUES, level=2) for site in sites for day in days])


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with living(tmp_path_factory.mktemp("figures") / "var", prepare) as live:
        yield live


@pytest.fixture(scope="module")
def officer(node):
    with closing(node.client()) as client:
        yield client


@pytest.fixture(scope="module")
def at(node):
    return f"{month_before(node.house):%Y-%m}"


@pytest.fixture(scope="module")
def published(officer, at):
    body = {"subject": "water", "at": at, "each_site": True, "report": "月报"}
    answer = officer.post("/api/figures", json=body)
    assert answer.status_code == 201, answer.text
    again = officer.post("/api/figures", json=body)
    assert (again.status_code, again.json()["new"]) == (200, 0)
    return {(one["scope"], one["indicator"]): one["id"] for one in answer.json()["items"]}


def test_the_passport(officer, published):
    told = officer.get(f"/api/figures/{published['all', 'good_ratio']}").json()
    assert (told["figure"], told["unit"], told["by"], told["same"], told["causes"]) == ("100.0", "%", "admin", True, [])
    assert len(told["inputs_digest"]) == 64


def test_lists_by_scope_and_as_csv(officer, published, at):
    told = officer.get(f"/api/figures?subject=water&scope=all&at={at}").json()
    assert {one["id"] for one in told["items"]} == {id for (scope, _), id in published.items() if scope == "all"}
    text = officer.get("/api/figures?format=csv").content.decode("utf-8-sig")
    assert all(id in text for id in published.values())


def test_differences_dependents_and_key(node, officer, published, at):
    told = officer.get(f"/api/figures/differences?at={at}").json()
    assert (told["figures"], told["total"], told["problems"]) == (len(published), 0, [])
    first = node.house.verdicts.find(subject="s1", limit=1)[0].id
    found = officer.post("/api/figures/dependents", json={"verdicts": [first]}).json()
    assert {one["scope"] for one in found["items"]} == {"all", "site:s1"}
    assert len(officer.get("/api/figures/key").json()["public_key"]) == 64


def test_the_bundle_is_a_file(officer, published, at):
    answer = officer.get(f"/api/figures/bundle?year={at[:4]}")
    assert answer.headers["content-type"] == "application/zip"
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


def test_refusals_say_why(node, officer, published):
    stranger = node.client(log_in=False)
    assert stranger.get("/api/figures").status_code == 401
    stranger.close()
    bad = officer.post("/api/figures", json={"subject": "water", "at": "2020-01"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "bad-input")
    assert officer.get("/api/figures/F0").status_code == 404
    record = f"/api/records/figure/{published['all', 'sections']}"
    assert officer.patch(record, json={"data": {"figure": "9"}}).status_code == 403
    assert officer.delete(record).status_code == 403
    assert officer.post("/api/records/figure", json={"title": "x"}).status_code == 403


def test_withdrawing_needs_a_reason(officer, published):
    path = f"/api/figures/{published['site:s2', 'class']}/withdraw"
    assert officer.post(path, json={"reason": ""}).status_code == 422
    told = officer.post(path, json={"reason": "误发"}).json()
    assert (told["state"], told["reason"]) == ("withdrawn", "误发")
    assert officer.get(f"/api/figures/{told['id']}").json()["state"] == "withdrawn"

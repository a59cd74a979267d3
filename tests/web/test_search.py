"""Search across everything over HTTP: what is found, in what order, and what somebody else may not find."""

from contextlib import closing

import pytest
from live import living
from web_rows import OUTLET_MN, ROWS

from jinyun.app.services.search import search
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Actor

BEYOND = [
    ("site", "s-far", {"name": "涪江断面", "kind": "water_section", "place": {"lon": 106.2, "lat": 30.1},
                       "jurisdiction": "500117"}),
    ("enterprise", "e-far", {"name": "涪江纸业", "jurisdiction": "500117"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with living(tmp_path_factory.mktemp("search") / "var", [*ROWS, *BEYOND]) as live:
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


def groups(page, words, **more):
    answer = page.get("/api/search", params={"q": words, **more})
    assert answer.status_code == 200, answer.text
    return {one["type"]: one for one in answer.json()["groups"]}


def test_one_word_finds_sites_outlets_and_devices_at_once(page):
    found = groups(page, "排口")
    assert "s-out" in [one["id"] for one in found["site"]["items"]]
    assert [one["id"] for one in found["outlet"]["items"]] == ["o1"]
    assert [one["id"] for one in found["device"]["items"]] == [OUTLET_MN]


def test_the_exact_name_comes_first_whatever_else_holds_it(page):
    found = page.get("/api/search", params={"q": "一号排口"}).json()["groups"]
    assert found[0]["items"][0]["rank"] == 0
    assert [one["rank"] for one in found[0]["items"]] == sorted(one["rank"] for one in found[0]["items"])
    assert [one["items"][0]["rank"] for one in found] == sorted(one["items"][0]["rank"] for one in found)


def test_an_id_is_found_as_it_is_written(page):
    found = groups(page, OUTLET_MN)
    assert found["device"]["items"][0]["id"] == OUTLET_MN
    assert found["device"]["items"][0]["rank"] == 0


@pytest.mark.parametrize("words", ["化学需氧量", "w01018", "cod_cr"])
def test_factors_are_found_by_name_code_and_id(page, words):
    assert groups(page, words)["factor"]["items"][0]["id"] == "cod_cr"


def test_all_words_must_occur(page):
    assert "s-out" in [one["id"] for one in groups(page, "一号  排口")["site"]["items"]]
    assert "site" not in groups(page, "一号 涪江")


def test_more_than_asked_for_is_said_and_not_sent(page):
    found = groups(page, "s-", each=1).get("site") or groups(page, "微站 断面", each=1).get("site")
    everything = groups(page, "嘉陵江", each=1)["site"]
    assert found is None or len(found["items"]) == 1
    assert len(everything["items"]) == 1
    assert everything["more"] is True


@pytest.mark.parametrize("words", ["", "   "])
def test_nothing_to_search_for_is_refused(page, words):
    answer = page.get("/api/search", params={"q": words})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "q"


def test_nobody_without_a_log_in_searches(node):
    client = node.client(log_in=False)
    try:
        assert client.get("/api/search", params={"q": "排口"}).status_code == 401
    finally:
        client.close()


def within(node, actor, words):
    """What `actor` finds, by the same doors as the web."""
    cases = node.cases.doors.open(node.cases.rights.reach(actor))
    found = search(
        cases.house, cases.registers, words, actor,
        may=lambda type_id: node.cases.rights.may(actor, "register.read", type_id).allowed,
    )  # fmt: skip
    return {one["type"]: [item["id"] for item in one["items"]] for one in found["groups"]}, found


def test_what_lies_in_another_jurisdiction_is_not_found(node):
    here = Actor("chen", ("reader",), unit="u1", jurisdictions=("500109",))
    there = Actor("li", ("reader",), unit="u2", jurisdictions=("500117",))
    assert "s-far" not in within(node, here, "断面")[0].get("site", [])
    assert "s-up" in within(node, here, "断面")[0]["site"]
    assert within(node, there, "断面")[0]["site"] == ["s-far"]
    assert within(node, here, "s-far")[0].get("site", []) == []


def test_an_auditor_finds_factors_and_no_business(node):
    found, _ = within(node, Actor("shen", ("auditor",)), "排口")
    assert found == {}


def test_too_many_words_are_refused(node):
    with pytest.raises(BadInput):
        search(node.house, node.cases.registers, "排" * 201, Actor("a", ("officer",)), may=lambda _: True)

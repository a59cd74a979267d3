"""The demo's desks: put in through the registers once, and people who may log in to them."""

from __future__ import annotations

import pytest

from jinyun.app.accounts import Accounts
from jinyun.app.assemble import House
from jinyun.app.demo import ORDER, fill_desks, prepare
from jinyun.app.demo_work import people, put_work
from jinyun.app.services.registers import Registers
from jinyun.app.settings import Settings
from jinyun.kernel.ports import Actor

OFFICER = Actor("somebody", ("officer",))
LIVELY = ("unit", "duty", "complaint", "rectification", "project", "patrol", "task", "inspection_finding", "cell")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(Settings.load(tmp_path_factory.mktemp("demo") / "var", http_port=0, hj212_port=0, demo=True))
    fill_desks(made, prepare(made))
    yield made
    made.close()


def test_every_desk_has_something_on_it(house):
    for one in (*ORDER, *LIVELY):
        assert house.records.count(one) > 1, one


def test_records_stand_where_their_steps_led_them(house):
    states = {one.id: one.state for type_id in LIVELY for one in house.records.find(type_id, {}, limit=100)}
    wanted = {"ts-1": "registered", "ts-2": "dispatched", "ts-5": "closed", "zg-1": "open", "zg-1a": "closed",
              "gc-1": "finished", "gc-3": "stuck", "xh-1": "counted", "xh-2": "recorded", "rw-3": "acting"}  # fmt: skip
    assert {one: states[one] for one in wanted} == wanted
    notes = {one.note for one in house.records.history("complaint", "ts-5")}
    assert notes == {"演示数据"}


def test_works_have_pictures_from_before_and_after(house):
    registers = Registers(house)
    project = registers.get("project", "gc-1", OFFICER)
    for one in (*project["before"], *project["after"]):
        assert registers.attachments.get(one, OFFICER)["media"] == "image/jpeg"
    assert len(project["before"]) == len(project["after"]) == 1
    finding = registers.get("patrol", "xh-1", OFFICER)["findings"]
    assert len(finding) == 2


def test_a_second_time_nothing_is_put_in_again(house):
    registers = Registers(house)
    registers.update("complaint", "ts-1", {"title": "改过的标题"}, Actor("a", ("officer",)))
    before = {one: house.records.count(one) for one in LIVELY}
    put_work(house)
    assert {one: house.records.count(one) for one in LIVELY} == before
    assert house.records.get("complaint", "ts-1").data["title"] == "改过的标题"


def test_a_second_start_knows_that_the_desks_are_full(house):
    assert prepare(house)["desks"] is True


def test_the_bureaus_people_can_log_in(house):
    accounts = Accounts(house.kv)
    accounts.first_password()
    told, password = people(house, accounts)
    assert {role for _, role in told} == {"officer", "inspector", "unit_officer", "leader", "analyst"}
    assert len(password) >= 12
    _, session = accounts.log_in("qin", password, "127.0.0.1")
    assert tuple(session.roles) == ("inspector",)

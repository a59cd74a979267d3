"""Versions of a procedure beside each other, owner and second person, identifying values: on both databases."""

import threading

import pytest

from jinyun.kernel.errors import InvalidRecord, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.records import Field, Procedure, RecordType, Transition
from jinyun.store.records import SqlRecords

LI, WANG = Actor("li", ("officer",)), Actor("wang", ("officer",))
STATION = Actor("zhao", ("officer",), unit="监测站")

OLD = Procedure(
    "drafted",
    {"drafted": ("草拟", "drafted"), "parked": ("搁置", "parked"), "done": ("完成", "done")},
    (
        Transition("park", "搁置", "park", ("drafted",), "parked"),
        Transition("finish", "完成", "finish", ("drafted", "parked"), "done"),
    ),
)
NEW = Procedure(
    "drafted",
    {"drafted": ("草拟", "drafted"), "checked": ("已核", "checked"), "done": ("完成", "done")},
    (
        Transition(
            "submit",
            "提交",
            "submit",
            ("drafted",),
            "",
            by=("officer", "system"),
            only="owner",
            fields=(Field("text", "内容", "Text"),),
        ),
        Transition("check", "核验", "check", ("drafted",), "checked", only="second", second_of="submit"),
        Transition("finish", "完成", "finish", ("checked",), "done"),
    ),
    version=2,
)
FIELDS = (
    Field("name", "名称", "Name", required=True),
    Field("code", "编码", "Code", identifies=True),
    Field("number", "编号", "Number", "number", identifies=True),
    Field("unit", "承办", "Unit"),
)


def plan(*procedures):
    return RecordType(
        "plan", "方案", "Plan", FIELDS, procedure=procedures[0], procedures=tuple(procedures[1:]), owner="unit"
    )


@pytest.fixture
def before(database, steady_clock):
    return SqlRecords(database, {"plan": plan(OLD)}, steady_clock)


@pytest.fixture
def after(before, database, steady_clock):
    """The same store, opened by a release whose procedure is newer."""
    return SqlRecords(database, {"plan": plan(NEW, OLD)}, steady_clock)


def test_a_running_record_finishes_on_its_version(before, after):
    before.create("plan", {"name": "a"}, LI, id="p")
    after.create("plan", {"name": "b"}, LI, id="q")
    assert (after.get("plan", "p").procedure, after.get("plan", "q").procedure) == (1, 2)
    after.step("plan", "p", "park", {}, LI)
    assert after.step("plan", "p", "finish", {}, LI).state == "done"
    assert after.update("plan", "p", {"name": "c"}, LI).procedure == 1
    with pytest.raises(Refused, match="'finish' is possible when 'checked'"):
        after.step("plan", "q", "finish", {}, LI)


def test_a_record_moves_with_the_difference_in_its_history(before, after):
    before.create("plan", {"name": "a"}, LI, id="p")
    before.step("plan", "p", "park", {}, LI)
    with pytest.raises(Refused, match="no state 'parked'") as refused:
        after.move("plan", "p", 2, LI)
    assert refused.value.missing[0]["code"] == "state"
    moved = after.move("plan", "p", 2, LI, state="drafted", note="新规")
    assert (moved.procedure, moved.state, moved.version) == (2, "drafted", 3)
    entry = after.history("plan", "p")[-1]
    assert (entry.step, entry.state_before, entry.state_after, entry.note) == ("move", "parked", "drafted", "新规")
    assert (entry.given["old"], entry.given["new"]) == (1, 2)
    assert entry.given["states_removed"] == ["parked"]
    with pytest.raises(Refused, match="already"):
        after.move("plan", "p", 2, LI)


def test_only_the_owner_by_unit_or_by_name(after):
    after.create("plan", {"name": "a", "unit": "监测站"}, LI, id="p")
    with pytest.raises(NotPermitted, match="for the owner"):
        after.step("plan", "p", "submit", {}, LI)
    assert after.step("plan", "p", "submit", {"text": "x"}, STATION).data["unit"] == "监测站"
    after.update("plan", "p", {"unit": "li"}, LI)
    after.step("plan", "p", "submit", {}, LI)
    after.step("plan", "p", "submit", {}, SYSTEM)  # the house itself is held by no owner


def test_a_second_person_is_another_one(after):
    after.create("plan", {"name": "a", "unit": "li"}, LI, id="p")
    after.step("plan", "p", "submit", {}, LI)
    with pytest.raises(NotPermitted, match="second person, not li"):
        after.step("plan", "p", "check", {}, LI)
    assert after.taken_by("plan", "p", "submit") == "li"
    assert after.step("plan", "p", "check", {}, WANG).state == "checked"


def test_an_identifying_value_is_had_once(after):
    after.create("plan", {"name": "a", "code": "K1", "number": "1.50"}, LI, id="p")
    with pytest.raises(InvalidRecord, match="identifies another plan") as wrong:
        after.create("plan", {"name": "b", "code": "K1", "number": "1.5"}, LI)
    assert set(wrong.value.problems) == {"code", "number"}
    after.create("plan", {"name": "b", "code": "K2"}, LI, id="q")
    with pytest.raises(InvalidRecord):
        after.update("plan", "q", {"code": "K1"}, LI)
    after.update("plan", "p", {"name": "again", "code": "K1"}, LI)  # its own is no clash
    with pytest.raises(InvalidRecord, match=r"r2\.code"):
        after.put_many("plan", [("r1", {"name": "c", "code": "K3"}), ("r2", {"name": "d", "code": "K3"})], LI)
    after.delete("plan", "p", LI)
    after.update("plan", "q", {"code": "K1"}, LI)  # free again
    with pytest.raises(InvalidRecord):
        after.create("plan", {"name": "back", "code": "K1"}, LI, id="p")
    assert after.count("plan", {"code": "K1"}) == 1


def test_of_writers_at_once_one_has_the_value(after):
    outcome: list[str] = []

    def make(name: str) -> None:
        try:
            after.create("plan", {"name": name, "code": "same"}, LI)
            outcome.append("made")
        except InvalidRecord:
            outcome.append("refused")

    threads = [threading.Thread(target=make, args=(f"n{i}",)) for i in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcome) == ["made"] + ["refused"] * 5


def test_histories_of_many_in_one_question(after):
    after.put_many("plan", [(f"p{i}", {"name": "a"}) for i in range(3)], LI)
    after.update("plan", "p1", {"name": "b"}, LI)
    found = after.histories("plan", ["p0", "p1", "nobody"])
    assert {id: [one.step for one in entries] for id, entries in found.items()} == {
        "p0": ["create"], "p1": ["create", "update"],
    }  # fmt: skip

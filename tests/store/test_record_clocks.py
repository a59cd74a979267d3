"""The kept ends of clocks follow every change on both databases, and can be made anew from the histories."""

import pytest
from sqlalchemy import text

from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.records import ClockRule, Field, Procedure, RecordType, Transition
from jinyun.store.kv import SqlKeyValue
from jinyun.store.record_clocks import NONE, Moments, RecordClocks
from jinyun.store.record_search import LATE
from jinyun.store.records import SqlRecords

OFFICER = Actor("li", ("officer",))
TASK = RecordType(
    "task", "任务", "Task", (Field("name", "名称", "Name", indexed=True),),
    procedure=Procedure(
        "open", {"open": ("待办", "Open"), "done": ("完成", "Done")},
        (Transition("finish", "完成", "Finish", ("open",), "done"),),
        clocks=(ClockRule("handle", "时限", "Time", "hour", 1, starts=("open",), stops=("done",)),),
    ),
)  # fmt: skip
PLAIN = RecordType("plain", "普通", "Plain", (Field("name", "名称", "Name"),))
TYPES = {one.id: one for one in (TASK, PLAIN)}
LIMIT, LOOK = 100, 40


def timer(kind, record, history, since):
    """Late 100 µs after it was made, told once 40 µs after; nothing once it is done."""
    if record.state != "open":
        return NONE
    look = history[0].at + LOOK
    return Moments(history[0].at + LIMIT, look if look >= since else None)


@pytest.fixture
def kept(database, steady_clock):
    records = SqlRecords(database, TYPES, steady_clock)
    made = RecordClocks(database, records, TYPES, timer)
    records.witnesses.append(made.witness)
    return records, made


def late(records, at, **more):
    found = [one.id for one in records.find("task", {LATE: at}, order="id", **more)]
    assert records.count("task", {LATE: at}, **more) == len(found)
    return found


def test_late_is_a_question_that_follows_every_change(kept, database):
    records, made = kept
    ends = {}
    for n in range(5):
        one = records.create("task", {"name": f"t{n % 2}"}, SYSTEM, id=f"t{n}")
        ends[one.id] = one.created_at + LIMIT
    records.create("plain", {"name": "x"}, SYSTEM, id="p")
    last = max(ends.values())
    assert late(records, ends["t2"]) == ["t0", "t1", "t2"]
    assert late(records, ends["t2"] - 1) == ["t0", "t1"]
    assert late(records, last, states=("open",), text="t1") == ["t1", "t3"]
    assert [one.id for one in records.find("task", {LATE: last, "name": "t0"}, order="-name")] == ["t0", "t2", "t4"]
    records.step("task", "t0", "finish", {}, OFFICER)
    records.delete("task", "t1", SYSTEM)
    assert late(records, last) == ["t2", "t3", "t4"]
    assert records.ids("task", {LATE: last}, order="-created_at") == ["t4", "t3", "t2"]
    assert made.differing("task") == []
    with database.connect() as connection:
        query = text("SELECT type, count(*) FROM record_clock GROUP BY type")
        assert [tuple(row) for row in connection.execute(query)] == [("task", 3)]


def test_what_is_due_is_looked_at_once_and_again_after_a_change(kept):
    records, made = kept
    first, second = (records.create("task", {"name": n}, SYSTEM, id=n) for n in ("a", "b"))
    look = {one.id: one.created_at + LOOK for one in (first, second)}
    assert made.due("task", look["a"] - 1, limit=10) == []
    assert made.due("task", look["b"], limit=10) == ["a", "b"]
    assert made.due("task", look["b"], limit=1) == ["a"]
    made.told("task", ["a"], look["b"])
    assert made.due("task", look["b"] + 1000, limit=10) == ["b"]
    assert late(records, look["b"] + LIMIT) == ["a", "b"]  # lateness is not touched by it
    records.update("task", "a", {"name": "c"}, SYSTEM)
    assert made.due("task", look["b"], limit=10) == ["a", "b"]


def test_it_is_made_anew_when_what_it_rests_on_changed(kept, database):
    records, made = kept
    kv = SqlKeyValue(database)
    for n in range(3):
        records.create("task", {"name": "t"}, SYSTEM, id=f"t{n}")
    assert made.follow(kv, lambda _: "first") == {"task": 3}
    assert made.follow(kv, lambda _: "first") == {}
    with database.begin() as connection:  # as after a restore of a file without it
        connection.execute(text("UPDATE record_clock SET late_from = 1 WHERE id = 't0'"))
        connection.execute(text("DELETE FROM record_clock WHERE id = 't1'"))
    assert made.differing("task") == ["t0", "t1"]
    assert made.follow(kv, lambda _: "second") == {"task": 3}
    assert made.differing("task") == []
    assert late(records, records.get("task", "t2").created_at + LIMIT) == ["t0", "t1", "t2"]

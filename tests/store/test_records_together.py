"""Several changes of records as one transaction, on both databases."""

import threading

import pytest
from sqlalchemy import event

from jinyun.kernel.errors import Conflict, NotFound
from jinyun.kernel.ports import Actor
from jinyun.kernel.records import Field, RecordType
from jinyun.store.records import SqlRecords

OFFICER = Actor("li", ("officer",))
TYPES = {
    one.id: one
    for one in (
        RecordType("box", "箱", "Box", (Field("name", "名称", "Name", required=True, indexed=True),)),
        RecordType("thing", "物", "Thing", (Field("box", "箱", "Box", "reference", to="box", indexed=True),)),
    )
}


@pytest.fixture
def records(database, steady_clock):
    made = SqlRecords(database, TYPES, steady_clock)
    made.create("thing", {}, OFFICER, id="t1")
    return made


@pytest.fixture
def heard(records):
    told = []
    records.listeners.append(lambda type_id, id: told.append((type_id, id)))
    return told


def test_all_stand_and_listeners_hear_once_of_each_at_the_end(records, heard):
    before = records.versions.copy()
    with records.together():
        records.create("box", {"name": "a"}, OFFICER, id="b1")
        records.update("thing", "t1", {"box": "b1"}, OFFICER)
        records.update("box", "b1", {"name": "b"}, OFFICER)
        assert heard == []
        assert records.versions == before
    assert heard == [("box", "b1"), ("thing", "t1")]
    assert records.versions == {"box": before.get("box", 0) + 1, "thing": before["thing"] + 1}
    assert [one.version for one in records.history("box", "b1")] == [1, 2]


def test_none_stands_when_one_fails_or_the_caller_does(records, heard):
    def half(end):
        with records.together():
            records.create("box", {"name": "a"}, OFFICER, id="b1")
            end()

    with pytest.raises(Conflict):
        half(lambda: records.update("thing", "t1", {"box": "b1"}, OFFICER, version=7))
    with pytest.raises(ZeroDivisionError):
        half(lambda: 1 / 0)
    assert records.count("box") == 0
    assert len(records.history("thing", "t1")) == 1
    assert heard == []


def test_what_fails_alone_is_undone_alone(records):
    with records.together():
        records.create("box", {"name": "a"}, OFFICER, id="b1")
        with pytest.raises(Conflict):
            records.create("box", {"name": "again"}, OFFICER, id="b1")
        records.update("thing", "t1", {"box": "b1"}, OFFICER)
    assert records.get("box", "b1").data["name"] == "a"
    assert records.get("thing", "t1").data["box"] == "b1"


def test_who_asks_inside_sees_it_and_others_do_not_until_the_end(records):
    seen = []

    def other():
        try:
            seen.append(records.get("box", "b1").id)
        except NotFound:
            seen.append(None)
        seen.append(records.count("box"))

    def ask():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    with records.together(), records.together():  # one inside another is the same one
        records.create("box", {"name": "a"}, OFFICER, id="b1")
        assert records.get("box", "b1").version == 1
        assert [one.id for one in records.find("box", {"name": "a"})] == ["b1"]
        assert records.count("box") == 1
        assert len(records.history("box", "b1")) == 1
        ask()
    ask()
    assert seen == [None, 0, "b1", 1]


def test_it_is_one_transaction_of_the_database(records, database):
    ends = []
    event.listen(database, "commit", lambda _: ends.append("commit"))
    with records.together():
        for n in range(5):
            records.create("box", {"name": str(n)}, OFFICER)
    assert ends == ["commit"]


def test_tracers_hear_each_row_of_many_and_listeners_hear_once(records, heard):
    traced = []
    records.tracers.append(lambda type_id, ids: traced.append((type_id, list(ids))))
    records.put_many("box", [("b1", {"name": "a"}), ("b2", {"name": "b"})], OFFICER)
    assert traced == [("box", ["b1", "b2"])]
    with records.together():
        records.put_many("box", [("b1", {"name": "a"}), ("b2", {"name": "c"})], OFFICER)  # b1 is as it was
        records.put_many("box", [("b3", {"name": "d"})], OFFICER)
        records.update("thing", "t1", {"box": "b3"}, OFFICER)
        assert len(traced) == 1
    assert traced[1:] == [("box", ["b2", "b3"]), ("thing", ["t1"])]
    assert heard == [("box", ""), ("box", ""), ("thing", "t1")]

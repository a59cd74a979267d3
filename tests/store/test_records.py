"""The record engine on both databases: current state, history, versions, steps, filters, references, secrets."""

import threading

import pytest
from sqlalchemy import text

from jinyun.kernel.errors import BadInput, Conflict, InvalidRecord, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.records import Field, Missing, Procedure, RecordType, Transition
from jinyun.store.database import reading
from jinyun.store.record_rules import MASK, masked
from jinyun.store.records import SqlRecords

OFFICER = Actor("li", ("officer",))
GUEST = Actor("guest", ("viewer",))

PLACE = RecordType(
    "place", "点位", "Place",
    (
        Field("name", "名称", "Name", required=True, indexed=True),
        Field("kind", "类型", "Kind", "code", codes={"r": ("河", "river"), "l": ("湖", "lake")}, indexed=True),
        Field("km", "里程", "Km", "number", indexed=True, minimum="0"),
        Field("upstream", "上游", "Upstream", "reference", to="place", many=True),
        Field("open", "启用", "Open", "bool", indexed=True),
        Field("where", "位置", "Where", "place"),
        Field("password", "密码", "Password", secret=True),
        Field("phone", "电话", "Phone", personal=True),
    ),
)  # fmt: skip


def enough(data, context):
    if len(data["causes"] or ()) >= context.get("need", 1):
        return ()
    return (Missing("cause", "至少一个原因", "at least one cause"),)


MATTER = RecordType(
    "matter", "事项", "Matter",
    (
        Field("title", "标题", "Title", required=True),
        Field("place", "点位", "Place", "reference", to="place", required=True),
        Field("owner", "责任人", "Owner", indexed=True),
        Field("causes", "原因", "Causes", many=True),
        Field("closed_at", "办结时间", "Closed at", "datetime"),
        Field("closed_by", "办结人", "Closed by"),
    ),
    title="title",
    procedure=Procedure(
        "opened",
        {"opened": ("待办", "open"), "sent": ("已派", "sent"), "closed": ("已结", "closed")},
        (
            Transition("dispatch", "派单", "dispatch", ("opened",), "sent", needs=("owner",),
                       fields=(Field("owner", "责任人", "Owner"),), sets={"owner": "owner"}),
            Transition("close", "办结", "close", ("sent",), "closed", guards=(enough,),
                       sets={"closed_at": "@now", "closed_by": "@actor"}),
            Transition("relapse", "复发", "relapse", ("closed",), "opened", by=("system",)),
        ),
    ),
)  # fmt: skip
TYPES = {one.id: one for one in (PLACE, MATTER)}


@pytest.fixture
def records(database, steady_clock):
    return SqlRecords(database, TYPES, steady_clock)


def test_a_record_is_kept_with_all_its_history(records):
    made = records.create("place", {"name": "大桥", "km": "1.50", "password": "abc"}, OFFICER, id="p1", note="new")
    assert made.version == 1
    assert made.data == {
        "name": "大桥", "kind": None, "km": "1.50", "upstream": None, "open": None, "where": None, "password": "abc",
        "phone": None,
    }  # fmt: skip
    records.update("place", "p1", {"name": "新桥", "km": None}, GUEST, version=1, note="renamed")
    now = records.get("place", "p1")
    assert (now.version, now.data["name"], now.data["km"], now.updated_by) == (2, "新桥", None, "guest")
    assert now.created_at == made.created_at < now.updated_at
    records.delete("place", "p1", OFFICER)
    with pytest.raises(NotFound):
        records.get("place", "p1")
    first, second, third = records.history("place", "p1")
    assert (first.step, first.actor, first.note, dict(first.before)) == ("create", "li", "new", {})
    assert first.after == {"name": "大桥", "km": "1.50", "password": "abc"}
    assert (second.before, second.after) == ({"name": "大桥", "km": "1.50"}, {"name": "新桥"})
    assert (third.step, third.before, third.after) == ("delete", {"name": "新桥", "password": "abc"}, {})
    again = records.create("place", {"name": "再建"}, OFFICER, id="p1")
    assert again.version == 4
    assert [e.step for e in records.history("place", "p1")] == ["create", "update", "delete", "create"]


def test_nothing_changed_is_no_new_version(records):
    records.create("place", {"name": "a"}, OFFICER, id="p")
    assert records.update("place", "p", {"name": "a"}, OFFICER).version == 1
    assert len(records.history("place", "p")) == 1


def test_every_broken_field_is_named(records):
    with pytest.raises(InvalidRecord) as wrong:
        records.create("place", {"kind": "x", "km": "-1", "colour": 1}, OFFICER)
    assert set(wrong.value.problems) == {"name", "kind", "km", "colour"}
    records.create("place", {"name": "a"}, OFFICER, id="p")
    with pytest.raises(InvalidRecord, match="required"):
        records.update("place", "p", {"name": None}, OFFICER)
    with pytest.raises(InvalidRecord, match="no text"):
        records.update("place", "p", {"name": "\ud800"}, OFFICER)
    with pytest.raises(InvalidRecord, match="printable"):
        records.create("place", {"name": "a"}, OFFICER, id="a/b")
    assert records.history("place", "p")[-1].version == 1


def test_the_id_taken_the_version_passed_and_the_unknown(records):
    records.create("place", {"name": "a"}, OFFICER, id="p")
    with pytest.raises(Conflict, match="already"):
        records.create("place", {"name": "b"}, OFFICER, id="p")
    records.update("place", "p", {"name": "b"}, OFFICER, version=1)
    with pytest.raises(Conflict, match="at version 2"):
        records.update("place", "p", {"name": "c"}, OFFICER, version=1)
    with pytest.raises(NotFound):
        records.get("place", "q")
    with pytest.raises(NotFound, match="did you mean 'place'"):
        records.get("plaec", "p")
    with pytest.raises(NotFound):
        records.history("place", "q")


def test_of_writers_at_once_with_one_version_exactly_one_wins(records):
    records.create("place", {"name": "a"}, OFFICER, id="p")
    outcome: list[str] = []

    def change(name: str) -> None:
        try:
            records.update("place", "p", {"name": name}, OFFICER, version=1)
            outcome.append("won")
        except Conflict:
            outcome.append("conflict")

    threads = [threading.Thread(target=change, args=(f"n{i}",)) for i in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcome) == ["conflict"] * 5 + ["won"]
    assert records.get("place", "p").version == 2


def test_find_by_indexed_fields_states_text_and_order(records):
    records.put_many(
        "place",
        [
            ("p1", {"name": "嘉陵江大桥", "kind": "r", "km": "10", "open": True}),
            ("p2", {"name": "Lake 100%", "kind": "l", "km": "9.50", "open": False, "upstream": ["p1", "p3"]}),
            ("p3", {"name": "under_score", "kind": "r"}),
        ],
        OFFICER,
    )

    def ids(*args, **kwargs):
        return [one.id for one in records.find("place", *args, **kwargs)]

    assert ids({"kind": "r"}, order="id") == ["p1", "p3"]
    assert ids({"kind": ["r", "l"]}, order="km") == ["p3", "p2", "p1"]  # 9.5 before 10: by number
    assert ids(order="-km") == ["p1", "p2", "p3"]
    assert ids({"km": "9.5"}) == ids({"km": 9.5}) == ["p2"]
    assert ids({"open": True}) == ids({"open": "true"}) == ["p1"]
    assert ids({"open": None}) == ["p3"]
    assert ids({"kind": ["l", None]}) == ["p2"]
    assert ids({"upstream": "p3"}) == ["p2"]
    assert ids({"id": ["p3", "nobody"]}) == ["p3"]
    assert ids({"kind": "nonsense"}) == []
    assert ids({"kind": []}) == []
    assert ids(text="大桥") == ["p1"]
    assert ids(text="100%") == ["p2"]
    assert ids(text="%") == ["p2"]
    assert ids(text="_") == ["p3"]
    assert ids(text="lake") == ["p2"]  # the code's English word and the name
    assert ids(text="河", order="id") == ["p1", "p3"]  # the code's Chinese word
    assert ids(order="id", limit=1, offset=1) == ["p2"]
    assert records.count("place", {"kind": "r"}) == 2
    assert records.count("place", text="river 大桥") == 1
    with pytest.raises(BadInput, match="phone"):
        ids({"phone": "1"})
    with pytest.raises(BadInput, match="where"):
        ids(order="where")


def test_what_no_database_takes_is_asked_for_and_finds_nothing(records):
    records.create("place", {"name": "大桥", "kind": "r"}, OFFICER, id="p1")
    records.create("place", {"name": "新桥", "upstream": ["p1"]}, OFFICER, id="p2")
    for odd in ("p\x001", "\x00", "\ud800"):
        assert records.find("place", {"id": odd}) == []
        assert records.find("place", {"id": [odd, "p1"]})[0].id == "p1"
        assert records.count("place", {"name": f"nowhere{odd}"}) == 0
        assert records.count("place", {"upstream": odd}) == 0
        assert records.count("place", {"kind": odd}) == 0
        assert records.holding(f"{odd} nowhere", ["place"]) == frozenset()
        with pytest.raises(InvalidRecord, match="upstream"):
            records.create("place", {"name": "a", "upstream": [odd]}, OFFICER)
    assert records.holding("大\x00桥", ["place"]) == {"place"}
    assert records.count("place", text="大\x00桥") == 1
    assert records.count("place", text="\ud800") == 0


def test_what_is_given_at_a_step_is_text(records):
    records.create("place", {"name": "a"}, OFFICER, id="p")
    records.create("matter", {"title": "a", "place": "p"}, OFFICER, id="m")
    with pytest.raises(InvalidRecord, match="no text"):
        records.step("matter", "m", "dispatch", {"owner": "\ud800"}, OFFICER)
    assert records.step("matter", "m", "dispatch", {"owner": "li\x00"}, OFFICER).data["owner"] == "li\x00"


def test_the_index_follows_changes_and_deletion(records):
    records.create("place", {"name": "a", "kind": "r"}, OFFICER, id="p")
    records.update("place", "p", {"kind": "l"}, OFFICER)
    assert not records.find("place", {"kind": "r"})
    assert records.count("place", {"kind": "l"}) == 1
    records.delete("place", "p", OFFICER)
    assert records.count("place") == 0


def test_what_somebody_is_just_referring_to_is_not_deleted_meanwhile(records):
    records.create("place", {"name": "x"}, SYSTEM, id="x")
    refused = []

    def remove():
        try:
            records.delete("place", "x", SYSTEM)
        except Refused as wrong:
            refused.append(wrong.missing[0]["code"])

    with records.together():
        records.create("matter", {"title": "m", "place": "x"}, SYSTEM, id="m")
        other = threading.Thread(target=remove)
        other.start()
        other.join(0.5)
        assert other.is_alive(), "it waits for what is not decided yet"
    other.join(30)
    assert (refused, records.get("place", "x").id) == (["referred"], "x")


def test_a_list_is_of_one_moment(records, database):
    """Also on a server: what is deleted between its two questions is in both of them or in none."""
    records.create("place", {"name": "x", "km": 1}, SYSTEM, id="x")
    with reading(database) as connection:
        query = text("SELECT count(*) FROM record WHERE NOT deleted")
        before = connection.execute(query).scalar_one()
        other = threading.Thread(target=records.delete, args=("place", "x", SYSTEM))
        other.start()
        other.join(30)
        assert (before, connection.execute(query).scalar_one()) == (1, 1)
    with reading(database) as connection:
        assert connection.execute(query).scalar_one() == 0


def test_references_must_exist_and_hold_what_they_point_at(records):
    with pytest.raises(InvalidRecord, match="no place 'nowhere'"):
        records.create("matter", {"title": "t", "place": "nowhere"}, OFFICER)
    assert records.count("matter") == 0
    records.create("place", {"name": "a"}, OFFICER, id="p")
    records.create("matter", {"title": "t", "place": "p"}, OFFICER, id="m")
    with pytest.raises(Refused, match="referred to by matter m") as refused:
        records.delete("place", "p", OFFICER)
    assert refused.value.missing[0]["code"] == "referred"
    records.delete("matter", "m", OFFICER)
    records.delete("place", "p", OFFICER)
    with pytest.raises(InvalidRecord, match="no place 'p'"):
        records.create("matter", {"title": "t", "place": "p"}, OFFICER)


def test_put_many_is_one_transaction_and_leaves_equal_rows_alone(records):
    rows = [(f"p{i}", {"name": f"n{i}", "upstream": [f"p{i + 1}"] if i < 999 else []}) for i in range(1000)]
    assert records.put_many("place", rows, OFFICER) == 1000
    assert records.put_many("place", rows, OFFICER) == 0
    rows[5] = ("p5", {"name": "other"})
    assert records.put_many("place", rows, SYSTEM) == 1
    assert records.get("place", "p5").data["upstream"] == ["p6"]
    with pytest.raises(InvalidRecord, match=r"q2\.km"):
        records.put_many("place", [("q1", {"name": "a"}), ("q2", {"name": "b", "km": "x"})], OFFICER)
    with pytest.raises(InvalidRecord, match="no place 'zz'"):
        records.put_many("place", [("q1", {"name": "a"}), ("q2", {"name": "b", "upstream": ["zz"]})], OFFICER)
    assert records.count("place") == 1000


def test_a_procedure_is_walked_with_roles_needs_guards_and_sets(records, steady_clock):
    records.create("place", {"name": "a"}, OFFICER, id="p")
    made = records.create("matter", {"title": "t", "place": "p"}, OFFICER, id="m")
    assert made.state == "opened"
    with pytest.raises(NotPermitted, match="guest"):
        records.step("matter", "m", "dispatch", {"owner": "x"}, GUEST)
    with pytest.raises(NotFound, match="did you mean 'close'"):
        records.step("matter", "m", "clsoe", {}, OFFICER)
    with pytest.raises(Refused) as refused:
        records.step("matter", "m", "close", {}, OFFICER)
    assert refused.value.missing[0]["code"] == "state"
    with pytest.raises(Refused) as refused:
        records.step("matter", "m", "dispatch", {}, OFFICER)
    assert refused.value.missing == [{"code": "field:owner", "zh": "请填写责任人", "en": "Owner is needed"}]
    sent = records.step("matter", "m", "dispatch", {"owner": "三队"}, OFFICER, version=1, note="go")
    assert (sent.state, sent.data["owner"]) == ("sent", "三队")
    with pytest.raises(Conflict):
        records.step("matter", "m", "close", {}, OFFICER, version=1)
    with pytest.raises(Refused) as refused:
        records.step("matter", "m", "close", {}, OFFICER, context={"need": 1})
    assert refused.value.missing == [{"code": "cause", "zh": "至少一个原因", "en": "at least one cause"}]
    records.update("matter", "m", {"causes": ["漏"]}, OFFICER)
    steady_clock.at = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z = 08:00 in China
    closed = records.step("matter", "m", "close", {}, OFFICER, context={"need": 1}, changes={"title": "done"})
    assert closed.data["closed_at"] == "2026-01-01T08:00:00+08:00"
    assert (closed.data["closed_by"], closed.data["title"]) == ("li", "done")
    with pytest.raises(NotPermitted):
        records.step("matter", "m", "relapse", {}, OFFICER)
    assert records.step("matter", "m", "relapse", {}, SYSTEM).state == "opened"
    entries = records.history("matter", "m")
    assert [(e.step, e.state_before, e.state_after) for e in entries] == [
        ("create", "", "opened"), ("dispatch", "opened", "sent"), ("update", "sent", "sent"),
        ("close", "sent", "closed"), ("relapse", "closed", "opened"),
    ]  # fmt: skip
    assert (entries[1].given, entries[1].note) == ({"owner": "三队"}, "go")
    assert [one.id for one in records.find("matter", states=["opened", "sent"])] == ["m"]
    assert records.count("matter", states=["closed"]) == 0
    with pytest.raises(Refused, match="no procedure"):
        records.step("place", "p", "close", {}, OFFICER)


def test_secrets_are_kept_but_shown_as_a_mask_that_can_be_given_back(records):
    records.create("place", {"name": "a", "password": "s3", "phone": "123"}, OFFICER, id="p")
    shown = masked(PLACE, records.get("place", "p").as_dict(), personal=True)
    assert (shown["password"], shown["phone"], shown["name"]) == (MASK, MASK, "a")
    records.update("place", "p", {"name": "b", "password": shown["password"]}, OFFICER)
    assert records.get("place", "p").data["password"] == "s3"
    assert records.count("place", text="s3") == 0

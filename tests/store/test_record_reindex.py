"""A field that becomes indexed is found in the records that were there before, on both databases."""

from sqlalchemy import update

from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.records import Field, RecordType
from jinyun.store.database import writing
from jinyun.store.kv import SqlKeyValue
from jinyun.store.record_reindex import reindex
from jinyun.store.records import SqlRecords
from jinyun.store.schema import record_index


def kind(**code):
    return RecordType("plot", "地块", "Plot", (Field("name", "名称", "Name"), Field("code", "编码", "Code", **code)))


def test_moments_are_ordered_and_found_as_moments(database, steady_clock):
    moment = Field("at", "时间", "At", "datetime", indexed=True)
    types = {"plot": RecordType("plot", "地块", "Plot", (Field("name", "名称", "Name"), moment))}
    records, kv = SqlRecords(database, types, steady_clock), SqlKeyValue(database)
    reindex(database, types, kv)
    at = {"late": "2026-03-01T01:00:00+00:00", "first": "2026-03-01T08:00:00+08:00",
          "last": "2026-02-28T20:30:00-05:00", "half": "2026-03-01T08:00:00.500000+08:00",
          "edge": "0001-01-01T00:00:00+14:00"}  # fmt: skip
    records.put_many("plot", [(id, {"at": text}) for id, text in at.items()], SYSTEM)

    def check():
        assert [one.id for one in records.find("plot", order="at")] == ["edge", "first", "half", "late", "last"]
        for same in ("2026-03-01T09:00:00+08:00", "2026-03-01T01:00:00Z"):
            assert [one.id for one in records.find("plot", {"at": same})] == ["late"]
        assert records.get("plot", "late").data["at"] == at["late"]  # what was written stays

    check()
    with writing(database) as connection:  # as an older release kept them
        for id, text in at.items():
            connection.execute(update(record_index).where(record_index.c.id == id).values(value=text))
    kv.set("records.index", "plot", ["at:datetime"])
    assert reindex(database, types, kv) == {"plot": 5}
    check()


def test_old_records_are_found_by_a_newly_indexed_field(database, steady_clock):
    old, new = {"plot": kind()}, {"plot": kind(identifies=True)}
    kv = SqlKeyValue(database)
    assert reindex(database, old, kv) == {}
    before = SqlRecords(database, old, steady_clock)
    before.put_many("plot", [(f"p{n}", {"name": "a", "code": f"K{n}"}) for n in range(1100)], SYSTEM)
    before.delete("plot", "p7", SYSTEM)
    after = SqlRecords(database, new, steady_clock)
    assert after.count("plot", {"code": "K3"}) == 0
    assert reindex(database, new, kv) == {"plot": 1099}
    assert reindex(database, new, kv) == {}  # nothing left to do
    assert [one.id for one in after.find("plot", {"code": "K3"})] == ["p3"]
    assert after.count("plot", {"code": "K7"}) == 0
    assert [one.id for one in after.find("plot", text="k1099")] == ["p1099"]
    assert after.history("plot", "p3")[-1].version == 1  # no change of the record itself
    assert reindex(database, old, kv) == {"plot": 1099}
    try:
        before.count("plot", {"code": "K3"})
    except BadInput:
        return
    raise AssertionError("a field that is no longer indexed can still be asked for")

"""A field that becomes indexed is found in the records that were there before, on both databases."""

from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.records import Field, RecordType
from jinyun.store.kv import SqlKeyValue
from jinyun.store.record_reindex import reindex
from jinyun.store.records import SqlRecords


def kind(**code):
    return RecordType("plot", "地块", "Plot", (Field("name", "名称", "Name"), Field("code", "编码", "Code", **code)))


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
